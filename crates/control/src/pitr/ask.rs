//! Asking for a moment: beside the database, moved, in its place, or gone again. What is asked for is looked at here, so
//! that a refusal comes at once and at its field; the work is `ops/pitr_restore.rs`.

use super::{
    line,
    window::{self, Window},
};
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::accept::{self, Lane},
    audit,
    engine::pitr::{BackupKind, Timelines},
    ops::{base_backup, pitr_restore},
    store::{self, addon::Addon},
};
use chrono::{DateTime, SecondsFormat, Utc};
use durable::{Enqueued, Idempotency};
use sqlx::PgConnection;
use std::time::Duration;
use types::{AddonId, OperationId, RestoreId, view::Accepted};
use uuid::Uuid;

/// An archive tells what it holds within this time, or what was seen last counts.
const PATIENCE: Duration = Duration::from_secs(5);

/// A moment that somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ToMoment {
    /// The last moment that is still in.
    pub moment: DateTime<Utc>,
    /// On which timeline; `None`: the one that the database writes.
    pub timeline: Option<u32>,
    /// It takes the database's place when it stands there.
    pub switch: bool,
}

impl ControlPlane {
    /// Brings a moment back beside the database: a new copy, or the one that stands there is moved. With `switch` it takes
    /// the place afterwards. `name`, where a person asks, is the database's, typed.
    ///
    /// # Errors
    /// `Invalid` on `restore_time` or `name`; `Conflict`: the plan or the host has no moments, the database is deleted, or
    /// something else changes it.
    pub async fn restore_to_moment(
        &self,
        actor: &Actor,
        addon: AddonId,
        to: ToMoment,
        name: Option<&str>,
        key: Option<String>,
    ) -> Result<Accepted> {
        let action = if to.switch { Action::DeleteDatabase } else { Action::Operate };
        self.addon_access(actor, addon, action).await?;
        let ask = accept::idempotency(actor, key, &("pitr_restore", addon, to))?;
        self.bring_back(actor, addon, to, name, ask).await
    }

    async fn bring_back(
        &self,
        actor: &Actor,
        addon: AddonId,
        to: ToMoment,
        name: Option<&str>,
        ask: Option<Idempotency>,
    ) -> Result<Accepted> {
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        drop(conn);
        let (known, serving, live) = self.archive_now_known(&row).await?;
        let mut conn = self.store().acquire().await?;
        let restores = store::pitr::list(&mut conn, row.database_id).await?;
        drop(conn);
        let (moment, timeline) = match to.timeline {
            Some(timeline) => (to.moment, Some(timeline)),
            None => line::of(&restores, serving, to.moment),
        };
        // What is committed now can be brought onto the line that the server writes, and onto no other.
        let window = self.window_of(&row, (&known, timeline), live && timeline == serving)?;
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if let Some(name) = name.filter(|_| to.switch)
            && name != row.resource_id
        {
            return Err(Error::invalid("name", format!("Type {} to confirm.", row.resource_id)));
        }
        let stands = standing(&mut tx, &row).await?;
        let restore = RestoreId::new(stands.as_ref().map_or_else(Uuid::now_v7, |found| found.id));
        let was = stands.as_ref().map(|found| (found.moment, found.line()));
        let begin = (pitr_restore::KIND, pitr_restore::first());
        let about = (row.subject(), pitr_restore::Ask { restore, moment, timeline, switch: to.switch, was });
        let now = self.now();
        let operation = match accept::enqueue_with(&mut tx, now, actor, begin, about, ask).await? {
            Enqueued::New(operation) => operation,
            Enqueued::Existing(operation) => {
                tx.rollback().await?;
                return self.accepted(operation).await;
            }
        };
        // Where it stands already it stands, whatever the archive has let go since.
        if was != Some((moment, timeline))
            && let Some(refused) = window.refuses(moment)
        {
            return Err(Error::invalid("restore_time", refused));
        }
        // It need not run: a moment of one that crashed is what somebody may need most.
        accept::refuse_changed(&row)?;
        if to.switch {
            if row.wanted != "running" {
                return Err(Error::conflict("The database does not run. Start it first."));
            }
            accept::refuse_beside_backup(&mut tx, row.subject()).await?;
        }
        if stands.is_some() {
            store::pitr::aim(&mut tx, restore.uuid(), (moment, timeline), operation).await?;
        } else {
            let new = store::pitr::NewRestore {
                id: restore.uuid(),
                database: row.database_id,
                moment,
                timeline,
                operation,
            };
            store::pitr::insert(&mut tx, now, new).await?;
        }
        let subject = row.subject();
        let entry = audit::Entry::new(if to.switch { "pitr.switch" } else { "pitr.restore" });
        let told = format!("{} to {}", row.resource_id, moment.to_rfc3339_opts(SecondsFormat::Micros, true));
        audit::record(&mut tx, now, actor, entry.app(subject.app).database(subject.database).detail(told))
            .await?;
        tx.commit().await?;
        self.accepted(operation).await
    }

    /// Puts what stands beside the database in its place. `name` is the database's, typed.
    ///
    /// # Errors
    /// `Invalid` on `name`; `Conflict`: nothing stands there, or something else changes the database.
    pub async fn switch_to_restore(
        &self,
        actor: &Actor,
        addon: AddonId,
        name: &str,
        key: Option<String>,
    ) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        let ask = accept::idempotency(actor, key, &("pitr_switch", addon))?;
        // When it has taken the place nothing stands there any more: the same request is answered the same all the same.
        if let Some(before) = self.asked_before(ask.as_ref()).await? {
            return self.accepted(before).await;
        }
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        let found = standing(&mut conn, &row).await?.ok_or_else(nothing_stands)?;
        drop(conn);
        let to = ToMoment { moment: found.moment, timeline: found.line(), switch: true };
        self.bring_back(actor, addon, to, Some(name), ask).await
    }

    /// Removes what stands beside the database. Nothing else is touched.
    ///
    /// # Errors
    /// `Conflict`: nothing stands there, or something works on it.
    pub async fn discard_restore(&self, actor: &Actor, addon: AddonId) -> Result<()> {
        if *actor != Actor::System {
            self.addon_access(actor, addon, Action::Operate).await?;
        }
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if let Some(operation) = row.operation {
            return Err(accept::busy(operation));
        }
        let found = standing(&mut tx, &row).await?.ok_or_else(nothing_stands)?;
        let now = self.now();
        store::pitr::discarded(&mut tx, found.id, now).await?;
        self.inner.engine.discard_restore(&pitr_restore::beside(&self.spec(&row)?, found.id)).await?;
        let subject = row.subject();
        let entry = audit::Entry::new("pitr.discard").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(row.resource_id)).await?;
        Ok(tx.commit().await?)
    }

    /// Makes a full base backup now. Asked for while one is being made, it answers that one.
    ///
    /// # Errors
    /// `Conflict`: the plan or the host has no moments, or the database does not run.
    pub async fn make_base_backup(
        &self,
        actor: &Actor,
        addon: AddonId,
        key: Option<String>,
    ) -> Result<OperationId> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let ask = accept::idempotency(actor, key, &("base_backup", addon))?;
        if let Some(before) = self.asked_before(ask.as_ref()).await? {
            return Ok(OperationId::new(before));
        }
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        self.offered(&row)?;
        if let Some(live) = durable::live_for(&mut *tx, &Lane::Base.subject(row.subject())).await? {
            if let Some(ask) = &ask {
                durable::remember(&mut tx, self.now(), ask, live.id).await?;
                tx.commit().await?;
            }
            return Ok(OperationId::new(live.id));
        }
        self.refuse_unreadable(&row)?;
        let operation = self.begin_base_backup(&mut tx, actor, &row, BackupKind::Full, ask).await?;
        tx.commit().await?;
        Ok(OperationId::new(operation))
    }

    pub(super) async fn begin_base_backup(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        row: &Addon,
        kind: BackupKind,
        ask: Option<Idempotency>,
    ) -> Result<Uuid> {
        let begin = (base_backup::KIND, base_backup::first());
        let about = (row.subject(), base_backup::Ask { base: kind });
        let asked = accept::enqueue_in(Lane::Base, tx, self.now(), actor, begin, about, ask).await?;
        Ok(asked.id())
    }

    /// The operation that the same request asked for before.
    async fn asked_before(&self, ask: Option<&Idempotency>) -> Result<Option<Uuid>> {
        let Some(ask) = ask else { return Ok(None) };
        Ok(durable::asked_before(&mut *self.store().begin().await?, ask).await?)
    }

    /// What the archive of a database holds, which timeline its server writes, and whether what is committed now can
    /// still be brought there.
    pub(super) async fn archive_now_known(&self, row: &Addon) -> Result<(Timelines, Option<u32>, bool)> {
        self.offered(row)?;
        let engine = &self.inner.engine;
        let (spec, database) = (self.spec(row)?, row.subject().database);
        let seen = self.inner.archives.get(row.database_id).unwrap_or_default();
        let (known, state) = tokio::join!(
            tokio::time::timeout(PATIENCE, engine.timelines(database)),
            tokio::time::timeout(PATIENCE, engine.archive_state(&spec))
        );
        let known = known.ok().and_then(std::result::Result::ok).unwrap_or(seen.known);
        let runs = state.ok().and_then(std::result::Result::ok);
        let live = runs.as_ref().is_some_and(|state| state.on && state.failing_since.is_none());
        let serving = runs.unwrap_or(seen.state).timeline;
        Ok((known, serving, live))
    }

    fn window_of(
        &self,
        row: &Addon,
        (known, timeline): (&Timelines, Option<u32>),
        live: bool,
    ) -> Result<Window> {
        let days = self.plan_shown(&row.plan).pitr_days;
        window::window(known, timeline, days, live, self.now()).ok_or_else(|| {
            Error::conflict("No moment can be restored yet: the first base backup has not ended.")
        })
    }

    /// Refuses a database whose plan has no moments.
    fn offered(&self, row: &Addon) -> Result<()> {
        let plan = self.plan_shown(&row.plan);
        if plan.pitr_days == 0 {
            return Err(Error::conflict(format!(
                "The plan {} has no point-in-time recovery. Choose another plan to get it.",
                plan.display_name
            )));
        }
        Ok(())
    }
}

fn nothing_stands() -> Error {
    Error::conflict("Nothing stands beside this database: restore a moment first.")
}

async fn standing(conn: &mut PgConnection, row: &Addon) -> Result<Option<store::pitr::Restore>> {
    let all = store::pitr::list(conn, row.database_id).await?;
    Ok(all.into_iter().find(store::pitr::Restore::stands))
}
