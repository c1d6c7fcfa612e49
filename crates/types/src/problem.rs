//! What went wrong, as it travels to people: server functions and the HTTP API carry the same thing.
//!
//! The cause stays in the server's log. Status codes are decided at the doors, not here.

use crate::OperationId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of refusal; doors map them to status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// Nobody is signed in.
    Unauthenticated,
    /// It does not exist, or belongs to somebody else: the two are not told apart.
    NotFound,
    /// The person may see it and may not do this.
    Forbidden,
    /// The input breaks a rule; see `fields`.
    Invalid,
    /// Something else is in the way, often a running operation.
    Conflict,
    /// A limit is reached; try later.
    TooMany,
    /// A part that is needed does not answer.
    Unavailable,
    /// A fault of ours; the log has the cause under `reference`.
    Internal,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field's name in forms and in the API.
    pub field: String,
    /// The sentence beside it.
    pub message: String,
}

/// What went wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of refusal it is.
    pub kind: ProblemKind,
    /// One or two sentences for people: what happened, what is safe, what to do.
    pub message: String,
    /// For `Invalid`: which fields, why.
    pub fields: Vec<FieldError>,
    /// For `Conflict`: the operation that is in the way.
    pub operation: Option<OperationId>,
    /// For `NotFound`: what was looked for ("app", "addon", "operation").
    pub resource: Option<String>,
}

impl Problem {
    /// A problem with a message and nothing else.
    #[must_use]
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), fields: Vec::new(), operation: None, resource: None }
    }

    /// What is wrong with `field`, if anything.
    #[must_use]
    pub fn field(&self, field: &str) -> Option<&str> {
        self.fields.iter().find(|f| f.field == field).map(|f| f.message.as_str())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
