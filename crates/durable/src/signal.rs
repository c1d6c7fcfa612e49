//! What people and other parts may do to an operation that exists: cancel it, try it again, have it look sooner.
//!
//! A signal changes the row and wakes a worker; it never runs a step and never breaks one off.

use crate::EnqueueError;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// Asks a live operation to stop and take back what it made. False when it has ended or is unwinding already.
///
/// The worker looks before each step and asks [`Procedure::on_cancel`](crate::Procedure::on_cancel); past the point
/// of no return the wish stays without effect. Take no other lock before this one: a running step locks its
/// operation first and other rows later.
pub async fn request_cancel(
    conn: impl PgExecutor<'_>,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        WITH live AS (
            SELECT id, step, cancel_requested_at
            FROM operation
            WHERE id = $1 AND status IN ('pending', 'running', 'waiting') AND unwinds_to IS NULL
            FOR NO KEY UPDATE
        ), asked AS (
            UPDATE operation
            SET cancel_requested_at = $2, run_at = LEAST(run_at, $2), woken = woken + 1
            FROM live
            WHERE operation.id = live.id AND live.cancel_requested_at IS NULL
            RETURNING operation.id, operation.step
        ), told AS (
            INSERT INTO operation_event (operation_id, at, step, kind)
            SELECT id, $2, step, 'cancel_requested' FROM asked
        )
        SELECT count(*) AS "count!" FROM live
        "#,
        id,
        now
    )
    .fetch_one(conn)
    .await?;
    Ok(found > 0)
}

/// Lets a failed operation that waits for a person go on at its step, with its time limit anew.
/// False when there is nothing to try again.
pub async fn retry(conn: &mut PgConnection, now: DateTime<Utc>, id: Uuid) -> Result<bool, EnqueueError> {
    let in_the_way = sqlx::query!(
        r#"
        SELECT other.id, other.kind
        FROM operation AS failed
        JOIN operation AS other ON other.subject = failed.subject
        WHERE failed.id = $1 AND failed.status = 'failed' AND failed.needs_attention
          AND other.status IN ('pending', 'running', 'waiting', 'rolling_back')
        "#,
        id
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(other) = in_the_way {
        return Err(EnqueueError::Busy { operation: other.id, kind: other.kind });
    }
    let resumed = sqlx::query!(
        r#"
        WITH resumed AS (
            UPDATE operation
            SET status = CASE WHEN unwinds_to IS NULL THEN 'running' ELSE 'rolling_back' END,
                needs_attention = false,
                -- A failed unwinding keeps what had failed first.
                error = error -> 'cause',
                attempt = 0,
                run_at = $2::timestamptz,
                deadline = $2::timestamptz + time_limit,
                cancel_requested_at = NULL,
                step_started_at = NULL,
                finished_at = NULL
            WHERE id = $1 AND status = 'failed' AND needs_attention
            RETURNING id, step
        )
        INSERT INTO operation_event (operation_id, at, step, kind)
        SELECT id, $2::timestamptz, step, 'resumed' FROM resumed
        "#,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(resumed.rows_affected() > 0)
}

/// Has a live operation look now instead of at its appointed time. False when it has ended.
pub async fn nudge(conn: impl PgExecutor<'_>, now: DateTime<Utc>, id: Uuid) -> Result<bool, sqlx::Error> {
    let nudged = sqlx::query!(
        r#"
        UPDATE operation
        SET run_at = LEAST(run_at, $2), woken = woken + 1
        WHERE id = $1 AND status IN ('pending', 'running', 'waiting', 'rolling_back')
        "#,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(nudged.rows_affected() > 0)
}
