//! Blocks of metrics and peaks in the store. What is in a block is the business of `metrics::block`.

use crate::metrics::Peak;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Names a block of one resolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub database: Uuid,
    pub starts_at: DateTime<Utc>,
}

/// A row of `metric_block`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub database_id: Uuid,
    pub resolution: i32,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub bytes: Vec<u8>,
}

/// A block of a database that is known.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub resolution: i32,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub bytes: Vec<u8>,
}

/// Those of these blocks that are there, locked until the transaction ends.
pub(crate) async fn locked(conn: &mut PgConnection, resolution: i32, keys: &[Key]) -> sqlx::Result<Vec<Row>> {
    let databases: Vec<_> = keys.iter().map(|key| key.database).collect();
    let starts: Vec<_> = keys.iter().map(|key| key.starts_at).collect();
    sqlx::query_as!(
        Row,
        r#"
        SELECT b.database_id, b.resolution, b.starts_at, b.ends_at, b.bytes
        FROM unnest($2::uuid[], $3::timestamptz[]) AS k (database_id, starts_at)
        JOIN metric_block b ON b.database_id = k.database_id AND b.resolution = $1 AND b.starts_at = k.starts_at
        FOR UPDATE OF b
        "#,
        resolution,
        &databases,
        &starts,
    )
    .fetch_all(conn)
    .await
}

/// Writes blocks, over what is there.
pub(crate) async fn put(conn: &mut PgConnection, rows: &[Row]) -> sqlx::Result<()> {
    let databases: Vec<_> = rows.iter().map(|row| row.database_id).collect();
    let resolutions: Vec<_> = rows.iter().map(|row| row.resolution).collect();
    let starts: Vec<_> = rows.iter().map(|row| row.starts_at).collect();
    let ends: Vec<_> = rows.iter().map(|row| row.ends_at).collect();
    let bytes: Vec<_> = rows.iter().map(|row| row.bytes.clone()).collect();
    sqlx::query!(
        r#"
        INSERT INTO metric_block (database_id, resolution, starts_at, ends_at, bytes)
        SELECT * FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::bytea[])
        ON CONFLICT (database_id, resolution, starts_at)
        DO UPDATE SET ends_at = excluded.ends_at, bytes = excluded.bytes
        "#,
        &databases,
        &resolutions,
        &starts,
        &ends,
        &bytes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The blocks of a time, oldest first: the coarsest that are allowed, and finer ones only behind their end.
pub(crate) async fn between(
    conn: &mut PgConnection,
    database: Uuid,
    coarsest: i32,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"
        SELECT b.resolution, b.starts_at, b.ends_at, b.bytes FROM metric_block b
        WHERE b.database_id = $1 AND b.resolution <= $2 AND b.ends_at > $3 AND b.starts_at < $4
          AND NOT EXISTS (SELECT FROM metric_block c WHERE c.database_id = $1 AND c.resolution > b.resolution
                          AND c.resolution <= $2 AND c.starts_at >= b.starts_at - interval '1 day'
                          AND c.ends_at > b.starts_at)
        ORDER BY b.starts_at, b.resolution DESC
        "#,
        database,
        coarsest,
        from,
        to,
    )
    .fetch_all(conn)
    .await
}

/// Databases with blocks before a moment that no coarser block covers yet.
pub(crate) async fn due(
    conn: &mut PgConnection,
    fine: i32,
    coarse: i32,
    before: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT d.id FROM database d
        WHERE EXISTS (
            SELECT FROM metric_block b WHERE b.database_id = d.id AND b.resolution = $1 AND b.starts_at < $3
            AND b.starts_at >= coalesce((SELECT c.ends_at FROM metric_block c
                                         WHERE c.database_id = d.id AND c.resolution = $2
                                         ORDER BY c.starts_at DESC LIMIT 1), '-infinity'))
        LIMIT $4
        "#,
        fine,
        coarse,
        before,
        limit,
    )
    .fetch_all(conn)
    .await
}

/// Those blocks of a database, oldest first.
pub(crate) async fn unthinned(
    conn: &mut PgConnection,
    database: Uuid,
    fine: i32,
    coarse: i32,
    before: DateTime<Utc>,
) -> sqlx::Result<Vec<Found>> {
    sqlx::query_as!(
        Found,
        r#"
        SELECT b.resolution, b.starts_at, b.ends_at, b.bytes FROM metric_block b
        WHERE b.database_id = $1 AND b.resolution = $2 AND b.starts_at < $4
          AND b.starts_at >= coalesce((SELECT c.ends_at FROM metric_block c
                                       WHERE c.database_id = $1 AND c.resolution = $3
                                       ORDER BY c.starts_at DESC LIMIT 1), '-infinity')
        ORDER BY b.starts_at
        "#,
        database,
        fine,
        coarse,
        before,
    )
    .fetch_all(conn)
    .await
}

/// Removes the blocks of a resolution that ended before a moment.
pub(crate) async fn remove_before(
    conn: &mut PgConnection,
    resolution: i32,
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"DELETE FROM metric_block WHERE resolution = $1 AND ends_at < $2"#,
        resolution,
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes everything of a database.
pub(crate) async fn remove(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH p AS (DELETE FROM peak WHERE database_id = $1) DELETE FROM metric_block WHERE database_id = $1"#,
        database
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes what was written for a database while it was being removed for good.
pub(crate) async fn remove_gone(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        DELETE FROM metric_block b WHERE NOT EXISTS (
            SELECT FROM database d JOIN addon a ON a.id = d.addon_id
            WHERE d.id = b.database_id AND a.purged_at IS NULL)
        "#
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Raises peaks where these are higher; those of another start begin anew. Answers what is stored now. Starts that are
/// told less than a second apart are the same one.
pub(crate) async fn raise(
    conn: &mut PgConnection,
    peaks: &[(Uuid, Peak)],
) -> sqlx::Result<Vec<(Uuid, Peak)>> {
    let databases: Vec<_> = peaks.iter().map(|(id, _)| *id).collect();
    let since: Vec<_> = peaks.iter().map(|(_, peak)| peak.since).collect();
    let memory: Vec<_> = peaks.iter().map(|(_, peak)| peak.memory.cast_signed()).collect();
    let swap: Vec<_> = peaks.iter().map(|(_, peak)| peak.swap.cast_signed()).collect();
    let rows = sqlx::query!(
        r#"
        INSERT INTO peak (database_id, since, memory_bytes, swap_bytes)
        SELECT n.database_id, n.since, n.memory_bytes, n.swap_bytes
        FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[])
             AS n (database_id, since, memory_bytes, swap_bytes)
        JOIN database d ON d.id = n.database_id
        ON CONFLICT (database_id) DO UPDATE SET
            since = excluded.since,
            memory_bytes = CASE WHEN abs(extract(epoch FROM peak.since - excluded.since)) < 1
                THEN greatest(peak.memory_bytes, excluded.memory_bytes) ELSE excluded.memory_bytes END,
            swap_bytes = CASE WHEN abs(extract(epoch FROM peak.since - excluded.since)) < 1
                THEN greatest(peak.swap_bytes, excluded.swap_bytes) ELSE excluded.swap_bytes END
        RETURNING database_id, since, memory_bytes, swap_bytes
        "#,
        &databases,
        &since,
        &memory,
        &swap,
    )
    .fetch_all(conn)
    .await?;
    let peak = |since, memory: i64, swap: i64| Peak {
        since,
        memory: memory.cast_unsigned(),
        swap: swap.cast_unsigned(),
    };
    Ok(rows
        .into_iter()
        .map(|row| (row.database_id, peak(row.since, row.memory_bytes, row.swap_bytes)))
        .collect())
}

/// The most since the last start that was seen.
pub(crate) async fn peak(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Option<Peak>> {
    let row =
        sqlx::query!(r#"SELECT since, memory_bytes, swap_bytes FROM peak WHERE database_id = $1"#, database)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(|row| Peak {
        since: row.since,
        memory: row.memory_bytes.cast_unsigned(),
        swap: row.swap_bytes.cast_unsigned(),
    }))
}
