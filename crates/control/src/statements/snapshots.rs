//! Snapshots of what was counted, every ten minutes, for databases whose statements are counted: a range needs an
//! earlier reading to compare with. A server that does not answer leaves none.

use crate::{
    ControlPlane, Result,
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use chrono::TimeDelta;
use std::time::Duration;
use tokio::{sync::watch, time::timeout};
use types::statement::Counters;

/// Between two.
const EVERY: Duration = Duration::from_secs(600);
/// For one server.
const PATIENCE: Duration = Duration::from_secs(5);
/// All of them are kept so long; then one of each hour.
const FINE: TimeDelta = TimeDelta::hours(24);
/// Then none.
const KEPT: TimeDelta = TimeDelta::days(8);

/// Takes snapshots, round after round.
pub struct Snapshots {
    plane: ControlPlane,
}

impl Snapshots {
    /// For this control plane.
    #[must_use]
    pub const fn new(plane: ControlPlane) -> Self {
        Self { plane }
    }

    /// Rounds, until `shutdown` says true or its sender is gone.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "Snapshots of statements were not taken");
            }
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { return },
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// One of every database whose statements are counted; what has had its time is removed.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn round(&self) -> Result<()> {
        let mut conn = self.plane.store().acquire().await?;
        let rows =
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
        // Slow servers do not keep a connection to the store.
        drop(conn);
        for row in rows.into_iter().filter(|row| row.statements && row.ready && row.wanted == "running") {
            if let Some(counters) = self.read(&row).await {
                let mut conn = self.plane.store().acquire().await?;
                store::statement::keep(&mut conn, row.database_id, self.plane.now(), &counters).await?;
            }
        }
        let (now, mut conn) = (self.plane.now(), self.plane.store().acquire().await?);
        store::statement::thin(&mut conn, now - FINE, now - KEPT).await?;
        Ok(())
    }

    async fn read(&self, row: &Addon) -> Option<Vec<Counters>> {
        let spec = self.plane.spec(row).ok()?;
        let seen = timeout(PATIENCE, self.plane.inner.engine.statements(&spec)).await.ok()?;
        let seen =
            seen.inspect_err(|error| tracing::debug!(database = %spec.id, %error, "No snapshot")).ok()?;
        seen.loaded.then(|| seen.statements.into_iter().map(|one| one.counters).collect())
    }
}
