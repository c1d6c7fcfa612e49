//! Apps in the store. Every query that answers a person carries that person: a row of somebody else is not found.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `app` with its owner.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub id: Uuid,
    pub name: String,
    pub owner_id: Uuid,
    pub owner_username: String,
    pub owner_email: String,
    pub owner_is_operator: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Live apps that `viewer` owns or works on; all of them for `None`. By name.
pub(crate) async fn list(conn: &mut PgConnection, viewer: Option<Uuid>) -> sqlx::Result<Vec<App>> {
    sqlx::query_as!(
        App,
        r#"
        SELECT app.id, app.name, app.owner_id, app.created_at, app.updated_at,
               u.username AS owner_username, u.email AS owner_email, u.is_operator AS owner_is_operator
        FROM app JOIN app_user u ON u.id = app.owner_id
        WHERE app.deleted_at IS NULL
          AND ($1::uuid IS NULL OR app.owner_id = $1
               OR EXISTS (SELECT FROM collaborator c WHERE c.app_id = app.id AND c.user_id = $1))
        ORDER BY app.name
        "#,
        viewer,
    )
    .fetch_all(conn)
    .await
}

/// The app of this id, whoever asks: for what was found through [`crate::access`] before.
pub(crate) async fn load(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<App>> {
    sqlx::query_as!(
        App,
        r#"
        SELECT app.id, app.name, app.owner_id, app.created_at, app.updated_at,
               u.username AS owner_username, u.email AS owner_email, u.is_operator AS owner_is_operator
        FROM app JOIN app_user u ON u.id = app.owner_id
        WHERE app.id = $1 AND app.deleted_at IS NULL
        "#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// Makes an app. False: the name is taken.
pub(crate) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    name: &str,
    owner: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        INSERT INTO app (id, name, owner_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING
        "#,
        id,
        name,
        owner,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a live app another name. False: the name is taken, or the app is gone.
pub(crate) async fn rename(
    conn: &mut PgConnection,
    id: Uuid,
    name: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        UPDATE app SET name = $2, updated_at = $3
        WHERE id = $1 AND deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM app other WHERE other.name = $2 AND other.id <> $1 AND other.deleted_at IS NULL)
        "#,
        id,
        name,
        now,
    )
    .execute(conn)
    .await;
    match done {
        Ok(done) => Ok(done.rows_affected() == 1),
        // Two renames at the same instant: the index decides.
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Locks a live app until the transaction ends, so that its add-ons are counted and named by one at a time.
/// False: it is gone.
pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let row = sqlx::query!(r#"SELECT id FROM app WHERE id = $1 AND deleted_at IS NULL FOR UPDATE"#, id)
        .fetch_optional(conn)
        .await?;
    Ok(row.is_some())
}

/// Deletes an app: for good when no add-on ever was in it, else marked, so that add-ons in the trash can come back.
pub(crate) async fn delete(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
    let gone = sqlx::query!(
        r#"DELETE FROM app WHERE id = $1 AND NOT EXISTS (SELECT FROM addon WHERE addon.app_id = $1)"#,
        id,
    )
    .execute(&mut *conn)
    .await?;
    if gone.rows_affected() == 0 {
        sqlx::query!(r#"UPDATE app SET deleted_at = $2, updated_at = $2 WHERE id = $1"#, id, now)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Brings a deleted app back, when an add-on of it comes back from the trash. False: its name is used by another
/// app now. An app that lives stays as it is.
pub(crate) async fn revive(conn: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        r#"
        UPDATE app SET deleted_at = NULL, updated_at = CASE WHEN deleted_at IS NULL THEN updated_at ELSE $2 END
        WHERE id = $1
          AND NOT EXISTS (SELECT FROM app other
                          WHERE other.name = app.name AND other.id <> app.id AND other.deleted_at IS NULL)
        "#,
        id,
        now,
    )
    .execute(conn)
    .await;
    match done {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what deleted apps still hold (people, variables, hook) once nothing of them can come back. The rows of
/// apps and add-ons stay: the names in them are never used again for anything else.
pub(crate) async fn forget_deleted(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"
        WITH gone AS (
            SELECT id FROM app WHERE deleted_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM addon WHERE addon.app_id = app.id AND addon.purged_at IS NULL)
        ),
        c AS (DELETE FROM collaborator WHERE app_id IN (SELECT id FROM gone)),
        i AS (DELETE FROM invitation WHERE app_id IN (SELECT id FROM gone)),
        h AS (DELETE FROM restart_hook WHERE app_id IN (SELECT id FROM gone))
        DELETE FROM variable WHERE app_id IN (SELECT id FROM gone)
        "#,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
