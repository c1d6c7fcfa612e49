//! What the statements of a database cost: switched on and off, told over a time, begun anew.
//!
//! The server counts since its last reset; a range is the difference to a snapshot that [`Snapshots`] took. No text of
//! a query is ever kept.

mod snapshots;

pub use snapshots::Snapshots;

use crate::{Action, Actor, ControlPlane, Error, Result, audit, engine::NodeState, store};
use std::time::Duration;
use tokio::time::timeout;
use types::{
    AddonId,
    statement::{Counting, StatementOrder, StatementRange, StatementsView, difference},
};

/// A page does not wait longer for a server.
const PATIENCE: Duration = Duration::from_secs(3);
/// So many statements are told.
const TOLD: usize = 100;

impl ControlPlane {
    /// What the statements of a database cost over a time, the most expensive first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn statements(
        &self,
        actor: &Actor,
        addon: AddonId,
        range: StatementRange,
        order: StatementOrder,
    ) -> Result<StatementsView> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        let (spec, on) = self.node_of(addon).await?;
        if !on {
            return Ok(StatementsView::default());
        }
        let told = |counting| StatementsView { counting, ..StatementsView::default() };
        let seen = match timeout(PATIENCE, self.inner.engine.statements(&spec)).await {
            Ok(Ok(seen)) if seen.loaded => seen,
            Ok(Ok(_)) => return Ok(told(Counting::NeedsRestart)),
            Ok(Err(error)) => {
                tracing::debug!(database = %spec.id, %error, "Statistics were not read");
                return Ok(told(Counting::NotRunning));
            }
            Err(_) => return Ok(told(Counting::NotRunning)),
        };
        let (mut statements, mut since) = (seen.statements, seen.since);
        if let Some(back) = range.back() {
            let from = self.now() - back;
            let mut conn = self.store().acquire().await?;
            let snapshot = store::statement::near(&mut conn, access.database_id.uuid(), from).await?;
            // Counters that were reset since the snapshot have nothing to be compared with.
            if let Some((at, counters)) = snapshot.filter(|(at, _)| since.is_none_or(|since| since <= *at)) {
                statements = difference(statements, &counters);
                since = Some(at);
            }
        }
        order.sort(&mut statements);
        statements.truncate(TOLD);
        Ok(StatementsView { counting: Counting::On, since, statements })
    }

    /// Begins or ends counting the statements of a database. The server reads its settings again, nobody is
    /// disconnected; one that was started without the module counts after its next restart.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` while something else changes the database or it does not run; `Unavailable`.
    pub async fn count_statements(&self, actor: &Actor, addon: AddonId, on: bool) -> Result<()> {
        let mut change = self.change(actor, addon).await?;
        if !change.row.ready {
            return Err(Error::conflict("This database is not ready."));
        }
        let database = change.row.database_id;
        let running = matches!(self.look(change.row.node()).await, Some(NodeState::Running { .. }));
        if on && !running {
            return Err(Error::conflict("The server does not run. Start it first."));
        }
        store::statement::count(change.conn(), database, on).await?;
        if on {
            self.inner.engine.prepare_statements(&self.spec(&change.row)?).await?;
        }
        let action = if on { "database.statements_on" } else { "database.statements_off" };
        self.apply(change, actor, action, String::new()).await?;
        Ok(())
    }

    /// Counters of all statements begin anew, and what was kept of them is forgotten.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` when statements are not counted; `Unavailable`.
    pub async fn reset_statements(&self, actor: &Actor, addon: AddonId) -> Result<()> {
        let access = self.addon_access(actor, addon, Action::Operate).await?;
        let (spec, on) = self.node_of(addon).await?;
        if !on {
            return Err(Error::conflict("Statements of this database are not counted. Switch it on first."));
        }
        self.inner.engine.reset_statements(&spec).await?;
        let mut tx = self.store().begin().await?;
        store::statement::forget(&mut tx, access.database_id.uuid()).await?;
        let entry =
            audit::Entry::new("database.statements_reset").app(access.app.id).database(access.database_id);
        audit::record(&mut tx, self.now(), actor, entry.detail(access.resource_id)).await?;
        tx.commit().await?;
        Ok(())
    }
}
