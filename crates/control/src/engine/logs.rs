//! What the core asks of the engine about a server's log: its end, what came since, its files, and that old ones go.

use super::EngineError;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use types::{NodeId, log::LogRecord};

/// A place in a server's log: everything before it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogMark {
    /// Name of the file.
    pub file: String,
    /// Bytes from its beginning.
    pub offset: u64,
}

impl LogMark {
    /// The mark in this text (`file:offset`); `None` when it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (file, offset) = text.rsplit_once(':')?;
        Some(Self { file: file.into(), offset: offset.parse().ok()? })
    }
}

impl std::fmt::Display for LogMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.offset)
    }
}

/// Records, oldest first, and where the next ones begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPart {
    /// The records.
    pub records: Vec<LogRecord>,
    /// `None` while there is no log.
    pub mark: Option<LogMark>,
}

/// A file of a server's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its name.
    pub name: String,
    /// When it was begun.
    pub from: DateTime<Utc>,
    /// Its last change.
    pub to: DateTime<Utc>,
    /// Bytes.
    pub bytes: u64,
}

/// The logs of servers.
#[async_trait]
pub trait Logs: Send + Sync + 'static {
    /// The end of the log: what stands in its last `bytes`, whole records.
    async fn log_end(&self, id: NodeId, bytes: u64) -> Result<LogPart, EngineError>;
    /// What came after `mark`, at most a megabyte and all from the file of the new mark; from the oldest file on when
    /// the marked one is gone. The same mark again: there is nothing new.
    async fn log_since(&self, id: NodeId, mark: &LogMark) -> Result<LogPart, EngineError>;
    /// The files that are kept, newest first.
    async fn log_files(&self, id: NodeId) -> Result<Vec<LogFile>, EngineError>;
    /// Removes the oldest files until the rest is no older than seven days and takes no more than `bytes`; never the
    /// newest. Answers how many were removed.
    async fn trim_log(&self, id: NodeId, bytes: u64) -> Result<u32, EngineError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_survives_an_address() {
        let mark = LogMark { file: "postgresql-2026-11-28_041903.json".into(), offset: 4711 };
        assert_eq!(LogMark::read(&mark.to_string()), Some(mark));
        for bad in ["", "x", "x:", "x:-1", ":"] {
            assert_eq!(LogMark::read(bad), None, "{bad}");
        }
    }
}
