//! The keeper of backups: begins those that are due, has each of them tried, and lets those go whose time is over.
//!
//! It decides nothing by itself: [`super::schedule`] says what is due, [`super::retention`] what goes. One database that
//! cannot be kept does not keep the others. Everything that it begins is an operation that people can follow.

use super::{
    ask::Begun,
    retention::{self, Rules},
    schedule,
    vault::Place,
    view,
};
use crate::{
    Actor, ControlPlane, Result,
    addon::accept::Lane,
    store::{
        self,
        addon::{Addon, Filter},
        backup::Filter as BackupFilter,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use tokio::sync::watch;
use types::{AddonId, BackupId, DatabaseId, backup::BackupMethod};
use uuid::Uuid;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(20);
/// How often it looks for what has had its time: a listing of everything that lies in the vault is part of it.
const TIDY: TimeDelta = TimeDelta::hours(1);
/// So many periodic backups are made at the same time: they share one disk.
const AT_ONCE: usize = 2;
/// Nobody waits longer than this for the machine to be idle before a backup is tried.
const PATIENCE: TimeDelta = TimeDelta::hours(6);
/// How long what a restore has replaced waits.
pub const REPLACED_WAITS: TimeDelta = TimeDelta::hours(72);

/// What a round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Backups that were begun.
    pub begun: u32,
    /// Trials that were begun.
    pub tried: u32,
    /// Backups that went.
    pub gone: u32,
}

/// Keeps backups, round after round.
pub struct Keeper {
    plane: ControlPlane,
    /// When it last looked for what has had its time.
    tidied_at: Option<DateTime<Utc>>,
}

impl Keeper {
    /// For this control plane.
    #[must_use]
    pub const fn new(plane: ControlPlane) -> Self {
        Self { plane, tidied_at: None }
    }

    /// Rounds, until `shutdown` says true or its sender is gone.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            match self.round().await {
                Ok(kept) => tracing::debug!(?kept, "Backups were kept"),
                Err(error) => tracing::warn!(%error, "Backups could not be kept"),
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
        let begun = self.begin_due().await?;
        let tried = self.try_next().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "A backup could not be tried");
            0
        });
        let now = self.plane.now();
        let mut gone = 0;
        // A clock that was set back is no reason to wait for it.
        if self.tidied_at.is_none_or(|at| (now - at).abs() >= TIDY) {
            gone = self.tidy().await?;
            self.tidied_at = Some(now);
        }
        Ok(Kept { begun, tried, gone })
    }

    /// Removes what has had its time; answers how many backups went.
    async fn tidy(&self) -> Result<u32> {
        let mut gone = 0;
        let mut conn = self.plane.store().acquire().await?;
        let databases = store::backup::databases(&mut conn).await?;
        drop(conn);
        for database in databases {
            match self.let_go(database).await {
                Ok(n) => gone += n,
                Err(error) => {
                    tracing::warn!(%database, %error, "Backups whose time is over could not be removed");
                }
            }
        }
        self.plane.drop_old_replaced().await?;
        if let Err(error) = self.plane.inner.vault.sweep().await {
            tracing::warn!(%error, "What half-made archives left could not be removed");
        }
        Ok(gone)
    }

    /// Begins what is due, as far as there is room.
    async fn begin_due(&self) -> Result<u32> {
        let plane = &self.plane;
        let mut conn = plane.store().acquire().await?;
        let rows =
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
        let mut live = durable::list(
            &mut *conn,
            &durable::Filter {
                subjects: Some(rows.iter().map(|row| Lane::Backup.subject(row.subject())).collect()),
                live: true,
                limit: 1000,
            },
        )
        .await?
        .len();
        drop(conn);
        let mut begun = 0;
        for row in rows {
            if live >= AT_ONCE {
                break;
            }
            match self.begin(&row).await {
                Ok(true) => {
                    live += 1;
                    begun += 1;
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(database = %row.database_id, %error, "A backup could not be begun");
                }
            }
        }
        Ok(begun)
    }

    async fn begin(&self, row: &Addon) -> Result<bool> {
        let plane = &self.plane;
        // Skipped while it does not run or is being changed; caught up when it does again.
        if plane.plan_shown(&row.plan).daily_backups == 0 || plane.refuse_unreadable(row).is_err() {
            return Ok(false);
        }
        let mut tx = plane.store().begin().await?;
        // Who asks for one by hand waits here, or was before us: never two at once, and none for a day that has one.
        store::addon::lock(&mut tx, row.id).await?;
        let row = &plane.addon_row(&mut tx, AddonId::new(row.id)).await?;
        if plane.refuse_unreadable(row).is_err() {
            return Ok(false);
        }
        let stored = store::backup::schedule(&mut tx, row.database_id).await?;
        let schedule = view::schedule_of(&stored)?;
        let spread = schedule::spread(DatabaseId::new(row.database_id));
        let since = stored.since.max(row.created_at);
        let Some(due) = schedule::due(&schedule, spread, stored.last_slot, since, plane.now()) else {
            return Ok(false);
        };
        let begun = plane
            .begin_backup(&mut tx, &Actor::System, row, BackupMethod::Periodic, Some(&due), None)
            .await?;
        let new = matches!(begun, Begun::New(_));
        if new {
            tx.commit().await?;
        }
        Ok(new)
    }

    /// Has the oldest backup tried that was not tried yet, one at a time, when the machine has nothing better to do.
    async fn try_next(&self) -> Result<u32> {
        let plane = &self.plane;
        let mut tx = plane.store().begin().await?;
        let waiting =
            store::backup::list(&mut tx, &BackupFilter { unproven: true, ..BackupFilter::default() }).await?;
        let Some(oldest) = waiting.last() else { return Ok(0) };
        let waits_since = oldest.ended_at.unwrap_or(oldest.created_at);
        if !plane.inner.engine.idle() && plane.now() - waits_since < PATIENCE {
            return Ok(0);
        }
        let subjects = plane.live_proofs(&mut tx).await?;
        if subjects > 0 {
            return Ok(0);
        }
        plane.begin_proof(&mut tx, &Actor::System, oldest).await?;
        tx.commit().await?;
        Ok(1)
    }

    /// Lets the backups of a database go whose time is over.
    async fn let_go(&self, database: Uuid) -> Result<u32> {
        let plane = &self.plane;
        let mut conn = plane.store().acquire().await?;
        let filter = Filter { database: Some(database), purged: true, ..Filter::default() };
        let Some(row) = store::addon::list(&mut conn, &filter).await?.pop() else { return Ok(0) };
        // Of a plan that left the configuration nothing is known, so nothing goes.
        let Ok(plan) = plane.plan(&row.plan) else { return Ok(0) };
        let rows = store::backup::list(
            &mut conn,
            &BackupFilter { database: Some(database), ..BackupFilter::default() },
        )
        .await?;
        let stored = store::backup::schedule(&mut conn, database).await?;
        drop(conn);
        let (zone, now) = (view::schedule_of(&stored)?.zone(), plane.now());
        let kept: Vec<_> = rows.iter().filter_map(view::kept).collect();
        // What is being tried stays until it is known what comes of that.
        let tried = |id: BackupId| rows.iter().any(|row| row.id == id.uuid() && row.proof == "running");
        let mut gone = 0;
        for (id, why) in retention::expired(&Rules::of(&plan), zone, &kept, now, row.purged_at) {
            if tried(id) {
                continue;
            }
            self.remove(database, id, &why.sentence(), now).await?;
            gone += 1;
        }
        Ok(gone)
    }

    /// The archive first: a row without one is removed the next time, an archive without a row would stay for ever.
    async fn remove(&self, database: Uuid, id: BackupId, why: &str, now: DateTime<Utc>) -> Result<()> {
        let plane = &self.plane;
        let place = Place { database: DatabaseId::new(database), backup: id };
        plane.inner.vault.remove(place).await.map_err(crate::Error::internal)?;
        let mut tx = plane.store().begin().await?;
        store::backup::delete(&mut tx, id.uuid()).await?;
        store::event::record(
            &mut tx,
            database,
            now,
            "backup_removed",
            &format!("A backup was removed. {why}"),
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

impl ControlPlane {
    /// How many trials are under way.
    async fn live_proofs(&self, conn: &mut sqlx::PgConnection) -> Result<usize> {
        let filter = durable::Filter { subjects: None, live: true, limit: 1000 };
        let live = durable::list(&mut *conn, &filter).await?;
        Ok(live.iter().filter(|row| row.kind == crate::ops::prove_backup::KIND).count())
    }
}
