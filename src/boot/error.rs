//! Why the server did not start: each failure is a sentence that says what to do.

use crate::{config::ConfigError, secrets::master_key::MasterKeyError};
use control::{StartError, backup::vault::VaultError, engine::EngineError};
use std::{io, net::SocketAddr, path::PathBuf};

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The data root cannot be made or locked.
    #[error(
        "cannot use the data root {path}: {source}. Set data.root (PADDOCK_DATA_ROOT) to a directory of your own"
    )]
    Root {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another Paddock works with this data root.
    #[error("another Paddock is running with the data root {path}")]
    Running {
        /// Which.
        path: PathBuf,
    },
    /// Somebody else listens there.
    #[error(
        "{address} is taken: another program listens there. Set http.listen (PADDOCK_HTTP_LISTEN) to another port"
    )]
    PortTaken {
        /// Where.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The master key.
    #[error(transparent)]
    Key(#[from] MasterKeyError),
    /// No server is installed: the store cannot be made.
    #[error("no PostgreSQL is installed on this host. Install one: paddock versions install {newest}")]
    NoPostgres {
        /// What to install.
        newest: String,
    },
    /// The embedded store or the engine.
    #[error("{what}: {}", chain(.source))]
    Engine {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: EngineError,
    },
    /// Backups cannot be kept.
    #[error("the place of the backups cannot be used: {}. Set backups.directory (PADDOCK_BACKUPS_DIRECTORY)", chain(.0))]
    Vault(#[source] VaultError),
    /// The values of the configuration do not fit together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store does not answer. The URL holds a password and is not repeated.
    #[error("the store does not answer: {0}")]
    Store(sqlx::Error),
    /// The core refused to start.
    #[error(transparent)]
    Core(#[from] StartError),
    /// The first account of the configuration cannot be made.
    #[error("the first account: {0}")]
    Account(String),
    /// Signals cannot be received.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
}

/// An error with its causes, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(next) = inner {
        text = format!("{text}: {next}");
        inner = next.source();
    }
    text
}
