//! What the core asks of the engine for logical backups: a dump of a user's database, its restore in a throw-away server,
//! and its restore beside the data that it shall replace.
//!
//! Bytes go through [`Sink`] and [`Source`] as they come; nobody holds a whole dump. Where they lie, and how they are
//! sealed, the engine does not know.

use super::{EngineError, NodeSpec};
use crate::backup::{contents::Contents, vault::VaultError};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// Why a dump or a restore ended early.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The server or a tool of it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Where the bytes go to or come from.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What is in the dump was refused, in the words of the tool that read it: a verdict on the dump, not on where it was
    /// tried.
    #[error("{0}")]
    Refused(String),
    /// Whoever takes the bytes wants no more: it was cancelled.
    #[error("it was stopped")]
    Stopped,
}

/// Takes the bytes of a dump.
#[async_trait]
pub trait Sink: Send {
    /// The next ones.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), DumpError>;
    /// No more are wanted: asked now and then while none come.
    async fn stopped(&mut self) -> bool {
        false
    }
    /// Somebody waits for what comes after it: it makes way for nobody.
    fn in_haste(&self) -> bool {
        false
    }
    /// Whether the dump goes slowly at present, because others work on its host: told now and then.
    fn makes_way(&mut self, _makes_way: bool) {}
}

/// Gives the bytes of a dump.
#[async_trait]
pub trait Source: Send {
    /// The next ones; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, DumpError>;
}

/// A dump that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dumped {
    /// What the database held at the dump's snapshot.
    pub contents: Contents,
    /// When the snapshot was taken, by the server's clock.
    pub at: DateTime<Utc>,
}

/// A dump that was restored in a throw-away server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What the restored database holds.
    pub contents: Contents,
    /// How long the restore took, without the making of the server and the checks.
    pub took: Duration,
    /// What `pg_amcheck` complained of; `None`: this server does not have it.
    pub complaints: Option<Vec<String>>,
}

/// Dumps and their restores.
#[async_trait]
pub trait Dumps: Send + Sync + 'static {
    /// Dumps the user's database of a running node with the `pg_dump` of its own version, as the weak backup role, in the
    /// custom format. Memory: constant.
    ///
    /// # Errors
    /// The server does not run, a table is locked for longer than a minute, `pg_dump` fails; or the sink's.
    async fn dump(&self, spec: &NodeSpec, sink: &mut dyn Sink) -> Result<Dumped, DumpError>;

    /// Restores a dump of `spec`'s database in a throw-away server of the same version, which listens nowhere and is removed
    /// afterwards, whatever happened; counts and checks what came of it. `bytes` is what the database took when it was dumped.
    ///
    /// # Errors
    /// `DiskFull`: the host has no room for so much, and other databases need what there is. `pg_restore` refused (`Postgres`, with its words): the dump is no good. The source's. Anything else says nothing
    /// about the dump.
    async fn try_dump(
        &self,
        spec: &NodeSpec,
        bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Trial, DumpError>;

    /// Restores a dump into a second database beside the user's, which stays as it is and reachable. What an earlier call
    /// left there goes first. The restore runs as the owner, inside the node's limits.
    ///
    /// # Errors
    /// As [`Dumps::try_dump`].
    async fn load_beside(
        &self,
        spec: &NodeSpec,
        bytes: u64,
        source: &mut dyn Source,
    ) -> Result<Contents, DumpError>;

    /// Puts the second database in the place of the user's: ends all its sessions, renames both. What was there before waits
    /// unreachable until [`Dumps::drop_second`], or a swap with it brings it back. Answers how
    /// long nobody could connect.
    ///
    /// # Errors
    /// There is no second database.
    async fn swap(&self, spec: &NodeSpec, with: Second) -> Result<Duration, EngineError>;

    /// The host has processor to spare: work that nobody waits for may begin.
    fn idle(&self) -> bool;

    /// The databases that lie beside the user's.
    async fn seconds(&self, spec: &NodeSpec) -> Result<Vec<Second>, EngineError>;

    /// Drops one of them; fine when it is not there.
    async fn drop_second(&self, spec: &NodeSpec, which: Second) -> Result<(), EngineError>;
}

/// A database beside the user's, in the same server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Second {
    /// What is being restored.
    Incoming,
    /// What was there before a restore.
    Replaced,
}
