//! Why a step did not end well. Outer words for people, inner cause for the process's log; the two never mix.

/// Why a step did not end well. What it wrote to [`Cx::tx`](crate::Cx::tx) and its memo are dropped.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// May go better later: tried again with growing pauses, then treated as [`StepError::GiveUp`].
    #[error("{message}")]
    Retry {
        /// What happened, for people.
        message: String,
        /// The last lines of whatever program said why.
        log: Vec<String>,
        /// The cause, for the process's log only.
        source: Option<anyhow::Error>,
    },
    /// Trying again would not help: [`Procedure::on_failure`](crate::Procedure::on_failure) decides.
    #[error("{message}")]
    GiveUp {
        /// What happened, for people.
        message: String,
        /// The last lines of whatever program said why.
        log: Vec<String>,
        /// The cause, for the process's log only.
        source: Option<anyhow::Error>,
    },
    /// Another worker has the operation now. Only [`Cx`](crate::Cx) says this; the worker then writes nothing.
    #[error("the lease was lost")]
    LeaseLost,
}

impl StepError {
    /// It may go better later.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::Retry { message: message.into(), log: vec![], source: None }
    }

    /// Trying again would not help.
    pub fn give_up(message: impl Into<String>) -> Self {
        Self::GiveUp { message: message.into(), log: vec![], source: None }
    }

    /// Adds the last lines of the program that said why.
    #[must_use]
    pub fn with_log(mut self, lines: Vec<String>) -> Self {
        if let Self::Retry { log, .. } | Self::GiveUp { log, .. } = &mut self {
            *log = lines;
        }
        self
    }

    /// Adds the cause, which people never see.
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<anyhow::Error>) -> Self {
        if let Self::Retry { source, .. } | Self::GiveUp { source, .. } = &mut self {
            *source = Some(cause.into());
        }
        self
    }
}

impl From<sqlx::Error> for StepError {
    fn from(cause: sqlx::Error) -> Self {
        Self::retry("Paddock could not read or write its own database.").with_source(cause)
    }
}

impl From<serde_json::Error> for StepError {
    fn from(cause: serde_json::Error) -> Self {
        Self::give_up("Paddock could not read what it had noted about this operation.").with_source(cause)
    }
}
