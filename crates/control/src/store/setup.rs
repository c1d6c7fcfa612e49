//! The one-time link that makes the first account: its hash, at most one.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Puts a new one in place of any earlier one.
pub(crate) async fn replace(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    hash: &[u8; 32],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO setup_token (token_hash, created_at) VALUES ($1, $2)
        ON CONFLICT (only_one) DO UPDATE SET token_hash = excluded.token_hash, created_at = excluded.created_at
        "#,
        hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn matches(conn: &mut PgConnection, hash: &[u8; 32]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM setup_token WHERE token_hash = $1) AS "matches!""#,
        hash
    )
    .fetch_one(conn)
    .await
}

/// Takes it away, whatever it is.
pub(crate) async fn clear(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"DELETE FROM setup_token"#).execute(conn).await?;
    Ok(())
}
