//! The server's side of the doors: who asks, the control plane, the session, the answer's status and headers.
//!
//! The only file of this room that knows the server. It decides nothing about access: that is the core's. What it
//! needs, the server provides as context for every request: a [`ControlPlane`], a [`Viewer`], an
//! `Arc<dyn SessionDoor>` and an `Arc<dyn FlashStore>`.

use crate::{error::AppError, next, theme::Theme};
use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use chrono::{DateTime, Utc};
use control::{Actor, ControlPlane};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use std::sync::Arc;
use types::{
    ProblemKind, UserId,
    id::{Id, Kind},
};

/// Who looks at the page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The signed-in person, if anybody.
    pub actor: Option<Actor>,
    /// Where the request comes from.
    pub ip: String,
}

/// Binds the browser's session to a person. The session's id changes with every sign-in and sign-out.
#[async_trait]
pub trait SessionDoor: Send + Sync {
    /// From now on the session is `user`'s.
    async fn sign_in(&self, user: UserId) -> Result<(), AppError>;
    /// From now on the session is nobody's.
    async fn sign_out(&self) -> Result<(), AppError>;
}

/// Values for the next page of the same session, read once: results of a form that was just sent, and secrets that
/// are shown once. They live on the server, never in an address.
#[async_trait]
pub trait FlashStore: Send + Sync {
    /// Keeps `value` for the next [`FlashStore::take`] of `key`.
    async fn put(&self, key: &str, value: String);
    /// Takes what was kept, and forgets it.
    async fn take(&self, key: &str) -> Option<String>;
}

/// The core.
pub fn control() -> Result<ControlPlane, AppError> {
    use_context().ok_or_else(|| missing("control plane"))
}

/// Who asks. Where nobody is signed in, the answer already leads to the login page and back.
pub fn actor() -> Result<Actor, AppError> {
    if let Some(actor) = maybe_actor() {
        return Ok(actor);
    }
    let error = AppError::signed_out();
    refuse(&error);
    leptos_axum::redirect(&next::login(&page()));
    Err(error)
}

/// Leads to the page that asks for the password again, and from there back to the page that the person is on.
pub fn ask_again() {
    let act = parts().filter(|parts| parts.method == Method::POST).map(|parts| parts.uri.path().to_owned());
    leptos_axum::redirect(&next::confirm(&page(), act.as_deref()));
}

/// Who asks, if anybody is signed in.
#[must_use]
pub fn maybe_actor() -> Option<Actor> {
    use_context::<Viewer>().and_then(|viewer| viewer.actor)
}

/// Where the request comes from.
#[must_use]
pub fn ip() -> String {
    use_context::<Viewer>().map(|viewer| viewer.ip).unwrap_or_default()
}

/// The id in a form or an address; what is no id is not found.
pub fn id<K: Kind>(text: &str) -> Result<Id<K>, AppError> {
    text.parse().map_err(|_| {
        let error = AppError::not_found(K::NAME);
        refuse(&error);
        error
    })
}

/// Now, for pages that tell times relative to it.
pub fn now() -> Result<DateTime<Utc>, AppError> {
    Ok(control()?.now())
}

/// Binds the session to `user`.
pub async fn sign_in(user: UserId) -> Result<(), AppError> {
    let door = use_context::<Arc<dyn SessionDoor>>().ok_or_else(|| missing("session"))?;
    door.sign_in(user).await
}

/// Ends the session.
pub async fn sign_out() -> Result<(), AppError> {
    let door = use_context::<Arc<dyn SessionDoor>>().ok_or_else(|| missing("session"))?;
    door.sign_out().await
}

/// Keeps `value` for the next page.
pub async fn flash(key: &str, value: impl Into<String>) {
    if let Some(store) = use_context::<Arc<dyn FlashStore>>() {
        store.put(key, value.into()).await;
    }
}

/// What the page before this one left under `key`.
pub async fn take_flash(key: &str) -> Option<String> {
    use_context::<Arc<dyn FlashStore>>()?.take(key).await
}

/// Leads to `path` of this dashboard: what a form did is shown by the page that follows, so a reload does not do it
/// again.
pub fn redirect(path: &str) {
    leptos_axum::redirect(path);
}

/// Leads back to the page that sent the form, whichever it was.
pub fn back() {
    leptos_axum::redirect(&page());
}

/// The answer's status.
pub fn set_status(code: u16) {
    if let (Some(response), Ok(code)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(code)) {
        response.set_status(code);
    }
}

/// Tells the status of a refusal, unless the answer is a redirect: a plain form goes back to its page, and
/// somebody who is signed out goes to the login page.
pub fn refuse(error: &AppError) {
    let plain_form = parts().is_some_and(|p| p.method == Method::POST && accepts_html(&p));
    let to_login = error.0.kind == ProblemKind::Unauthenticated && parts().is_some_and(|p| accepts_html(&p));
    if !plain_form && !to_login {
        set_status(error.status());
    }
}

/// The look that the browser's cookie asks for.
#[must_use]
pub fn theme() -> Theme {
    let parts = parts();
    let cookies = parts.as_ref().and_then(|p| p.headers.get(header::COOKIE)).and_then(|v| v.to_str().ok());
    cookies.map_or(Theme::System, Theme::from_cookies)
}

/// Keeps the look in the browser for a year.
pub fn set_theme(theme: Theme) {
    let cookie = format!("{}={}; Path=/; Max-Age=31536000; SameSite=Lax", crate::theme::COOKIE, theme.key());
    append_header(header::SET_COOKIE, &cookie);
}

fn append_header(name: HeaderName, value: &str) {
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(value)) {
        response.append_header(name, value);
    }
}

/// The page that the person is on: this one, or the one that sent the form.
fn page() -> String {
    let Some(parts) = parts() else { return next::HOME.into() };
    let referer = || parts.headers.get(header::REFERER).and_then(|v| v.to_str().ok()).and_then(page_of);
    match parts.method {
        Method::GET => parts.uri.path_and_query().map(|p| p.as_str().to_owned()),
        _ => referer(),
    }
    .unwrap_or_else(|| next::HOME.into())
}

fn parts() -> Option<Parts> {
    use_context()
}

fn accepts_html(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains("text/html"))
}

/// A request without its context is a fault of the server's wiring.
fn missing(what: &str) -> AppError {
    leptos::logging::error!("no {what} in the request's context");
    let error =
        AppError::new(ProblemKind::Internal, "Paddock cannot answer this just now. Nothing was changed.");
    refuse(&error);
    error
}

/// Path and query of the page that a `Referer` names, without a former form's error.
fn page_of(referer: &str) -> Option<String> {
    let (_, rest) = referer.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    let path = path.split('#').next().unwrap_or_default();
    let Some((path, query)) = path.split_once('?') else { return Some(path.into()) };
    let kept: Vec<_> = query
        .split('&')
        .filter(|p| !p.is_empty() && !p.starts_with("__err=") && !p.starts_with("__path="))
        .collect();
    Some(if kept.is_empty() { path.into() } else { format!("{path}?{}", kept.join("&")) })
}

#[cfg(test)]
mod tests {
    use super::page_of;

    #[test]
    fn a_referer_names_a_page() {
        assert_eq!(page_of("http://h:1/a/b?x=1&__err=e&__path=p#t").as_deref(), Some("/a/b?x=1"));
        assert_eq!(page_of("http://h/a?__err=e").as_deref(), Some("/a"));
        assert_eq!(page_of("http://h"), None);
    }
}
