//! Backups of databases, as public clients list, make, download and restore them, and the schedule that they set.

use super::{
    Api,
    bearer::{Bearer, IdempotencyKey},
    body::Body,
    databases::OneDatabase,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use control::{Actor, backup::schedule::Schedule};
use serde::{Deserialize, Serialize};
use types::{
    AddonId, BackupId,
    backup::{BackupMethod, BackupView, ProofView},
    operation::{OperationStatus, OperationView},
};
use utoipa::ToSchema;

/// A backup.
#[derive(Serialize, ToSchema)]
pub struct Backup {
    id: String,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    /// `20261128010000_my_app_4553.tar.gz`
    name: String,
    /// Bytes of a download, once it is done.
    size: Option<u64>,
    /// `scheduled`, `running`, `done`, `error`, `cancelling`, `cancelled`
    status: &'static str,
    database_id: String,
    /// `periodic` or `manual`
    method: &'static str,
    /// Follow it with `/v1/operations/{id}`.
    operation_id: String,
    /// Bytes of the dump, so far or in all.
    dumped_bytes: u64,
    /// SHA-256 of the dump within the archive.
    sha256: Option<String>,
    error: Option<String>,
    /// Its trial restore.
    #[schema(value_type = Object)]
    proof: ProofView,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneBackup {
    database_backup: Backup,
}

/// Several backups, newest first.
#[derive(Serialize, ToSchema)]
pub struct Backups {
    database_backups: Vec<Backup>,
}

/// Where an archive can be had, for a while, by a plain `GET`.
#[derive(Serialize, ToSchema)]
pub struct DownloadLink {
    download_url: String,
}

/// A restore.
#[derive(Serialize, ToSchema)]
pub struct Restoration {
    id: String,
    created_at: DateTime<Utc>,
    /// `scheduled`, `running`, `done`, `error`
    status: &'static str,
    /// `backup`
    method: &'static str,
    database_id: String,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneRestoration {
    backup_restoration: Restoration,
}

/// Nothing is asked of it.
#[derive(Deserialize, Default, ToSchema)]
#[serde(default)]
pub struct Nothing {}

/// What shall be otherwise.
#[derive(Deserialize, ToSchema)]
pub struct Change {
    database: Changed,
}

/// When periodic backups are made.
#[derive(Deserialize, ToSchema)]
pub struct Changed {
    periodic_backups_enabled: Option<bool>,
    /// An hour of UTC, 0 to 23; alone or as the only one of an array.
    #[schema(value_type = Option<u8>)]
    periodic_backups_scheduled_at: Option<serde_json::Value>,
}

impl From<BackupView> for Backup {
    fn from(view: BackupView) -> Self {
        let method = match view.method {
            // Clients know two words; what Paddock makes before a restore is nobody's schedule.
            BackupMethod::Safety => BackupMethod::Manual,
            known => known,
        };
        Self {
            id: view.id.to_string(),
            created_at: view.created_at,
            started_at: view.started_at,
            name: view.name.unwrap_or_default(),
            size: view.archive_bytes,
            status: view.status.as_str(),
            database_id: view.addon.to_string(),
            method: method.as_str(),
            operation_id: view.operation.to_string(),
            dumped_bytes: view.bytes,
            sha256: view.sha256,
            error: view.error,
            proof: view.proof,
        }
    }
}

impl Restoration {
    fn of(addon: AddonId, view: &OperationView) -> Self {
        let status = match view.status {
            OperationStatus::Pending => "scheduled",
            OperationStatus::Running | OperationStatus::Waiting | OperationStatus::RollingBack => "running",
            OperationStatus::Succeeded => "done",
            OperationStatus::Failed | OperationStatus::Cancelled => "error",
        };
        Self {
            id: view.id.to_string(),
            created_at: view.created_at,
            status,
            method: "backup",
            database_id: addon.to_string(),
        }
    }
}

fn id(text: &str) -> Result<BackupId> {
    text.parse().map_err(|_| ApiError::not_found("backup"))
}

impl Api {
    /// A backup of this database.
    async fn backup_of(&self, actor: &Actor, database: &str, backup: &str) -> Result<BackupView> {
        let addon = self.addon_id(actor, database).await?;
        let view = self.control.backup(actor, id(backup)?).await?;
        if view.addon == addon { Ok(view) } else { Err(ApiError::not_found("backup")) }
    }
}

/// The backups of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/backups", tag = "backups", responses((status = 200, body = Backups))
)]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Backups>> {
    let addon = api.addon_id(&actor, &database).await?;
    let view = api.control.backups(&actor, addon).await?;
    Ok(Json(Backups { database_backups: view.backups.into_iter().map(Into::into).collect() }))
}

/// Make a backup now.
#[utoipa::path(
    post, path = "/api/databases/{database}/backups", tag = "backups", request_body = Nothing,
    responses((status = 201, body = OneBackup))
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<(StatusCode, Json<OneBackup>)> {
    let addon = api.addon_id(&actor, &database).await?;
    let view = api.control.back_up(&actor, addon, key).await?;
    Ok((StatusCode::CREATED, Json(OneBackup { database_backup: view.into() })))
}

/// A backup, by its id alone: public clients ask so.
#[utoipa::path(
    get, path = "/api/backups/{backup}", tag = "backups", responses((status = 200, body = OneBackup))
)]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(backup): Path<String>,
) -> Result<Json<OneBackup>> {
    let view = api.control.backup(&actor, id(&backup)?).await?;
    Ok(Json(OneBackup { database_backup: view.into() }))
}

/// A backup of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/backups/{backup}", tag = "backups",
    responses((status = 200, body = OneBackup))
)]
pub async fn show_of_database(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, backup)): Path<(String, String)>,
) -> Result<Json<OneBackup>> {
    let view = api.backup_of(&actor, &database, &backup).await?;
    Ok(Json(OneBackup { database_backup: view.into() }))
}

/// Where its archive can be downloaded for an hour, without a token.
#[utoipa::path(
    get, path = "/api/databases/{database}/backups/{backup}/archive", tag = "backups",
    responses((status = 200, body = DownloadLink))
)]
pub async fn archive(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, backup)): Path<(String, String)>,
) -> Result<Json<DownloadLink>> {
    let view = api.backup_of(&actor, &database, &backup).await?;
    let link = api.control.backup_link(&actor, view.id).await?;
    Ok(Json(DownloadLink { download_url: format!("{}{}", api.public_url, link.path) }))
}

/// Restore a backup in the place of the database's data.
#[utoipa::path(
    post, path = "/api/databases/{database}/backups/{backup}/restore", tag = "backups", request_body = Nothing,
    responses((status = 201, body = Restoration))
)]
pub async fn restore(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, backup)): Path<(String, String)>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<(StatusCode, Json<Restoration>)> {
    let view = api.backup_of(&actor, &database, &backup).await?;
    let accepted = api.control.restore_backup(&actor, view.addon, view.id, &view.resource_id, key).await?;
    let operation = api.control.operation(&actor, accepted.operation).await?;
    Ok((StatusCode::CREATED, Json(Restoration::of(view.addon, &operation))))
}

/// How far a restore is.
#[utoipa::path(
    get, path = "/api/databases/{database}/backup_restorations/{restoration}", tag = "backups",
    responses((status = 200, body = OneRestoration))
)]
pub async fn restoration(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, restoration)): Path<(String, String)>,
) -> Result<Json<OneRestoration>> {
    let addon = api.addon_id(&actor, &database).await?;
    let operation = restoration.parse().map_err(|_| ApiError::not_found("restoration"))?;
    let view = api.control.operation(&actor, operation).await?;
    if view.addon_id != Some(addon) || view.kind != "restore_backup" {
        return Err(ApiError::not_found("restoration"));
    }
    Ok(Json(OneRestoration { backup_restoration: Restoration::of(addon, &view) }))
}

/// Set when periodic backups are made.
#[utoipa::path(
    patch, path = "/api/databases/{database}", tag = "databases", request_body = Change,
    responses((status = 200, body = OneDatabase))
)]
pub async fn patch(
    api: State<Api>,
    bearer: Bearer,
    path: Path<String>,
    body: Body<Change>,
) -> Result<Json<OneDatabase>> {
    schedule(api, bearer, path, body).await
}

/// As `PATCH`.
#[utoipa::path(
    put, path = "/api/databases/{database}", tag = "databases", request_body = Change,
    responses((status = 200, body = OneDatabase))
)]
pub async fn put(
    api: State<Api>,
    bearer: Bearer,
    path: Path<String>,
    body: Body<Change>,
) -> Result<Json<OneDatabase>> {
    schedule(api, bearer, path, body).await
}

async fn schedule(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    Body(body): Body<Change>,
) -> Result<Json<OneDatabase>> {
    let addon = api.addon_id(&actor, &database).await?;
    let Changed { periodic_backups_enabled: enabled, periodic_backups_scheduled_at: at } = body.database;
    let at = match at.filter(|at| !at.is_null()) {
        None => None,
        Some(at) => {
            let schedule = Schedule::from_api(&at)?;
            Some((schedule.hour(), schedule.zone().name().to_owned()))
        }
    };
    api.control.set_backup_schedule(&actor, addon, enabled, at).await?;
    super::databases::one(&api, &actor, addon).await
}
