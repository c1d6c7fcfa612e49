//! What the collector knows by heart: the last hour of each database, its newest sample, its peaks.
//!
//! All of it may be lost with the process: at most ten minutes are not stored, and the rest is measured again. Nothing
//! here waits for the store or for a server.

use super::{
    block::Block,
    ring::Ring,
    values::{Look, Values, same_start, values},
};
use crate::engine::Sample;
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use types::view::{Container, Figures};
use uuid::Uuid;

/// Bytes on disk are counted anew after this long.
const COUNT_DISK: TimeDelta = TimeDelta::seconds(60);
/// A count that is older is not shown any more.
const DISK_OLD: TimeDelta = TimeDelta::minutes(5);
/// Figures that are younger are not read again.
const FIGURES_YOUNG: TimeDelta = TimeDelta::seconds(1);
/// A second is ten ticks of an SSE stream late: who did not ask for so long is forgotten.
const FIGURES_OLD: TimeDelta = TimeDelta::seconds(30);

/// How the collector does, since the process was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Samples that were taken.
    pub samples: u64,
    /// Samples that failed or took too long: gaps.
    pub failed: u64,
    /// Times of ten seconds that were given up unstored, one for each database.
    pub dropped: u64,
    /// Times of ten seconds in memory that are not stored yet, over all databases.
    pub waiting: u64,
    /// Rounds.
    pub rounds: u64,
    /// How late the last round began, milliseconds.
    pub late_ms: u64,
    /// How long the last round took, milliseconds.
    pub took_ms: u64,
    /// Databases in memory.
    pub databases: u64,
}

/// The most since a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peak {
    pub since: DateTime<Utc>,
    pub memory: u64,
    pub swap: u64,
}

impl Peak {
    /// The most of both, or the newer one where they are of different starts.
    pub(super) fn with(self, newer: Self) -> Self {
        if !same_start(self.since, newer.since) {
            return newer;
        }
        let (memory, swap) = (self.memory.max(newer.memory), self.swap.max(newer.swap));
        Self { memory, swap, ..self }
    }

    /// Puts it where the engine's own knowledge ends.
    pub(crate) fn lift(self, container: &mut Container) {
        container.memory_peak_bytes = container.memory_peak_bytes.max(self.memory);
        container.swap_peak_bytes = container.swap_peak_bytes.max(self.swap);
    }
}

/// One database.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) ring: Ring,
    pub(super) newest: Option<(Look, Values)>,
    disk: Option<(DateTime<Utc>, u64)>,
    disk_asked: Option<DateTime<Utc>>,
    /// Counted since the disk guard looked last.
    pub(super) disk_new: Option<u64>,
    pub(super) peak: Option<Peak>,
    pub(super) peak_stored: Option<Peak>,
    /// Start and number of the processes ended by the kernel that were told.
    pub(super) told_kills: Option<(DateTime<Utc>, u64)>,
}

/// Figures that were read lately, for everybody who looks.
pub(super) type Shared = std::sync::Arc<tokio::sync::Mutex<Option<(DateTime<Utc>, Option<Figures>)>>>;

/// What is known of all databases.
#[derive(Default)]
pub(crate) struct Memory {
    watched: Mutex<HashMap<Uuid, Watched>>,
    counters: Mutex<Counters>,
    figures: Mutex<HashMap<Uuid, Shared>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// Works on what is known of a database, if it is.
    pub(super) fn on<T>(&self, database: Uuid, work: impl FnOnce(&mut Watched) -> T) -> Option<T> {
        lock(&self.watched).get_mut(&database).map(work)
    }

    /// Works on each database, and collects what comes of it.
    pub(super) fn each<T>(&self, mut work: impl FnMut(Uuid, &mut Watched) -> Option<T>) -> Vec<T> {
        lock(&self.watched).iter_mut().filter_map(|(id, watched)| work(*id, watched)).collect()
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.counters));
    }

    pub(super) fn counters(&self) -> Counters {
        let watched = lock(&self.watched);
        let waiting = watched.values().map(|watched| watched.ring.waiting()).sum();
        Counters { waiting, databases: watched.len() as u64, ..*lock(&self.counters) }
    }

    /// The bytes on disk of a database, as they were counted last.
    pub(crate) fn disk_bytes(&self, database: Uuid) -> Option<u64> {
        lock(&self.watched).get(&database)?.disk.map(|(_, bytes)| bytes)
    }

    /// Whether it is time to count the bytes on disk of a database.
    pub(super) fn disk_is_due(&self, database: Uuid, now: DateTime<Utc>) -> bool {
        let asked = lock(&self.watched).get(&database).and_then(|watched| watched.disk_asked);
        // A clock that was turned back must not stop the counting.
        asked.is_none_or(|asked| now - asked >= COUNT_DISK || now < asked)
    }

    /// Takes a sample at its place.
    pub(super) fn take(
        &self,
        database: Uuid,
        place: i64,
        at: DateTime<Utc>,
        asked_disk: bool,
        sample: Sample,
    ) {
        let mut all = lock(&self.watched);
        let watched = all.entry(database).or_default();
        if asked_disk {
            watched.disk_asked = Some(at);
        }
        if let Some(bytes) = sample.disk_bytes {
            watched.disk = Some((at, bytes));
            watched.disk_new = Some(bytes);
        }
        let disk = watched.disk.filter(|(counted, _)| at - *counted <= DISK_OLD).map(|(_, bytes)| bytes);
        let look = Look { at, sample };
        let seen = values(watched.newest.as_ref().map(|(look, _)| look), &look, disk);
        let container = &look.sample.container;
        let peak = Peak {
            since: look.sample.since,
            memory: container.memory_bytes.max(container.memory_peak_bytes),
            swap: container.swap_bytes.max(container.swap_peak_bytes),
        };
        watched.peak = Some(watched.peak.map_or(peak, |old| old.with(peak)));
        watched.newest = Some((look, seen));
        let dropped = watched.ring.push(place, seen);
        drop(all);
        self.count(|counters| {
            counters.samples += 1;
            counters.dropped += dropped;
        });
    }

    /// A sample failed: a gap. One that had to count the disk is asked for it again after the usual time.
    pub(super) fn miss(&self, database: Uuid, at: DateTime<Utc>, asked_disk: bool) {
        if asked_disk {
            lock(&self.watched).entry(database).or_default().disk_asked = Some(at);
        }
        self.count(|counters| counters.failed += 1);
    }

    /// What the ring of a database has from this place on.
    pub(super) fn ring_since(&self, database: Uuid, place: i64) -> Vec<(i64, Values)> {
        let watched = lock(&self.watched);
        let ring = watched.get(&database).map(|watched| &watched.ring);
        ring.map(|ring| ring.since(place).map(|(place, values)| (place, *values)).collect())
            .unwrap_or_default()
    }

    /// The newest sample of a database that is not older than this.
    pub(super) fn newest(
        &self,
        database: Uuid,
        now: DateTime<Utc>,
        age: TimeDelta,
    ) -> Option<(Look, Values)> {
        let watched = lock(&self.watched);
        watched.get(&database)?.newest.clone().filter(|(look, _)| now - look.at <= age)
    }

    /// What is not stored yet of the time before this place, of every database.
    pub(super) fn unstored(&self, before: i64) -> Vec<(Uuid, i64, Block)> {
        let blocks = self.each(|id, watched| {
            let blocks = watched.ring.unstored(before);
            (!blocks.is_empty()).then(|| blocks.into_iter().map(move |(start, block)| (id, start, block)))
        });
        blocks.into_iter().flatten().collect()
    }

    /// Forgets a database, and figures that nobody asks for any more.
    pub(crate) fn forget(&self, database: Uuid) {
        lock(&self.watched).remove(&database);
        lock(&self.figures).remove(&database);
    }

    pub(super) fn tidy(&self, now: DateTime<Utc>) {
        lock(&self.figures).retain(|_, shared| {
            let read = shared.try_lock().ok().map(|figures| figures.as_ref().map(|(at, _)| *at));
            // One that is being read is in use.
            read.is_none_or(|at| at.is_some_and(|at| (now - at).abs() < FIGURES_OLD))
        });
    }

    /// Where the figures of a database are shared.
    pub(super) fn shared(&self, database: Uuid) -> Shared {
        lock(&self.figures).entry(database).or_default().clone()
    }
}

/// Whether figures that were read then still count.
pub(super) fn young(read: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (now - read).abs() < FIGURES_YOUNG
}
