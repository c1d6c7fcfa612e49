//! Stopping, starting and restarting a database. The wish is written with the request: from that moment on the
//! keeper follows it, too.

use super::accept;
use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    ops::{restart, start, stop},
    store::{self, database::Wanted},
};
use durable::Enqueued;
use types::{AddonId, view::Accepted};

/// What is asked for.
struct Power {
    kind: &'static str,
    first: String,
    wanted: Wanted,
    audit: &'static str,
}

impl ControlPlane {
    /// Stops a database until somebody starts it. Data and URL stay.
    ///
    /// # Errors
    /// `Conflict` while something else changes it, or before it was ready.
    pub async fn stop_database(
        &self,
        actor: &Actor,
        addon: AddonId,
        key: Option<String>,
    ) -> Result<Accepted> {
        let power =
            Power { kind: stop::KIND, first: stop::first(), wanted: Wanted::Stopped, audit: "database.stop" };
        self.power(actor, addon, key, power).await
    }

    /// Starts a database.
    ///
    /// # Errors
    /// As `stop_database`.
    pub async fn start_database(
        &self,
        actor: &Actor,
        addon: AddonId,
        key: Option<String>,
    ) -> Result<Accepted> {
        let power = Power {
            kind: start::KIND,
            first: start::first(),
            wanted: Wanted::Running,
            audit: "database.start",
        };
        self.power(actor, addon, key, power).await
    }

    /// Stops a database and starts it with its settings written anew. A stopped one is running afterwards.
    ///
    /// # Errors
    /// As `stop_database`.
    pub async fn restart_database(
        &self,
        actor: &Actor,
        addon: AddonId,
        key: Option<String>,
    ) -> Result<Accepted> {
        let power = Power {
            kind: restart::KIND,
            first: restart::first(),
            wanted: Wanted::Running,
            audit: "database.restart",
        };
        self.power(actor, addon, key, power).await
    }

    async fn power(
        &self,
        actor: &Actor,
        addon: AddonId,
        key: Option<String>,
        power: Power,
    ) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let ask = accept::idempotency(actor, key, &(power.kind, addon))?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        // First the operation, then the look: what was asked twice is answered before anything can have changed.
        let row = self.addon_row(&mut tx, addon).await?;
        let begin = (power.kind, power.first);
        let operation = match accept::enqueue(&mut tx, now, actor, begin, row.subject(), ask).await? {
            Enqueued::New(id) => id,
            Enqueued::Existing(id) => {
                tx.rollback().await?;
                return self.accepted(id).await;
            }
        };
        let row = self.addon_row(&mut tx, addon).await?;
        if row.deleted_at.is_some() {
            return Err(Error::conflict("This database is deleted. Bring it back first."));
        }
        if !row.ready {
            return Err(Error::conflict("This database was never ready. Delete it and create another."));
        }
        if power.wanted == Wanted::Running && self.plan(&row.plan).is_err() {
            return Err(Error::conflict(format!(
                "The plan {} is not in Paddock's configuration any more, so its limits are unknown. Nothing was changed. \
                 The operator can add it again.",
                row.plan
            )));
        }
        store::database::want(&mut tx, row.database_id, power.wanted).await?;
        store::addon::touch(&mut tx, row.id, now).await?;
        let subject = row.subject();
        let entry = audit::Entry::new(power.audit).app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(row.resource_id)).await?;
        tx.commit().await?;
        self.accepted(operation).await
    }
}
