//! Operations and their events as rows, and how they are read. Nothing here writes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgExecutor, types::Json};
use std::fmt;
use uuid::Uuid;

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Status {
    /// Asked for, not begun.
    Pending,
    /// A step is being run, or the next is due.
    Running,
    /// Between attempts, or waiting for something outside.
    Waiting,
    /// What was made is being taken back.
    RollingBack,
    /// Done.
    Succeeded,
    /// Ended without its result.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl Status {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::RollingBack => "rolling_back",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Nothing more happens by itself.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened, for people.
    pub message: String,
    /// The last lines of whatever program said why.
    #[serde(default)]
    pub log: Vec<String>,
    /// The step that failed.
    pub step: String,
    /// What had failed before, when this is a failure of the unwinding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<Failure>>,
}

/// One operation.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// Its id.
    pub id: Uuid,
    /// Its kind: `provision`.
    pub kind: String,
    /// What it changes; one live operation per subject.
    pub subject: String,
    /// What was asked for.
    pub params: Value,
    /// Who asked.
    pub actor: Value,
    /// Where it is.
    pub status: Status,
    /// The step that is run, or will be run next; the last one when it has ended.
    pub step: String,
    /// What earlier steps noted.
    pub memo: Value,
    /// Failures of the present step in a row.
    pub attempt: i32,
    /// When the step is due.
    pub run_at: DateTime<Utc>,
    /// How often somebody asked for an early run.
    pub woken: i32,
    /// The lease of the worker that has it.
    pub lease_token: Option<Uuid>,
    /// When that lease runs out.
    pub lease_until: Option<DateTime<Utc>>,
    /// When it is late.
    pub deadline: DateTime<Utc>,
    /// When somebody asked to cancel it.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// How it ends when the unwinding is over; `None` while it goes forward.
    pub unwinds_to: Option<Status>,
    /// Why it failed.
    pub error: Option<Json<Failure>>,
    /// A person must look.
    pub needs_attention: bool,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When its first step began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the present step began.
    pub step_started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// One event of an operation.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its place in the log; greater is later.
    pub seq: i64,
    /// Of this operation.
    pub operation_id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// The step in which it happened.
    pub step: String,
    /// `started`, `progress`, `log`, …
    pub kind: String,
    /// Depends on the kind.
    pub data: Value,
}

/// Which operations to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those of these subjects.
    pub subjects: Option<Vec<String>>,
    /// Only those that have not ended.
    pub live: bool,
    /// At most so many, newest first.
    pub limit: i64,
}

/// One operation.
pub async fn load(conn: impl PgExecutor<'_>, id: Uuid) -> Result<Option<OperationRow>, sqlx::Error> {
    sqlx::query_as!(
        OperationRow,
        r#"
        SELECT id, kind, subject, params, actor, status AS "status: Status", step, memo, attempt, run_at, woken,
               lease_token, lease_until, deadline, cancel_requested_at, unwinds_to AS "unwinds_to: Status",
               error AS "error: Json<Failure>", needs_attention, created_at, started_at, step_started_at, finished_at
        FROM operation
        WHERE id = $1
        "#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// Operations, newest first.
pub async fn list(conn: impl PgExecutor<'_>, filter: &Filter) -> Result<Vec<OperationRow>, sqlx::Error> {
    sqlx::query_as!(
        OperationRow,
        r#"
        SELECT id, kind, subject, params, actor, status AS "status: Status", step, memo, attempt, run_at, woken,
               lease_token, lease_until, deadline, cancel_requested_at, unwinds_to AS "unwinds_to: Status",
               error AS "error: Json<Failure>", needs_attention, created_at, started_at, step_started_at, finished_at
        FROM operation
        WHERE ($1::text[] IS NULL OR subject = ANY ($1))
          AND (NOT $2 OR status IN ('pending', 'running', 'waiting', 'rolling_back'))
        ORDER BY created_at DESC, id DESC
        LIMIT $3
        "#,
        filter.subjects.as_deref(),
        filter.live,
        filter.limit
    )
    .fetch_all(conn)
    .await
}

/// The live operation of a subject.
pub async fn live_for(conn: impl PgExecutor<'_>, subject: &str) -> Result<Option<OperationRow>, sqlx::Error> {
    let filter = Filter { subjects: Some(vec![subject.to_owned()]), live: true, limit: 1 };
    Ok(list(conn, &filter).await?.pop())
}

/// Events of an operation after `after_seq`, oldest first.
pub async fn events(
    conn: impl PgExecutor<'_>,
    id: Uuid,
    after_seq: i64,
    limit: i64,
) -> Result<Vec<EventRow>, sqlx::Error> {
    sqlx::query_as!(
        EventRow,
        r#"
        SELECT seq, operation_id, at, step, kind, data
        FROM operation_event
        WHERE operation_id = $1 AND seq > $2
        ORDER BY seq
        LIMIT $3
        "#,
        id,
        after_seq,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How long the last twenty of a kind took, in the middle; `None` while fewer than three have succeeded.
pub async fn median_ms(conn: impl PgExecutor<'_>, kind: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT CASE WHEN count(*) >= 3 THEN
                   (1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY EXTRACT(EPOCH FROM took)))::bigint
               END
        FROM (SELECT finished_at - started_at AS took
              FROM operation
              WHERE kind = $1 AND status = 'succeeded'
              ORDER BY finished_at DESC
              LIMIT 20) AS recent
        "#,
        kind
    )
    .fetch_one(conn)
    .await
}
