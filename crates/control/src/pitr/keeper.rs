//! The keeper of archives: switches archiving on where the plan has it, watches that the log arrives, begins the base
//! backups that are due, and lets go what has had its time.
//!
//! One database that cannot be kept does not keep the others. A base backup that failed is not begun again at once. What
//! it finds out it remembers and tells; it restores nothing and switches nothing.

use super::{due, exposure, memory::Seen};
use crate::{
    Actor, ControlPlane, Error, Result,
    engine::pitr::{ArchiveState, Timelines},
    ops::base_backup,
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::sync::watch;
use types::{AddonId, DatabaseId, NodeId};
use uuid::Uuid;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(20);
/// How long others may be kept waiting while archiving is switched on.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often an archive is looked at: all that has arrived is walked through and sealed.
const LOOK: TimeDelta = TimeDelta::seconds(60);
/// How often it looks for what has had its time.
const TIDY: TimeDelta = TimeDelta::minutes(10);
/// So long after a base backup was begun another one is not.
const AGAIN: TimeDelta = TimeDelta::minutes(30);
/// So many base backups at the same time: they share one disk.
const AT_ONCE: usize = 1;
/// What was restored beside a database stands so long.
pub(super) const STANDS: TimeDelta = TimeDelta::hours(72);
/// The directory of a server whose place was taken waits in the trash so long. The archive leads there longer.
const LEFT_WAITS: TimeDelta = TimeDelta::hours(72);

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Archives that were switched on.
    pub enabled: u32,
    /// Base backups that were begun.
    pub begun: u32,
    /// Restores, servers and archives that went.
    pub gone: u32,
}

/// Keeps archives, round after round.
pub struct Keeper {
    plane: ControlPlane,
    /// Which server's archiving was switched on by this process: after a start each is looked at once.
    enabled: HashMap<Uuid, NodeId>,
    /// When a base backup was begun last.
    begun: HashMap<Uuid, DateTime<Utc>>,
    /// Whose archive nothing reaches; it was told.
    stalled: HashSet<Uuid>,
    tidied_at: Option<DateTime<Utc>>,
}

impl Keeper {
    /// For this control plane.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self {
            plane,
            enabled: HashMap::new(),
            begun: HashMap::new(),
            stalled: HashSet::new(),
            tidied_at: None,
        }
    }

    /// Rounds, until `shutdown` says true or its sender is gone.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            match self.round().await {
                Ok(kept) => tracing::debug!(?kept, "Archives were kept"),
                Err(error) => tracing::warn!(%error, "Archives could not be kept"),
            }
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { return },
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// One round.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn round(&mut self) -> Result<Kept> {
        let mut kept = Kept::default();
        if self.plane.inner.engine.pitr_tool().await.is_some() {
            let mut conn = self.plane.store().acquire().await?;
            let rows =
                store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
            drop(conn);
            self.plane.inner.archives.retain(|id| rows.iter().any(|row| row.database_id == id));
            for row in rows {
                if self.plane.plan_shown(&row.plan).pitr_days == 0 || !is_kept(&row) {
                    continue;
                }
                match self.keep(&row).await {
                    Ok((enabled, begun)) => {
                        kept.enabled += u32::from(enabled);
                        kept.begun += u32::from(begun);
                    }
                    Err(error) => {
                        tracing::warn!(database = %row.database_id, %error, "An archive could not be kept");
                    }
                }
            }
        }
        let now = self.plane.now();
        // A clock that was set back is no reason to wait for it.
        if self.tidied_at.is_none_or(|at| (now - at).abs() >= TIDY) {
            kept.gone = self.tidy().await?;
            self.tidied_at = Some(now);
        }
        Ok(kept)
    }

    /// One database; answers whether archiving was switched on, and whether a base backup was begun.
    async fn keep(&mut self, row: &Addon) -> Result<(bool, bool)> {
        let (plane, database) = (self.plane.clone(), row.database_id);
        let enabled = self.enabled.get(&database) != Some(&row.node());
        if enabled {
            if !self.enable(row).await? {
                return Ok((false, false));
            }
            self.enabled.insert(database, row.node());
        }
        let mut conn = plane.store().acquire().await?;
        let row = plane.addon_row(&mut conn, AddonId::new(row.id)).await?;
        drop(conn);
        let now = plane.now();
        let lately = |seen: &Seen| (now - seen.at).abs() < LOOK && !seen.known.backups.is_empty();
        if plane.inner.archives.get(database).is_some_and(|seen| lately(&seen)) {
            return Ok((enabled, false));
        }
        let state = plane.inner.engine.archive_state(&plane.spec(&row)?).await?;
        self.tell_stalled(&row, &state).await?;
        let known = plane.inner.engine.timelines(DatabaseId::new(database)).await?;
        tell_gaps(&plane, database, &known).await?;
        let (on, serving) = (state.on, state.timeline);
        let due = due::due(&known, serving, now).filter(|_| on);
        plane.inner.archives.put(database, Seen { state, known, at: now });
        let again = self.begun.get(&database).is_none_or(|at| (now - *at).abs() >= AGAIN);
        let Some(kind) = due.filter(|_| again) else { return Ok((enabled, false)) };
        let begun = self.begin(&row, kind).await?;
        if begun {
            self.begun.insert(database, now);
        }
        Ok((enabled, begun))
    }

    /// Switches archiving on, or sees that it is. `false`: something changes the database now.
    async fn enable(&self, row: &Addon) -> Result<bool> {
        let plane = &self.plane;
        // Kept before anything is encrypted with it.
        let key = plane.archive_passphrase(DatabaseId::new(row.database_id)).await?;
        let mut tx = plane.store().begin().await?;
        store::addon::lock(&mut tx, row.id).await?;
        let row = plane.addon_row(&mut tx, AddonId::new(row.id)).await?;
        if !is_kept(&row) {
            return Ok(false);
        }
        let spec = plane.spec(&row)?;
        // Others wait for the row: an archive that is busy is tried in the next round.
        let enabling = tokio::time::timeout(PATIENCE, plane.inner.engine.enable_archiving(&spec, &key));
        let Ok(told) = enabling.await else {
            tracing::warn!(database = %row.database_id, "archiving could not be switched on in time; it is tried again");
            return Ok(false);
        };
        let told = told?;
        tracing::info!(database = %row.database_id, "{told}");
        tx.commit().await?;
        Ok(true)
    }

    async fn begin(&self, row: &Addon, kind: crate::engine::pitr::BackupKind) -> Result<bool> {
        let plane = &self.plane;
        let mut tx = plane.store().begin().await?;
        store::addon::lock(&mut tx, row.id).await?;
        let row = plane.addon_row(&mut tx, AddonId::new(row.id)).await?;
        let filter = durable::Filter { subjects: None, live: true, limit: 1000 };
        let live = durable::list(&mut *tx, &filter).await?;
        let made = live.iter().filter(|operation| operation.kind == base_backup::KIND).count();
        if made >= AT_ONCE || !is_kept(&row) {
            return Ok(false);
        }
        plane.begin_base_backup(&mut tx, &Actor::System, &row, kind, None).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Tells once that nothing reaches an archive, and once that it flows again.
    async fn tell_stalled(&mut self, row: &Addon, state: &ArchiveState) -> Result<()> {
        let (now, database) = (self.plane.now(), row.database_id);
        let told = match exposure::stalled(state, self.plane.disk_left(row), now) {
            Some(words) if self.stalled.insert(database) => ("archive_stalled", words),
            None if self.stalled.remove(&database) => {
                ("archive_flows", "The write-ahead log reaches the archive again.".to_owned())
            }
            _ => return Ok(()),
        };
        let mut conn = self.plane.store().acquire().await?;
        Ok(store::event::record(&mut conn, database, now, told.0, &told.1).await?)
    }

    /// Removes what has had its time; answers how much went.
    async fn tidy(&self) -> Result<u32> {
        let plane = &self.plane;
        let now = plane.now();
        let mut conn = plane.store().acquire().await?;
        let standing = store::pitr::to_discard(&mut conn, now - STANDS).await?;
        let left = store::pitr::to_forget(&mut conn, now - LEFT_WAITS).await?;
        let orphans = store::pitr::orphaned_archives(&mut conn).await?;
        drop(conn);
        let mut gone = 0;
        for (addon, database) in standing {
            gone += count(database, plane.discard_restore(&Actor::System, AddonId::new(addon)).await);
        }
        for restore in left {
            gone += count(restore.database_id, self.forget_left(&restore).await);
        }
        for database in orphans {
            gone += count(database, self.forget_archive(database).await);
        }
        Ok(gone)
    }

    /// The directory of a server whose place was taken goes for good.
    async fn forget_left(&self, restore: &store::pitr::Restore) -> Result<()> {
        let Some(node) = restore.left_node else { return Ok(()) };
        self.plane.inner.engine.purge(NodeId::new(node)).await?;
        let mut conn = self.plane.store().acquire().await?;
        Ok(store::pitr::left_gone(&mut conn, restore.id, self.plane.now()).await?)
    }

    async fn forget_archive(&self, database: Uuid) -> Result<()> {
        self.plane.inner.engine.remove_archive(DatabaseId::new(database)).await?;
        let mut conn = self.plane.store().acquire().await?;
        Ok(store::pitr::forget_archive(&mut conn, database).await?)
    }
}

/// It runs, and nothing changes it: a restore beside it does not.
fn is_kept(row: &Addon) -> bool {
    row.ready && row.wanted == "running" && row.deleted_at.is_none() && !row.is_disturbed()
}

fn count(database: Uuid, done: Result<()>) -> u32 {
    match done {
        Ok(()) => 1,
        Err(Error::Conflict { .. }) => 0,
        Err(error) => {
            tracing::warn!(%database, %error, "What has had its time could not be removed");
            0
        }
    }
}

/// Tells of each hole once.
async fn tell_gaps(plane: &ControlPlane, database: Uuid, known: &Timelines) -> Result<()> {
    for gap in &known.gaps {
        let Some(since) = gap.from.or(gap.to) else { continue };
        let mut conn = plane.store().acquire().await?;
        if store::event::told_since(&mut conn, database, "archive_gap", since).await? {
            continue;
        }
        let words = format!(
            "A part of the write-ahead log is missing in the archive. The last safe moment before it is {}; the next base \
             backup makes moments possible again.",
            since.format("%d %b %H:%M:%S UTC")
        );
        store::event::record(&mut conn, database, plane.now(), "archive_gap", &words).await?;
    }
    Ok(())
}
