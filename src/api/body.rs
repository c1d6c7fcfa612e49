//! JSON bodies of requests: the right content type, well-formed, no unknown field.
//!
//! A body that is no JSON is 400; one that breaks a rule names the field (422). What serde itself says about types
//! and offsets is not repeated to clients.

use super::error::ApiError;
use axum::{
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;

/// The body of a request.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let text = "The body must be JSON, and the request must say so: Content-Type: application/json.";
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text));
        }
        let bytes =
            axum::body::Bytes::from_request(request, state).await.map_err(|rejection| {
                match rejection.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too_large",
                        "The request is larger than 1 MiB.",
                    ),
                    _ => ApiError::new(StatusCode::BAD_REQUEST, "bad_request", "The body could not be read."),
                }
            })?;
        parse(&bytes).map(Self)
    }
}

/// Exactly one content type, and it is JSON: a form of another site cannot send that without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return false };
    let kind = one.to_str().ok().and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            return bad_json();
        }
        refused(&path, &inner.to_string())
    })?;
    json.end().map_err(|_| bad_json())?;
    Ok(value)
}

fn bad_json() -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad_json", "The body is not well-formed JSON.")
}

/// The field and a sentence. serde's own text is only read for which of its few kinds it is.
fn refused(path: &str, told: &str) -> ApiError {
    let quoted = told.split('`').nth(1).unwrap_or_default();
    let last = path.rsplit('.').next().filter(|last| *last != ".").unwrap_or_default();
    if told.starts_with("unknown field") {
        // The path ends with the unknown field itself.
        return ApiError::invalid(quoted, "There is no such field here.");
    }
    if told.starts_with("missing field") {
        return ApiError::invalid(quoted, "This is missing.");
    }
    let field = if last.is_empty() { "body" } else { last };
    ApiError::invalid(field, "This has another shape than expected.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only the parse matters")]
        app: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only the parse matters")]
        name: String,
    }

    async fn refusal(body: &str) -> (u16, String) {
        let response = parse::<Outer>(body.as_bytes()).unwrap_err().into_response();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_wrong_body_names_the_field() {
        for (body, status, part) in [
            (r#"{"app":{"name":"x","owner":"B"}}"#, 422, r#"{"owner":["There is no such field here."]}"#),
            (r#"{"app":{}}"#, 422, r#"{"name":["This is missing."]}"#),
            (r#"{"app":{"name":7}}"#, 422, r#"{"name":["This has another shape than expected."]}"#),
            (r#"{"app":"x"}"#, 422, r#"{"app":["#),
            ("[]", 422, r#"{"body":["#),
            (r#"{"app":"#, 400, "bad_json"),
            ("", 400, "bad_json"),
            (r#"{"app":{"name":"x"}} x"#, 400, "bad_json"),
            ("{\"app\":{\"name\":\"\u{0}\"}}", 400, "bad_json"),
        ] {
            let (got, text) = refusal(body).await;
            assert_eq!(got, status, "{body}: {text}");
            assert!(text.contains(part), "{body}: {text}");
            assert!(!text.contains("line") && !text.contains("column"), "{text}");
        }
    }

    #[test]
    fn only_one_json_content_type_will_do() {
        let ask = |types: &[&str]| {
            let mut headers = HeaderMap::new();
            for kind in types {
                headers.append(header::CONTENT_TYPE, kind.parse().unwrap());
            }
            is_json(&headers)
        };
        assert!(ask(&["application/json"]) && ask(&["Application/JSON; charset=utf-8"]));
        for bad in [
            &[][..],
            &["text/plain"],
            &["application/json", "application/json"],
            &["application/jsonp"],
            &["multipart/form-data; boundary=application/json"],
        ] {
            assert!(!ask(bad), "{bad:?}");
        }
    }
}
