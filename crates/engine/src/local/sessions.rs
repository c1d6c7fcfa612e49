//! Sessions and statistics of statements, as the port asks for them: finds the running server, hands over.

use super::LocalEngine;
use crate::{
    kept::Of,
    sessions,
    sql::{MONITOR, Session},
    statements,
};
use async_trait::async_trait;
use control::engine::{
    EngineError, NodeSpec,
    sessions::{Sessions, SessionsSeen, Signal},
    statements::{Statements, StatementsSeen},
};
use std::time::Duration;
use types::query::Signalled;

/// For one question, connecting included.
const LIMIT: Duration = Duration::from_secs(5);

impl LocalEngine {
    /// How to ask a running server as the monitoring role.
    fn asking(&self, spec: &NodeSpec) -> Result<(Of, Session), EngineError> {
        let (dir, server) = self.running(spec.id)?;
        let of = (spec.id, (server.seen.pid, server.seen.started));
        Ok((of, Session::new(dir.run(), spec.port, MONITOR, LIMIT)))
    }
}

#[async_trait]
impl Sessions for LocalEngine {
    async fn sessions(&self, spec: &NodeSpec, idle: bool) -> Result<SessionsSeen, EngineError> {
        let (of, session) = self.asking(spec)?;
        sessions::list(&self.inner.kept, of, &session, spec, idle).await
    }

    async fn signal(
        &self,
        spec: &NodeSpec,
        signal: Signal,
        pid: i32,
        started_us: Option<i64>,
    ) -> Result<Signalled, EngineError> {
        let (_, session) = self.asking(spec)?;
        sessions::signal(&session, &spec.name, signal, (pid, started_us)).await
    }
}

#[async_trait]
impl Statements for LocalEngine {
    async fn prepare_statements(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        statements::prepare(&self.asking(spec)?.1).await
    }

    async fn statements(&self, spec: &NodeSpec) -> Result<StatementsSeen, EngineError> {
        let (of, session) = self.asking(spec)?;
        statements::read(&self.inner.kept, of, &session, spec).await
    }

    async fn reset_statements(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        statements::reset(&self.asking(spec)?.1).await
    }
}
