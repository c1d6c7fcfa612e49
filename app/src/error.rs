//! What a server function answers when it cannot do what was asked: a [`Problem`], as people read it.
//!
//! The cause stays on the server, in its log; nothing here prints one. It travels inside the address of the page that the
//! form came from, or as JSON to an island.

use leptos::prelude::*;
use leptos::server_fn::{codec::JsonEncoding, error::ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use std::fmt;
use types::{Problem, ProblemKind};

/// The error of every server function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError(pub Problem);

impl AppError {
    /// A problem of `kind` with a message for people.
    #[must_use]
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self(Problem::new(kind, message))
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::new(ProblemKind::Unauthenticated, "You are signed out. Sign in to go on.")
    }

    /// What was asked for is not there.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ProblemKind::NotFound, format!("There is no such {what}, or it is not yours."))
    }

    /// One wrong field.
    #[must_use]
    pub fn field(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut problem = Problem::new(ProblemKind::Invalid, message.clone());
        problem.fields.push(types::FieldError { field: field.into(), message });
        Self(problem)
    }

    /// The status code that says the same to machines.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.0.kind {
            ProblemKind::Unauthenticated => 401,
            ProblemKind::NotFound => 404,
            ProblemKind::Forbidden => 403,
            ProblemKind::Invalid => 422,
            ProblemKind::Conflict => 409,
            ProblemKind::TooMany => 429,
            ProblemKind::Unavailable => 503,
            ProblemKind::Internal => 500,
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    /// What goes wrong between browser and server, before or after our own code.
    fn from_server_fn_error(value: ServerFnErrorErr) -> Self {
        let (kind, message) = match value {
            ServerFnErrorErr::Request(_) => (
                ProblemKind::Unavailable,
                "Paddock did not answer. Nothing was changed by this page; try again.",
            ),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                (ProblemKind::Invalid, "The form was not complete. Reload the page and fill it in again.")
            }
            _ => (
                ProblemKind::Internal,
                "The answer could not be read. Reload the page to see whether the change was made.",
            ),
        };
        Self::new(kind, message)
    }
}

/// At the door: the answer's status is told here, the cause was logged by the core.
#[cfg(feature = "ssr")]
impl From<control::Error> for AppError {
    fn from(error: control::Error) -> Self {
        let stale = matches!(error, control::Error::Stale);
        let error = Self(error.problem());
        crate::ssr::refuse(&error);
        if stale {
            crate::ssr::ask_again();
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_way_to_the_browser() {
        let error = AppError::field("name", "“ü” cannot be used.");
        assert_eq!(AppError::de(error.ser()), error);
    }

    #[test]
    fn what_cannot_be_read_is_still_an_error() {
        let error = AppError::de(b"<html>".as_slice().into());
        assert_eq!(error.0.kind, ProblemKind::Internal);
    }
}
