//! What can be ordered: one provider, its plans. Open to everybody, as public clients ask without a token.

use super::{
    Api,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, State},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The provider's id.
pub const ID: &str = "postgresql";
/// Its old id, which public clients still make of some misspellings.
const OLD_ID: &str = "scalingo-postgresql";

/// Whether a client means the provider.
#[must_use]
pub fn is_ours(id: &str) -> bool {
    id == ID || id == OLD_ID
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub struct Plan {
    /// The same as the name: one thing has one name.
    id: String,
    name: String,
    display_name: String,
    description: String,
    position: usize,
    on_demand: bool,
    disabled: bool,
    disabled_alternative_plan_id: Option<String>,
    sku: String,
    hds_available: bool,
    to_be_discontinued: bool,
    trial_available: bool,
    /// Nobody pays here.
    price: f64,
    pricings: BTreeMap<&'static str, Pricing>,
    properties: Properties,
}

/// A price: none.
#[derive(Serialize, ToSchema)]
pub struct Pricing {
    price: f64,
    currency: &'static str,
    period: &'static str,
}

/// What a database of the plan may use.
#[derive(Serialize, ToSchema)]
pub struct Properties {
    /// MiB
    memory: u32,
    /// MiB
    disk: u32,
    connections: u32,
    nodes: u8,
}

impl Plan {
    /// `position` is its place in the list, from 0.
    #[must_use]
    pub fn new(plan: &types::Plan, position: usize) -> Self {
        Self {
            id: plan.name.clone(),
            name: plan.name.clone(),
            display_name: plan.display_name.clone(),
            description: plan.description.clone(),
            position,
            on_demand: false,
            disabled: false,
            disabled_alternative_plan_id: None,
            sku: plan.name.clone(),
            hds_available: false,
            to_be_discontinued: false,
            trial_available: false,
            price: 0.0,
            pricings: BTreeMap::from([("default", Pricing { price: 0.0, currency: "EUR", period: "month" })]),
            properties: Properties {
                memory: plan.memory_mib,
                disk: plan.disk_mib,
                connections: plan.connections(),
                nodes: plan.nodes,
            },
        }
    }
}

/// Several plans.
#[derive(Serialize, ToSchema)]
pub struct Plans {
    plans: Vec<Plan>,
}

/// The kind of add-on. Its name begins with "database": the public Terraform provider looks for that.
#[derive(Serialize, ToSchema)]
pub struct Category {
    id: &'static str,
    name: &'static str,
    description: &'static str,
    position: usize,
}

impl Category {
    const fn databases() -> Self {
        Self { id: "databases", name: "Databases", description: "PostgreSQL servers.", position: 0 }
    }
}

/// Several categories.
#[derive(Serialize, ToSchema)]
pub struct Categories {
    addon_categories: Vec<Category>,
}

/// A provider, whole.
#[derive(Serialize, ToSchema)]
pub struct Provider {
    id: &'static str,
    /// Exactly this: public clients compare it.
    name: &'static str,
    logo_url: String,
    short_description: &'static str,
    description: &'static str,
    category: Category,
    provider_name: &'static str,
    provider_url: String,
    hds_available: bool,
    plans: Vec<Plan>,
}

/// Several providers.
#[derive(Serialize, ToSchema)]
pub struct Providers {
    addon_providers: Vec<Provider>,
}

/// A provider as add-ons name it.
#[derive(Serialize, ToSchema)]
pub struct ShortProvider {
    id: &'static str,
    name: &'static str,
    logo_url: String,
}

impl Api {
    /// The provider as add-ons name it.
    #[must_use]
    pub fn provider(&self) -> ShortProvider {
        ShortProvider { id: ID, name: "PostgreSQL", logo_url: format!("{}/favicon.svg", self.public_url) }
    }

    fn plans(&self) -> Vec<Plan> {
        self.control.plans().iter().enumerate().map(|(position, plan)| Plan::new(plan, position)).collect()
    }
}

/// The providers: one.
#[utoipa::path(
    get, path = "/v1/addon_providers", tag = "add-ons", security(()), responses((status = 200, body = Providers))
)]
pub async fn list(State(api): State<Api>) -> Json<Providers> {
    let ShortProvider { id, name, logo_url } = api.provider();
    let provider = Provider {
        id,
        name,
        logo_url,
        short_description: "PostgreSQL on your own machines.",
        description: "A PostgreSQL server of its own for each add-on: data directory, limits, certificate, backups.",
        category: Category::databases(),
        provider_name: "Paddock",
        provider_url: api.public_url.to_string(),
        hds_available: false,
        plans: api.plans(),
    };
    Json(Providers { addon_providers: vec![provider] })
}

/// The plans of a provider, in the order of the configuration.
#[utoipa::path(
    get, path = "/v1/addon_providers/{provider}/plans", tag = "add-ons", security(()),
    responses((status = 200, body = Plans))
)]
pub async fn plans(State(api): State<Api>, Path(provider): Path<String>) -> Result<Json<Plans>> {
    if !is_ours(&provider) {
        return Err(ApiError::not_found("addon_provider"));
    }
    Ok(Json(Plans { plans: api.plans() }))
}

/// The kinds of add-on: one.
#[utoipa::path(
    get, path = "/v1/addon_categories", tag = "add-ons", security(()), responses((status = 200, body = Categories))
)]
pub async fn categories() -> Json<Categories> {
    Json(Categories { addon_categories: vec![Category::databases()] })
}
