//! The HTTP API: `/v1` (accounts, apps, add-ons, operations) and `/api` (databases), as public clients expect it.
//!
//! A handler gets the actor, parses, calls one method of the core and answers; it takes no cookie. The route table
//! and the OpenAPI document are one thing: each handler is registered together with its description.

#![expect(unused_qualifications, reason = "utoipa names the types of query parameters by their paths")]

pub mod actions;
pub mod addons;
pub mod apps;
pub mod audit;
pub mod backups;
pub mod bearer;
pub mod body;
pub mod ca;
pub mod database_users;
pub mod databases;
pub mod error;
pub mod features;
pub mod firewall;
pub mod instances;
pub mod logs;
pub mod metrics;
pub mod openapi;
pub mod operations;
pub mod pitr;
pub mod plans;
pub mod providers;
pub mod regions;
pub mod tokens;
pub mod users;
pub mod variables;

use axum::{Router, http::StatusCode};
use control::ControlPlane;
use error::ApiError;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What handlers need.
#[derive(Clone)]
pub struct Api {
    /// The core.
    pub control: ControlPlane,
    /// Name of the one region.
    pub region: Arc<str>,
    /// The public origin, without a slash at its end.
    pub public_url: Arc<str>,
}

/// Every route with its description: the whole API on one screen.
#[must_use]
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::head())
        // accounts
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::exchange))
        .routes(routes!(tokens::revoke))
        .routes(routes!(users::me))
        .routes(routes!(regions::list))
        .routes(routes!(audit::list))
        // apps
        .routes(routes!(apps::list, apps::create))
        .routes(routes!(apps::show, apps::put, apps::patch, apps::delete))
        .routes(routes!(apps::rename))
        .routes(routes!(variables::list, variables::create, variables::put, variables::delete_many))
        .routes(routes!(variables::patch, variables::delete))
        // what is sold
        .routes(routes!(providers::list))
        .routes(routes!(providers::plans))
        .routes(routes!(providers::categories))
        .routes(routes!(addons::list, addons::create))
        .routes(routes!(addons::show, addons::patch, addons::delete))
        .routes(routes!(addons::token))
        // operations
        .routes(routes!(operations::list))
        .routes(routes!(operations::show))
        .routes(routes!(operations::events))
        // databases
        .routes(routes!(databases::show, backups::patch, backups::put))
        .routes(routes!(databases::operation))
        .routes(routes!(backups::list, backups::create))
        .routes(routes!(backups::show))
        .routes(routes!(backups::show_of_database))
        .routes(routes!(backups::archive))
        .routes(routes!(backups::restore))
        .routes(routes!(backups::restoration))
        .routes(routes!(pitr::show))
        .routes(routes!(pitr::window))
        .routes(routes!(pitr::restore))
        .routes(routes!(pitr::beside, pitr::discard))
        .routes(routes!(pitr::switch))
        .routes(routes!(pitr::base_backup))
        .routes(routes!(database_users::list, database_users::create))
        .routes(routes!(database_users::change, database_users::delete))
        .routes(routes!(database_users::reset_password))
        .routes(routes!(features::enable, features::disable))
        .routes(routes!(firewall::list, firewall::create))
        .routes(routes!(firewall::change, firewall::delete))
        .routes(routes!(firewall::managed_ranges))
        .routes(routes!(actions::act))
        .routes(routes!(instances::status))
        .routes(routes!(logs::link))
        .routes(routes!(logs::archives))
        .routes(routes!(logs::read))
        .routes(routes!(logs::slow_queries))
        .routes(routes!(metrics::now))
        .routes(routes!(metrics::of_database))
        .routes(routes!(metrics::of_instance))
        .routes(routes!(plans::of_database))
        .routes(routes!(plans::show))
        .routes(routes!(ca::certificate))
}

/// The router; unknown methods and paths below the API's roots answer in JSON, too.
pub fn router(api: Api) -> Router {
    let (router, document) = routes().split_for_parts();
    router
        .route("/openapi.json", openapi::route(document))
        .method_not_allowed_fallback(wrong_method)
        .with_state(api)
}

async fn wrong_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method.",
    )
}

/// For paths below the API's roots that lead nowhere.
pub async fn no_route() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "no_such_route", "There is nothing at this address.")
}
