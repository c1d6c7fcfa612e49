//! What lies behind what: every layer and every door of the server, on one screen.
//!
//! Outermost first: headers, the client's address, the bounds of a request. Then two houses. The HTTP API knows bearer
//! tokens and no cookie. The dashboard knows the session cookie, and changes nothing for other sites. Built files are
//! in neither.

use super::{
    address, assets,
    csrf::{self, Ours},
    download,
    events::{self, Proof},
    figures, headers, leptos, limits, log, logs, metrics, prometheus, session, session_store,
};
use crate::api::{self, Api};
use ::leptos::config::LeptosOptions;
use app::ssr::Viewer;
use axum::{
    Extension, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use control::{ControlPlane, Error};
use std::{net::IpAddr, sync::Arc};
use tower::ServiceExt;
use tower_sessions::Session;
use types::ProblemKind;

/// What the router needs to know.
#[derive(Clone, Debug)]
pub struct Site {
    /// The public origin, without a slash at its end.
    pub public_url: Arc<str>,
    /// Name of the one region.
    pub region: Arc<str>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpAddr]>,
    /// Where the dashboard's files are.
    pub options: LeptosOptions,
}

/// The whole server.
pub fn router(control: ControlPlane, site: Site) -> Router {
    let secure = site.public_url.starts_with("https://");
    let api = Api { control: control.clone(), region: site.region, public_url: site.public_url.clone() };
    let ours = Ours { origin: site.public_url, cookie: session::cookie_name(secure) };

    let files = assets::router(&site.options);
    let dashboard = Router::new()
        .route("/events/operations/{operation}", get(operation_events))
        .route("/events/databases/{database}", get(database_events))
        .route("/events/databases/{database}/log", get(log_events))
        .route("/databases/{database}/log.txt", get(logs::download))
        .route("/databases/{database}/metrics.csv", get(metrics::csv))
        .with_state(control.clone())
        .merge(leptos::router(control.clone(), site.options))
        .layer(from_fn_with_state(control.clone(), session::identify))
        .layer(session::layer(control.clone(), secure))
        .layer(from_fn(session::remove_securely))
        .layer(from_fn_with_state(ours, csrf::check));

    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(prometheus::metrics))
        .route("/downloads/{token}", get(download::download))
        .with_state(control)
        .merge(api::router(api))
        .merge(files)
        .fallback_service(any(elsewhere).with_state(dashboard))
        .layer(from_fn(limits::bound))
        .layer(from_fn(log::record))
        .layer(from_fn_with_state(site.trusted_proxies, address::find))
        .layer(from_fn_with_state(secure, headers::add))
}

/// What lies below the API's roots and is no route of it never reaches the dashboard: its clients read JSON only.
async fn elsewhere(State(dashboard): State<Router>, request: Request) -> Response {
    if limits::is_api(request.uri().path()) {
        return api::no_route().await.into_response();
    }
    let Ok(response) = dashboard.oneshot(request).await;
    response
}

/// Alive, and the store answers.
async fn health(State(control): State<ControlPlane>) -> Response {
    match control.setup_needed().await {
        Ok(_) => "ok\n".into_response(),
        Err(error) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", error.problem().message)).into_response()
        }
    }
}

/// The live stream of an operation, for pages.
async fn operation_events(
    State(control): State<ControlPlane>,
    Extension(viewer): Extension<Viewer>,
    session: Session,
    Path(operation): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Some(proof) = proof(&session, viewer) else { return refused(&Error::Unauthenticated) };
    let Ok(operation) = operation.parse() else { return refused(&Error::NotFound("operation")) };
    let stream = events::follow(control, proof, operation, &headers).await;
    stream.unwrap_or_else(|error| refused(&error))
}

/// The live figures of a database, for pages.
async fn database_events(
    State(control): State<ControlPlane>,
    Extension(viewer): Extension<Viewer>,
    session: Session,
    Path(database): Path<String>,
) -> Response {
    let Some(proof) = proof(&session, viewer) else { return refused(&Error::Unauthenticated) };
    let Ok(addon) = database.parse() else { return refused(&Error::NotFound("addon")) };
    figures::follow(control, proof, addon).await.unwrap_or_else(|error| refused(&error))
}

/// What comes into the log of a database, for pages.
async fn log_events(
    State(control): State<ControlPlane>,
    Extension(viewer): Extension<Viewer>,
    session: Session,
    Path(database): Path<String>,
    Query(asked): Query<logs::Asked>,
    headers: HeaderMap,
) -> Response {
    let Some(proof) = proof(&session, viewer) else { return refused(&Error::Unauthenticated) };
    let Ok(addon) = database.parse() else { return refused(&Error::NotFound("addon")) };
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    logs::follow(control, proof, addon, asked, last).await.unwrap_or_else(|error| refused(&error))
}

/// What a signed-in browser proves who follows with.
fn proof(session: &Session, viewer: Viewer) -> Option<Proof> {
    viewer.actor.as_ref()?;
    Some(Proof::Session { id_hash: session_store::hash(&session.id()?), ip: viewer.ip })
}

/// A refusal in one sentence, for what is no page.
pub(super) fn refused(error: &Error) -> Response {
    let problem = error.problem();
    let status = match problem.kind {
        ProblemKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ProblemKind::Forbidden => StatusCode::FORBIDDEN,
        ProblemKind::NotFound => StatusCode::NOT_FOUND,
        ProblemKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{}\n", problem.message)).into_response()
}
