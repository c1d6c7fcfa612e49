//! Refusals of the HTTP API, always JSON, in the shapes that public clients read.
//!
//! 404 names what was looked for, 422 has a list of sentences per field, everything else an `error` and a `code`.
//! Nothing of a cause is told: the core has logged it under a reference.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use types::{Problem, ProblemKind};
use utoipa::ToSchema;

/// A refusal.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Body,
    retry_after: Option<Duration>,
}

/// The `Result` of handlers.
pub type Result<T> = std::result::Result<T, ApiError>;

#[derive(Debug)]
enum Body {
    Plain(Refusal),
    Missing(Missing),
    Invalid(Invalid),
}

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusal {
    /// For people.
    pub error: String,
    /// For programs.
    pub code: String,
    /// The operation that is in the way, for a conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
}

/// It does not exist, or belongs to somebody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct Missing {
    /// What was looked for: `app`, `addon`, `operation`.
    pub resource: String,
    /// Always "not found".
    pub error: String,
}

/// Fields that break rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invalid {
    /// Field → sentences.
    pub errors: BTreeMap<String, Vec<String>>,
}

impl ApiError {
    /// A refusal in one sentence.
    pub fn new(status: StatusCode, code: &str, error: impl Into<String>) -> Self {
        let body = Body::Plain(Refusal { error: error.into(), code: code.into(), operation_id: None });
        Self { status, body, retry_after: None }
    }

    /// No or no valid proof of who asks.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid bearer token is needed.")
    }

    /// `resource` is not there for this person.
    pub fn not_found(resource: &str) -> Self {
        let body = Body::Missing(Missing { resource: resource.into(), error: "not found".into() });
        Self { status: StatusCode::NOT_FOUND, body, retry_after: None }
    }

    /// One field breaks a rule.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let errors = BTreeMap::from([(field.to_owned(), vec![message.into()])]);
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: Body::Invalid(Invalid { errors }),
            retry_after: None,
        }
    }
}

impl ApiError {
    /// A field that the core calls `ours` and clients `theirs`.
    #[must_use]
    pub fn field(mut self, ours: &str, theirs: &str) -> Self {
        if let Body::Invalid(Invalid { errors }) = &mut self.body
            && let Some(sentences) = errors.remove(ours)
        {
            errors.insert(theirs.into(), sentences);
        }
        self
    }
}

impl From<control::Error> for ApiError {
    fn from(error: control::Error) -> Self {
        Self { retry_after: error.retry_after(), ..error.problem().into() }
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        let Problem { kind, message, fields, operation, resource } = problem;
        let (status, code) = match kind {
            ProblemKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            ProblemKind::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            ProblemKind::NotFound => return Self::not_found(resource.as_deref().unwrap_or("resource")),
            ProblemKind::Invalid => {
                let mut errors = BTreeMap::<_, Vec<_>>::new();
                for field in fields {
                    errors.entry(field.field).or_default().push(field.message);
                }
                if errors.is_empty() {
                    errors.insert("request".into(), vec![message]);
                }
                let body = Body::Invalid(Invalid { errors });
                return Self { status: StatusCode::UNPROCESSABLE_ENTITY, body, retry_after: None };
            }
            ProblemKind::Conflict => (StatusCode::CONFLICT, "conflict"),
            ProblemKind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            ProblemKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            ProblemKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        let operation_id = operation.map(|id| id.to_string());
        let body = Body::Plain(Refusal { error: message, code: code.into(), operation_id });
        Self { status, body, retry_after: None }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Body::Plain(body) => (self.status, Json(body)).into_response(),
            Body::Missing(body) => (self.status, Json(body)).into_response(),
            Body::Invalid(body) => (self.status, Json(body)).into_response(),
        };
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
