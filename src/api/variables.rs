//! Environment variables of an app. Values hold passwords: they are answered and never logged.

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
use serde::{Deserialize, Serialize};
use types::{VariableId, view::VariableView};
use utoipa::{IntoParams, ToSchema};

/// A variable.
#[derive(Serialize, ToSchema)]
pub struct Variable {
    id: String,
    name: String,
    value: String,
}

impl From<VariableView> for Variable {
    fn from(view: VariableView) -> Self {
        Self { id: view.id.to_string(), name: view.name, value: view.value }
    }
}

/// Several variables.
#[derive(Serialize, ToSchema)]
pub struct Variables {
    variables: Vec<Variable>,
}

impl From<Vec<VariableView>> for Variables {
    fn from(views: Vec<VariableView>) -> Self {
        Self { variables: views.into_iter().map(Variable::from).collect() }
    }
}

/// One variable.
#[derive(Serialize, ToSchema)]
pub struct OneVariable {
    variable: Variable,
}

/// How values are shown.
#[derive(Deserialize, IntoParams)]
pub struct How {
    /// `true` (the default): as they are written, `$OTHER` included. `false`: resolved.
    #[serde(default = "yes")]
    aliases: bool,
}

const fn yes() -> bool {
    true
}

/// A variable to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariable {
    variable: Pair,
}

/// Name and value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Sent by public clients, empty or not; the name decides.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, so that unknown fields can be refused")]
    id: Option<String>,
    name: String,
    value: String,
}

/// Variables to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariables {
    /// `null` is none.
    variables: Option<Vec<Pair>>,
}

/// A variable's new value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewValue {
    variable: ValueOnly,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueOnly {
    /// Sent by public clients; a variable keeps its name.
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, so that unknown fields can be refused")]
    id: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "accepted, so that unknown fields can be refused")]
    name: Option<String>,
    value: String,
}

/// Variables to delete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ids {
    variable_ids: Vec<String>,
}

fn id(text: &str) -> Result<VariableId> {
    text.parse().map_err(|_| ApiError::not_found("variable"))
}

/// The variables of an app.
#[utoipa::path(
    get, path = "/v1/apps/{app}/variables", tag = "apps", params(How), responses((status = 200, body = Variables))
)]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Query(how): Query<How>,
) -> Result<Json<Variables>> {
    let variables = api.control.variables(&actor, &app, !how.aliases).await?;
    Ok(Json(variables.into()))
}

/// Sets one variable.
#[utoipa::path(
    post, path = "/v1/apps/{app}/variables", tag = "apps", request_body = NewVariable,
    responses((status = 201, body = OneVariable))
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Body(NewVariable { variable }): Body<NewVariable>,
) -> Result<(StatusCode, Json<OneVariable>)> {
    let view = api.control.set_variable(&actor, &app, &variable.name, &variable.value).await?;
    Ok((StatusCode::CREATED, Json(OneVariable { variable: view.into() })))
}

/// Sets several variables, all or none; others stay as they are.
#[utoipa::path(
    put, path = "/v1/apps/{app}/variables", tag = "apps", request_body = NewVariables,
    responses((status = 200, body = Variables))
)]
pub async fn put(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Body(new): Body<NewVariables>,
) -> Result<Json<Variables>> {
    let pairs = new.variables.unwrap_or_default().into_iter().map(|pair| (pair.name, pair.value)).collect();
    let variables = api.control.set_variables(&actor, &app, pairs).await?;
    Ok(Json(variables.into()))
}

/// Gives a variable another value.
#[utoipa::path(
    patch, path = "/v1/apps/{app}/variables/{variable}", tag = "apps", request_body = NewValue,
    responses((status = 200, body = OneVariable))
)]
pub async fn patch(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, variable)): Path<(String, String)>,
    Body(new): Body<NewValue>,
) -> Result<Json<OneVariable>> {
    let view = api.control.update_variable(&actor, &app, id(&variable)?, &new.variable.value).await?;
    Ok(Json(OneVariable { variable: view.into() }))
}

/// Deletes a variable.
#[utoipa::path(delete, path = "/v1/apps/{app}/variables/{variable}", tag = "apps", responses((status = 204)))]
pub async fn delete(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, variable)): Path<(String, String)>,
) -> Result<StatusCode> {
    api.control.delete_variable(&actor, &app, id(&variable)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deletes several variables. The first that cannot be deleted ends it; those before it are gone.
#[utoipa::path(
    delete, path = "/v1/apps/{app}/variables", tag = "apps", request_body = Ids, responses((status = 204))
)]
pub async fn delete_many(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    Body(ids): Body<Ids>,
) -> Result<StatusCode> {
    let ids = ids.variable_ids.iter().map(|text| id(text)).collect::<Result<Vec<_>>>()?;
    // An empty list still tells whether the app is there.
    api.control.app(&actor, &app).await?;
    for variable in ids {
        api.control.delete_variable(&actor, &app, variable).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
