//! The dashboard inside this server: what its pages and server functions find in their context.

use super::{assets, csp, session::Door};
use ::leptos::{config::LeptosOptions, prelude::*};
use app::ssr::{FlashStore, SessionDoor, Viewer};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use control::ControlPlane;
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions};
use std::sync::{Arc, OnceLock};

/// The addresses of the pages, found once. While leptos finds them, no resource of the whole process loads, and one that
/// is asked for meanwhile never does (its issue 4773): a second server in one process must not look again.
static ROUTES: OnceLock<Vec<AxumRouteListing>> = OnceLock::new();

/// Pages and server functions; whatever else is asked for is a built file or a page that says that there is nothing.
pub fn router(control: ControlPlane, options: LeptosOptions) -> Router {
    let context = move || provide(&control);
    let shell = {
        let options = options.clone();
        move || app::shell::shell(options.clone())
    };
    let routes = ROUTES.get_or_init(|| leptos_axum::generate_route_list(app::App)).clone();
    let nothing = leptos_axum::render_app_async_with_context(context.clone(), shell.clone());
    let nothing = Router::new().fallback(move |request: Request| {
        let page = nothing(request);
        async move { not_found(page.await) }
    });
    let files = assets::directory(&options).fallback(nothing);
    let files = Router::new().fallback_service(files).layer(axum::middleware::from_fn(assets::keep));
    Router::new()
        .leptos_routes_with_context(&options, routes, context, shell)
        .fallback_service(files)
        .with_state(options)
}

/// What `app::ssr` asks for, from what the layers before put into the request.
fn provide(control: &ControlPlane) {
    provide_context(control.clone());
    if let Some(parts) = use_context::<Parts>() {
        if let Some(viewer) = parts.extensions.get::<Viewer>() {
            provide_context(viewer.clone());
        }
        if let Some(door) = parts.extensions.get::<Door>() {
            provide_context::<Arc<dyn SessionDoor>>(Arc::new(door.clone()));
            provide_context::<Arc<dyn FlashStore>>(Arc::new(door.clone()));
        }
    }
    // Every page has a nonce of its own; leptos puts the same one on each inline script.
    if let (Some(nonce), Some(response)) = (::leptos::nonce::use_nonce(), use_context::<ResponseOptions>())
        && let Ok(policy) = HeaderValue::from_str(&csp::page(&nonce))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// The router drew its page for unknown addresses; the status says the same, unless the page leads elsewhere.
fn not_found(mut page: Response<Body>) -> Response<Body> {
    if page.status() == StatusCode::OK {
        *page.status_mut() = StatusCode::NOT_FOUND;
    }
    page
}
