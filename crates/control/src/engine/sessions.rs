//! The engine port's part about sessions: who is connected, and how one is cancelled or ended.

use super::{EngineError, NodeSpec};
use async_trait::async_trait;
use types::query::{SessionView, Signalled};

/// The sessions of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionsSeen {
    /// Those of users in the node's database, passwords in their texts masked.
    pub sessions: Vec<SessionView>,
    /// How many the platform has.
    pub platform: usize,
}

/// What is sent to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Its statement is stopped, its connection stays.
    Cancel,
    /// Its connection is closed, its transaction rolled back.
    Terminate,
}

/// Sessions of running servers.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Who is connected now. `idle`: also what idle sessions ran last.
    async fn sessions(&self, spec: &NodeSpec, idle: bool) -> Result<SessionsSeen, EngineError>;
    /// Cancels the statement of a user's session in the node's database, or ends the session: it has this process and,
    /// when given, connected at `started_us`. Whatever is not such a session is left alone.
    async fn signal(
        &self,
        spec: &NodeSpec,
        signal: Signal,
        pid: i32,
        started_us: Option<i64>,
    ) -> Result<Signalled, EngineError>;
}
