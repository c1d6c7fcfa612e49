//! The core of Paddock: every rule about accounts, apps, databases and operations is in this crate.
//!
//! [`ControlPlane`] is its only public face: doors (dashboard, HTTP API, command line) find out who asks, parse the
//! input and call one method. Its methods live beside the noun they are about (`account/sign_in.rs`, `app.rs`, …).
//! The core starts no process (that is the [`engine`] port's work), speaks no HTTP and knows no status code; all SQL
//! is under `store/`.

pub mod access;
pub mod account;
pub mod activity;
pub mod actor;
mod addon;
mod app;
mod applied;
pub mod audit;
mod background;
pub mod backup;
mod change;
pub mod config;
pub mod connection;
pub mod crypto;
mod database;
mod database_user;
pub mod engine;
pub mod error;
pub mod hook;
pub mod log;
pub mod metrics;
mod operation;
mod ops;
pub mod pitr;
mod plan;
mod queries;
mod reach;
mod search;
mod start;
pub mod statements;
mod store;
pub mod supervisor;
mod sweeper;
mod tend;
mod variable;
mod version;

pub use access::Action;
pub use account::NewAccount;
pub use activity::Activity;
pub use actor::{Actor, Via};
pub use addon::NewAddon;
pub use config::Config;
pub use crypto::secret_box::MasterKey;
pub use database_user::NewDatabaseUser;
pub use error::{Error, Result};
pub use operation::OperationFilter;
pub use reach::{FeatureView, NewNetwork};
pub use start::{MIGRATOR, StartError};
pub use sweeper::Swept;
pub use tend::Tended;

use chrono::{DateTime, Utc};
use std::sync::{Arc, OnceLock};

/// The control plane: cheap to clone, safe to share.
#[derive(Clone)]
pub struct ControlPlane {
    pub(crate) inner: Arc<Inner>,
}

/// What every method needs.
pub(crate) struct Inner {
    pub(crate) config: Config,
    /// Our own PostgreSQL. Never a user's database.
    pub(crate) store: sqlx::PgPool,
    pub(crate) engine: Arc<dyn engine::Engine>,
    /// Where archives lie.
    pub(crate) vault: Arc<dyn backup::vault::Vault>,
    pub(crate) clock: Arc<dyn durable::Clock>,
    /// Seals what must be shown again (a database's password) before it reaches the store.
    pub(crate) key: MasterKey,
    /// Signs short-lived bearer tokens.
    pub(crate) jwt: account::jwt::Signer,
    pub(crate) passwords: crypto::password::Passwords,
    pub(crate) sign_in_limit: account::limit::PerAddress,
    pub(crate) unknown_names: account::limit::UnknownNames,
    /// Looks at nodes that have not ended.
    pub(crate) looks: addon::looks::Looks,
    /// What was measured lately.
    pub(crate) measured: metrics::Memory,
    /// What was seen of archives.
    pub(crate) archives: pitr::Memory,
    /// Whose files are known to say what the store says.
    pub(crate) applied: applied::Applied,
    /// When the log told last that the CA ends.
    pub(crate) ca_told: reach::CaTold,
    /// Made when first asked for: it keeps a connection of the store.
    wake: OnceLock<durable::Wake>,
    /// Who sends webhooks; the core speaks no HTTP.
    pub(crate) hook_caller: OnceLock<Arc<dyn hook::Caller>>,
}

impl ControlPlane {
    /// Now, as the one clock tells it: tests turn it by hand.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.inner.clock.now()
    }

    /// The settings it was started with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn store(&self) -> &sqlx::PgPool {
        &self.inner.store
    }

    /// Tells that the operation log changed; a wake-up, no data.
    pub(crate) fn wake(&self) -> &durable::Wake {
        self.inner.wake.get_or_init(|| durable::Wake::start(self.inner.store.clone()))
    }
}
