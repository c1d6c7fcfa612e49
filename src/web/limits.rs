//! Bounds of one request: its body, its time, and what a panic in a handler becomes.
//!
//! Every refusal is JSON for the HTTP API (its clients read nothing else) and a sentence for everybody else.

use axum::{
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http_body_util::Limited;
use std::{panic::AssertUnwindSafe, time::Duration};

/// Bytes of a request's body.
pub const BODY: usize = 1024 * 1024;
/// From the headers to the answer's first byte, the reading of the body included. Public clients give up after 30 s: the
/// answer that it took too long shall reach them.
pub const TIME: Duration = Duration::from_secs(25);

/// Keeps a request within the bounds. A live stream answers at once and then goes on: only its beginning is timed.
pub async fn bound(request: Request, next: Next) -> Response {
    within(TIME, request, next).await
}

/// The same with another bound of the time.
pub async fn within(time: Duration, request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY) {
        return refusal(api, StatusCode::PAYLOAD_TOO_LARGE, "The request is larger than 1 MiB.", "too_large");
    }
    let request = request.map(|body| Body::new(Limited::new(body, BODY)));
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(time, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            let text =
                "Something went wrong on our side; the server's log says what. What you had is unchanged.";
            refusal(api, StatusCode::INTERNAL_SERVER_ERROR, text, "internal")
        }
        Err(_elapsed) => {
            let text = format!("This took longer than {} seconds and was given up.", time.as_secs());
            refusal(api, StatusCode::REQUEST_TIMEOUT, &text, "timeout")
        }
    }
}

/// The paths of the HTTP API.
#[must_use]
pub fn is_api(path: &str) -> bool {
    ["/v1", "/api"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn refusal(api: bool, status: StatusCode, text: &str, code: &str) -> Response {
    if api {
        (status, axum::Json(serde_json::json!({ "error": text, "code": code }))).into_response()
    } else {
        (status, format!("{text}\n")).into_response()
    }
}
