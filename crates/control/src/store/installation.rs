//! Facts about the whole installation: its keys, sealed, and the state of the schema.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The one row.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) master_key_check: Vec<u8>,
    pub(crate) jwt_key: Vec<u8>,
}

/// Which schema changes the store has seen, and whether each ended. Empty for a new store.
///
/// Not a checked query: the table is sqlx's own and is missing from a new store.
pub(crate) async fn migrations(conn: &mut PgConnection) -> Result<Vec<(i64, bool)>, sqlx::Error> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *conn)
        .await?;
    if !there {
        return Ok(Vec::new());
    }
    sqlx::query_as("SELECT version, success FROM _sqlx_migrations ORDER BY version DESC")
        .fetch_all(conn)
        .await
}

/// Makes the row unless there is one.
pub(crate) async fn insert_first(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    row: &Row,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO installation (id, master_key_check, jwt_key, created_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (only_one) DO NOTHING
        "#,
        row.id,
        row.master_key_check,
        row.jwt_key,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn load(conn: &mut PgConnection) -> Result<Row, sqlx::Error> {
    sqlx::query_as!(Row, r#"SELECT id, master_key_check, jwt_key FROM installation"#).fetch_one(conn).await
}
