//! The servers of a database and what each does: a bare array, as public clients read it.

use super::{
    Api,
    bearer::Bearer,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use types::status::DatabaseStatus;
use utoipa::ToSchema;

/// A server.
#[derive(Serialize, ToSchema)]
pub struct InstanceStatus {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `booting`, `running`, `restarting`, `migrating`, `upgrading` or `stopped`.
    status: &'static str,
    /// `leader`; a database of one server has no other.
    role: &'static str,
}

/// The word for a server where a database has only one.
#[must_use]
pub const fn word(status: DatabaseStatus) -> &'static str {
    match status {
        DatabaseStatus::Creating => "booting",
        DatabaseStatus::Running => "running",
        DatabaseStatus::Updating => "restarting",
        DatabaseStatus::Migrating => "migrating",
        DatabaseStatus::Upgrading => "upgrading",
        DatabaseStatus::Stopped | DatabaseStatus::Down | DatabaseStatus::Deleted => "stopped",
    }
}

/// The servers of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/instances_status", tag = "databases",
    responses((status = 200, body = Vec<InstanceStatus>))
)]
pub async fn status(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Vec<InstanceStatus>>> {
    let id = api.addon_id(&actor, &database).await?;
    let view = api.control.database(&actor, id).await?;
    if view.addon.deleted_at.is_some() {
        return Err(ApiError::not_found("database"));
    }
    let status = word(view.addon.database_status);
    Ok(Json(vec![InstanceStatus { id: view.id.to_string(), kind: "db-node", status, role: "leader" }]))
}
