//! The fake's sessions and statistics of statements: what a test put there.

use crate::{FakeEngine, Method, port::refused};
use async_trait::async_trait;
use control::engine::{
    EngineError, NodeSpec,
    sessions::{Sessions, SessionsSeen, Signal},
    statements::{Statements, StatementsSeen},
};
use types::{
    NodeId,
    query::{SessionState, SessionView, Signalled},
    statement::StatementView,
};

/// What a node's server would tell of its sessions and statements.
#[derive(Clone, Debug, Default)]
pub struct Talk {
    /// Sessions of users.
    pub sessions: Vec<SessionView>,
    /// How many the platform has.
    pub platform: usize,
    /// What was sent, to which process.
    pub signals: Vec<(Signal, i32)>,
    /// Its room for statistics was made.
    pub prepared: bool,
    /// The module was not there when it was started.
    pub without_module: bool,
    /// What was counted.
    pub statements: Vec<StatementView>,
}

impl FakeEngine {
    /// What a node's server tells from now on.
    pub fn talks(&self, id: NodeId, change: impl FnOnce(&mut Talk)) {
        change(self.state().talk.entry(id).or_default());
    }

    /// What it tells.
    #[must_use]
    pub fn talk(&self, id: NodeId) -> Talk {
        self.state().talk.get(&id).cloned().unwrap_or_default()
    }
}

#[async_trait]
impl Sessions for FakeEngine {
    async fn sessions(&self, spec: &NodeSpec, _idle: bool) -> Result<SessionsSeen, EngineError> {
        self.call(Method::Sessions, |state| {
            state
                .talking(spec)
                .map(|talk| SessionsSeen { sessions: talk.sessions.clone(), platform: talk.platform })
        })
        .await
    }

    async fn signal(
        &self,
        spec: &NodeSpec,
        signal: Signal,
        pid: i32,
        started_us: Option<i64>,
    ) -> Result<Signalled, EngineError> {
        self.call(Method::Signal, |state| {
            let talk = state.talking(spec)?;
            let same = |one: &SessionView| one.pid == pid && started_us.is_none_or(|at| at == one.started_us);
            let Some(at) = talk.sessions.iter().position(same) else { return Ok(Signalled::Gone) };
            if signal == Signal::Cancel && talk.sessions[at].state != SessionState::Active {
                return Ok(Signalled::Idle);
            }
            talk.signals.push((signal, pid));
            match signal {
                Signal::Cancel => talk.sessions[at].state = SessionState::Idle,
                Signal::Terminate => drop(talk.sessions.remove(at)),
            }
            Ok(Signalled::Sent)
        })
        .await
    }
}

#[async_trait]
impl Statements for FakeEngine {
    async fn prepare_statements(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        self.call(Method::PrepareStatements, |state| {
            state.talking(spec)?.prepared = true;
            Ok(())
        })
        .await
    }

    async fn statements(&self, spec: &NodeSpec) -> Result<StatementsSeen, EngineError> {
        self.call(Method::Statements, |state| {
            let talk = state.talking(spec)?;
            if !talk.prepared || talk.without_module {
                return Ok(StatementsSeen::default());
            }
            Ok(StatementsSeen { loaded: true, since: None, statements: talk.statements.clone() })
        })
        .await
    }

    async fn reset_statements(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        self.call(Method::ResetStatements, |state| {
            let talk = state.talking(spec)?;
            if !talk.prepared {
                return Err(refused("nothing is counted"));
            }
            talk.statements.clear();
            Ok(())
        })
        .await
    }
}
