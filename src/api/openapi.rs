//! The OpenAPI 3.1 document at `/openapi.json`, generated from the handlers.

use axum::{Json, Router, routing::MethodRouter};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

/// What stands above the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Paddock", description = "Self-hosted managed PostgreSQL."),
    modifiers(&Security),
    components(schemas(super::error::Refusal, super::error::Missing, super::error::Invalid)),
    security(("bearer" = [])),
)]
struct Head;

/// The two ways to prove who asks.
struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        for (name, scheme) in [("bearer", HttpAuthScheme::Bearer), ("basic", HttpAuthScheme::Basic)] {
            components.add_security_scheme(name, SecurityScheme::Http(Http::new(scheme)));
        }
    }
}

/// The document without its routes.
#[must_use]
pub fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// Answers with the document.
pub fn route<S: Clone + Send + Sync + 'static>(document: utoipa::openapi::OpenApi) -> MethodRouter<S> {
    let document = std::sync::Arc::new(document);
    axum::routing::get(move || {
        let document = document.clone();
        async move { Json(document.as_ref().clone()) }
    })
}

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let (_router, document): (Router<super::Api>, _) = super::routes().split_for_parts();
    document
}
