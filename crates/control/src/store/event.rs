//! What happened, for people: database events of the keeper, and reads over operations and the audit log. Operations
//! are written by `durable` alone.

use chrono::{DateTime, Utc};
use durable::Status;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Something the keeper saw.
#[derive(Clone, Debug)]
pub(crate) struct DatabaseEvent {
    pub at: DateTime<Utc>,
    pub kind: String,
    pub message: String,
    pub resource_id: String,
}

/// Remembers what was seen to happen to a database.
pub(crate) async fn record(
    conn: &mut PgConnection,
    database: Uuid,
    at: DateTime<Utc>,
    kind: &str,
    message: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO database_event (database_id, at, kind, message) VALUES ($1, $2, $3, $4)"#,
        database,
        at,
        kind,
        message,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an event of this kind was remembered of a database since a moment.
pub(crate) async fn told_since(
    conn: &mut PgConnection,
    database: Uuid,
    kind: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM database_event WHERE database_id = $1 AND kind = $2 AND at >= $3) AS "told!"
        "#,
        database,
        kind,
        since,
    )
    .fetch_one(conn)
    .await
}

/// The last events of these databases in a time, newest first.
pub(crate) async fn of_databases(
    conn: &mut PgConnection,
    databases: &[Uuid],
    (since, until): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    limit: i64,
) -> sqlx::Result<Vec<DatabaseEvent>> {
    sqlx::query_as!(
        DatabaseEvent,
        r#"
        SELECT e.at, e.kind, e.message, a.resource_id
        FROM database_event e JOIN database d ON d.id = e.database_id JOIN addon a ON a.id = d.addon_id
        WHERE e.database_id = ANY($1)
          AND ($3::timestamptz IS NULL OR e.at >= $3) AND ($4::timestamptz IS NULL OR e.at < $4)
        ORDER BY e.seq DESC LIMIT $2
        "#,
        databases,
        limit,
        since,
        until,
    )
    .fetch_all(conn)
    .await
}

/// An operation in a list.
#[derive(Clone, Debug)]
pub(crate) struct OperationSummary {
    pub id: Uuid,
    pub kind: String,
    pub actor: Value,
    pub status: Status,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    pub error: Option<Value>,
    pub resource_id: String,
    pub version: String,
    pub plan: String,
    pub app: String,
}

/// Which operations.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperationFilter {
    pub app: Option<Uuid>,
    pub addon: Option<Uuid>,
    pub viewer: Option<Uuid>,
    pub live: bool,
    /// Ended (or asked for, while they run) not before.
    pub since: Option<DateTime<Utc>>,
    /// And before.
    pub until: Option<DateTime<Utc>>,
    pub limit: i64,
}

/// The operations that match, newest first.
pub(crate) async fn operations(
    conn: &mut PgConnection,
    filter: &OperationFilter,
) -> sqlx::Result<Vec<OperationSummary>> {
    sqlx::query_as!(
        OperationSummary,
        r#"
        SELECT o.id, o.kind, o.actor, o.status AS "status: Status", o.created_at, o.started_at, o.finished_at, o.error,
               a.resource_id, d.version, a.plan, app.name AS app
        FROM operation o
        JOIN database d ON o.subject IN ('database:' || d.id, 'backup:' || d.id, 'proof:' || d.id, 'base:' || d.id)
        JOIN addon a ON a.id = d.addon_id
        JOIN app ON app.id = a.app_id
        WHERE ($1::uuid IS NULL OR a.app_id = $1)
          AND ($2::uuid IS NULL OR a.id = $2)
          AND ($3::uuid IS NULL OR app.owner_id = $3
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $3))
          AND (NOT $4 OR o.status IN ('pending', 'running', 'waiting', 'rolling_back'))
          AND ($6::timestamptz IS NULL OR coalesce(o.finished_at, o.created_at) >= $6)
          AND ($7::timestamptz IS NULL OR coalesce(o.finished_at, o.created_at) < $7)
        ORDER BY o.created_at DESC, o.id DESC LIMIT $5
        "#,
        filter.app,
        filter.addon,
        filter.viewer,
        filter.live,
        filter.limit,
        filter.since,
        filter.until,
    )
    .fetch_all(conn)
    .await
}

/// How many operations the log has of each status.
pub(crate) async fn count_operations(conn: &mut PgConnection) -> sqlx::Result<Vec<(Status, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT status AS "status: Status", count(*) AS "count!" FROM operation GROUP BY status ORDER BY status"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.status, row.count)).collect())
}

/// The newest operation of each app.
pub(crate) async fn last_of_apps(
    conn: &mut PgConnection,
    apps: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, OperationSummary)>> {
    let rows = sqlx::query!(
        r#"
        SELECT last.app_id, o.id, o.kind, o.actor, o.status AS "status: Status", o.created_at, o.started_at,
               o.finished_at, o.error, last.resource_id, last.version, last.plan, app.name AS app
        FROM (
            SELECT DISTINCT ON (a.app_id) a.app_id, a.resource_id, a.plan, d.version, o.id AS operation_id
            FROM addon a
            JOIN database d ON d.addon_id = a.id
            JOIN operation o ON o.subject = 'database:' || d.id
            WHERE a.app_id = ANY ($1)
            ORDER BY a.app_id, o.created_at DESC
        ) last
        JOIN operation o ON o.id = last.operation_id
        JOIN app ON app.id = last.app_id
        "#,
        apps,
    )
    .fetch_all(conn)
    .await?;
    let pairs = rows.into_iter().map(|row| {
        let summary = OperationSummary {
            id: row.id,
            kind: row.kind,
            actor: row.actor,
            status: row.status,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            error: row.error,
            resource_id: row.resource_id,
            version: row.version,
            plan: row.plan,
            app: row.app,
        };
        (row.app_id, summary)
    });
    Ok(pairs.collect())
}

/// A change of an app or a database, from the audit log.
#[derive(Clone, Debug)]
pub(crate) struct AuditLine {
    pub at: DateTime<Utc>,
    pub username: String,
    pub action: String,
    pub detail: String,
}

/// What was done to these apps and databases, newest first; what was refused is left out.
pub(crate) async fn changes(
    conn: &mut PgConnection,
    apps: &[Uuid],
    databases: &[Uuid],
    limit: i64,
) -> sqlx::Result<Vec<AuditLine>> {
    sqlx::query_as!(
        AuditLine,
        r#"
        SELECT at, username, action, detail FROM audit_event
        WHERE (app_id = ANY ($1) OR database_id = ANY ($2)) AND allowed ORDER BY seq DESC LIMIT $3
        "#,
        apps,
        databases,
        limit,
    )
    .fetch_all(conn)
    .await
}
