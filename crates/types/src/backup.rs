//! Backups in the words that store, pages and clients share: how one came to be, and where it is.
//!
//! Holds words only. When one is due and which one goes is decided in the core.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// How a backup came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupMethod {
    /// By the schedule.
    Periodic,
    /// Somebody asked for it.
    Manual,
    /// Made by Paddock itself before it replaces the data.
    Safety,
}

/// Where a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupStatus {
    /// Asked for, not begun.
    Scheduled,
    /// Being made.
    Running,
    /// Whole, read back, and kept.
    Done,
    /// Ended without an archive.
    Error,
    /// Somebody asked to end it, and it still runs.
    Cancelling,
    /// Ended because somebody asked for it.
    Cancelled,
}

/// The text names no method or status of a backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a word for backups")]
pub struct UnknownBackupWord(String);

impl BackupMethod {
    /// Every method.
    pub const ALL: [Self; 3] = [Self::Periodic, Self::Manual, Self::Safety];

    /// The word of store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Periodic => "periodic",
            Self::Manual => "manual",
            Self::Safety => "safety",
        }
    }

    /// The word that people read.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Periodic => "Periodic",
            Self::Manual => "Manual",
            Self::Safety => "Before a restore",
        }
    }
}

impl BackupStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Scheduled, Self::Running, Self::Done, Self::Error, Self::Cancelling, Self::Cancelled];

    /// The word of store and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Done => "done",
            Self::Error => "error",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
        }
    }

    /// The word that stands beside the dot.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "Waiting",
            Self::Running => "Running",
            Self::Done => "Done",
            Self::Error => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
        }
    }

    /// The look of the dot: `ok`, `run`, `warn`, `err` or `off`.
    #[must_use]
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Scheduled | Self::Running => "run",
            Self::Cancelling => "warn",
            Self::Done => "ok",
            Self::Error => "err",
            Self::Cancelled => "off",
        }
    }

    /// Nothing more happens by itself.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Done | Self::Error | Self::Cancelled)
    }
}

impl FromStr for BackupMethod {
    type Err = UnknownBackupWord;

    fn from_str(text: &str) -> Result<Self, UnknownBackupWord> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| UnknownBackupWord(text.to_owned()))
    }
}

impl FromStr for BackupStatus {
    type Err = UnknownBackupWord;

    fn from_str(text: &str) -> Result<Self, UnknownBackupWord> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| UnknownBackupWord(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_store_and_json() {
        for method in BackupMethod::ALL {
            assert_eq!(method.as_str().parse(), Ok(method));
            assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{}\"", method.as_str()));
        }
        for status in BackupStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.as_str()));
        }
        assert!("Done".parse::<BackupStatus>().is_err());
        assert!("".parse::<BackupMethod>().is_err());
    }
}
