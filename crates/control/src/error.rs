//! What can go wrong in the core, in one type, and how it is told to people.
//!
//! [`Error::problem`] is what leaves the core: it never holds SQL, a path or a secret. The cause goes to the log,
//! once, under a reference that people can quote. Status codes are decided at the doors.

use durable::EnqueueError;
use std::{borrow::Cow, time::Duration};
use types::{FieldError, OperationId, Problem, ProblemKind};

/// `Result` with the core's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the core refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or what was shown as proof is not valid (any more).
    #[error("nobody is signed in")]
    Unauthenticated,
    /// The session is somebody's, and this wants the password again.
    #[error("the password is wanted again")]
    Stale,
    /// The name and the password, or the token, do not belong together. Says no more: an unknown account and a wrong
    /// password read the same.
    #[error("wrong credentials")]
    WrongCredentials,
    /// It does not exist, or the actor may not know that it does. Names the kind of thing: "app", "addon".
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The actor may see it, and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The input breaks rules.
    #[error("invalid input: {}", .0.iter().map(|f| f.field.as_str()).collect::<Vec<_>>().join(", "))]
    Invalid(Vec<FieldError>),
    /// Something is in the way, perhaps a running operation.
    #[error("{message}")]
    Conflict {
        /// For people.
        message: String,
        /// What is in the way.
        operation: Option<OperationId>,
    },
    /// A limit is reached.
    #[error("{message}")]
    TooMany {
        /// For people; says when to try again.
        message: String,
        /// The same, for machines.
        retry_after: Duration,
    },
    /// A part that is needed does not answer.
    #[error("{message}")]
    Unavailable {
        /// For people.
        message: String,
        /// For the log.
        #[source]
        source: Option<anyhow::Error>,
    },
    /// A fault of ours.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl Error {
    /// One field that breaks a rule.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Something is in the way that is no operation.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), operation: None }
    }

    /// A fault of ours, with its cause.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::Internal(source.into())
    }

    /// When it makes sense to try again, if that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { retry_after, .. } => Some(*retry_after),
            // The store; of what an engine says nobody knows whether it passes.
            Self::Unavailable { source: Some(source), .. } => source.is::<sqlx::Error>().then_some(SOON),
            _ => None,
        }
    }

    /// What people are told. Call it once per error: it writes the cause of a fault to the log.
    #[must_use]
    pub fn problem(&self) -> Problem {
        use ProblemKind as Kind;
        match self {
            Self::Unauthenticated => Problem::new(Kind::Unauthenticated, "Sign in to go on."),
            Self::Stale => Problem::new(
                Kind::Unauthenticated,
                "This wants your password again, since you signed in a while ago. Nothing was changed.",
            ),
            Self::WrongCredentials => {
                Problem::new(Kind::Unauthenticated, "The name or the password is wrong.")
            }
            Self::NotFound(what) => Problem {
                resource: Some((*what).into()),
                ..Problem::new(
                    Kind::NotFound,
                    format!("There is no such {}, or it belongs to somebody else.", noun(what)),
                )
            },
            Self::Forbidden(message) => Problem::new(Kind::Forbidden, message),
            Self::Invalid(fields) => Problem {
                message: match fields.as_slice() {
                    [one] => one.message.clone(),
                    _ => "Some fields need another look.".into(),
                },
                fields: fields.clone(),
                ..Problem::new(Kind::Invalid, "")
            },
            Self::Conflict { message, operation } => {
                Problem { operation: *operation, ..Problem::new(Kind::Conflict, message) }
            }
            Self::TooMany { message, .. } => Problem::new(Kind::TooMany, message),
            Self::Unavailable { message, source } => {
                tracing::warn!(cause = source.as_ref().map(|s| format!("{s:#}")), "{message}");
                Problem::new(Kind::Unavailable, message)
            }
            Self::Internal(source) => {
                let reference = crate::crypto::token::reference();
                tracing::error!(%reference, cause = format!("{source:#}"), "a fault of ours");
                let message = format!(
                    "This did not work, and it is a fault of Paddock. The log has the cause under reference {reference}."
                );
                Problem::new(Kind::Internal, message)
            }
        }
    }
}

/// What people call the things that [`Error::NotFound`] names.
fn noun(what: &str) -> &str {
    match what {
        "addon" => "database",
        other => other,
    }
}

/// What is away now may be back after this time.
const SOON: Duration = Duration::from_secs(10);

/// What PostgreSQL says when it cannot do its work now, whatever is asked (manual, appendix A): class 53, "insufficient
/// resources", with a full disk among them, and 57P01 to 57P03, which say that it goes down or comes up.
fn cannot_now(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("53") || ["57P01", "57P02", "57P03"].contains(&&*code))
}

const DISK_FULL: &str = "53100";

fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code)
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match error {
            full if code(&full).is_some_and(|code| code == DISK_FULL) => Self::Unavailable {
                message: "The disk of Paddock's own store is full. Databases are not affected. The operator can make \
                          room; then try again."
                    .into(),
                source: Some(full.into()),
            },
            error if matches!(error, E::PoolTimedOut | E::PoolClosed | E::Io(_)) || cannot_now(&error) => Self::Unavailable {
                message:
                    "Paddock's own store does not answer. Databases are not affected. Try again in a moment."
                        .into(),
                source: Some(error.into()),
            },
            other => Self::Internal(other.into()),
        }
    }
}

impl From<EnqueueError> for Error {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Busy { operation, kind } => Self::Conflict {
                message: format!(
                    "Another change ({kind}) is running on this database. Wait for it to end, then try again."
                ),
                operation: Some(OperationId::new(operation)),
            },
            EnqueueError::KeyReused => {
                Self::invalid("idempotency_key", "This Idempotency-Key was used before with another request.")
            }
            EnqueueError::Store(error) => error.into(),
        }
    }
}

impl From<crate::engine::EngineError> for Error {
    fn from(error: crate::engine::EngineError) -> Self {
        Self::Unavailable { message: error.to_string(), source: Some(error.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_a_reference_and_not_its_cause() {
        let problem = Error::internal(anyhow::anyhow!("SELECT secret FROM vault")).problem();
        assert_eq!(problem.kind, ProblemKind::Internal);
        assert!(problem.message.contains("reference "), "{}", problem.message);
        assert!(!problem.message.contains("SELECT"), "{}", problem.message);
    }

    #[test]
    fn one_wrong_field_speaks_for_itself() {
        let problem = Error::invalid("name", "The name is missing.").problem();
        assert_eq!(problem.message, "The name is missing.");
        assert_eq!(problem.field("name"), Some("The name is missing."));
    }
}
