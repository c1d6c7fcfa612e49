//! Operations: what runs, how far it is, and a live stream of it.

use super::{
    Api,
    bearer::{Bearer, Credentials, Ip},
    error::{ApiError, Result},
};
use crate::web::events::{self, Proof};
use axum::{
    Json,
    extract::{Path, Query, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use control::OperationFilter;
use serde::{Deserialize, Serialize};
use types::{
    OperationId,
    operation::{OperationRow, OperationView},
};
use utoipa::{IntoParams, ToSchema};

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneOperation {
    /// Steps, log, error: see `types::operation`.
    #[schema(value_type = Object)]
    operation: OperationView,
}

/// Several operations.
#[derive(Serialize, ToSchema)]
pub struct Operations {
    #[schema(value_type = Vec<Object>)]
    operations: Vec<OperationRow>,
}

/// Which operations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Of this app, by name or id.
    app: Option<String>,
    /// Of this add-on.
    addon: Option<String>,
    /// Only those that run.
    #[serde(default)]
    live: bool,
    /// At most so many, 1–200; 50 where it is left out.
    limit: Option<u16>,
}

fn id(text: &str) -> Result<OperationId> {
    text.parse().map_err(|_| ApiError::not_found("operation"))
}

/// Operations, newest first.
#[utoipa::path(
    get, path = "/v1/operations", tag = "operations", params(Which), responses((status = 200, body = Operations))
)]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Query(which): Query<Which>,
) -> Result<Json<Operations>> {
    let addon = which.addon.as_deref().map(|text| text.parse().map_err(|_| ApiError::not_found("addon")));
    let limit = u32::from(which.limit.unwrap_or(50).clamp(1, 200));
    let filter = OperationFilter { app: which.app, addon: addon.transpose()?, live: which.live, limit };
    let operations = api.control.operations(&actor, filter).await?;
    Ok(Json(Operations { operations }))
}

/// An operation.
#[utoipa::path(
    get, path = "/v1/operations/{operation}", tag = "operations", responses((status = 200, body = OneOperation))
)]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(operation): Path<String>,
) -> Result<Json<OneOperation>> {
    let operation = api.control.operation(&actor, id(&operation)?).await?;
    Ok(Json(OneOperation { operation }))
}

/// An operation as it goes on: server-sent events named `operation`, each the whole operation as JSON. The stream
/// ends with the operation; after that the answer is 204.
#[utoipa::path(
    get, path = "/v1/operations/{operation}/events", tag = "operations",
    params(("Last-Event-ID" = Option<String>, Header, description = "Where a broken stream ended.")),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 204))
)]
pub async fn events(
    State(api): State<Api>,
    credentials: Credentials,
    Ip(ip): Ip,
    Path(operation): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let Credentials::Bearer(jwt) = credentials else { return Err(ApiError::unauthenticated()) };
    let proof = Proof::Bearer { jwt, ip };
    let stream = events::follow(api.control, proof, id(&operation)?, &headers).await?;
    Ok(stream.into_response())
}
