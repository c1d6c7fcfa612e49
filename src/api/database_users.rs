//! Users of a database, in the shapes that public clients expect: the list's root has a hyphen, a single user's an
//! underscore, and a change answers with the user.

use super::{Api, bearer::Bearer, body::Body, error::Result};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use control::NewDatabaseUser;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use types::database_user::{DatabaseUserView, PasswordSet};
use utoipa::ToSchema;

/// A user.
#[derive(Serialize, ToSchema)]
pub struct DatabaseUser {
    name: String,
    read_only: bool,
    /// The login of the published URL.
    protected: bool,
    /// Told once, when it was just set.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    dbms_attributes: DbmsAttributes,
    /// The operation that makes the protected user's new password known.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<String>,
}

/// What PostgreSQL says of it.
#[derive(Serialize, ToSchema)]
pub struct DbmsAttributes {
    /// `SCRAM-SHA-256`, `MD5` or `NONE`.
    password_encryption: String,
}

impl From<DatabaseUserView> for DatabaseUser {
    fn from(user: DatabaseUserView) -> Self {
        Self {
            name: user.name,
            read_only: user.read_only,
            protected: user.protected,
            password: None,
            dbms_attributes: DbmsAttributes { password_encryption: user.password_encryption.to_uppercase() },
            operation_id: None,
        }
    }
}

/// Root of the list.
#[derive(Serialize, ToSchema)]
pub struct DatabaseUsers {
    #[serde(rename = "database-users")]
    users: Vec<DatabaseUser>,
}

/// Root of one.
#[derive(Serialize, ToSchema)]
pub struct OneDatabaseUser {
    database_user: DatabaseUser,
}

/// What to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateDatabaseUser {
    database_user: CreateFields,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFields {
    /// Said in the path, too; ignored.
    #[serde(default)]
    #[expect(dead_code, reason = "clients send it")]
    database_id: Option<String>,
    name: String,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password_confirmation: Option<SecretString>,
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeDatabaseUser {
    database_user: ChangeFields,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFields {
    /// Said in the path, too; ignored.
    #[serde(default)]
    #[expect(dead_code, reason = "clients send it")]
    database_id: Option<String>,
    #[schema(value_type = String)]
    password: SecretString,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password_confirmation: Option<SecretString>,
}

/// Everybody who may log in.
#[utoipa::path(
    get, path = "/api/databases/{database}/users", tag = "databases", responses((status = 200, body = DatabaseUsers))
)]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<DatabaseUsers>> {
    let addon = api.addon_id(&actor, &database).await?;
    let users = api.control.database_users(&actor, addon).await?.users;
    Ok(Json(DatabaseUsers { users: users.into_iter().map(DatabaseUser::from).collect() }))
}

/// Makes a user. Its password is in the answer, this once.
#[utoipa::path(
    post, path = "/api/databases/{database}/users", tag = "databases", request_body = CreateDatabaseUser,
    responses((status = 201, body = OneDatabaseUser))
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Body(new): Body<CreateDatabaseUser>,
) -> Result<(StatusCode, Json<OneDatabaseUser>)> {
    let addon = api.addon_id(&actor, &database).await?;
    let CreateFields { name, read_only, password, password_confirmation, .. } = new.database_user;
    let new = NewDatabaseUser { name, read_only, password, confirmation: password_confirmation };
    let set = api.control.create_database_user(&actor, addon, new).await?;
    let user = api.control.database_user(&actor, addon, &set.user).await?;
    Ok((StatusCode::CREATED, Json(with_password(user, set))))
}

/// Gives a user another password. The protected user gets another name with it, at the end of an operation.
#[utoipa::path(
    patch, path = "/api/databases/{database}/users/{name}", tag = "databases", request_body = ChangeDatabaseUser,
    responses((status = 200, body = OneDatabaseUser))
)]
pub async fn change(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, name)): Path<(String, String)>,
    Body(change): Body<ChangeDatabaseUser>,
) -> Result<Json<OneDatabaseUser>> {
    let ChangeFields { password, password_confirmation, .. } = change.database_user;
    set_password(&api, &actor, &database, &name, Some(password), password_confirmation).await
}

/// Gives a user a password that is made up, and tells it.
#[utoipa::path(
    post, path = "/api/databases/{database}/users/{name}/reset_password", tag = "databases",
    responses((status = 200, body = OneDatabaseUser))
)]
pub async fn reset_password(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, name)): Path<(String, String)>,
) -> Result<Json<OneDatabaseUser>> {
    set_password(&api, &actor, &database, &name, None, None).await
}

async fn set_password(
    api: &Api,
    actor: &control::Actor,
    database: &str,
    name: &str,
    password: Option<SecretString>,
    confirmation: Option<SecretString>,
) -> Result<Json<OneDatabaseUser>> {
    let addon = api.addon_id(actor, database).await?;
    let user = api.control.database_user(actor, addon, name).await?;
    let set = api.control.change_database_password(actor, addon, name, password, confirmation).await?;
    Ok(Json(with_password(user, set)))
}

fn with_password(user: DatabaseUserView, set: PasswordSet) -> OneDatabaseUser {
    let database_user = DatabaseUser {
        name: set.user,
        password: Some(set.password),
        operation_id: set.operation.map(|id| id.to_string()),
        ..user.into()
    };
    OneDatabaseUser { database_user }
}

/// Removes a user; what it owned goes to the owner.
#[utoipa::path(
    delete, path = "/api/databases/{database}/users/{name}", tag = "databases", responses((status = 204))
)]
pub async fn delete(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, name)): Path<(String, String)>,
) -> Result<StatusCode> {
    let addon = api.addon_id(&actor, &database).await?;
    api.control.delete_database_user(&actor, addon, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
