//! Real PostgreSQL on a host: versions, places, OS users, processes, certificates, roles.
//!
//! [`LocalEngine`] is the engine port of `control`; [`EmbeddedStore`] runs the control plane's own cluster with the
//! same keeper. This is the only crate that starts processes, and there through [`process`] alone, never by a shell.
//! It never reads the control plane's store and knows no app, user or plan beyond a node's spec.

mod ballast;
mod cgroup;
mod cluster;
mod config;
mod configure;
mod disk;
mod dump;
mod error;
mod figures;
mod firewall;
mod gauge;
pub mod hba;
mod heap;
mod hook;
mod host;
mod identity;
mod keeper;
mod kept;
pub mod layout;
mod limit;
mod local;
mod login;
mod logs;
mod node;
mod os_user;
mod pitr;
mod pool;
mod prepare;
mod preview;
pub mod process;
mod procs;
mod reach;
mod roles;
mod root;
mod sample;
mod sessions;
pub mod settings;
pub mod sql;
mod statements;
mod store;
pub mod tls;
mod trash;
mod turns;
mod users;
pub mod versions;
mod volume;

pub use config::EngineConfig;
pub use identity::Identity;
pub use local::LocalEngine;
pub use os_user::OsUser;
pub use store::EmbeddedStore;
