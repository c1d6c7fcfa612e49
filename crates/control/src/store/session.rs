//! Browser sessions, found by the hash of the id in the cookie. The id itself is never here.

use crate::{account::session::SessionRecord, store::user::UserRow};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{SessionId, UserId};
use uuid::Uuid;

/// A session that has not ended.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) data: Vec<u8>,
    pub(crate) user_agent: String,
    pub(crate) ip: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) seen_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// False if the id is taken.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    record: &SessionRecord,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        INSERT INTO session (id_hash, id, user_id, data, user_agent, ip, created_at, seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        ON CONFLICT DO NOTHING
        "#,
        &record.id_hash,
        Uuid::now_v7(),
        record.user_id.map(UserId::uuid),
        record.data,
        record.user_agent,
        record.ip,
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a live one. Never makes one: a session that was ended must not come back.
pub(crate) async fn update(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    record: &SessionRecord,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        UPDATE session SET user_id = $3, data = $4, user_agent = $5, ip = $6
        WHERE id_hash = $1 AND expires_at > $2
        "#,
        &record.id_hash,
        now,
        record.user_id.map(UserId::uuid),
        record.data,
        record.user_agent,
        record.ip,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn load(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id_hash: &[u8; 32],
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, user_id, data, user_agent, ip, created_at, seen_at, expires_at
        FROM session
        WHERE id_hash = $1 AND expires_at > $2
        "#,
        id_hash,
        now,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn touch(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: Uuid,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"UPDATE session SET seen_at = $2, expires_at = $3 WHERE id = $1"#, id, now, expires_at)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn delete(conn: &mut PgConnection, id_hash: &[u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(r#"DELETE FROM session WHERE id_hash = $1"#, id_hash).execute(conn).await?;
    Ok(())
}

/// The person's live sessions, the last used first.
pub(crate) async fn of_user(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    user: UserId,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, user_id, data, user_agent, ip, created_at, seen_at, expires_at
        FROM session
        WHERE user_id = $1 AND expires_at > $2
        ORDER BY seen_at DESC, id
        "#,
        user.uuid(),
        now,
    )
    .fetch_all(conn)
    .await
}

/// Is the person signed in from this address?
pub(crate) async fn known_address(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    user: Uuid,
    ip: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM session WHERE user_id = $1 AND expires_at > $2 AND ip = $3) AS "known!"
        "#,
        user,
        now,
        ip,
    )
    .fetch_one(conn)
    .await
}

/// When somebody signed in with it; `None`: there is no such session.
pub(crate) async fn began(
    conn: &mut PgConnection,
    id: SessionId,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT created_at FROM session WHERE id = $1"#, id.uuid())
        .fetch_optional(conn)
        .await
}

/// Ends one of the person's sessions.
pub(crate) async fn revoke(
    conn: &mut PgConnection,
    user: UserId,
    id: SessionId,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(r#"DELETE FROM session WHERE user_id = $1 AND id = $2"#, user.uuid(), id.uuid())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all of the person's sessions but `keep`.
pub(crate) async fn revoke_others(
    conn: &mut PgConnection,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"DELETE FROM session WHERE user_id = $1 AND id IS DISTINCT FROM $2"#,
        user.uuid(),
        keep.map(SessionId::uuid),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn delete_expired(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query!(r#"DELETE FROM session WHERE expires_at <= $1"#, now)
        .execute(conn)
        .await?
        .rows_affected())
}

/// The person behind a live session, named by its public id.
pub(crate) async fn user_of(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: SessionId,
    user: UserId,
) -> Result<Option<UserRow>, sqlx::Error> {
    sqlx::query_as!(
        UserRow,
        r#"
        SELECT u.id, u.username, u.email, u.is_operator
        FROM session s JOIN app_user u ON u.id = s.user_id
        WHERE s.id = $1 AND u.id = $2 AND s.expires_at > $3
        "#,
        id.uuid(),
        user.uuid(),
        now,
    )
    .fetch_optional(conn)
    .await
}
