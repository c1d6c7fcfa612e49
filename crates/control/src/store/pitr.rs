//! Point-in-time recovery in the store: keys of archives, restores beside, and which server runs a database.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `pitr_restore`.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    pub id: Uuid,
    pub database_id: Uuid,
    pub status: String,
    pub moment: DateTime<Utc>,
    pub timeline: Option<i64>,
    pub reached_at: Option<DateTime<Utc>>,
    pub tables: Option<Value>,
    pub took_ms: Option<i64>,
    pub operation_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub left_node: Option<Uuid>,
    pub left_timeline: Option<i64>,
    pub left_at: Option<DateTime<Utc>>,
}

impl Restore {
    /// The timeline that leads to its moment.
    pub(crate) fn line(&self) -> Option<u32> {
        self.timeline.and_then(|id| u32::try_from(id).ok())
    }

    /// It stands beside its database, or is on its way there.
    pub(crate) fn stands(&self) -> bool {
        matches!(self.status.as_str(), "restoring" | "ready")
    }
}

/// The restores of a database, newest first.
pub(crate) async fn list(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Vec<Restore>> {
    sqlx::query_as!(
        Restore,
        r#"
        SELECT id, database_id, status, moment, timeline, reached_at, tables, took_ms, operation_id, created_at, ended_at,
               left_node, left_timeline, left_at
        FROM pitr_restore WHERE database_id = $1 ORDER BY created_at DESC, id DESC LIMIT 100
        "#,
        database
    )
    .fetch_all(conn)
    .await
}

/// One restore.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Restore>> {
    sqlx::query_as!(
        Restore,
        r#"
        SELECT id, database_id, status, moment, timeline, reached_at, tables, took_ms, operation_id, created_at, ended_at,
               left_node, left_timeline, left_at
        FROM pitr_restore WHERE id = $1
        "#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// Add-ons, with their databases, whose restore stands since before `before`, or that were deleted.
pub(crate) async fn to_discard(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        r#"
        SELECT a.id AS addon_id, d.id AS database_id
        FROM pitr_restore r JOIN database d ON d.id = r.database_id JOIN addon a ON a.id = d.addon_id
        WHERE r.status IN ('restoring', 'ready') AND (r.created_at < $1 OR a.deleted_at IS NOT NULL)
        "#,
        before
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.addon_id, row.database_id)).collect())
}

/// Those whose server, which they left, waits in the trash since before `before`, or whose database is purged. One whose
/// last moment is not in the archive waits for 27 days more: nothing else holds it.
pub(crate) async fn to_forget(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<Vec<Restore>> {
    sqlx::query_as!(
        Restore,
        r#"
        SELECT r.id, r.database_id, r.status, r.moment, r.timeline, r.reached_at, r.tables, r.took_ms, r.operation_id, r.created_at,
               r.ended_at, r.left_node, r.left_timeline, r.left_at
        FROM pitr_restore r JOIN database d ON d.id = r.database_id JOIN addon a ON a.id = d.addon_id
        WHERE r.left_node IS NOT NULL AND r.left_gone_at IS NULL AND (r.ended_at < $1 AND (r.left_at IS NOT NULL OR r.ended_at < $1 - interval '27 days') OR a.purged_at IS NOT NULL)
        "#,
        before
    )
    .fetch_all(conn)
    .await
}

/// Servers that belong to databases, beside those that run them: restored ones, and those that were left.
pub(crate) async fn nodes(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT id AS "id!" FROM pitr_restore WHERE status IN ('restoring', 'ready')
        UNION ALL SELECT left_node FROM pitr_restore WHERE left_node IS NOT NULL AND left_gone_at IS NULL
        "#
    )
    .fetch_all(conn)
    .await
}

/// A restore to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRestore {
    pub id: Uuid,
    pub database: Uuid,
    pub moment: DateTime<Utc>,
    pub timeline: Option<u32>,
    pub operation: Uuid,
}

/// Adds one.
pub(crate) async fn insert(conn: &mut PgConnection, now: DateTime<Utc>, new: NewRestore) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        INSERT INTO pitr_restore (id, database_id, status, moment, timeline, operation_id, created_at)
        VALUES ($1, $2, 'restoring', $3, $4, $5, $6)
        "#,
        new.id,
        new.database,
        new.moment,
        new.timeline.map(i64::from),
        new.operation,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It is on its way to this moment.
pub(crate) async fn aim(
    conn: &mut PgConnection,
    id: Uuid,
    (moment, timeline): (DateTime<Utc>, Option<u32>),
    operation: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE pitr_restore SET status = 'restoring', moment = $2, timeline = $3, operation_id = $4
        WHERE id = $1 AND status IN ('restoring', 'ready')
        "#,
        id,
        moment,
        timeline.map(i64::from),
        operation,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It stands where it stood before somebody asked for another moment.
pub(crate) async fn stays(
    conn: &mut PgConnection,
    id: Uuid,
    (moment, timeline): (DateTime<Utc>, Option<u32>),
    operation: Uuid,
) -> sqlx::Result<()> {
    aim(&mut *conn, id, (moment, timeline), operation).await?;
    sqlx::query!(r#"UPDATE pitr_restore SET status = 'ready' WHERE id = $1 AND status = 'restoring'"#, id)
        .execute(conn)
        .await?;
    Ok(())
}

/// It stands at its moment, and this is in it.
pub(crate) async fn reached(
    conn: &mut PgConnection,
    id: Uuid,
    reached_at: Option<DateTime<Utc>>,
    tables: &Value,
    took_ms: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE pitr_restore SET status = 'ready', reached_at = $2, tables = $3, took_ms = coalesce(took_ms, $4)
        WHERE id = $1 AND status IN ('restoring', 'ready')
        "#,
        id,
        reached_at,
        tables,
        took_ms,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It is gone.
pub(crate) async fn discarded(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE pitr_restore SET status = 'discarded', ended_at = $2
        WHERE id = $1 AND status IN ('restoring', 'ready')
        "#,
        id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was left when a restore took its database's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub node: Uuid,
    /// None of a server that did not run: its last moment is not in the archive.
    pub timeline: Option<u32>,
    pub at: Option<DateTime<Utc>>,
}

/// It runs its database from now on.
pub(crate) async fn switch(
    conn: &mut PgConnection,
    id: Uuid,
    left: Left,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE pitr_restore
        SET status = 'switched', ended_at = $2, left_node = $3, left_timeline = $4, left_at = $5
        WHERE id = $1
        "#,
        id,
        now,
        left.node,
        left.timeline.map(i64::from),
        left.at,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"UPDATE database SET node_id = $1 WHERE id = (SELECT database_id FROM pitr_restore WHERE id = $1)"#,
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The directory of the server that it left is gone.
pub(crate) async fn left_gone(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE pitr_restore SET left_gone_at = $2 WHERE id = $1"#, id, now).execute(conn).await?;
    Ok(())
}

/// The sealed key of a database's archive.
pub(crate) async fn archive_key(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    let found = sqlx::query_scalar!(r#"SELECT archive_key FROM database WHERE id = $1"#, database)
        .fetch_optional(conn)
        .await?;
    Ok(found.flatten())
}

/// Gives a database's archive a key, unless it has one.
pub(crate) async fn give_archive_key(
    conn: &mut PgConnection,
    database: Uuid,
    sealed: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE database SET archive_key = $2 WHERE id = $1 AND archive_key IS NULL"#,
        database,
        sealed
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Databases whose archive nobody needs any more: they are purged.
pub(crate) async fn orphaned_archives(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT d.id FROM database d JOIN addon a ON a.id = d.addon_id
        WHERE d.archive_key IS NOT NULL AND a.purged_at IS NOT NULL
        "#
    )
    .fetch_all(conn)
    .await
}

/// A database has no archive any more.
pub(crate) async fn forget_archive(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET archive_key = NULL WHERE id = $1"#, database).execute(conn).await?;
    Ok(())
}
