//! The audit log's table: rows are added and read, never changed.

use crate::audit::{Entry, Who, plain};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::audit::AuditFilter;
use uuid::Uuid;

/// One record.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    pub(crate) seq: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) username: String,
    pub(crate) ip: String,
    pub(crate) action: String,
    /// Names of what is still there.
    pub(crate) app: Option<String>,
    pub(crate) addon_id: Option<Uuid>,
    pub(crate) resource_id: Option<String>,
    pub(crate) detail: String,
    pub(crate) allowed: bool,
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

/// The newest records that fit, at most `limit`.
pub(crate) async fn newest(
    conn: &mut PgConnection,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        r#"
        SELECT e.seq, e.at, e.username, e.ip, e.action, a.name AS "app?", o.id AS "addon_id?",
               o.resource_id AS "resource_id?", e.detail, e.allowed
        FROM audit_event e
        LEFT JOIN app a ON a.id = e.app_id AND a.deleted_at IS NULL
        LEFT JOIN database d ON d.id = e.database_id
        LEFT JOIN addon o ON o.id = d.addon_id AND o.purged_at IS NULL
        WHERE starts_with(e.action, $1)
          AND ($2 = '' OR lower(e.username) = lower($2))
          AND ($3::bigint IS NULL OR e.seq < $3)
        ORDER BY e.seq DESC
        LIMIT $4
        "#,
        filter.action,
        filter.user,
        filter.before,
        limit,
    )
    .fetch_all(conn)
    .await
}
