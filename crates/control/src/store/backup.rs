//! Backups in the store: their rows, the keys of archives, and when the next one is due.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `backup`, with the name of its database and its app.
#[derive(Clone, Debug)]
pub(crate) struct Backup {
    pub id: Uuid,
    pub database_id: Uuid,
    pub addon_id: Uuid,
    pub app_id: Uuid,
    pub resource_id: String,
    pub method: String,
    pub status: String,
    pub late: bool,
    pub operation_id: Uuid,
    pub cancelling: bool,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub made_at: Option<DateTime<Utc>>,
    pub version: String,
    pub name: Option<String>,
    pub key_id: Option<Uuid>,
    pub bytes: i64,
    pub sha256: Option<Vec<u8>>,
    pub crc32: Option<i64>,
    pub error: Option<String>,
    pub proof: String,
    pub proof_operation: Option<Uuid>,
    pub proven_at: Option<DateTime<Utc>>,
    pub proof_ms: Option<i64>,
    pub proof_tables: Option<i64>,
    pub proof_words: Vec<String>,
}

/// Which backups. `None` everywhere: all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter {
    pub backup: Option<Uuid>,
    pub database: Option<Uuid>,
    /// Only of apps that this person owns or works on.
    pub viewer: Option<Uuid>,
    /// Only whole ones that no trial has judged yet.
    pub unproven: bool,
    /// Only of databases of this app that are gone for good.
    pub gone_from: Option<Uuid>,
}

/// The backups that match, newest first. What they hold is left out: it may be large.
pub(crate) async fn list(conn: &mut PgConnection, filter: &Filter) -> sqlx::Result<Vec<Backup>> {
    sqlx::query_as!(
        Backup,
        r#"
        SELECT b.id, b.database_id, a.id AS addon_id, a.app_id, a.resource_id, b.method, b.status, b.late,
               b.operation_id, o.cancel_requested_at IS NOT NULL AS "cancelling!", b.created_at, b.started_at, b.ended_at,
               b.made_at, b.version, b.name, b.key_id, b.bytes, b.sha256, b.crc32, b.error,
               b.proof, b.proof_operation, b.proven_at, b.proof_ms, b.proof_tables, b.proof_words
        FROM backup b
        JOIN database d ON d.id = b.database_id
        JOIN addon a ON a.id = d.addon_id
        JOIN app ON app.id = a.app_id
        LEFT JOIN operation o ON o.id = b.operation_id
        WHERE ($1::uuid IS NULL OR b.id = $1)
          AND ($2::uuid IS NULL OR b.database_id = $2)
          AND ($3::uuid IS NULL OR app.owner_id = $3
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $3))
          AND (NOT $4 OR b.status = 'done' AND b.proof = 'none')
          AND ($5::uuid IS NULL OR a.app_id = $5 AND a.purged_at IS NOT NULL)
        ORDER BY b.seq DESC
        "#,
        filter.backup,
        filter.database,
        filter.viewer,
        filter.unproven,
        filter.gone_from,
    )
    .fetch_all(conn)
    .await
}

/// A backup to be.
#[derive(Debug)]
pub(crate) struct NewBackup<'a> {
    pub id: Uuid,
    pub database: Uuid,
    pub method: &'a str,
    pub operation: Uuid,
    pub version: &'a str,
    /// The day and the moment of a periodic one, and whether it is late.
    pub slot: Option<(&'a str, DateTime<Utc>, bool)>,
}

/// Adds a backup. False: this day has one already.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    new: &NewBackup<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO backup (id, database_id, method, status, slot, slot_at, late, operation_id, created_at, version)
        VALUES ($1, $2, $3, 'scheduled', $4, $5, $6, $7, $8, $9)
        ON CONFLICT (database_id, slot) DO NOTHING
        "#,
        new.id,
        new.database,
        new.method,
        new.slot.map(|(slot, ..)| slot),
        new.slot.map(|(_, at, _)| at),
        new.slot.is_some_and(|(.., late)| late),
        new.operation,
        now,
        new.version,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// It is being made, with this key.
pub(crate) async fn begin(
    conn: &mut PgConnection,
    id: Uuid,
    key: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE backup SET status = 'running', key_id = $2, started_at = coalesce(started_at, $3), bytes = 0
        WHERE id = $1
        "#,
        id,
        key,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// So many bytes of the dump were taken.
pub(crate) async fn progress(conn: &mut PgConnection, id: Uuid, bytes: i64) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE backup SET bytes = $2 WHERE id = $1 AND status = 'running'"#, id, bytes)
        .execute(conn)
        .await?;
    Ok(())
}

/// Somebody has asked its operation to end.
pub(crate) async fn cancelled(conn: &mut PgConnection, operation: Uuid) -> sqlx::Result<bool> {
    let asked = sqlx::query_scalar!(
        r#"SELECT cancel_requested_at IS NOT NULL AS "asked!" FROM operation WHERE id = $1"#,
        operation
    );
    Ok(asked.fetch_optional(conn).await?.unwrap_or(false))
}

/// An archive that is whole.
#[derive(Debug)]
pub(crate) struct Whole<'a> {
    pub made_at: DateTime<Utc>,
    pub name: &'a str,
    pub bytes: i64,
    pub stored_bytes: i64,
    pub sha256: &'a [u8],
    pub crc32: i64,
    pub contents: Value,
}

/// It was made.
pub(crate) async fn done(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    whole: &Whole<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE backup
        SET status = 'done', ended_at = $2, made_at = $3, name = $4, bytes = $5, stored_bytes = $6, sha256 = $7,
            crc32 = $8, contents = $9, error = NULL
        WHERE id = $1
        "#,
        id,
        now,
        whole.made_at,
        whole.name,
        whole.bytes,
        whole.stored_bytes,
        whole.sha256,
        whole.crc32,
        whole.contents,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// It ended without an archive.
pub(crate) async fn ended(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    status: &str,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE backup SET status = $2, ended_at = $3, error = $4 WHERE id = $1 AND status <> 'done'"#,
        id,
        status,
        now,
        error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the database held when it was made.
pub(crate) async fn contents(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Value>> {
    Ok(sqlx::query_scalar!(r#"SELECT contents FROM backup WHERE id = $1"#, id)
        .fetch_optional(conn)
        .await?
        .flatten())
}

/// A trial of it begins. What the last one found against it stays until this one has ended.
pub(crate) async fn trying(conn: &mut PgConnection, id: Uuid, operation: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE backup
        SET proof = 'running', proof_operation = $2,
            proof_words = CASE WHEN proof IN ('refuted', 'running') THEN proof_words ELSE '{}' END
        WHERE id = $1
        "#,
        id,
        operation
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a trial came to.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub proof: &'a str,
    pub ms: Option<i64>,
    pub tables: Option<i64>,
    pub words: &'a [String],
}

/// A trial of it came to nothing, for this reason: what was found against it before still holds.
pub(crate) async fn not_judged(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    why: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE backup
        SET proof = CASE WHEN was.proven THEN 'proven' WHEN was.refuted THEN 'refuted' ELSE 'failed' END,
            proof_words = CASE WHEN was.proven OR was.refuted THEN proof_words ELSE ARRAY[$3::text] END,
            proven_at = CASE WHEN was.proven OR was.refuted THEN proven_at ELSE $2 END,
            proof_ms = CASE WHEN was.proven THEN proof_ms END,
            proof_tables = CASE WHEN was.proven THEN proof_tables END
        FROM (SELECT proof_words = '{}' AND proof_ms IS NOT NULL AS proven,
                     proof <> 'failed' AND proof_words <> '{}' AS refuted
              FROM backup WHERE id = $1) was
        WHERE id = $1 AND proof <> 'proven'
        "#,
        id,
        now,
        why,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A trial of it has ended.
pub(crate) async fn judged(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    judged: &Judged<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE backup SET proof = $2, proven_at = $3, proof_ms = $4, proof_tables = $5, proof_words = $6 WHERE id = $1
        "#,
        id,
        judged.proof,
        now,
        judged.ms,
        judged.tables,
        judged.words,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Its archive was found damaged. False: it was refuted before.
pub(crate) async fn damaged(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
    why: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        UPDATE backup
        SET proof = 'refuted', proven_at = $2, proof_ms = NULL, proof_tables = NULL, proof_words = ARRAY[$3::text]
        WHERE id = $1 AND proof <> 'refuted'
        "#,
        id,
        now,
        why,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets a backup whose archive is gone.
pub(crate) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(r#"DELETE FROM backup WHERE id = $1"#, id).execute(conn).await?;
    Ok(())
}

/// A schedule as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub enabled: bool,
    pub since: DateTime<Utc>,
    pub hour: i16,
    pub zone: String,
    /// Of the last periodic backup.
    pub last_slot: Option<DateTime<Utc>>,
    /// What was there before the last restore waits since then.
    pub replaced_at: Option<DateTime<Utc>>,
}

/// When a database is backed up.
pub(crate) async fn schedule(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Schedule> {
    sqlx::query_as!(
        Schedule,
        r#"
        SELECT backups_enabled AS enabled, backups_since AS since, backup_hour AS hour, backup_zone AS zone, replaced_at,
               (SELECT max(slot_at) FROM backup WHERE database_id = $1) AS last_slot
        FROM database WHERE id = $1
        "#,
        database
    )
    .fetch_one(conn)
    .await
}

/// Writes it anew.
pub(crate) async fn set_schedule(
    conn: &mut PgConnection,
    database: Uuid,
    (enabled, hour, zone): (bool, i16, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        UPDATE database
        SET backups_since = CASE WHEN $2 AND NOT backups_enabled THEN $5 ELSE backups_since END,
            backups_enabled = $2, backup_hour = $3, backup_zone = $4
        WHERE id = $1
        "#,
        database,
        enabled,
        hour,
        zone,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was there before a restore waits since then; `None`: nothing waits.
pub(crate) async fn replaced(
    conn: &mut PgConnection,
    database: Uuid,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET replaced_at = $2 WHERE id = $1"#, database, at).execute(conn).await?;
    Ok(())
}

/// Add-ons where what was there before a restore waits since before `until`.
pub(crate) async fn replaced_before(
    conn: &mut PgConnection,
    until: DateTime<Utc>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(r#"SELECT addon_id FROM database WHERE replaced_at <= $1"#, until)
        .fetch_all(conn)
        .await
}

/// The newest key of a database.
pub(crate) async fn newest_key(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        r#"SELECT id FROM archive_key WHERE database_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1"#,
        database
    )
    .fetch_optional(conn)
    .await
}

/// Since when the newest key is used.
pub(crate) async fn newest_key_since(
    conn: &mut PgConnection,
    database: Uuid,
) -> sqlx::Result<Option<DateTime<Utc>>> {
    let since =
        sqlx::query_scalar!(r#"SELECT max(created_at) FROM archive_key WHERE database_id = $1"#, database);
    since.fetch_one(conn).await
}

/// A key, sealed.
pub(crate) async fn sealed_key(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(r#"SELECT sealed FROM archive_key WHERE id = $1"#, id).fetch_optional(conn).await
}

/// Adds a key.
pub(crate) async fn insert_key(
    conn: &mut PgConnection,
    id: Uuid,
    database: Uuid,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO archive_key (id, database_id, sealed, created_at) VALUES ($1, $2, $3, $4)"#,
        id,
        database,
        sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Databases that have backups, those in the trash and the purged ones among them.
pub(crate) async fn databases(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(r#"SELECT DISTINCT database_id FROM backup"#).fetch_all(conn).await
}
