//! From system calls and SQL to [`EngineError`]: one place that tells "the disk is full" from everything else.

use control::engine::{EngineError, Volume};
use std::io;

/// `EngineError::Other` that is worth another try.
pub(crate) fn retry(message: impl Into<String>, source: impl Into<anyhow::Error>) -> EngineError {
    EngineError::Other { message: message.into(), source: source.into(), retry: true }
}

/// `EngineError::Other` that no repetition will change.
pub(crate) fn fatal(message: impl Into<String>, source: impl Into<anyhow::Error>) -> EngineError {
    EngineError::Other { message: message.into(), source: source.into(), retry: false }
}

/// Says what was tried when a system call failed.
pub(crate) trait Doing<T> {
    /// "make the directory /x" → `could not make the directory /x`.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, EngineError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, EngineError> {
        self.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                EngineError::DiskFull { volume: Volume::Data, free_bytes: 0 }
            }
            // The kernel tells once that it lost what was written: a second try would say that all is well.
            _ if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
                fatal(format!("could not {}: the disk failed", what()), error)
            }
            _ => retry(format!("could not {}", what()), error),
        })
    }
}

impl<T> Doing<T> for rustix::io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, EngineError> {
        self.map_err(io::Error::from).doing(what)
    }
}

/// A failed statement or connection, with what the server said; never with the statement's text, which may hold
/// a password's verifier.
pub(crate) fn sql(what: &str, error: tokio_postgres::Error) -> EngineError {
    let said = match error.as_db_error() {
        Some(db) if db.code() == &tokio_postgres::error::SqlState::DISK_FULL => {
            return EngineError::DiskFull { volume: Volume::Data, free_bytes: 0 };
        }
        Some(db) => format!("could not {what}: {} ({})", db.message(), db.code().code()),
        None => format!("could not {what}"),
    };
    retry(said, error)
}

/// A statement that PostgreSQL refused for what was asked for, and not for its own state: syntax, rights, names (class
/// 42), what depends on it (2B), what it does not do (0A). Anything else stays as it is.
pub(crate) fn refusal(error: EngineError) -> EngineError {
    let EngineError::Other { message, source, retry } = error else { return error };
    let said = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::as_db_error);
    let about = |code: &str| ["42", "2B", "0A"].iter().any(|class| code.starts_with(class));
    match said {
        Some(db) if about(db.code().code()) => EngineError::Postgres {
            message: std::iter::once(db.message()).chain(db.detail()).collect::<Vec<_>>().join(". "),
            log: Vec::new(),
        },
        _ => EngineError::Other { message, source, retry },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        let full: io::Result<()> = Err(io::Error::from_raw_os_error(28));
        assert!(matches!(full.doing(|| "write".into()), Err(EngineError::DiskFull { .. })));
        let denied: io::Result<()> = Err(io::Error::from_raw_os_error(13));
        assert_eq!(denied.doing(|| "write x".into()).unwrap_err().to_string(), "could not write x");
        let lost: io::Result<()> = Err(io::Error::from_raw_os_error(5));
        assert!(matches!(lost.doing(|| "write".into()), Err(EngineError::Other { retry: false, .. })));
    }
}
