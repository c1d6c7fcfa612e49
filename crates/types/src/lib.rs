//! The words of Paddock, shared by server, browser and command line.
//!
//! Holds ids, plans, versions, statuses, the views that pages show and the rules that input must meet. It does no
//! I/O, knows no clock and draws no random number; it builds for native targets and for wasm32. Start at [`id`],
//! then [`name`] (rules) and [`view`] (what pages show).

pub mod audit;
pub mod backup;
pub mod command;
pub mod connect;
pub mod database_user;
pub mod extension;
pub mod id;
pub mod log;
pub mod masked;
pub mod metric;
pub mod moment;
pub mod name;
pub mod network;
pub mod operation;
pub mod pitr;
pub mod plan;
pub mod plan_change;
pub mod problem;
pub mod query;
pub mod reach;
pub mod rights;
pub mod search;
pub mod sql;
pub mod statement;
pub mod status;
pub mod version;
pub mod view;

pub use backup::{BackupMethod, BackupStatus};
pub use id::{
    AddonId, AppId, BackupId, DatabaseId, InvitationId, NetworkId, NodeId, OperationId, RestoreId, SessionId,
    TokenId, UserId, VariableId,
};
pub use plan::Plan;
pub use problem::{FieldError, Problem, ProblemKind};
pub use version::PgVersion;
