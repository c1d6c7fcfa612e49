//! What follows from samples in the store: blocks every ten minutes, peaks, what the kernel ended, the disk guard.
//!
//! It works beside the collector, so that a store that is slow or away costs no sample. What could not be written is
//! written later; an hour of it is kept, see [`super::ring`]. A block that is there already is merged, not replaced.

use super::{
    block::Block,
    collector::place,
    memory::Peak,
    ring::{EVERY, WINDOW},
    thin,
    values::same_start,
};
use crate::{
    ControlPlane, Result,
    store::{
        self,
        addon::{Addon, Filter},
        metric::{Key, Row},
    },
};
use chrono::{DateTime, Utc};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};
use tokio::{sync::watch, time::sleep};
use types::{AddonId, metric::Metric, plan::size};
use uuid::Uuid;

/// How often it looks whether something is to be written.
const ROUND: Duration = Duration::from_secs(5);
/// Blocks in one transaction.
const TOGETHER: usize = 200;
/// Seconds between two values of the finest blocks.
pub(super) const FINEST: i32 = EVERY as i32;

/// Writes what was measured, round after round.
pub struct Keeper {
    plane: ControlPlane,
    /// The store did not take something, and this was said.
    failing: bool,
    thinner: thin::Thinner,
}

impl Keeper {
    /// One for this control plane.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self { plane, failing: false, thinner: thin::Thinner::default() }
    }

    /// Rounds until `shutdown` says true or its sender is gone; then everything in memory is stored.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            self.round().await;
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { break },
                () = sleep(ROUND) => {}
            }
        }
        if let Err(error) = self.flush().await {
            tracing::warn!(%error, "The last minutes of metrics were not stored");
        }
    }

    /// Does what is due. What does not work is said once, and tried again in the next round.
    pub async fn round(&mut self) {
        let result = self.work().await;
        match (&result, self.failing) {
            (Err(error), false) => {
                tracing::warn!(%error, "Metrics cannot be stored; the last hour stays in memory");
            }
            (Ok(()), true) => {
                let dropped = self.plane.inner.measured.counters().dropped;
                tracing::info!(dropped, "Metrics are stored again");
            }
            _ => {}
        }
        self.failing = result.is_err();
    }

    async fn work(&mut self) -> Result<()> {
        let now = self.plane.now();
        let mut conn = self.plane.store().acquire().await?;
        let rows =
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
        drop(conn);
        self.guard_disks(&rows).await;
        self.tell_kills(&rows).await?;
        self.store_peaks().await?;
        self.store_before(place(now).div_euclid(WINDOW) * WINDOW).await?;
        self.forget_gone(&rows).await?;
        self.plane.inner.measured.tidy(now);
        self.thinner.round(&self.plane).await
    }

    /// Stores everything that is in memory, also of a ten minutes that are not over.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn flush(&self) -> Result<()> {
        self.store_before(place(self.plane.now()) + 1).await
    }

    async fn store_before(&self, before: i64) -> Result<()> {
        let memory = &self.plane.inner.measured;
        let blocks = memory.unstored(before);
        for some in blocks.chunks(TOGETHER) {
            self.write(some).await?;
            for (database, start, block) in some {
                let end = start + block.points() as i64;
                memory.on(*database, |watched| watched.ring.stored(end));
            }
        }
        Ok(())
    }

    /// Writes blocks in one transaction, merged with what is there: another process may have written their beginning.
    async fn write(&self, blocks: &[(Uuid, i64, Block)]) -> Result<()> {
        let key = |database: Uuid, start: i64| Key { database, starts_at: moment(start) };
        if blocks.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = blocks.iter().map(|(database, start, _)| key(*database, *start)).collect();
        let mut tx = self.plane.store().begin().await?;
        let there = store::metric::locked(&mut tx, FINEST, &keys).await?;
        let there: HashMap<_, _> =
            there.into_iter().map(|row| ((row.database_id, row.starts_at), row.bytes)).collect();
        let rows = blocks.iter().map(|(database, start, block)| {
            let starts_at = moment(*start);
            let old = there.get(&(*database, starts_at)).map(|bytes| Block::decode(bytes, &Metric::ALL));
            let merged = match old {
                Some(Ok(old)) => &old.merged(block),
                Some(Err(error)) => {
                    tracing::warn!(%database, %starts_at, %error, "A stored block is written anew");
                    block
                }
                None => block,
            };
            let ends_at = moment(*start + merged.points() as i64);
            Row { database_id: *database, resolution: FINEST, starts_at, ends_at, bytes: merged.encode() }
        });
        store::metric::put(&mut tx, &rows.collect::<Vec<_>>()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Databases that are in the trash or gone: their last minutes are stored, the memory is free again.
    async fn forget_gone(&self, rows: &[Addon]) -> Result<()> {
        let memory = &self.plane.inner.measured;
        let live: HashSet<_> = rows.iter().map(|row| row.database_id).collect();
        let gone =
            memory.each(|id, watched| (!live.contains(&id)).then(|| (id, watched.ring.unstored(i64::MAX))));
        for (database, blocks) in gone {
            let blocks: Vec<_> = blocks.into_iter().map(|(start, block)| (database, start, block)).collect();
            self.write(&blocks).await?;
            memory.forget(database);
        }
        Ok(())
    }

    /// Lets the disk guard look at what was counted since it looked last.
    async fn guard_disks(&self, rows: &[Addon]) {
        let memory = &self.plane.inner.measured;
        for row in rows {
            let counted = memory.on(row.database_id, |watched| watched.disk_new.take()).flatten();
            let Some(bytes) = counted else { continue };
            if let Err(error) = self.plane.guard_disk(AddonId::new(row.id), bytes).await {
                let database = row.database_id;
                tracing::warn!(%database, %error, "The disk guard could not do its work");
                // The count still stands, unless a newer one came.
                memory.on(database, |watched| watched.disk_new.get_or_insert(bytes).to_owned());
            }
        }
    }

    /// Remembers processes that the kernel ended because the memory was used up.
    async fn tell_kills(&self, rows: &[Addon]) -> Result<()> {
        let memory = &self.plane.inner.measured;
        let seen = memory.each(|id, watched| {
            let sample = &watched.newest.as_ref()?.0.sample;
            let kills = (sample.since, sample.container.oom_kills);
            let told = watched.told_kills.filter(|(since, _)| same_start(*since, sample.since));
            (told != Some(kills)).then_some((id, told, kills, sample.container.memory_limit_bytes))
        });
        for (database, told, (since, kills), limit) in seen {
            let more = match told {
                Some((_, before)) => kills > before,
                None => kills > 0,
            };
            if more && rows.iter().any(|row| row.database_id == database) {
                let mut tx = self.plane.store().begin().await?;
                // The first look at a start: an earlier process may have told it.
                let known =
                    told.is_none() && store::event::told_since(&mut tx, database, KILLED, since).await?;
                if !known {
                    let words = format!(
                        "The kernel ended a process of this database: its {} of memory were used up",
                        size(limit)
                    );
                    tracing::warn!(%database, "{words}");
                    store::event::record(&mut tx, database, self.plane.now(), KILLED, &words).await?;
                }
                tx.commit().await?;
            }
            memory.on(database, |watched| watched.told_kills = Some((since, kills)));
        }
        Ok(())
    }

    /// Stores the most since the start where it grew.
    async fn store_peaks(&self) -> Result<()> {
        let memory = &self.plane.inner.measured;
        let grown = memory.each(|id, watched| {
            let peak = watched.peak?;
            (watched.peak_stored != Some(peak)).then_some((id, peak))
        });
        if grown.is_empty() {
            return Ok(());
        }
        let mut conn = self.plane.store().acquire().await?;
        for (database, stored) in store::metric::raise(&mut conn, &grown).await? {
            memory.on(database, |watched| {
                // An earlier process may have seen more of the same start.
                let peak = watched.peak.map_or(stored, |peak| stored.with(peak));
                (watched.peak, watched.peak_stored) =
                    (Some(peak), Some(Peak { since: peak.since, ..stored }));
            });
        }
        Ok(())
    }
}

const KILLED: &str = "out_of_memory";

/// When a place begins.
pub(super) fn moment(place: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(place.saturating_mul(EVERY), 0).unwrap_or_default()
}
