//! Invitations to apps, found by the hash of the token in their link. The token itself is never here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{AppId, InvitationId, UserId, view::InvitationView};
use uuid::Uuid;

/// An open invitation.
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) app_id: Uuid,
    pub(crate) email: String,
    pub(crate) app: String,
    pub(crate) invited_by: String,
    pub(crate) expires_at: DateTime<Utc>,
}

impl From<Row> for InvitationView {
    fn from(row: Row) -> Self {
        let Row { id, app_id: _, email, app, invited_by, expires_at } = row;
        Self { id: InvitationId::new(id), email, app, invited_by, expires_at }
    }
}

/// A new invitation.
pub(crate) struct New<'a> {
    pub(crate) id: Uuid,
    pub(crate) app: AppId,
    pub(crate) email: &'a str,
    pub(crate) hash: &'a [u8; 32],
    pub(crate) by: UserId,
    pub(crate) expires_at: DateTime<Utc>,
}

/// Makes one; an open one for the same address ends with it, and so does its link.
pub(crate) async fn put(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    new: &New<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO invitation (id, app_id, email, token_hash, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (app_id, lower(email)) WHERE accepted_at IS NULL
        DO UPDATE SET id = excluded.id, email = excluded.email, token_hash = excluded.token_hash,
            invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at
        "#,
        new.id,
        new.app.uuid(),
        new.email,
        new.hash,
        new.by.uuid(),
        now,
        new.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The open invitation with this token.
pub(crate) async fn open(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    hash: &[u8; 32],
) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT i.id, i.app_id, i.email, app.name AS app, u.username AS invited_by, i.expires_at
        FROM invitation i JOIN app ON app.id = i.app_id JOIN app_user u ON u.id = i.invited_by
        WHERE i.token_hash = $1 AND i.accepted_at IS NULL AND i.expires_at > $2 AND app.deleted_at IS NULL
        "#,
        hash,
        now,
    )
    .fetch_optional(conn)
    .await
}

/// The app's open invitations, the newest first.
pub(crate) async fn of_app(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    app: AppId,
) -> Result<Vec<InvitationView>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT i.id, i.app_id, i.email, app.name AS app, u.username AS invited_by, i.expires_at
        FROM invitation i JOIN app ON app.id = i.app_id JOIN app_user u ON u.id = i.invited_by
        WHERE i.app_id = $1 AND i.accepted_at IS NULL AND i.expires_at > $2
        ORDER BY i.created_at DESC, i.id
        "#,
        app.uuid(),
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Uses it up. False: somebody was faster, or it ended.
pub(crate) async fn accept(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"UPDATE invitation SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL AND expires_at > $2"#,
        id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes an open one back; answers for whom it was.
pub(crate) async fn withdraw(
    conn: &mut PgConnection,
    app: AppId,
    id: InvitationId,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"DELETE FROM invitation WHERE id = $1 AND app_id = $2 AND accepted_at IS NULL RETURNING email"#,
        id.uuid(),
        app.uuid(),
    )
    .fetch_optional(conn)
    .await
}
