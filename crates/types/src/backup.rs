//! Backups in the words that store, pages and clients share: how one came to be, where it is, whether it is proven, when
//! the next is due.
//!
//! Holds words only. When one is due and which one goes is decided in the core.

use crate::{AddonId, BackupId, DatabaseId, OperationId};
use chrono::{DateTime, Utc};
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

/// What a trial restore of a backup came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofState {
    /// It was not tried yet.
    #[default]
    None,
    /// It is being restored in a throw-away server.
    Running,
    /// It restores, and nothing is missing or changed.
    Proven,
    /// It does not restore, or something is missing or changed.
    Refuted,
    /// The trial itself could not be made; nothing is known of the backup.
    Failed,
}

/// The trial restore of a backup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofView {
    /// Where it is.
    pub state: ProofState,
    /// When it ended.
    pub at: Option<DateTime<Utc>>,
    /// How long the restore took, milliseconds.
    pub took_ms: Option<u64>,
    /// How many tables were compared.
    pub tables: Option<u64>,
    /// Differences and complaints, or why nothing was learned.
    pub words: Vec<String>,
    /// The operation that tries or tried it.
    pub operation: Option<OperationId>,
}

/// Whether a backup can be counted on: it is whole, and nothing found since says otherwise. One that was refuted stays so
/// while it is tried again: its `words` are those of the trial before until the new one has ended.
#[must_use]
pub fn good(status: BackupStatus, proof: ProofState, words: &[String]) -> bool {
    let refuted = match proof {
        ProofState::Refuted => true,
        ProofState::Running => !words.is_empty(),
        ProofState::None | ProofState::Proven | ProofState::Failed => false,
    };
    status == BackupStatus::Done && !refuted
}

impl ProofView {
    /// The badge: "restored in 41 s, 118 tables, 0 differences".
    #[must_use]
    pub fn badge(&self) -> String {
        match self.state {
            ProofState::None => "not tried yet".into(),
            ProofState::Running => "being restored".into(),
            ProofState::Proven => {
                let took = crate::operation::short(self.took_ms.unwrap_or(0));
                let tables = self.tables.unwrap_or(0);
                let word = if tables == 1 { "table" } else { "tables" };
                format!("restored in {took}, {tables} {word}, 0 differences")
            }
            ProofState::Refuted => {
                let first = self.words.first().map_or("it does not restore", String::as_str);
                match self.words.len() {
                    0 | 1 => first.to_owned(),
                    n => format!("{first} (and {} more)", n - 1),
                }
            }
            ProofState::Failed => "could not be tried".into(),
        }
    }

    /// The look of the badge: `ok`, `run`, `warn`, `err` or `off`.
    #[must_use]
    pub const fn tone(&self) -> &'static str {
        match self.state {
            ProofState::None => "off",
            ProofState::Running => "run",
            ProofState::Proven => "ok",
            ProofState::Refuted => "err",
            ProofState::Failed => "warn",
        }
    }
}

/// A backup as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupView {
    /// Its id.
    pub id: BackupId,
    /// Whose it is.
    pub database: DatabaseId,
    /// The add-on of that database; it may have been deleted since.
    pub addon: AddonId,
    /// `my_app_4553`
    pub resource_id: String,
    /// How it came to be.
    pub method: BackupMethod,
    /// Where it is.
    pub status: BackupStatus,
    /// The operation that makes or made it.
    pub operation: OperationId,
    /// It began more than an hour after its time.
    pub late: bool,
    /// Asked for.
    pub created_at: DateTime<Utc>,
    /// Begun.
    pub started_at: Option<DateTime<Utc>>,
    /// Ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The moment whose data it holds.
    pub made_at: Option<DateTime<Utc>>,
    /// What made it.
    pub version: String,
    /// `20261128010000_my_app_4553.tar.gz`; once it is done.
    pub name: Option<String>,
    /// Bytes of the dump, so far or in all.
    pub bytes: u64,
    /// Bytes that a download has, once it is done.
    pub archive_bytes: Option<u64>,
    /// SHA-256 of the dump within the archive, hexadecimal.
    pub sha256: Option<String>,
    /// Why there is no archive.
    pub error: Option<String>,
    /// Its trial restore.
    pub proof: ProofView,
    /// As what it is kept: "daily", "weekly, daily"; empty for what did not come to be.
    pub kept_as: String,
}

impl BackupView {
    /// Whether it can be counted on, see [`good`].
    #[must_use]
    pub fn good(&self) -> bool {
        good(self.status, self.proof.state, &self.proof.words)
    }

    /// How long the making took so far or in all, milliseconds.
    #[must_use]
    pub fn took_ms(&self, now: DateTime<Utc>) -> Option<u64> {
        let until = self.ended_at.unwrap_or(now);
        u64::try_from((until - self.started_at?).num_milliseconds()).ok()
    }

    /// Bytes per second while it is made, or were in the mean.
    #[must_use]
    pub fn rate(&self, now: DateTime<Utc>) -> Option<u64> {
        self.bytes.saturating_mul(1000).checked_div(self.took_ms(now)?)
    }
}

/// When a database is backed up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleView {
    /// At all.
    pub enabled: bool,
    /// At this hour, 0 to 23.
    pub hour: u8,
    /// Of this time zone: `Europe/Paris`, `UTC`.
    pub zone: String,
    /// That hour in UTC, as of today.
    pub hour_utc: u8,
    /// "every day at 01:00 Europe/Paris (00:00 UTC today)"
    pub told: String,
    /// The next one; `None`: none is planned.
    pub next_at: Option<DateTime<Utc>>,
}

/// The backups of a database, with everything that their page says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupsView {
    /// Its plan has backups.
    pub offered: bool,
    /// When the periodic ones are made.
    pub schedule: ScheduleView,
    /// "7 daily, 4 weekly, 10 manual"
    pub kept: String,
    /// Newest first.
    pub backups: Vec<BackupView>,
    /// Good manual ones that are kept now.
    pub manual: u32,
    /// How many manual ones the plan keeps.
    pub manual_kept: u32,
    /// The manual one that another would push out.
    pub pushes_out: Option<BackupId>,
    /// `healthy`, `delayed`, `stale`; `None` without periodic backups.
    pub health: Option<(String, String)>,
    /// Where they lie: `/var/lib/paddock/backups`.
    pub place: String,
    /// Since when coming archives are sealed with the key that they have now; `None`: the first makes one.
    pub key_since: Option<DateTime<Utc>>,
    /// A restore has left what was there before: it can come back, or be dropped.
    pub replaced: bool,
}

/// The backups of a database that is gone for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedBackups {
    /// The add-on that it was.
    pub addon: AddonId,
    /// `my_app_4553`
    pub resource_id: String,
    /// The whole ones, newest first.
    pub backups: Vec<BackupView>,
}

impl BackupsView {
    /// The newest one that can be counted on.
    #[must_use]
    pub fn last_good(&self) -> Option<&BackupView> {
        self.backups.iter().find(|backup| backup.good())
    }

    /// The one that is being made.
    #[must_use]
    pub fn live(&self) -> Option<&BackupView> {
        self.backups.iter().find(|backup| !backup.status.ended())
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
