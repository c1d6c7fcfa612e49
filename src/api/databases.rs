//! Databases, by the id of their add-on or by their name. What a part of Paddock does not do yet is told as absent.

use super::{
    Api,
    bearer::Bearer,
    error::{ApiError, Result},
    features::{self, Feature},
};
use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use control::Actor;
use serde::Serialize;
use types::{
    AddonId,
    operation::{OperationStatus, OperationView},
    view::DatabaseView,
};
use utoipa::ToSchema;

/// A database.
#[derive(Serialize, ToSchema)]
pub struct Database {
    /// The add-on's id: what these routes call it by.
    id: String,
    created_at: DateTime<Utc>,
    resource_id: String,
    app_name: String,
    encryption_at_rest: bool,
    features: Vec<Feature>,
    /// Name of the plan.
    plan: String,
    status: &'static str,
    type_id: &'static str,
    type_name: &'static str,
    version_id: String,
    mongo_repl_set_name: String,
    instances: Vec<Instance>,
    next_version_id: Option<String>,
    /// `17.11.0-1`
    readable_version: String,
    /// `host:port`
    hostname: String,
    current_operation_id: Option<String>,
    cluster: bool,
    periodic_backups_enabled: bool,
    periodic_backups_scheduled_at: Vec<u8>,
    maintenance_window: Option<MaintenanceWindow>,
    first_pitr_backup: Option<DateTime<Utc>>,
    flags: Vec<String>,
    postgresql_config: PostgresqlConfig,
}

/// A server of a database.
#[derive(Serialize, ToSchema)]
pub struct Instance {
    id: String,
    hostname: String,
    port: u16,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    features: Vec<String>,
    private_ip: String,
}

/// When changes may be made unasked.
#[derive(Serialize, ToSchema)]
pub struct MaintenanceWindow {
    weekday_utc: u8,
    starting_hour_utc: u8,
    duration_in_hour: u8,
}

/// Further facts.
#[derive(Serialize, ToSchema)]
pub struct PostgresqlConfig {
    timescaledb_enabled: bool,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneDatabase {
    database: Database,
}

impl From<DatabaseView> for Database {
    fn from(view: DatabaseView) -> Self {
        let addon = view.addon;
        let status = addon.database_status.wire();
        let (host, port) = view.address.rsplit_once(':').unwrap_or((&view.address, ""));
        let node = Instance {
            id: view.id.to_string(),
            hostname: host.to_owned(),
            port: port.parse().unwrap_or(0),
            status: super::instances::word(addon.database_status),
            kind: "db-node",
            features: Vec::new(),
            private_ip: String::new(),
        };
        Self {
            id: addon.id.to_string(),
            created_at: addon.created_at,
            resource_id: addon.resource_id,
            app_name: addon.app,
            encryption_at_rest: false,
            features: Vec::new(),
            cluster: addon.plan.nodes > 1,
            plan: addon.plan.name,
            status,
            type_id: "postgresql",
            type_name: "postgresql",
            version_id: addon.version.to_string(),
            mongo_repl_set_name: String::new(),
            instances: vec![node],
            next_version_id: None,
            readable_version: addon.version.readable(),
            hostname: view.address,
            current_operation_id: addon.operation.map(|id| id.to_string()),
            periodic_backups_enabled: false,
            periodic_backups_scheduled_at: Vec::new(),
            maintenance_window: None,
            first_pitr_backup: None,
            flags: Vec::new(),
            postgresql_config: PostgresqlConfig { timescaledb_enabled: false },
        }
    }
}

impl Api {
    /// The add-on that `text` names: its id, or the name of its database.
    pub(super) async fn addon_id(&self, actor: &Actor, text: &str) -> Result<AddonId> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let named = match actor.only_addon() {
            Some(only) => vec![self.control.addon(actor, only).await?],
            None => self.control.databases(actor).await?,
        };
        let found = named.into_iter().find(|addon| addon.resource_id == text);
        found.map(|addon| addon.id).ok_or_else(|| ApiError::not_found("database"))
    }
}

/// An operation in the words of the database routes.
#[derive(Serialize, ToSchema)]
pub struct DatabaseOperation {
    id: String,
    /// `change_plan`, `restart`, …
    #[serde(rename = "type")]
    kind: String,
    /// `pending`, `running`, `finished`, `error` or `cancelled`.
    status: &'static str,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    error: Option<String>,
}

impl From<OperationView> for DatabaseOperation {
    fn from(view: OperationView) -> Self {
        let status = match view.status {
            OperationStatus::Pending => "pending",
            OperationStatus::Running | OperationStatus::Waiting | OperationStatus::RollingBack => "running",
            OperationStatus::Succeeded => "finished",
            OperationStatus::Failed => "error",
            OperationStatus::Cancelled => "cancelled",
        };
        Self {
            id: view.id.to_string(),
            kind: view.kind,
            status,
            created_at: view.created_at,
            finished_at: view.finished_at,
            error: view.error,
        }
    }
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneDatabaseOperation {
    operation: DatabaseOperation,
}

/// An operation of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/operations/{operation}", tag = "databases",
    responses((status = 200, body = OneDatabaseOperation))
)]
pub async fn operation(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, operation)): Path<(String, String)>,
) -> Result<Json<OneDatabaseOperation>> {
    let addon = api.addon_id(&actor, &database).await?;
    let id = operation.parse().map_err(|_| ApiError::not_found("operation"))?;
    let view = api.control.operation(&actor, id).await?;
    if view.addon_id != Some(addon) {
        return Err(ApiError::not_found("operation"));
    }
    Ok(Json(OneDatabaseOperation { operation: view.into() }))
}

/// A database, with the token of its add-on or of an account.
#[utoipa::path(
    get, path = "/api/databases/{database}", tag = "databases", responses((status = 200, body = OneDatabase))
)]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<OneDatabase>> {
    let id = api.addon_id(&actor, &database).await?;
    one(&api, &actor, id).await
}

/// The database of an add-on, as it is now.
pub(super) async fn one(api: &Api, actor: &Actor, id: AddonId) -> Result<Json<OneDatabase>> {
    let view = api.control.database(actor, id).await?;
    if view.addon.deleted_at.is_some() {
        return Err(ApiError::not_found("database"));
    }
    let features = features::of(api, actor, id).await?;
    let schedule = api.control.backup_schedule(actor, id).await?;
    Ok(Json(OneDatabase {
        database: Database {
            features,
            periodic_backups_enabled: schedule.as_ref().is_some_and(|schedule| schedule.enabled),
            periodic_backups_scheduled_at: schedule.map(|schedule| schedule.hour_utc).into_iter().collect(),
            first_pitr_backup: api.control.first_base_backup(view.id),
            ..view.into()
        },
    }))
}
