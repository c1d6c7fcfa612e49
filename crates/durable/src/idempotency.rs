//! Idempotency-Key: the same principal asking twice with the same key gets the same operation.
//!
//! It remembers a fingerprint of the request and refuses the key for another one. It does not store answers.

use crate::EnqueueError;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// A key that a client made up for one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who made it up; keys of different principals never meet.
    pub principal: String,
    /// The key.
    pub key: String,
    /// A hash of the request.
    pub fingerprint: Vec<u8>,
}

/// The operation that an earlier request with this key asked for.
///
/// Requests with the same key queue up here until the transaction of the first has ended. A door whose transaction
/// writes rows before it enqueues asks this first.
pub async fn asked_before(tx: &mut PgConnection, ask: &Idempotency) -> Result<Option<Uuid>, EnqueueError> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended($1 || E'\n' || $2, 0))"#,
        ask.principal,
        ask.key
    )
    .execute(&mut *tx)
    .await?;
    let seen = sqlx::query!(
        r#"SELECT fingerprint, operation_id FROM idempotency_key WHERE principal = $1 AND key = $2"#,
        ask.principal,
        ask.key
    )
    .fetch_optional(tx)
    .await?;
    match seen {
        Some(seen) if seen.fingerprint == ask.fingerprint => Ok(Some(seen.operation_id)),
        Some(_) => Err(EnqueueError::KeyReused),
        None => Ok(None),
    }
}

/// Notes that this key asked for an operation. [`crate::enqueue()`] does so itself; this is for who answers with one that
/// was there already.
pub async fn remember(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    ask: &Idempotency,
    operation: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO idempotency_key (principal, key, fingerprint, operation_id, created_at)
        VALUES ($1, $2, $3, $4, $5)
        "#,
        ask.principal,
        ask.key,
        ask.fingerprint,
        operation,
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets keys made before a time; says how many.
pub async fn forget_keys(conn: impl PgExecutor<'_>, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let gone =
        sqlx::query!(r#"DELETE FROM idempotency_key WHERE created_at < $1"#, before).execute(conn).await?;
    Ok(gone.rows_affected())
}
