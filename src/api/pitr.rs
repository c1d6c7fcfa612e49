//! Point-in-time recovery, as public clients ask for it: the window, and a restore that takes the database's place. And
//! what they do not know: a restore beside it, to look at first.

use super::{
    Api,
    bearer::{Bearer, IdempotencyKey},
    body::Body,
    databases::DatabaseOperation,
    error::Result,
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use control::{Actor, pitr::ToMoment};
use serde::{Deserialize, Serialize};
use types::{AddonId, OperationId, pitr::PitrView};
use utoipa::ToSchema;

/// The moments that can be restored.
#[derive(Serialize, ToSchema)]
pub struct Window {
    /// `null`: none yet.
    earliest_recoverable_at: Option<DateTime<Utc>>,
    latest_recoverable_at: Option<DateTime<Utc>>,
}

/// Root of the answer.
#[derive(Serialize, ToSchema)]
pub struct OneWindow {
    recovery_window: Window,
}

/// Everything about the moments of a database.
#[derive(Serialize, ToSchema)]
pub struct OnePitr {
    /// Window, base backups, gaps, what stands beside it: see `types::pitr`.
    #[schema(value_type = Object)]
    pitr: PitrView,
}

/// A moment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// The last moment that is still in, RFC 3339; microseconds count.
    restore_time: DateTime<Utc>,
    /// The timeline that leads there; left out: the one that the database writes. A state that a restore has left names
    /// its own.
    #[serde(default)]
    timeline: Option<u32>,
}

/// The operation to follow.
#[derive(Serialize, ToSchema)]
pub struct Begun {
    operation_id: String,
    operation: DatabaseOperation,
}

impl Api {
    async fn begun(&self, actor: &Actor, operation: OperationId) -> Result<(StatusCode, Json<Begun>)> {
        let view = self.control.operation(actor, operation).await?;
        let begun = Begun { operation_id: operation.to_string(), operation: view.into() };
        Ok((StatusCode::CREATED, Json(begun)))
    }

    async fn to_moment(
        &self,
        actor: &Actor,
        addon: AddonId,
        to: Moment,
        switch: bool,
        key: Option<String>,
    ) -> Result<(StatusCode, Json<Begun>)> {
        let to = ToMoment { moment: to.restore_time, timeline: to.timeline, switch };
        let accepted = self.control.restore_to_moment(actor, addon, to, None, key).await?;
        self.begun(actor, accepted.operation).await
    }
}

/// Which moments can be restored.
#[utoipa::path(
    get, path = "/api/databases/{database}/pitr/recovery_window", tag = "pitr", responses((status = 200, body = OneWindow))
)]
pub async fn window(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<OneWindow>> {
    let addon = api.addon_id(&actor, &database).await?;
    let view = api.control.pitr(&actor, addon).await?;
    let recovery_window = Window { earliest_recoverable_at: view.from, latest_recoverable_at: view.to };
    Ok(Json(OneWindow { recovery_window }))
}

/// Everything about its moments.
#[utoipa::path(get, path = "/api/databases/{database}/pitr", tag = "pitr", responses((status = 200, body = OnePitr)))]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<OnePitr>> {
    let addon = api.addon_id(&actor, &database).await?;
    Ok(Json(OnePitr { pitr: api.control.pitr(&actor, addon).await? }))
}

/// Take the database back to a moment. The database works until the switch; the state before stays a moment that can be
/// restored.
#[utoipa::path(
    post, path = "/api/databases/{database}/pitr/restore", tag = "pitr", request_body = Moment,
    responses((status = 201, body = Begun))
)]
pub async fn restore(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Body(to): Body<Moment>,
) -> Result<(StatusCode, Json<Begun>)> {
    let addon = api.addon_id(&actor, &database).await?;
    api.to_moment(&actor, addon, to, true, key).await
}

/// Restore a moment beside the database, to look at; or move what stands there.
#[utoipa::path(
    post, path = "/api/databases/{database}/pitr/beside", tag = "pitr", request_body = Moment,
    responses((status = 201, body = Begun))
)]
pub async fn beside(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Body(to): Body<Moment>,
) -> Result<(StatusCode, Json<Begun>)> {
    let addon = api.addon_id(&actor, &database).await?;
    api.to_moment(&actor, addon, to, false, key).await
}

/// Put what stands beside the database in its place.
#[utoipa::path(
    post, path = "/api/databases/{database}/pitr/beside/switch", tag = "pitr", responses((status = 201, body = Begun))
)]
pub async fn switch(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<(StatusCode, Json<Begun>)> {
    let addon = api.addon_id(&actor, &database).await?;
    let name = api.control.addon(&actor, addon).await?.resource_id;
    let accepted = api.control.switch_to_restore(&actor, addon, &name, key).await?;
    api.begun(&actor, accepted.operation).await
}

/// Remove what stands beside the database.
#[utoipa::path(
    delete, path = "/api/databases/{database}/pitr/beside", tag = "pitr", responses((status = 204))
)]
pub async fn discard(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<StatusCode> {
    let addon = api.addon_id(&actor, &database).await?;
    api.control.discard_restore(&actor, addon).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a full base backup now.
#[utoipa::path(
    post, path = "/api/databases/{database}/pitr/base_backups", tag = "pitr", responses((status = 201, body = Begun))
)]
pub async fn base_backup(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
) -> Result<(StatusCode, Json<Begun>)> {
    let addon = api.addon_id(&actor, &database).await?;
    let operation = api.control.make_base_backup(&actor, addon, key).await?;
    api.begun(&actor, operation).await
}
