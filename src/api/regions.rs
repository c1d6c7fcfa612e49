//! The one region: where clients find the other services. All of them are this origin.

use super::Api;
use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

/// A region.
#[derive(Serialize, ToSchema)]
pub struct Region {
    name: String,
    display_name: String,
    /// Origin of `/v1`.
    api: String,
    /// Origin of `/api`.
    database_api: String,
    dashboard: String,
    /// Empty: there is no SSH service.
    ssh: String,
    default: bool,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct Regions {
    regions: Vec<Region>,
}

/// The regions: one.
#[utoipa::path(get, path = "/v1/regions", tag = "accounts", security(()), responses((status = 200, body = Regions)))]
pub async fn list(State(api): State<Api>) -> Json<Regions> {
    let origin = || api.public_url.to_string();
    let region = Region {
        name: api.region.to_string(),
        display_name: "Paddock".into(),
        api: origin(),
        database_api: origin(),
        dashboard: origin(),
        ssh: String::new(),
        default: true,
    };
    Json(Regions { regions: vec![region] })
}
