//! The engine port's part about point-in-time recovery: an archive of write-ahead log and base backups, and a restore
//! beside the running database that stops at a moment.
//!
//! An archive has the id of the database that it was begun for, and outlives it: a restored database that takes its
//! place goes on writing there, on a timeline of its own, so that earlier moments still work. Moments are inclusive: a
//! transaction that was committed at the very moment is in. Nothing here decides what is kept for how long.

use super::{EngineError, NodeSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use types::DatabaseId;

/// What a server tells of its archiving.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchiveState {
    /// The running server archives. When not although its spec says so, it waits for a restart.
    pub on: bool,
    /// The timeline that it writes.
    pub timeline: Option<u32>,
    /// The last segment that is in the archive.
    pub last_wal: Option<String>,
    /// When it came there: what was committed before, on this timeline, is safe.
    pub last_at: Option<DateTime<Utc>>,
    /// Since when nothing could be archived; `None`: the last try went well.
    pub failing_since: Option<DateTime<Utc>>,
    /// Segments that wait.
    pub waiting: u32,
    /// What they take on the data volume, bytes.
    pub waiting_bytes: u64,
    /// Since when the oldest of them waits.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// How much a base backup copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupKind {
    /// Everything.
    Full,
    /// What changed since the last full one.
    Diff,
    /// What changed since the last one of any kind.
    Incr,
}

/// A base backup in an archive.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BaseBackup {
    /// `20261128-013000F`, `20261128-013000F_20261129-013000D`
    pub label: String,
    /// How much it copied.
    pub kind: BackupKind,
    /// When it was begun.
    pub from: DateTime<Utc>,
    /// When it ended: moments after this can be restored from it.
    pub to: DateTime<Utc>,
    /// Size of the server that it holds, bytes.
    pub bytes: u64,
    /// What it takes in the archive by itself, bytes.
    pub stored_bytes: u64,
    /// The timeline that it was made on.
    pub timeline: u32,
    /// First segment that a restore of it needs.
    pub first_wal: String,
    /// Last segment that it needs to be consistent.
    pub last_wal: String,
    /// Pages with a wrong checksum were found while it was made: look before older backups go.
    pub damaged: bool,
}

/// Segments that are not in an archive between others that are.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Gap {
    /// On which timeline.
    pub timeline: u32,
    /// First missing segment.
    pub first: String,
    /// Last missing one.
    pub last: String,
    /// The last moment before it that is safe: when the segment before it was archived.
    pub from: Option<DateTime<Utc>>,
    /// When the segment after it was archived.
    pub to: Option<DateTime<Utc>>,
}

/// One line of history: each restore that took a database's place begins another.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Timeline {
    /// Its number.
    pub id: u32,
    /// The line that it left, and the segment in which it did; none for the first.
    pub parent: Option<(u32, String)>,
    /// First and last segment in the archive.
    pub wal: (String, String),
    /// When those were archived.
    pub at: (DateTime<Utc>, DateTime<Utc>),
}

/// What an archive holds, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Timelines {
    /// Base backups that ended well.
    pub backups: Vec<BaseBackup>,
    /// Lines of history.
    pub timelines: Vec<Timeline>,
    /// Holes in them, since the oldest base backup.
    pub gaps: Vec<Gap>,
}

impl Timelines {
    /// The moments that may be asked for: since the end of the oldest base backup, until the newest segment came. What
    /// lies within still may lie behind a gap.
    #[must_use]
    pub fn window(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let from = self.backups.iter().map(|backup| backup.to).min()?;
        let to = self.timelines.iter().map(|line| line.at.1).max()?;
        Some((from, to.max(from)))
    }
}

/// Where a restore stops.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Target {
    /// The last moment that is still in; microseconds count.
    pub moment: DateTime<Utc>,
    /// On which timeline; `None`: the newest. An older one leads to what a restore left behind.
    #[serde(default)]
    pub timeline: Option<u32>,
}

/// How far a restored server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Files are being copied, or were when the copying was cut off: ask for the restore again.
    Copying,
    /// It replays; the moment of the last transaction so far.
    Replaying(Option<DateTime<Utc>>),
    /// It stands at its target; the moment of the last transaction in it. It can be looked at.
    Reached(Option<DateTime<Utc>>),
    /// It does not run: start it, or ask for the restore again.
    Stopped,
    /// It ended before its target, with these words: the archive does not reach so far.
    Ended(String),
    /// It is a database of its own.
    Done,
}

/// A table, and how many rows it has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableCount {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Counted; `None` when there was no time left for it.
    pub rows: Option<u64>,
}

/// Told while a base backup is made: bytes done, bytes altogether.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Archives and restores to a moment.
#[async_trait]
pub trait Pitr: Send + Sync + 'static {
    /// Version of the tool, read now; `None`: there is none that is new enough, and everything else here says so.
    async fn pitr_tool(&self) -> Option<String>;
    /// What a running server tells of its archiving. Also makes what has arrived since unchangeable for the server's
    /// own user, so ask every minute.
    async fn archive_state(&self, spec: &NodeSpec) -> Result<ArchiveState, EngineError>;
    /// Makes the archive that the running server's spec names, encrypted with `key`, or takes it over from the server
    /// that wrote there before; writes the settings and lets the server read them. Answers what people may read.
    ///
    /// Whose archive it was cannot write there any more: stop it first.
    async fn enable_archiving(&self, spec: &NodeSpec, key: &SecretString) -> Result<String, EngineError>;
    /// Makes a base backup of a running server. One that was cut off is taken up again by the next.
    async fn base_backup(
        &self,
        spec: &NodeSpec,
        kind: BackupKind,
        progress: Progress<'_>,
    ) -> Result<BaseBackup, EngineError>;
    /// Brings everything that was committed until now into the archive, and a mark after it, so that this very moment
    /// can be asked for. Waits until it is there.
    async fn archive_now(&self, spec: &NodeSpec) -> Result<(), EngineError>;
    /// What an archive holds.
    async fn timelines(&self, archive: DatabaseId) -> Result<Timelines, EngineError>;
    /// Restores a base backup of an archive into a new node of its own, which `spec` describes (its name is the name in
    /// the data), and starts it: on its private socket only, read-only, replaying up to the target. Repeating it takes
    /// up what was cut off; with another target it moves there.
    async fn restore_beside(
        &self,
        spec: &NodeSpec,
        archive: DatabaseId,
        key: &SecretString,
        target: &Target,
    ) -> Result<String, EngineError>;
    /// How far it is.
    async fn recovery(&self, spec: &NodeSpec) -> Result<Recovery, EngineError>;
    /// Tables of a server that stands at its target, with exact numbers of rows, as the weak role that makes dumps.
    async fn peek(&self, spec: &NodeSpec) -> Result<Vec<TableCount>, EngineError>;
    /// Another target for a restored server: forward it replays on, backward it is restored again (only what differs
    /// is copied).
    async fn move_target(&self, spec: &NodeSpec, target: &Target) -> Result<String, EngineError>;
    /// Lets a server that stands at its target become a database of its own, which users may reach as `spec` says. When
    /// the spec names an archive, it goes on there, on a new timeline; who wrote there before must have been stopped.
    async fn finish_restore(&self, spec: &NodeSpec) -> Result<String, EngineError>;
    /// Removes a restored server that did not become a database. Refuses one that did.
    async fn discard_restore(&self, spec: &NodeSpec) -> Result<(), EngineError>;
    /// Removes base backups, and the log that only they need, which no moment of the last `days` days needs.
    async fn expire(&self, spec: &NodeSpec, days: u32) -> Result<(), EngineError>;
    /// Removes an archive for good. Refused while the server that writes there is on this host (in the trash, too), or
    /// while somebody restores from it. Absent is fine.
    async fn remove_archive(&self, archive: DatabaseId) -> Result<(), EngineError>;
}
