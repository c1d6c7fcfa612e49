//! Apps. Of what the public contract tells about an app's containers, only what is true here is told: there are none.

use super::{
    Api,
    bearer::Bearer,
    body::Body,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::view::{AppView, UserView};
use utoipa::{IntoParams, ToSchema};

/// An app.
#[derive(Serialize, ToSchema)]
pub struct App {
    id: String,
    name: String,
    region: String,
    owner: Owner,
    git_url: String,
    url: String,
    base_url: String,
    /// Always `new`: nothing is deployed here.
    status: &'static str,
    last_deployed_at: Option<DateTime<Utc>>,
    last_deployed_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    links: Links,
    stack_id: String,
    sticky_session: bool,
    force_https: bool,
    router_logs: bool,
    flags: BTreeMap<String, bool>,
    limits: BTreeMap<String, u32>,
    hds_resource: bool,
    private_networks_ids: Vec<String>,
    project: Project,
}

/// Who owns an app.
#[derive(Serialize, ToSchema)]
pub struct Owner {
    id: String,
    username: String,
    email: String,
}

impl From<UserView> for Owner {
    fn from(user: UserView) -> Self {
        Self { id: user.id.to_string(), username: user.username, email: user.email }
    }
}

/// Further addresses of an app.
#[derive(Serialize, ToSchema)]
pub struct Links {
    deployments_stream: String,
}

/// The project of an app: none.
#[derive(Serialize, ToSchema)]
pub struct Project {
    /// Always empty: another value would be an eternal difference for the public Terraform provider.
    id: String,
    name: String,
}

impl Api {
    fn app(&self, view: AppView) -> App {
        App {
            id: view.id.to_string(),
            url: format!("{}/apps/{}", self.public_url, view.name),
            name: view.name,
            region: self.region.to_string(),
            owner: view.owner.into(),
            git_url: String::new(),
            base_url: String::new(),
            status: "new",
            last_deployed_at: None,
            last_deployed_by: String::new(),
            created_at: view.created_at,
            updated_at: view.updated_at,
            links: Links { deployments_stream: String::new() },
            stack_id: String::new(),
            sticky_session: false,
            force_https: false,
            router_logs: false,
            flags: BTreeMap::new(),
            limits: BTreeMap::new(),
            hds_resource: false,
            private_networks_ids: Vec::new(),
            project: Project { id: String::new(), name: "default".into() },
        }
    }
}

/// Several apps.
#[derive(Serialize, ToSchema)]
pub struct Apps {
    apps: Vec<App>,
}

/// One app.
#[derive(Serialize, ToSchema)]
pub struct OneApp {
    app: App,
}

/// What to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    app: NewAppFields,
}

/// Its fields. All but the name are taken from public clients and must ask for nothing that is not here.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppFields {
    name: String,
    /// Ignored: there are no containers, so no stack.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, so that unknown fields can be refused")]
    stack_id: Option<String>,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    hds_resource: Option<bool>,
}

/// A change of an app's containers, of which there are none.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppChange {
    force_https: Option<bool>,
    router_logs: Option<bool>,
    sticky_session: Option<bool>,
    project_id: Option<String>,
    /// Ignored, as at creation.
    stack_id: Option<String>,
}

/// The same under a root.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RootedAppChange {
    app: AppChange,
}

/// A new name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rename {
    /// The name now, as a confirmation.
    current_name: String,
    new_name: String,
}

/// Confirms a deletion.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The app's name.
    #[serde(default)]
    current_name: String,
}

/// Off is what it is; on is refused, so that nobody believes in something that does not happen.
fn off(field: &str, wanted: bool) -> Result<()> {
    if wanted {
        Err(ApiError::invalid(field, "Paddock runs no containers and no router, so this cannot be on."))
    } else {
        Ok(())
    }
}

/// The apps that this person may see.
#[utoipa::path(get, path = "/v1/apps", tag = "apps", responses((status = 200, body = Apps)))]
pub async fn list(State(api): State<Api>, Bearer(actor): Bearer) -> Result<Json<Apps>> {
    let mut apps = Vec::new();
    for row in api.control.apps(&actor).await? {
        match api.control.app(&actor, &row.id.to_string()).await {
            Ok(view) => apps.push(api.app(view)),
            // Deleted since the list was read.
            Err(control::Error::NotFound(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Json(Apps { apps }))
}

/// Makes an app.
#[utoipa::path(post, path = "/v1/apps", tag = "apps", request_body = NewApp, responses((status = 201, body = OneApp)))]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Body(NewApp { app: new }): Body<NewApp>,
) -> Result<(StatusCode, Json<OneApp>)> {
    let NewAppFields { name, project_id, parent_id, hds_resource, .. } = new;
    off("project_id", project_id.is_some_and(|id| !id.is_empty()))?;
    off("parent_id", parent_id.is_some_and(|id| !id.is_empty()))?;
    off("hds_resource", hds_resource.unwrap_or(false))?;
    let view = api.control.create_app(&actor, &name).await?;
    Ok((StatusCode::CREATED, Json(OneApp { app: api.app(view) })))
}

/// An app, by name or id.
#[utoipa::path(get, path = "/v1/apps/{app}", tag = "apps", responses((status = 200, body = OneApp)))]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
) -> Result<Json<OneApp>> {
    let view = api.control.app(&actor, &app).await?;
    Ok(Json(OneApp { app: api.app(view) }))
}

/// Takes the settings that public clients send; none of them can be switched on here.
#[utoipa::path(
    put, path = "/v1/apps/{app}", tag = "apps", request_body = AppChange, responses((status = 200, body = OneApp))
)]
pub async fn put(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Body(change): Body<AppChange>,
) -> Result<Json<OneApp>> {
    // Who may not see the app learns nothing about what it takes.
    let view = api.control.app(&actor, &app).await?;
    let AppChange { force_https, router_logs, sticky_session, project_id, .. } = change;
    off("force_https", force_https.unwrap_or(false))?;
    off("router_logs", router_logs.unwrap_or(false))?;
    off("sticky_session", sticky_session.unwrap_or(false))?;
    off("project_id", project_id.is_some_and(|id| !id.is_empty()))?;
    Ok(Json(OneApp { app: api.app(view) }))
}

/// The same as PUT, with the settings under `app`.
#[utoipa::path(
    patch, path = "/v1/apps/{app}", tag = "apps", request_body = RootedAppChange,
    responses((status = 200, body = OneApp))
)]
pub async fn patch(
    state: State<Api>,
    bearer: Bearer,
    path: Path<String>,
    Body(change): Body<RootedAppChange>,
) -> Result<Json<OneApp>> {
    put(state, bearer, path, Body(change.app)).await
}

/// Gives an app another name.
#[utoipa::path(
    post, path = "/v1/apps/{app}/rename", tag = "apps", request_body = Rename, responses((status = 200, body = OneApp))
)]
pub async fn rename(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Body(rename): Body<Rename>,
) -> Result<Json<OneApp>> {
    let now = api.control.app(&actor, &app).await?;
    if now.name != rename.current_name {
        return Err(ApiError::invalid("current_name", "This is not the app's name."));
    }
    let renamed = api.control.rename_app(&actor, &now.id.to_string(), &rename.new_name).await;
    let view = renamed.map_err(|error| ApiError::from(error).field("name", "new_name"))?;
    Ok(Json(OneApp { app: api.app(view) }))
}

/// Deletes an app with its databases. `current_name` confirms it.
#[utoipa::path(delete, path = "/v1/apps/{app}", tag = "apps", params(Confirm), responses((status = 204)))]
pub async fn delete(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Query(confirm): Query<Confirm>,
) -> Result<StatusCode> {
    let deleted = api.control.delete_app(&actor, &app, &confirm.current_name).await;
    deleted.map_err(|error| ApiError::from(error).field("confirm", "current_name"))?;
    Ok(StatusCode::NO_CONTENT)
}
