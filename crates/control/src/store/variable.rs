//! Environment variables in the store; values are sealed before they come here.

use sqlx::PgConnection;
use uuid::Uuid;

/// A row of `variable`.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub id: Uuid,
    pub name: String,
    /// Sealed; see [`crate::variable`] for what it is bound to.
    pub value: Vec<u8>,
    pub addon_id: Option<Uuid>,
}

/// All variables of an app, by name.
pub(crate) async fn list(conn: &mut PgConnection, app: Uuid) -> sqlx::Result<Vec<Variable>> {
    sqlx::query_as!(
        Variable,
        r#"SELECT id, name, value, addon_id FROM variable WHERE app_id = $1 ORDER BY name"#,
        app
    )
    .fetch_all(conn)
    .await
}

/// The variable of this id, locked, if it is this app's.
pub(crate) async fn find(conn: &mut PgConnection, app: Uuid, id: Uuid) -> sqlx::Result<Option<Variable>> {
    sqlx::query_as!(
        Variable,
        r#"SELECT id, name, value, addon_id FROM variable WHERE app_id = $1 AND id = $2 FOR UPDATE"#,
        app,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// The variable of this name, locked.
pub(crate) async fn by_name(
    conn: &mut PgConnection,
    app: Uuid,
    name: &str,
) -> sqlx::Result<Option<Variable>> {
    sqlx::query_as!(
        Variable,
        r#"SELECT id, name, value, addon_id FROM variable WHERE app_id = $1 AND name = $2 FOR UPDATE"#,
        app,
        name,
    )
    .fetch_optional(conn)
    .await
}

/// Adds a variable or gives it another value and owner; answers its id.
pub(crate) async fn put(conn: &mut PgConnection, app: Uuid, variable: &Variable) -> sqlx::Result<Uuid> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO variable (id, app_id, name, value, addon_id) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (app_id, name) DO UPDATE SET value = EXCLUDED.value, addon_id = EXCLUDED.addon_id
        RETURNING id
        "#,
        variable.id,
        app,
        variable.name,
        variable.value,
        variable.addon_id,
    )
    .fetch_one(conn)
    .await
}

/// Removes one variable.
pub(crate) async fn delete(conn: &mut PgConnection, app: Uuid, id: Uuid) -> sqlx::Result<bool> {
    let done =
        sqlx::query!(r#"DELETE FROM variable WHERE app_id = $1 AND id = $2"#, app, id).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Removes what an add-on set; answers the names.
pub(crate) async fn delete_of_addon(conn: &mut PgConnection, addon: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(r#"DELETE FROM variable WHERE addon_id = $1 RETURNING name"#, addon)
        .fetch_all(conn)
        .await
}
