//! The collector: every ten seconds one sample of every database that should run, kept in memory.
//!
//! A database that does not answer leaves a gap and delays nobody: each sample has a time limit, many are taken at the
//! same time, and those that were slow come last in the next round. The collector writes nothing to the store; while
//! the store is away it goes on with the databases that it knows.

use super::ring::EVERY;
use crate::{
    ControlPlane,
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use uuid::Uuid;

/// Samples at the same time.
const SAMPLES: usize = 16;
/// A sample takes some milliseconds; a busy server may be slow.
const PATIENCE: Duration = Duration::from_secs(3);
/// Counting the bytes on disk looks at every file.
const DISK_PATIENCE: Duration = Duration::from_secs(8);
/// The store is asked for the databases; what is known does while it is away.
const LIST_PATIENCE: Duration = Duration::from_secs(2);
/// While none is known there is nothing that could be watched meanwhile.
const FIRST_LIST_PATIENCE: Duration = Duration::from_secs(30);

/// Takes samples, round after round.
pub struct Collector {
    plane: ControlPlane,
    rows: Vec<Addon>,
    slow: HashSet<Uuid>,
    /// The list is that of an earlier round.
    stale: bool,
}

impl Collector {
    /// One for this control plane.
    #[must_use]
    pub fn new(plane: ControlPlane) -> Self {
        Self { plane, rows: Vec::new(), slow: HashSet::new(), stale: false }
    }

    /// Rounds, on every tenth second of the clock, until `shutdown` says true or its sender is gone.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut last = None;
        while !*shutdown.borrow() {
            let due = next(self.plane.now());
            let wait = (due - self.plane.now()).to_std().unwrap_or_default();
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { return } else { continue },
                () = sleep(wait) => {}
            }
            let began = self.plane.now();
            // A timer may ring a moment early, and a place is filled once.
            if last.is_some_and(|last| place(began) == last) {
                continue;
            }
            last = Some(place(began));
            tokio::select! {
                stop = shutdown.changed() => if stop.is_err() { return },
                () = self.round() => {}
            }
            let millis = |from: DateTime<Utc>, to: DateTime<Utc>| {
                (to - from).num_milliseconds().max(0).cast_unsigned()
            };
            let (late, took) = (millis(due, began), millis(began, self.plane.now()));
            self.plane.inner.measured.count(|counters| (counters.late_ms, counters.took_ms) = (late, took));
        }
    }

    /// Takes one sample of every database that should run.
    pub async fn round(&mut self) {
        self.list().await;
        let place = place(self.plane.now());
        let (plane, memory) = (&self.plane, &self.plane.inner.measured);
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| self.slow.contains(&row.database_id));
        let samples = rows.into_iter().map(|row| async move {
            let database = row.database_id;
            let disk = memory.disk_is_due(database, plane.now());
            let Ok(spec) = plane.spec(&row) else { return None };
            let engine = Arc::clone(&plane.inner.engine);
            let patience = if disk { DISK_PATIENCE } else { PATIENCE };
            let sample = timeout(patience, engine.sample(&spec, disk)).await;
            let at = plane.now();
            match sample {
                Ok(Ok(sample)) => memory.take(database, place, at, disk, sample),
                Ok(Err(error)) => {
                    tracing::debug!(%database, %error, "A sample failed");
                    memory.miss(database, at, disk);
                }
                Err(_) => {
                    tracing::debug!(%database, ?patience, "A sample took too long");
                    memory.miss(database, at, disk);
                    return Some(database);
                }
            }
            None
        });
        self.slow = stream::iter(samples)
            .buffer_unordered(SAMPLES)
            .filter_map(|slow| async move { slow })
            .collect()
            .await;
        memory.count(|counters| counters.rounds += 1);
    }

    /// The databases that are ready and should run; those of the round before when the store does not answer.
    async fn list(&mut self) {
        let listing = async {
            let mut conn = self.plane.store().acquire().await?;
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await
        };
        let patience = if self.rows.is_empty() { FIRST_LIST_PATIENCE } else { LIST_PATIENCE };
        match timeout(patience, listing).await {
            Ok(Ok(rows)) => {
                self.rows = rows.into_iter().filter(|row| row.ready && row.wanted == "running").collect();
                self.stale = false;
            }
            failed => {
                if !self.stale {
                    let error = failed.map(|listed| listed.err().map(|error| error.to_string()));
                    tracing::warn!(
                        ?error,
                        "The store did not list the databases; those known are watched on"
                    );
                }
                self.stale = true;
            }
        }
    }
}

/// The place of a moment.
pub(super) fn place(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(EVERY)
}

/// When the next place begins.
fn next(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp((place(now) + 1) * EVERY, 0).unwrap_or(now)
}
