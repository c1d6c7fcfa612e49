//! Who may use an app besides its owner.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use types::{AppId, UserId, view::CollaboratorView};

/// The owner first, then the others in the order they came.
pub(crate) async fn of_app(
    conn: &mut PgConnection,
    app: AppId,
) -> Result<Vec<CollaboratorView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT u.id AS "id!", u.username AS "username!", u.email AS "email!",
               people.is_owner AS "is_owner!", people.since AS "since!"
        FROM (
            SELECT owner_id AS user_id, true AS is_owner, created_at AS since FROM app WHERE id = $1
            UNION ALL
            SELECT user_id, false, created_at FROM collaborator WHERE app_id = $1
        ) people
        JOIN app_user u ON u.id = people.user_id
        ORDER BY people.is_owner DESC, people.since, u.id
        "#,
        app.uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CollaboratorView {
            user_id: UserId::new(row.id),
            username: row.username,
            email: row.email,
            is_owner: row.is_owner,
            since: row.since,
        })
        .collect())
}

/// Is there somebody with this address who may use the app already?
pub(crate) async fn has_email(conn: &mut PgConnection, app: AppId, email: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT FROM app_user u
            WHERE lower(u.email) = lower($2)
              AND (EXISTS (SELECT FROM app WHERE id = $1 AND owner_id = u.id)
                   OR EXISTS (SELECT FROM collaborator WHERE app_id = $1 AND user_id = u.id))
        ) AS "has!"
        "#,
        app.uuid(),
        email,
    )
    .fetch_one(conn)
    .await
}

/// Lets somebody in; nothing changes if they are in, or own the app.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    app: AppId,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO collaborator (app_id, user_id, created_at)
        SELECT id, $2, $3 FROM app WHERE id = $1 AND owner_id <> $2
        ON CONFLICT DO NOTHING
        "#,
        app.uuid(),
        user.uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// False: they were not in.
pub(crate) async fn delete(conn: &mut PgConnection, app: AppId, user: UserId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"DELETE FROM collaborator WHERE app_id = $1 AND user_id = $2"#,
        app.uuid(),
        user.uuid()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
