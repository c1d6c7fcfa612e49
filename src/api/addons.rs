//! Add-ons of an app: order, look, delete, and the token for their database's own routes.

use super::{
    Api,
    bearer::{Bearer, IdempotencyKey},
    body::Body,
    error::{ApiError, Result},
    providers::{self, Plan, ShortProvider},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use control::{Actor, NewAddon};
use serde::{Deserialize, Serialize};
use types::view::{Accepted, AddonView};
use utoipa::ToSchema;

/// An add-on.
#[derive(Serialize, ToSchema)]
pub struct Addon {
    /// Begins with `ad-`: public clients tell it from a type by that.
    id: String,
    app_id: String,
    /// Name of the database: `my_app_4553`.
    resource_id: String,
    /// `provisioning`, `running` or `suspended`.
    status: String,
    plan: Plan,
    addon_provider: ShortProvider,
    provisioned_at: Option<DateTime<Utc>>,
    deprovisioned_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// The operation that changes it now: `/v1/operations/{id}`.
    operation_id: Option<String>,
}

impl Api {
    fn addon(&self, view: AddonView) -> Addon {
        let position = self.control.plans().iter().position(|plan| plan.name == view.plan.name);
        Addon {
            id: view.id.to_string(),
            app_id: view.app_id.to_string(),
            resource_id: view.resource_id,
            status: word(&view.status),
            plan: Plan::new(&view.plan, position.unwrap_or(0)),
            addon_provider: self.provider(),
            provisioned_at: view.provisioned_at,
            deprovisioned_at: view.deleted_at,
            created_at: view.created_at,
            updated_at: view.updated_at,
            operation_id: view.operation.map(|id| id.to_string()),
        }
    }

    /// The add-on `id` of this very app; one in the trash is not there any more.
    async fn find_addon(&self, actor: &Actor, app: &str, id: &str) -> Result<AddonView> {
        let app = self.control.app(actor, app).await?;
        let id = id.parse().map_err(|_| ApiError::not_found("addon"))?;
        let view = self.control.addon(actor, id).await?;
        if view.app_id != app.id || view.deleted_at.is_some() {
            return Err(ApiError::not_found("addon"));
        }
        Ok(view)
    }
}

/// The word that serde writes for a status: the wire's word is decided in one place.
fn word(status: &impl Serialize) -> String {
    let value = serde_json::to_value(status).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// Several add-ons.
#[derive(Serialize, ToSchema)]
pub struct Addons {
    addons: Vec<Addon>,
}

/// One add-on.
#[derive(Serialize, ToSchema)]
pub struct OneAddon {
    addon: Addon,
}

/// An add-on that was ordered.
#[derive(Serialize, ToSchema)]
pub struct Ordered {
    addon: Addon,
    /// For people.
    message: String,
    /// Variables that this request changed: none yet, the operation publishes them when the database answers.
    variables: Vec<String>,
    /// The operation to follow: `/v1/operations/{id}`.
    operation_id: String,
}

/// An add-on with the token for its database's routes.
#[derive(Serialize, ToSchema)]
pub struct WithToken {
    addon: AddonToken,
}

/// The same, flat.
#[derive(Serialize, ToSchema)]
pub struct AddonToken {
    #[serde(flatten)]
    addon: Addon,
    /// Good for an hour, and for this add-on's database only.
    token: String,
}

/// What to order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddonBody {
    addon: NewAddonFields,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAddonFields {
    /// `postgresql`
    addon_provider_id: String,
    /// Id or name of a plan: they are the same.
    plan_id: String,
    #[serde(default)]
    options: Option<Options>,
}

/// Options of an order.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// `17`, `17.11` or `17.11.0`; the newest safe one where it is left out.
    version: Option<String>,
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    addon: ChangeFields,
}

/// Its fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFields {
    /// Id or name of the new plan: they are the same.
    plan_id: String,
}

/// The add-ons of an app.
#[utoipa::path(get, path = "/v1/apps/{app}/addons", tag = "add-ons", responses((status = 200, body = Addons)))]
pub async fn list(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
) -> Result<Json<Addons>> {
    let addons = api.control.addons(&actor, &app).await?;
    Ok(Json(Addons { addons: addons.into_iter().map(|view| api.addon(view)).collect() }))
}

/// Orders a database. It answers at once; the operation makes it.
#[utoipa::path(
    post, path = "/v1/apps/{app}/addons", tag = "add-ons", request_body = NewAddonBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body: the same add-on.")),
    responses((status = 201, body = Ordered))
)]
pub async fn create(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(app): Path<String>,
    IdempotencyKey(key): IdempotencyKey,
    Body(NewAddonBody { addon }): Body<NewAddonBody>,
) -> Result<(StatusCode, Json<Ordered>)> {
    // Who may not see the app learns nothing about the rest.
    let app = api.control.app(&actor, &app).await?;
    if !providers::is_ours(&addon.addon_provider_id) {
        return Err(ApiError::invalid("addon_provider_id", "There is one provider: postgresql."));
    }
    let new = NewAddon { plan: addon.plan_id, version: addon.options.unwrap_or_default().version };
    let accepted = api.control.provision(&actor, &app.id.to_string(), new, key).await;
    let Accepted { addon, operation } =
        accepted.map_err(|error| ApiError::from(error).field("plan", "plan_id"))?;
    let ordered = Ordered {
        message: format!("{} is being provisioned", addon.resource_id),
        addon: api.addon(addon),
        variables: Vec::new(),
        operation_id: operation.to_string(),
    };
    Ok((StatusCode::CREATED, Json(ordered)))
}

/// An add-on.
#[utoipa::path(
    get, path = "/v1/apps/{app}/addons/{addon}", tag = "add-ons", responses((status = 200, body = OneAddon))
)]
pub async fn show(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, addon)): Path<(String, String)>,
) -> Result<Json<OneAddon>> {
    let view = api.find_addon(&actor, &app, &addon).await?;
    Ok(Json(OneAddon { addon: api.addon(view) }))
}

/// Changes the plan of an add-on. It answers at once with the new plan and the status `provisioning`; the operation
/// does it. What does not fit is refused.
#[utoipa::path(
    patch, path = "/v1/apps/{app}/addons/{addon}", tag = "add-ons", request_body = ChangeBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key and body: the same change.")),
    responses((status = 200, body = Ordered))
)]
pub async fn patch(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, addon)): Path<(String, String)>,
    IdempotencyKey(key): IdempotencyKey,
    Body(ChangeBody { addon: change }): Body<ChangeBody>,
) -> Result<Json<Ordered>> {
    let view = api.find_addon(&actor, &app, &addon).await?;
    let accepted = api.control.change_plan_api(&actor, view.id, &change.plan_id, key).await;
    let Accepted { addon, operation } =
        accepted.map_err(|error| ApiError::from(error).field("plan", "plan_id"))?;
    Ok(Json(Ordered {
        message: format!("{} is being changed to {}", addon.resource_id, addon.plan.display_name),
        addon: api.addon(addon),
        variables: Vec::new(),
        operation_id: operation.to_string(),
    }))
}

/// Deletes an add-on; its data waits in the trash.
#[utoipa::path(delete, path = "/v1/apps/{app}/addons/{addon}", tag = "add-ons", responses((status = 204)))]
pub async fn delete(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, addon)): Path<(String, String)>,
) -> Result<StatusCode> {
    let view = api.find_addon(&actor, &app, &addon).await?;
    api.control.delete_addon_api(&actor, view.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the token for the routes of an add-on's database.
#[utoipa::path(
    post, path = "/v1/apps/{app}/addons/{addon}/token", tag = "add-ons", responses((status = 200, body = WithToken))
)]
pub async fn token(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((app, addon)): Path<(String, String)>,
) -> Result<Json<WithToken>> {
    let view = api.find_addon(&actor, &app, &addon).await?;
    let token = api.control.addon_token(&actor, view.id).await?;
    Ok(Json(WithToken { addon: AddonToken { addon: api.addon(view), token } }))
}
