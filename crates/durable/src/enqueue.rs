//! Asking for an operation, in the transaction that made it necessary.
//!
//! One live operation per subject: asking for the same again gives the one that runs; asking for another is refused
//! with the name of the one in the way. Nothing is queued behind another operation.

use crate::idempotency::{self, Idempotency};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

/// An operation to be.
#[derive(Clone, Debug)]
pub struct NewOperation {
    /// Its id; version 7 keeps the log in order.
    pub id: Uuid,
    /// Its kind.
    pub kind: &'static str,
    /// What it changes.
    pub subject: String,
    /// What is asked for.
    pub params: Value,
    /// Who asks.
    pub actor: Value,
    /// Where it begins.
    pub first_step: String,
    /// How long it may take before it is late.
    pub deadline: Duration,
    /// The client's key, if it gave one.
    pub idempotency: Option<Idempotency>,
}

/// The operation that answers the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is new.
    New(Uuid),
    /// The same was asked for before: same key, or same kind and params still live for this subject.
    Existing(Uuid),
}

impl Enqueued {
    /// Its id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Existing(id) => id,
        }
    }
}

/// Why an operation cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// Another operation changes the subject.
    #[error("operation {operation} ({kind}) is changing the same subject")]
    Busy {
        /// The one in the way.
        operation: Uuid,
        /// Its kind.
        kind: String,
    },
    /// The key was used for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] sqlx::Error),
}

/// Asks for an operation. `tx` must be a transaction; on [`Enqueued::Existing`] the rows that the caller wrote for
/// the new one are to be rolled back.
pub async fn enqueue(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    new: NewOperation,
) -> Result<Enqueued, EnqueueError> {
    if let Some(ask) = &new.idempotency
        && let Some(id) = idempotency::asked_before(tx, ask).await?
    {
        return Ok(Enqueued::Existing(id));
    }
    let enqueued = find_or_insert(tx, now, &new).await?;
    if let Some(ask) = &new.idempotency {
        idempotency::remember(tx, now, ask, enqueued.id()).await?;
    }
    Ok(enqueued)
}

async fn find_or_insert(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    new: &NewOperation,
) -> Result<Enqueued, EnqueueError> {
    loop {
        if insert(tx, now, new).await? {
            return Ok(Enqueued::New(new.id));
        }
        let live = sqlx::query!(
            r#"
            SELECT id, kind,
                   -- One that is being taken back does not give what is asked for.
                   kind = $2 AND params = $3 AND unwinds_to IS NULL AND cancel_requested_at IS NULL AS "same!"
            FROM operation
            WHERE subject = $1 AND status IN ('pending', 'running', 'waiting', 'rolling_back')
            "#,
            new.subject,
            new.kind,
            new.params
        )
        .fetch_optional(&mut *tx)
        .await?;
        match live {
            Some(live) if live.same => return Ok(Enqueued::Existing(live.id)),
            Some(live) => return Err(EnqueueError::Busy { operation: live.id, kind: live.kind }),
            // It ended between the two statements: the way is free now.
            None => {}
        }
    }
}

/// False when another operation of the subject is live.
async fn insert(tx: &mut PgConnection, now: DateTime<Utc>, new: &NewOperation) -> Result<bool, sqlx::Error> {
    let seconds = new.deadline.as_seconds_f64();
    let inserted = sqlx::query!(
        r#"
        INSERT INTO operation
            (id, kind, subject, params, actor, status, step, run_at, created_at, time_limit, deadline)
        VALUES
            ($1, $2, $3, $4, $5, 'pending', $6, $7::timestamptz, $7::timestamptz,
             make_interval(secs => $8), $7::timestamptz + make_interval(secs => $8))
        ON CONFLICT (subject) WHERE status IN ('pending', 'running', 'waiting', 'rolling_back') DO NOTHING
        "#,
        new.id,
        new.kind,
        new.subject,
        new.params,
        new.actor,
        new.first_step,
        now,
        seconds
    )
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        r#"INSERT INTO operation_event (operation_id, at, step, kind, data) VALUES ($1, $2, $3, 'requested', $4)"#,
        new.id,
        now,
        new.first_step,
        json!({ "actor": new.actor })
    )
    .execute(tx)
    .await?;
    Ok(true)
}
