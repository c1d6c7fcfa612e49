//! Plans in the words of the database routes: what a plan gives, without prices.

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
use utoipa::ToSchema;

/// A plan.
#[derive(Serialize, ToSchema)]
pub struct DatabasePlan {
    /// Its name, too.
    id: String,
    name: String,
    /// Backups are made.
    backup: bool,
    /// MiB
    disk: u32,
    /// MiB
    memory: u32,
    /// How many are kept.
    manual_backups_count: u16,
    daily_scheduled_backups: u16,
    weekly_scheduled_backups: u16,
    monthly_scheduled_backups: u16,
    pitr_backup_days: u16,
    gateway_nodes: u8,
}

impl From<types::Plan> for DatabasePlan {
    fn from(plan: types::Plan) -> Self {
        Self {
            id: plan.name.clone(),
            backup: plan.daily_backups > 0,
            disk: plan.disk_mib,
            memory: plan.memory_mib,
            manual_backups_count: plan.manual_backups,
            daily_scheduled_backups: plan.daily_backups,
            weekly_scheduled_backups: plan.weekly_backups,
            monthly_scheduled_backups: plan.monthly_backups,
            pitr_backup_days: plan.pitr_days,
            gateway_nodes: 0,
            name: plan.name,
        }
    }
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneDatabasePlan {
    plan: DatabasePlan,
}

/// The plan of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/plan", tag = "databases", responses((status = 200, body = OneDatabasePlan))
)]
pub async fn of_database(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<OneDatabasePlan>> {
    let id = api.addon_id(&actor, &database).await?;
    let addon = api.control.addon(&actor, id).await?;
    if addon.deleted_at.is_some() {
        return Err(ApiError::not_found("database"));
    }
    Ok(Json(OneDatabasePlan { plan: addon.plan.into() }))
}

/// A plan by its name.
#[utoipa::path(get, path = "/api/plans/{plan}", tag = "databases", responses((status = 200, body = OneDatabasePlan)))]
pub async fn show(
    State(api): State<Api>,
    Bearer(_actor): Bearer,
    Path(plan): Path<String>,
) -> Result<Json<OneDatabasePlan>> {
    let plan = api.control.plan(&plan).map_err(|_| ApiError::not_found("plan"))?;
    Ok(Json(OneDatabasePlan { plan: plan.into() }))
}
