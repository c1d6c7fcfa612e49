//! The audit log's table: rows are added and read, never changed.

use crate::audit::{Entry, Who, plain};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One record.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its place in the log.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Name of the person, or "paddock".
    pub username: String,
    /// From where.
    pub ip: String,
    /// `noun.verb`
    pub action: String,
    /// The app it was about.
    pub app_id: Option<Uuid>,
    /// The database it was about.
    pub database_id: Option<Uuid>,
    /// More, plain text.
    pub detail: String,
    /// False: it was refused.
    pub allowed: bool,
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    who: &Who<'_>,
    entry: &Entry,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO audit_event (at, user_id, username, ip, action, app_id, database_id, detail, allowed)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        now,
        who.user,
        plain(who.name, 64),
        plain(who.ip, 64),
        entry.action,
        entry.app.map(types::AppId::uuid),
        entry.database.map(types::DatabaseId::uuid),
        plain(&entry.detail, 300),
        entry.allowed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn newest(conn: &mut PgConnection, limit: i64) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        r#"
        SELECT seq, at, username, ip, action, app_id, database_id, detail, allowed
        FROM audit_event
        ORDER BY seq DESC
        LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await
}
