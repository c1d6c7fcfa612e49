//! A line in the log for each request that failed by our fault, and for each at all at level debug.
//!
//! Never the query (set-up links have their token there) and only the beginning of the path (invitations have theirs
//! in it). Who did what is in the audit log of the core, not here.

use super::address::ClientIp;
use axum::{extract::Request, middleware::Next, response::Response};
use std::time::Instant;

/// Writes the line.
pub async fn record(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = beginning(request.uri().path());
    let ip = request.extensions().get::<ClientIp>().map(|ip| ip.0);
    let response = next.run(request).await;
    let (status, ms) = (response.status().as_u16(), began.elapsed().as_millis());
    if response.status().is_server_error() {
        tracing::warn!(%method, path, status, ms, ?ip, "a request failed");
    } else {
        tracing::debug!(%method, path, status, ms, ?ip, "request");
    }
    response
}

/// `/invitations/x/y` → `/invitations/…`; what the HTTP API names in its paths is no secret.
fn beginning(path: &str) -> String {
    if super::limits::is_api(path) {
        return path.to_owned();
    }
    match path.match_indices('/').nth(1) {
        Some((second, _)) => format!("{}/…", &path[..second]),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::beginning;

    #[test]
    fn tokens_in_paths_are_not_logged() {
        for (path, told) in [
            ("/invitations/secret", "/invitations/…"),
            ("/invitations/secret/more", "/invitations/…"),
            ("/apps", "/apps"),
            ("/", "/"),
            ("/v1/apps/my-app", "/v1/apps/my-app"),
        ] {
            assert_eq!(beginning(path), told);
        }
    }
}
