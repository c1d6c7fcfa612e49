//! What runs in a database now, and stopping it.
//!
//! A query that ended before somebody cancelled it is no error: it is said. Who asks is checked first, and the server
//! checks once more, in the statement that signals, that the session is the one that was seen.

use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    engine::{NodeSpec, sessions::Signal},
};
use std::time::Duration;
use tokio::time::timeout;
use types::{
    AddonId,
    query::{QueriesView, SessionFilter, Signalled, arrange},
};

/// A page does not wait longer for a server.
const PATIENCE: Duration = Duration::from_secs(3);

impl ControlPlane {
    /// What runs in a database now. A server that does not run has nothing.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn queries(
        &self,
        actor: &Actor,
        addon: AddonId,
        filter: &SessionFilter,
    ) -> Result<QueriesView> {
        self.addon_access(actor, addon, Action::View).await?;
        let (spec, _) = self.node_of(addon).await?;
        let idle = filter.idle || filter.state == "idle";
        match timeout(PATIENCE, self.inner.engine.sessions(&spec, idle)).await {
            Ok(Ok(seen)) => Ok(arrange(seen.sessions, seen.platform, filter)),
            Ok(Err(error)) => {
                tracing::debug!(database = %spec.id, %error, "Sessions were not listed");
                Ok(QueriesView::default())
            }
            Err(_) => Ok(QueriesView::default()),
        }
    }

    /// Stops the statement of a session; its connection stays. `started_us` is when it connected, as it was listed;
    /// without it, whoever has this process now is meant.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Unavailable` when the server does not answer.
    pub async fn cancel_query(
        &self,
        actor: &Actor,
        addon: AddonId,
        pid: i32,
        started_us: Option<i64>,
    ) -> Result<Signalled> {
        self.signal(actor, addon, Signal::Cancel, (pid, started_us)).await
    }

    /// Ends a session: its connection is closed, its transaction rolled back.
    ///
    /// # Errors
    /// As `cancel_query`.
    pub async fn terminate_query(
        &self,
        actor: &Actor,
        addon: AddonId,
        pid: i32,
        started_us: Option<i64>,
    ) -> Result<Signalled> {
        self.signal(actor, addon, Signal::Terminate, (pid, started_us)).await
    }

    async fn signal(
        &self,
        actor: &Actor,
        addon: AddonId,
        signal: Signal,
        (pid, started_us): (i32, Option<i64>),
    ) -> Result<Signalled> {
        let access = self.addon_access(actor, addon, Action::Operate).await?;
        let (spec, _) = self.node_of(addon).await?;
        let signalled = timeout(PATIENCE, self.inner.engine.signal(&spec, signal, pid, started_us)).await;
        let signalled = signalled.map_err(|late| Error::Unavailable {
            message: "The server did not answer in time. Look again whether the query still runs.".into(),
            source: Some(late.into()),
        });
        let signalled = signalled.and_then(|answer| answer.map_err(Error::from));
        let action = match signal {
            Signal::Cancel => "query.cancel",
            Signal::Terminate => "query.terminate",
        };
        let entry = audit::Entry::new(action).app(access.app.id).database(access.database_id);
        // What the server did not find was not done, and that is remembered, too; without an answer it may have been.
        let (entry, came) = match &signalled {
            Ok(Signalled::Sent) => (entry, ""),
            Ok(_) => (entry.refused(), ""),
            Err(_) => (entry, "; without an answer"),
        };
        let entry = entry.detail(format!("process {pid} of {}{came}", access.resource_id));
        audit::record(&mut *self.store().acquire().await?, self.now(), actor, entry).await?;
        signalled
    }

    /// What the engine runs for an add-on that is there, and whether its statements are counted.
    pub(crate) async fn node_of(&self, addon: AddonId) -> Result<(NodeSpec, bool)> {
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        Ok((self.spec(&row)?, row.statements))
    }
}
