//! All SQL against Paddock's own store, one file per noun.
//!
//! Functions take a connection, so that the caller decides what shares a transaction. They hold no rule and decide
//! no right: they answer with plain rows. The operation log is not here; `crates/durable` owns it.

pub(crate) mod access;
pub(crate) mod addon;
pub(crate) mod app;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod collaborator;
pub(crate) mod database;
pub(crate) mod event;
pub(crate) mod hook;
pub(crate) mod installation;
pub(crate) mod interruption;
pub(crate) mod invitation;
pub(crate) mod last_backup;
pub(crate) mod metric;
pub(crate) mod network;
pub(crate) mod pitr;
pub(crate) mod port;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod statement;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod variable;
