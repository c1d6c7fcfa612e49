//! Figures read just now: at most one look at a database in a second, however many people look.
//!
//! The engine's own peaks are lifted to what the collector saw since the same start: not every kernel remembers them.

use super::{memory::young, values::same_start};
use crate::{Action, Actor, ControlPlane, Result, engine::NodeState, store};
use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio::time::timeout;
use types::{AddonId, view::Figures};
use uuid::Uuid;

/// A server that does not answer by then is shown as one that does not run: whoever waits for the same figures waits
/// no longer.
const PATIENCE: Duration = Duration::from_secs(3);

impl ControlPlane {
    /// Figures of a running database, read within the last second; `None` when it does not run.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn figures_now(&self, actor: &Actor, addon: AddonId) -> Result<Option<Figures>> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        let shared = self.inner.measured.shared(access.database_id.uuid());
        // Whoever comes second waits for the first, and takes what that one read.
        let mut shared = shared.lock().await;
        if let Some((read, figures)) = &*shared
            && young(*read, self.now())
        {
            return Ok(figures.clone());
        }
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        drop(conn);
        let spec = self.spec(&row)?;
        let reading = timeout(PATIENCE, self.inner.engine.figures(&spec));
        let (figures, state) = tokio::join!(reading, self.look(row.node()));
        let mut figures = figures.ok().and_then(Result::ok);
        if let (Some(figures), Some(NodeState::Running { since, .. })) = (&mut figures, state) {
            self.lift_peaks(row.database_id, since, figures).await;
        }
        *shared = Some((self.now(), figures.clone()));
        Ok(figures)
    }

    /// Lifts the peaks of figures to the most that was seen since this start.
    pub(crate) async fn lift_peaks(&self, database: Uuid, since: DateTime<Utc>, figures: &mut Figures) {
        let known = self.inner.measured.on(database, |watched| watched.peak).flatten();
        let peak = match known {
            Some(peak) => Some(peak),
            None => self.stored_peak(database).await,
        };
        if let Some(peak) = peak.filter(|peak| same_start(peak.since, since)) {
            peak.lift(&mut figures.container);
        }
    }

    async fn stored_peak(&self, database: Uuid) -> Option<super::Peak> {
        let reading = async { store::metric::peak(&mut *self.store().acquire().await?, database).await };
        reading.await.inspect_err(|error| tracing::warn!(%database, %error, "A peak was not read")).ok()?
    }
}
