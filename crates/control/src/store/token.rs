//! API tokens, found by their hash. The token itself is never here.

use crate::store::user::UserRow;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use types::{TokenId, UserId, view::TokenView};
use uuid::Uuid;

struct Row {
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

impl From<Row> for TokenView {
    fn from(row: Row) -> Self {
        let Row { id, name, created_at, last_used_at } = row;
        Self { id: TokenId::new(id), name, created_at, last_used_at }
    }
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    user: UserId,
    id: TokenId,
    name: &str,
    hash: &[u8; 32],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO api_token (id, user_id, name, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)"#,
        id.uuid(),
        user.uuid(),
        name,
        hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The person's tokens, the newest first.
pub(crate) async fn of_user(conn: &mut PgConnection, user: UserId) -> Result<Vec<TokenView>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, name, created_at, last_used_at FROM api_token WHERE user_id = $1 ORDER BY created_at DESC, id"#,
        user.uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The token with this hash, and whose it is.
pub(crate) async fn find(
    conn: &mut PgConnection,
    hash: &[u8; 32],
) -> Result<Option<(TokenId, UserRow)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT t.id AS token_id, u.id, u.username, u.email, u.is_operator
        FROM api_token t JOIN app_user u ON u.id = t.user_id
        WHERE t.token_hash = $1
        "#,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let user =
            UserRow { id: row.id, username: row.username, email: row.email, is_operator: row.is_operator };
        (TokenId::new(row.token_id), user)
    }))
}

/// The person behind a token that was not revoked.
pub(crate) async fn user_of(
    conn: &mut PgConnection,
    id: TokenId,
    user: UserId,
) -> Result<Option<UserRow>, sqlx::Error> {
    sqlx::query_as!(
        UserRow,
        r#"
        SELECT u.id, u.username, u.email, u.is_operator
        FROM api_token t JOIN app_user u ON u.id = t.user_id
        WHERE t.id = $1 AND u.id = $2
        "#,
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(conn)
    .await
}

/// Notes the use, at most once a minute.
pub(crate) async fn used(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: TokenId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"UPDATE api_token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $3)"#,
        id.uuid(),
        now,
        now - TimeDelta::minutes(1),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes it away; answers its name.
pub(crate) async fn delete(
    conn: &mut PgConnection,
    user: UserId,
    id: TokenId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"DELETE FROM api_token WHERE id = $1 AND user_id = $2 RETURNING name"#,
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(conn)
    .await
}
