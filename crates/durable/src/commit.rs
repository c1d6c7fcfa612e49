//! Writing down what follows a step: the row, the events and the step's own writes, in one transaction.
//!
//! Where the operation goes on at once, the worker may keep it: then the next step is begun here as well, instead of by a
//! look for due operations. It writes nothing when the lease is lost, and it decides nothing: `decide.rs` did.

use crate::decide::Change;
use crate::lease::Claim;
use crate::worker::Shared;
use crate::{Failure, Status};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};

pub(crate) type Tx = Transaction<'static, Postgres>;

/// What the row says of an operation that the worker goes on holding.
struct Held {
    status: Status,
    memo: Value,
    woken: i32,
    deadline: DateTime<Utc>,
    cancel_requested_at: Option<DateTime<Utc>>,
    error: Option<Json<Failure>>,
    step_started_at: Option<DateTime<Utc>>,
}

/// Writes the change and its events, in the step's transaction if it has one.
///
/// With `keep` the lease stays when the next step is due now, and is answered.
pub(crate) async fn commit(
    shared: &Shared,
    claim: &Claim,
    tx: Option<Tx>,
    memo: Option<Value>,
    change: Change,
    keep: bool,
) -> Result<Option<Claim>, sqlx::Error> {
    let now = shared.clock.now();
    let next_run = now + change.pause;
    let keep = keep && change.begins_step && change.pause.is_zero() && !change.status.ended();
    let (kinds, data): (Vec<_>, Vec<_>) =
        change.events.into_iter().map(|(kind, data)| (kind.to_owned(), data)).unzip();
    // One statement: where the step wrote nothing itself, one round to the store is all.
    let written = sqlx::query_as!(
        Held,
        r#"
        WITH held AS (
            UPDATE operation
            SET status = $3,
                step = $4,
                memo = COALESCE($5, memo),
                attempt = $6,
                -- Somebody who asked for an early run while the step was running must not wait for the next one.
                run_at = CASE WHEN woken = $7 THEN $8::timestamptz ELSE LEAST($8, $9::timestamptz) END,
                unwinds_to = $10,
                error = $11,
                needs_attention = $12,
                deadline = CASE WHEN $13 THEN $9::timestamptz + time_limit ELSE deadline END,
                step_started_at = CASE WHEN $19 THEN $9::timestamptz WHEN $14 THEN NULL ELSE step_started_at END,
                finished_at = CASE WHEN $15 THEN $9::timestamptz END,
                lease_token = CASE WHEN $19 THEN lease_token END,
                lease_until = CASE WHEN $19 THEN $20::timestamptz END
            WHERE id = $1 AND lease_token = $2
              -- A commit whose answer was lost has moved on under the same lease: it is not undone.
              AND step = $16 AND step_started_at = $21
            RETURNING operation.*
        ), told AS (
            INSERT INTO operation_event (operation_id, at, step, kind, data)
            SELECT held.id, $9, new.step, new.kind, new.data
            FROM held, (
                SELECT $16::text AS step, kind, data, n
                FROM unnest($17::text[], $18::jsonb[]) WITH ORDINALITY AS new (kind, data, n)
                UNION ALL
                SELECT $4, 'started', '{}', cardinality($17) + 1 WHERE $19
            ) AS new
            WHERE new.kind <> 'progress'
               OR new.data IS DISTINCT FROM (
                      SELECT data
                      FROM operation_event
                      WHERE operation_id = $1 AND step = $16 AND kind = 'progress'
                      ORDER BY seq DESC
                      LIMIT 1)
            ORDER BY new.n
        )
        SELECT status AS "status!: Status", memo AS "memo!", woken AS "woken!", deadline AS "deadline!",
               cancel_requested_at, error AS "error: Json<Failure>", step_started_at
        FROM held
        "#,
        claim.id,
        claim.token,
        change.status.as_str(),
        &change.step,
        memo,
        change.attempt,
        claim.woken,
        next_run,
        now,
        change.unwinds_to.map(Status::as_str),
        change.error.map(Json) as _,
        change.needs_attention,
        change.restart_deadline,
        change.begins_step,
        change.status.ended(),
        claim.step,
        &kinds,
        &data,
        keep,
        now + shared.lease(),
        claim.step_started_at
    );
    let held = match tx {
        None => written.fetch_optional(&shared.pool).await?,
        Some(mut tx) => {
            let held = written.fetch_optional(&mut *tx).await?;
            // Nothing of the step's own either, when somebody else has the operation.
            if held.is_none() {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
            held
        }
    };
    let Some(held) = held else {
        tracing::warn!("The operation has gone on without this step, which drops its work");
        return Ok(None);
    };
    Ok(keep.then(|| Claim {
        status: held.status,
        step: change.step,
        memo: held.memo,
        attempt: change.attempt,
        woken: held.woken,
        deadline: held.deadline,
        cancel_requested_at: held.cancel_requested_at,
        unwinds_to: change.unwinds_to,
        error: held.error,
        needs_attention: change.needs_attention,
        // As the row has it: the store keeps microseconds.
        step_started_at: held.step_started_at.unwrap_or(now),
        broken_off: false,
        ..claim.clone()
    }))
}
