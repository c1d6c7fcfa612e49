//! Writing down what follows a step: the row, the events and the step's own writes, in one transaction.
//!
//! It writes nothing when the lease is lost, and it decides nothing: `decide.rs` did.

use crate::Status;
use crate::decide::Change;
use crate::lease::Claim;
use crate::worker::Shared;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Postgres, Transaction};

pub(crate) type Tx = Transaction<'static, Postgres>;

/// Writes the change and its events, in the step's transaction if it has one.
pub(crate) async fn commit(
    shared: &Shared,
    claim: &Claim,
    tx: Option<Tx>,
    memo: Option<Value>,
    change: Change,
) -> Result<(), sqlx::Error> {
    let now = shared.clock.now();
    let next_run = now + change.pause;
    let (kinds, data): (Vec<_>, Vec<_>) =
        change.events.into_iter().map(|(kind, data)| (kind.to_owned(), data)).unzip();
    // One statement: where the step wrote nothing itself, one round to the store is all.
    let written = sqlx::query_scalar!(
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
                step_started_at = CASE WHEN $14 THEN NULL ELSE step_started_at END,
                finished_at = CASE WHEN $15 THEN $9::timestamptz END,
                lease_token = NULL,
                lease_until = NULL
            WHERE id = $1 AND lease_token = $2
            RETURNING id
        ), told AS (
            INSERT INTO operation_event (operation_id, at, step, kind, data)
            SELECT held.id, $9, $16, new.kind, new.data
            FROM held, unnest($17::text[], $18::jsonb[]) WITH ORDINALITY AS new (kind, data, n)
            WHERE new.kind <> 'progress'
               OR new.data IS DISTINCT FROM (
                      SELECT data
                      FROM operation_event
                      WHERE operation_id = $1 AND step = $16 AND kind = 'progress'
                      ORDER BY seq DESC
                      LIMIT 1)
            ORDER BY new.n
        )
        SELECT count(*) AS "count!" FROM held
        "#,
        claim.id,
        claim.token,
        change.status.as_str(),
        change.step,
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
        &data
    );
    let held = match tx {
        None => written.fetch_one(&shared.pool).await?,
        Some(mut tx) => {
            let held = written.fetch_one(&mut *tx).await?;
            // Nothing of the step's own either, when somebody else has the operation.
            if held == 0 {
                tx.rollback().await?;
            } else {
                tx.commit().await?;
            }
            held
        }
    };
    if held == 0 {
        tracing::warn!("Another worker has the operation now; this one drops its work");
    }
    Ok(())
}
