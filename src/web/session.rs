//! The browser's session: the cookie, who is signed in, and the session as the dashboard may use it.
//!
//! The cookie is HttpOnly and SameSite=Lax. Not Strict: then somebody who follows a link in a mail or a chat to a
//! database's page would look signed out. Lax sends it with such a GET only, no GET changes anything, and the layer
//! in `csrf.rs` refuses everything else that comes from another site.

use super::{
    address::ClientIp,
    session_store::{self, Store},
};
use app::{
    error::AppError,
    ssr::{FlashStore, SessionDoor, Viewer},
};
use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use control::ControlPlane;
use tower_sessions::{Expiry, Session, SessionManagerLayer, cookie::SameSite};
use types::{ProblemKind, UserId};

/// Nothing longer is kept for the next page.
const LONGEST_FLASH: usize = 16 * 1024;

/// Name of the cookie. `__Host-` binds it to this very host and to TLS, where there is TLS.
#[must_use]
pub const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-paddock" } else { "paddock" }
}

/// The layer that reads and writes the cookie. It ends with the browser; the store ends it earlier.
#[must_use]
pub fn layer(control: ControlPlane, secure: bool) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(Store(control))
        .with_name(cookie_name(secure))
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnSessionEnd)
}

/// Puts the [`Viewer`] and the [`Door`] into the request.
pub async fn identify(
    State(control): State<ControlPlane>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let ip = request.extensions().get::<ClientIp>().map(|ip| ip.0.to_string()).unwrap_or_default();
    let actor = match session.id() {
        None => Ok(None),
        Some(id) => {
            // Reading it notes that it was used; an id that the store does not know ends here.
            let _ = session.get_value(session_store::USER).await;
            control.actor_from_session(&session_store::hash(&id), &ip).await
        }
    };
    let actor = match actor {
        Ok(actor) => actor,
        Err(error) => {
            let text = format!("{}\n", error.problem().message);
            return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
        }
    };
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or_default().chars().take(256).collect();
    let door = Door { session, agent, ip: ip.clone() };
    request.extensions_mut().insert(Viewer { actor, ip });
    request.extensions_mut().insert(door);
    next.run(request).await
}

/// The session, as the dashboard's server functions may use it.
#[derive(Clone)]
pub struct Door {
    session: Session,
    agent: String,
    ip: String,
}

#[async_trait]
impl SessionDoor for Door {
    async fn sign_in(&self, user: UserId) -> Result<(), AppError> {
        // A new id: one that somebody else planted before must not become a signed-in one.
        self.session.cycle_id().await.map_err(lost)?;
        self.session.insert(session_store::USER, user).await.map_err(lost)?;
        self.session.insert(session_store::AGENT, &self.agent).await.map_err(lost)?;
        self.session.insert(session_store::IP, &self.ip).await.map_err(lost)
    }

    async fn sign_out(&self) -> Result<(), AppError> {
        self.session.flush().await.map_err(lost)
    }
}

#[async_trait]
impl FlashStore for Door {
    async fn put(&self, key: &str, value: String) {
        if value.len() > LONGEST_FLASH {
            tracing::warn!(key, "too long to be kept for the next page");
        } else if let Err(error) = self.session.insert(&flash(key), value).await {
            tracing::warn!(%error, key, "nothing was kept for the next page");
        }
    }

    async fn take(&self, key: &str) -> Option<String> {
        // Reading first: removing marks the session as changed, and most pages have nothing waiting.
        self.session.get_value(&flash(key)).await.ok().flatten()?;
        self.session.remove(&flash(key)).await.ok().flatten()
    }
}

fn flash(key: &str) -> String {
    format!("flash.{key}")
}

fn lost(error: tower_sessions::session::Error) -> AppError {
    tracing::error!(%error, "the session could not be changed");
    AppError::new(
        ProblemKind::Unavailable,
        "Paddock's own store does not answer. Nothing was changed. Try again in a moment.",
    )
}

/// A cookie named `__Host-…` is only taken with `Secure`, and the session layer leaves that out when it removes one:
/// the browser would keep it.
pub async fn remove_securely(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    let fixed = |cookie: HeaderValue| match cookie.to_str() {
        Ok(text) if text.starts_with("__Host-") && !text.contains("; Secure") => {
            HeaderValue::from_str(&format!("{text}; Secure")).unwrap_or(cookie)
        }
        _ => cookie,
    };
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, fixed(cookie));
    }
    response
}
