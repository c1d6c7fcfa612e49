//! Switches of a database, as public clients turn them: asked for, they are `PENDING`, and clients look again until they
//! are `ACTIVATED`. Here they take effect before the answer; it says `PENDING` all the same, because clients that wait
//! read nothing else.

use super::{
    Api,
    bearer::Bearer,
    body::Body,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use control::Actor;
use serde::{Deserialize, Serialize};
use types::AddonId;
use utoipa::{IntoParams, ToSchema};

/// A switch of a database that is on.
#[derive(Serialize, ToSchema)]
pub struct Feature {
    /// `force-ssl`, `publicly-available`
    name: String,
    /// `ACTIVATED`
    status: &'static str,
}

/// What is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFeature {
    feature: WantedFeature,
}

/// Which one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedFeature {
    /// `force-ssl`, `publicly-available`
    name: String,
    /// Clients send it empty.
    #[serde(default)]
    #[expect(dead_code, reason = "clients send it, and it decides nothing")]
    status: String,
}

/// Which one is to be turned off.
#[derive(Deserialize, IntoParams)]
pub struct Unwanted {
    /// `force-ssl`, `publicly-available`
    feature: Option<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct Asked {
    name: String,
    /// `PENDING`: look again.
    status: &'static str,
    message: String,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
pub struct TurnedOff {
    message: String,
}

/// The switches that are on, in the order in which they were enabled.
pub(super) async fn of(api: &Api, actor: &Actor, addon: AddonId) -> Result<Vec<Feature>> {
    let on = api.control.features(actor, addon).await?;
    let told = |one: control::FeatureView| Feature { name: one.feature.name().into(), status: "ACTIVATED" };
    Ok(on.into_iter().map(told).collect())
}

/// Turn a switch on.
#[utoipa::path(
    post, path = "/api/databases/{database}/features", tag = "databases", request_body = NewFeature,
    responses((status = 200, body = Asked))
)]
pub async fn enable(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Body(body): Body<NewFeature>,
) -> Result<Json<Asked>> {
    let addon = api.addon_id(&actor, &database).await?;
    let name = body.feature.name;
    api.control.set_feature(&actor, addon, &name, true).await.map_err(at_the_feature)?;
    let message = format!("Feature {name} is being enabled");
    Ok(Json(Asked { name, status: "PENDING", message }))
}

/// Turn a switch off.
#[utoipa::path(
    delete, path = "/api/databases/{database}/features", tag = "databases", params(Unwanted),
    responses((status = 200, body = TurnedOff))
)]
pub async fn disable(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Query(unwanted): Query<Unwanted>,
) -> Result<Json<TurnedOff>> {
    let addon = api.addon_id(&actor, &database).await?;
    let name = unwanted.feature.unwrap_or_default();
    api.control.set_feature(&actor, addon, &name, false).await.map_err(at_the_feature)?;
    Ok(Json(TurnedOff { message: format!("Feature {name} is disabled") }))
}

/// Clients know one field.
fn at_the_feature(error: control::Error) -> ApiError {
    ApiError::from(error).field("force_tls", "feature").field("everywhere", "feature")
}
