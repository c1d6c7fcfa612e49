//! Add-ons in the store: one row shape with everything a list needs, and the changes of their life.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// An add-on with its app, its database and the operation that changes it now. Holds no secret.
#[derive(Clone, Debug)]
pub(crate) struct Addon {
    pub id: Uuid,
    pub app_id: Uuid,
    pub app: String,
    pub plan: String,
    pub resource_id: String,
    pub created_at: DateTime<Utc>,
    pub provisioned_at: Option<DateTime<Utc>>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub purge_at: Option<DateTime<Utc>>,
    pub purged_at: Option<DateTime<Utc>>,
    pub database_id: Uuid,
    pub node_id: Uuid,
    pub archives: bool,
    pub version: String,
    pub port: i32,
    pub wanted: String,
    pub ready: bool,
    pub disk_level: i16,
    pub read_only: bool,
    pub writes_until: Option<DateTime<Utc>>,
    pub login: Option<String>,
    pub force_tls_at: Option<DateTime<Utc>>,
    pub everywhere_at: Option<DateTime<Utc>>,
    pub networks: Vec<String>,
    pub statements: bool,
    pub slow_query_ms: Option<i32>,
    pub operation: Option<Uuid>,
    pub operation_kind: Option<String>,
    pub operation_step: Option<String>,
}

/// Which add-ons. `None` everywhere: all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// Only this one.
    pub addon: Option<Uuid>,
    /// Only of this app.
    pub app: Option<Uuid>,
    /// Only of apps that this person owns or works on.
    pub viewer: Option<Uuid>,
    /// Only those in the trash (`true`) or only those not in it (`false`).
    pub deleted: Option<bool>,
    /// Purged ones, too.
    pub purged: bool,
    /// Only with this database.
    pub database: Option<Uuid>,
}

/// The add-ons that match, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<Vec<Addon>> {
    sqlx::query_as!(
        Addon,
        r#"
        SELECT a.id, a.app_id, app.name AS app, a.plan, a.resource_id,
               a.created_at, a.provisioned_at, a.updated_at, a.deleted_at, a.purge_at, a.purged_at,
               d.id AS database_id, d.node_id, d.archive_key IS NOT NULL AS "archives!", d.version, d.port, d.wanted, d.ready, d.disk_level, d.read_only, d.writes_until,
               d.login, d.force_tls_at, d.everywhere_at, d.statements, d.slow_query_ms,
               ARRAY(SELECT n.cidr FROM network n WHERE n.database_id = d.id ORDER BY n.created_at, n.id) AS "networks!",
               o.id AS "operation?", o.kind AS "operation_kind?", o.step AS "operation_step?"
        FROM addon a
        JOIN app ON app.id = a.app_id
        JOIN database d ON d.addon_id = a.id
        LEFT JOIN operation o ON o.subject = 'database:' || d.id
             AND o.status IN ('pending', 'running', 'waiting', 'rolling_back')
        WHERE ($1::uuid IS NULL OR a.id = $1)
          AND ($2::uuid IS NULL OR a.app_id = $2)
          AND ($3::uuid IS NULL OR app.owner_id = $3
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $3))
          AND ($4::boolean IS NULL OR (a.deleted_at IS NOT NULL) = $4)
          AND ($5 OR a.purged_at IS NULL)
          AND ($6::uuid IS NULL OR d.id = $6)
        ORDER BY a.created_at, a.id
        "#,
        filter.addon,
        filter.app,
        filter.viewer,
        filter.deleted,
        filter.purged,
        filter.database,
    )
    .fetch_all(conn)
    .await
}

/// Adds an add-on. False: this resource id was used before.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    app: Uuid,
    plan: &str,
    resource_id: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO addon (id, app_id, plan, resource_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (resource_id) DO NOTHING
        "#,
        id,
        app,
        plan,
        resource_id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many add-ons of an app count against its limit.
pub(crate) async fn count_live(conn: &mut PgConnection, app: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM addon WHERE app_id = $1 AND deleted_at IS NULL"#,
        app
    )
    .fetch_one(conn)
    .await
}

/// The URL works: remembered once, the first time.
pub(crate) async fn provisioned(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE addon SET provisioned_at = coalesce(provisioned_at, $2), updated_at = $2 WHERE id = $1"#,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Something about it changed.
pub(crate) async fn touch(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE addon SET updated_at = $2 WHERE id = $1"#, id, now).execute(conn).await?;
    Ok(())
}

/// To the trash, or a longer stay there.
pub(crate) async fn trash(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    purge_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE addon SET deleted_at = coalesce(deleted_at, $2), purge_at = greatest(purge_at, $3), updated_at = $2
        WHERE id = $1
        "#,
        id,
        now,
        purge_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Out of the trash.
pub(crate) async fn untrash(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE addon SET deleted_at = NULL, purge_at = NULL, updated_at = $2 WHERE id = $1"#,
        id,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Its data is gone for good. The row stays: its resource id is never used again.
pub(crate) async fn purged(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE addon SET deleted_at = coalesce(deleted_at, $2), purge_at = NULL, purged_at = $2, updated_at = $2
        WHERE id = $1
        "#,
        id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose time in the trash is over.
pub(crate) async fn due_for_purge(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT id FROM addon WHERE purged_at IS NULL AND deleted_at IS NOT NULL AND purge_at <= $1 ORDER BY purge_at"#,
        now
    )
    .fetch_all(conn)
    .await
}

/// Whether the add-on may be purged now: its time has come and no operation works on it. To be asked in a statement
/// of its own after [`lock`], so that it sees what was committed while the lock was waited for.
pub(crate) async fn may_purge(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let row = sqlx::query!(
        r#"
        SELECT a.id FROM addon a JOIN database d ON d.addon_id = a.id
        WHERE a.id = $1 AND a.deleted_at IS NOT NULL AND a.purged_at IS NULL AND a.purge_at <= $2
          AND NOT EXISTS (SELECT FROM operation o WHERE o.subject = 'database:' || d.id
                          AND o.status IN ('pending', 'running', 'waiting', 'rolling_back'))
        "#,
        id,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.is_some())
}

/// Locks the row until the transaction ends.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(r#"SELECT id FROM addon WHERE id = $1 FOR UPDATE"#, id).fetch_optional(conn).await?;
    Ok(())
}

/// It has another plan from now on.
pub(crate) async fn change_plan(
    conn: &mut PgConnection,
    id: Uuid,
    plan: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE addon SET plan = $2, updated_at = $3 WHERE id = $1"#, id, plan, now)
        .execute(conn)
        .await?;
    Ok(())
}
