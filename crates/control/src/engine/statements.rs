//! The engine port's part about statistics of statements (`pg_stat_statements`).

use super::{EngineError, NodeSpec};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use types::statement::StatementView;

/// What a server has counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementsSeen {
    /// The module was there when the server was started; else it counts after a restart.
    pub loaded: bool,
    /// Since when it counts.
    pub since: Option<DateTime<Utc>>,
    /// The statements with most time, runs, rows or blocks; passwords in their texts masked.
    pub statements: Vec<StatementView>,
}

/// Statistics of statements of running servers. Whether they are recorded follows from the node's settings.
#[async_trait]
pub trait Statements: Send + Sync + 'static {
    /// Makes what is needed to read them, where no user comes.
    async fn prepare_statements(&self, spec: &NodeSpec) -> Result<(), EngineError>;
    /// What was counted in the node's database since the last reset.
    async fn statements(&self, spec: &NodeSpec) -> Result<StatementsSeen, EngineError>;
    /// All counters of the server begin anew.
    async fn reset_statements(&self, spec: &NodeSpec) -> Result<(), EngineError>;
}
