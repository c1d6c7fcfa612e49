//! Leases: who may run a step, and for how long.
//!
//! The token decides, not the clock: a worker whose time ran out may still commit as long as nobody else has taken
//! the operation, and never after that.
//!
//! Taking a lease does not wait for the disk (`synchronous_commit`, manual 19.5.1): if the store loses the last of them by a
//! crash, the step is taken up once more, and may then run beside itself until the first run hears that it lost its lease:
//! as after a lease that ran out, only one of them commits. What a step leaves waits for the disk, and everything before it
//! with it.

use crate::{Failure, Status};
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

/// An operation with the lease to run the step that it is at.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub id: Uuid,
    pub kind: String,
    pub params: Value,
    pub status: Status,
    pub step: String,
    pub memo: Value,
    pub attempt: i32,
    pub woken: i32,
    pub token: Uuid,
    pub deadline: DateTime<Utc>,
    pub time_limit_s: i64,
    pub cancel_requested_at: Option<DateTime<Utc>>,
    pub unwinds_to: Option<Status>,
    pub error: Option<Json<Failure>>,
    pub needs_attention: bool,
    pub step_started_at: DateTime<Utc>,
    /// The last run of this step was never heard of again.
    pub broken_off: bool,
}

const BROKEN_OFF: &str = "Paddock stopped in the middle of this step; running it again.";

/// Takes the most overdue operation of these kinds that nobody holds.
///
/// Time in which no worker was there (the machine was off, a worker died) does not count against the deadline.
pub(crate) async fn claim(
    conn: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    lease: Duration,
    kinds: &[String],
) -> Result<Option<Claim>, sqlx::Error> {
    sqlx::query_as!(
        Claim,
        r#"
        WITH due AS (
            SELECT id,
                   step_started_at IS NULL AS begins,
                   lease_token IS NOT NULL AS broken_off,
                   GREATEST(run_at, lease_until) AS free_since
            FROM operation
            WHERE set_config('synchronous_commit', 'off', true) = 'off'
              AND status IN ('pending', 'running', 'waiting', 'rolling_back')
              AND kind = ANY ($3)
              AND run_at <= $1
              AND (lease_until IS NULL OR lease_until <= $1)
            ORDER BY run_at
            LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE operation
            SET lease_token = $4,
                lease_until = $2,
                -- An operation that looks again and again stays 'waiting' all the while.
                status = CASE WHEN status = 'pending' OR (status = 'waiting' AND attempt > 0) THEN 'running'
                              ELSE status END,
                started_at = COALESCE(started_at, $1),
                step_started_at = COALESCE(step_started_at, $1),
                attempt = attempt + due.broken_off::int,
                deadline = deadline + ($1 - due.free_since)
            FROM due
            WHERE operation.id = due.id
            RETURNING operation.*, due.begins, due.broken_off
        ), told AS (
            INSERT INTO operation_event (operation_id, at, step, kind, data)
            SELECT id, $1, step, 'started', '{}'::jsonb FROM claimed WHERE begins
            UNION ALL
            SELECT id, $1, step, 'retrying', jsonb_build_object('message', $5::text, 'attempt', attempt, 'after_ms', 0)
            FROM claimed WHERE broken_off
        )
        SELECT id AS "id!", kind AS "kind!", params AS "params!", status AS "status!: Status", step AS "step!",
               memo AS "memo!", attempt AS "attempt!", woken AS "woken!", lease_token AS "token!",
               deadline AS "deadline!", EXTRACT(EPOCH FROM time_limit)::bigint AS "time_limit_s!",
               cancel_requested_at, unwinds_to AS "unwinds_to: Status", error AS "error: Json<Failure>",
               needs_attention AS "needs_attention!", step_started_at AS "step_started_at!",
               broken_off AS "broken_off!"
        FROM claimed
        "#,
        now,
        now + lease,
        kinds,
        Uuid::new_v4(),
        BROKEN_OFF
    )
    .fetch_optional(conn)
    .await
}

/// What a renewal found.
pub(crate) struct Renewed {
    pub cancelled: bool,
}

/// Makes the lease longer; `None` when somebody else has it.
pub(crate) async fn renew(
    conn: impl PgExecutor<'_>,
    until: DateTime<Utc>,
    claim: &Claim,
) -> Result<Option<Renewed>, sqlx::Error> {
    sqlx::query_as!(
        Renewed,
        r#"
        UPDATE operation
        SET lease_until = $3
        WHERE id = $1 AND lease_token = $2
        RETURNING cancel_requested_at IS NOT NULL AS "cancelled!"
        "#,
        claim.id,
        claim.token,
        until
    )
    .fetch_optional(conn)
    .await
}

/// Gives leases back without having run their steps to the end.
pub(crate) async fn give_back(
    conn: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    tokens: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        UPDATE operation
        SET lease_token = NULL, lease_until = NULL, run_at = $2
        WHERE lease_token = ANY ($1)
        "#,
        tokens,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends all leases now, so that operations of a killed process go on at once; says how many. Only for a store that
/// no other control plane can be using: a worker that is alive elsewhere would lose its step.
pub async fn end_all_leases(conn: impl PgExecutor<'_>, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query!(r#"UPDATE operation SET lease_until = $1 WHERE lease_until > $1"#, now)
        .execute(conn)
        .await?;
    Ok(ended.rows_affected())
}
