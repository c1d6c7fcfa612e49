//! How databases may be reached: their two switches, and the networks from which they may be reached.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `network`.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub id: Uuid,
    pub cidr: String,
    pub note: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Connections without TLS are refused since then; `None`: they are not.
pub(crate) async fn force_tls(
    conn: &mut PgConnection,
    database: Uuid,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET force_tls_at = $2 WHERE id = $1"#, database, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Reachable from everywhere since then; `None`: it is not.
pub(crate) async fn everywhere(
    conn: &mut PgConnection,
    database: Uuid,
    at: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET everywhere_at = $2 WHERE id = $1"#, database, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// The networks of a database, oldest first.
pub(crate) async fn list(conn: &mut PgConnection, database: Uuid) -> sqlx::Result<Vec<Network>> {
    sqlx::query_as!(
        Network,
        r#"
        SELECT id, cidr, note, created_at, expires_at FROM network WHERE database_id = $1 ORDER BY created_at, id
        "#,
        database
    )
    .fetch_all(conn)
    .await
}

/// Adds a network. False: this one is there already.
pub(crate) async fn insert(conn: &mut PgConnection, database: Uuid, row: &Network) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO network (id, database_id, cidr, note, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (database_id, cidr) DO NOTHING
        "#,
        row.id,
        database,
        row.cidr,
        row.note,
        row.created_at,
        row.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes a network anew.
pub(crate) async fn update(conn: &mut PgConnection, row: &Network) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE network SET cidr = $2, note = $3, expires_at = $4 WHERE id = $1"#,
        row.id,
        row.cidr,
        row.note,
        row.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a network of this database; answers its range.
pub(crate) async fn delete(
    conn: &mut PgConnection,
    database: Uuid,
    id: Uuid,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"DELETE FROM network WHERE database_id = $1 AND id = $2 RETURNING cidr"#,
        database,
        id
    )
    .fetch_optional(conn)
    .await
}

/// Add-ons with networks whose time is over.
pub(crate) async fn expired(conn: &mut PgConnection, now: DateTime<Utc>) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT DISTINCT d.addon_id FROM network n
        JOIN database d ON d.id = n.database_id
        JOIN addon a ON a.id = d.addon_id
        WHERE n.expires_at <= $1 AND a.deleted_at IS NULL
        "#,
        now
    )
    .fetch_all(conn)
    .await
}

/// Removes the networks of a database whose time is over; answers their ranges.
pub(crate) async fn delete_expired(
    conn: &mut PgConnection,
    database: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"DELETE FROM network WHERE database_id = $1 AND expires_at <= $2 RETURNING cidr"#,
        database,
        now
    )
    .fetch_all(conn)
    .await
}

/// From so many milliseconds on, statements are logged; `None`: none are.
pub(crate) async fn slow_queries(
    conn: &mut PgConnection,
    database: Uuid,
    ms: Option<i32>,
) -> sqlx::Result<()> {
    sqlx::query!(r#"UPDATE database SET slow_query_ms = $2 WHERE id = $1"#, database, ms)
        .execute(conn)
        .await?;
    Ok(())
}
