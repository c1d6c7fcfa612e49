//! Statuses that people and clients see. They are derived from what is wanted, what is seen and what runs; none of
//! them is stored.

use serde::{Deserialize, Serialize};

/// What an add-on's owner sees; the three values of the public contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddonStatus {
    /// Being made, or being changed.
    Provisioning,
    /// Accepts connections.
    Running,
    /// Stopped by its owner, or failed.
    Suspended,
}

/// What a database does; the values of the public contract, and two that only our pages show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseStatus {
    /// Its first operation has not ended yet.
    Creating,
    /// Accepts connections.
    Running,
    /// Something is being moved.
    Migrating,
    /// Its plan or settings change.
    Updating,
    /// Its PostgreSQL version changes.
    Upgrading,
    /// Its owner stopped it.
    Stopped,
    /// It should run and does not; the keeper is bringing it back, or cannot.
    Down,
    /// Its owner deleted it; the data waits in the trash.
    Deleted,
}

impl DatabaseStatus {
    /// The word that stands beside the dot.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Running => "Running",
            Self::Migrating => "Migrating",
            Self::Updating => "Changing",
            Self::Upgrading => "Upgrading",
            Self::Stopped => "Stopped",
            Self::Down => "Down",
            Self::Deleted => "Deleted",
        }
    }

    /// The look of the dot: `ok`, `run`, `warn`, `err` or `off`.
    #[must_use]
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Running => "ok",
            Self::Creating | Self::Migrating | Self::Updating | Self::Upgrading => "run",
            Self::Stopped | Self::Deleted => "off",
            Self::Down => "err",
        }
    }

    /// The word that public clients know: `down` is told as `stopped`, as is `deleted`.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Migrating => "migrating",
            Self::Updating => "updating",
            Self::Upgrading => "upgrading",
            Self::Stopped | Self::Down | Self::Deleted => "stopped",
        }
    }
}
