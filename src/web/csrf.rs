//! Cross-site request forgery: a request that changes something by a cookie must come from our own pages.
//!
//! The browser says where a request comes from: `Sec-Fetch-Site` where it knows that header, `Origin` elsewhere.
//! A request with neither and with our session cookie is refused, too: every browser that keeps our cookies sends one.
//! The HTTP API is not behind this layer: it takes no cookie.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// What the layer compares with.
#[derive(Clone, Debug)]
pub struct Ours {
    /// `https://paddock.example.org`
    pub origin: Arc<str>,
    /// Name of the session cookie.
    pub cookie: &'static str,
}

/// Refuses what does not come from our own pages.
pub async fn check(State(ours): State<Ours>, request: Request, next: Next) -> Response {
    if allowed(request.method(), request.uri(), request.headers(), &ours) {
        return next.run(request).await;
    }
    tracing::warn!(
        method = %request.method(),
        path = ?request.uri().path(),
        origin = ?request.headers().get(header::ORIGIN),
        site = ?request.headers().get("sec-fetch-site"),
        "refused a request from another site"
    );
    let text =
        "This request came from another site, so nothing was changed. Open the page here and try again.\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

fn allowed(method: &Method, uri: &Uri, headers: &HeaderMap, ours: &Ours) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return true;
    }
    // Two values of one of these come from no browser.
    let one = |name: &str| {
        let mut all = headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(drop),
            _ => Err(()),
        }
    };
    let (Ok(site), Ok(origin)) = (one("sec-fetch-site"), one("origin")) else { return false };
    match (site, origin) {
        // `none`: typed or from a bookmark, and never a form of another site.
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin == &*ours.origin || same_host(origin, uri, headers),
        (None, None) => !has_cookie(headers, ours.cookie),
    }
}

/// The request names the same host as the origin it comes from: then it is ours whatever `public_url` says.
fn same_host(origin: &str, uri: &Uri, headers: &HeaderMap) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str));
    let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((from, host), (Some(from), Some(host)) if from.eq_ignore_ascii_case(host))
}

fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    let lines = headers.get_all(header::COOKIE).iter();
    // A line that is no text counts as ours: what cannot be read is not waved through.
    lines.into_iter().any(|line| match line.to_str() {
        Ok(line) => line.split(';').any(|pair| pair.trim().split('=').next() == Some(name)),
        Err(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(headers: &[(&'static str, &str)]) -> bool {
        let ours = Ours { origin: "https://paddock.example.org".into(), cookie: "paddock" };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        allowed(&Method::POST, &Uri::from_static("/do/x"), &map, &ours)
    }

    const COOKIE: (&str, &str) = ("cookie", "a=b; paddock=1");

    #[test]
    fn what_a_strangers_page_can_send_is_refused() {
        for headers in [
            &[COOKIE, ("sec-fetch-site", "cross-site")][..],
            &[COOKIE, ("sec-fetch-site", "same-site")],
            &[COOKIE, ("sec-fetch-site", "cross-site"), ("origin", "https://paddock.example.org")],
            &[COOKIE, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
            &[COOKIE, ("origin", "https://evil.example")],
            &[COOKIE, ("origin", "https://paddock.example.org.evil.example")],
            &[COOKIE, ("origin", "null")],
            &[COOKIE],
            // Sign-in itself: no cookie yet, and still not from elsewhere.
            &[("origin", "https://evil.example"), ("host", "paddock.example.org")],
            &[("sec-fetch-site", "cross-site")],
        ] {
            assert!(!post(headers), "{headers:?}");
        }
    }

    #[test]
    fn our_own_pages_pass() {
        for headers in [
            &[COOKIE, ("sec-fetch-site", "same-origin")][..],
            &[COOKIE, ("origin", "https://paddock.example.org")],
            &[COOKIE, ("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")],
            // No browser and no session: there is nothing to ride on.
            &[],
            &[("cookie", "paddocks=1")],
        ] {
            assert!(post(headers), "{headers:?}");
        }
    }
}
