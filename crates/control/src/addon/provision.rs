//! Ordering a database: everything that must be unique is taken in one transaction, before anything is made.

use super::{
    Subject, accept,
    password::{made_up_password, password_purpose},
};
use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    ops::provision,
    store::{self, database::NewDatabase},
};
use chrono::{DateTime, Utc};
use durable::Enqueued;
use sqlx::PgConnection;
use types::{AddonId, AppId, BackupId, DatabaseId, PgVersion, Plan, view::Accepted};
use uuid::Uuid;

/// What is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct NewAddon {
    /// Name of a plan.
    pub plan: String,
    /// `17`, `17.11`, `17.11.0-1`; the newest safe one when `None`.
    pub version: Option<String>,
}

/// What the operation is told beside its subject.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct From {
    /// The backup that it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<BackupId>,
}

impl ControlPlane {
    /// Orders a database for an app. Asking twice makes two, unless both carry the same Idempotency-Key.
    ///
    /// # Errors
    /// `Invalid` on fields `plan` and `version`; `Conflict` when the app has as many databases as it may;
    /// `Unavailable` when the host has no free port.
    pub async fn provision(
        &self,
        actor: &Actor,
        app: &str,
        new: NewAddon,
        idempotency: Option<String>,
    ) -> Result<Accepted> {
        self.provision_from(actor, app, new, None, idempotency).await
    }

    /// Orders a database that begins with what a backup holds: beside the one that it was made of, which stays as it is. It
    /// gets the same version; the plan is that of the backup's database where none is named.
    ///
    /// # Errors
    /// As `provision`; `NotFound`: no such backup; `Conflict`: it is not whole; `Invalid` on field `plan`: it is too small.
    pub async fn restore_beside(
        &self,
        actor: &Actor,
        backup: BackupId,
        plan: Option<String>,
        idempotency: Option<String>,
    ) -> Result<Accepted> {
        let row = self.backup_row(actor, backup).await?;
        if row.status != "done" {
            return Err(Error::conflict("This backup is not whole: there is nothing to restore."));
        }
        let mut conn = self.store().acquire().await?;
        let addon = self.addon_row(&mut conn, AddonId::new(row.addon_id)).await?;
        let held = store::backup::contents(&mut conn, row.id).await?;
        drop(conn);
        let plan = plan.filter(|plan| !plan.is_empty()).unwrap_or(addon.plan);
        let held = held.and_then(|held| held.get("data_bytes")?.as_u64()).unwrap_or(0);
        let disk = u64::from(self.plan(&plan)?.disk_mib) << 20;
        if held > disk {
            let (held, disk) = (types::plan::size(held), types::plan::size(disk));
            return Err(Error::invalid(
                "plan",
                format!("The backup holds {held} and this plan has {disk} of disk."),
            ));
        }
        // The same version where it is installed, else the newest of its major.
        let made_by: PgVersion = row.version.parse().map_err(Error::internal)?;
        let exact = self.version_for(Some(&row.version)).await;
        let version = if exact.is_ok() { row.version } else { made_by.major.to_string() };
        let new = NewAddon { plan, version: Some(version) };
        self.provision_from(actor, &AppId::new(row.app_id).to_string(), new, Some(backup), idempotency).await
    }

    async fn provision_from(
        &self,
        actor: &Actor,
        app: &str,
        new: NewAddon,
        from: Option<BackupId>,
        idempotency: Option<String>,
    ) -> Result<Accepted> {
        let access = self.app_access(actor, app, Action::Provision).await?;
        let ask = accept::idempotency(actor, idempotency, &("provision", access.id, &new, from))?;
        let plan = self.plan(&new.plan)?;
        let version = self.version_for(new.version.as_deref()).await?;
        let (now, addon, database) = (self.now(), Uuid::now_v7(), Uuid::now_v7());
        let subject =
            Subject { addon: AddonId::new(addon), database: DatabaseId::new(database), app: access.id };

        let mut tx = self.store().begin().await?;
        let begin = (provision::KIND, provision::first());
        let operation =
            match accept::enqueue_with(&mut tx, now, actor, begin, (subject, From { backup: from }), ask)
                .await?
            {
                Enqueued::New(id) => id,
                Enqueued::Existing(id) => {
                    tx.rollback().await?;
                    return self.accepted(id).await;
                }
            };
        // From here on one at a time for this app: the limit holds however many ask at once.
        if !store::app::lock(&mut tx, access.id.uuid()).await? {
            return Err(Error::NotFound("app"));
        }
        self.check_limit(&mut tx, access.id.uuid()).await?;
        self.allocate(&mut tx, subject, &access.name, &plan, version, now).await?;
        let entry = audit::Entry::new("database.provision").app(access.id).database(subject.database);
        let of = from.map(|backup| format!(", from {backup}")).unwrap_or_default();
        let entry = entry.detail(format!("{}, PostgreSQL {version}{of}", plan.name));
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        self.accepted(operation).await
    }

    /// Refuses when the app has as many databases as it may. The caller holds the app's lock.
    pub(super) async fn check_limit(&self, tx: &mut PgConnection, app: Uuid) -> Result<()> {
        let limit = self.config().max_addons_per_app;
        if store::addon::count_live(tx, app).await? >= i64::from(limit) {
            let message = format!("This app has {limit} databases, as many as it may. Delete one first.");
            return Err(Error::conflict(message));
        }
        Ok(())
    }

    async fn allocate(
        &self,
        tx: &mut PgConnection,
        subject: Subject,
        app: &str,
        plan: &Plan,
        version: PgVersion,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (addon, database) = (subject.addon.uuid(), subject.database.uuid());
        let mut tries = 0;
        while !store::addon::insert(tx, addon, subject.app.uuid(), &plan.name, &accept::resource_id(app), now)
            .await?
        {
            tries += 1;
            // 9,000 numbers per app name, never given back: after so many misses nearly all are used.
            if tries == 200 {
                return Err(Error::conflict(
                    "Nearly every database name of this app was used before. Create another app for new databases.",
                ));
            }
        }
        let port = self.free_port(tx, database, now).await?;
        let sealed = self.inner.key.seal_text(&made_up_password(), &password_purpose(database))?;
        let version = version.to_string();
        let new =
            NewDatabase { id: database, addon_id: addon, version: &version, port, owner_password: &sealed };
        Ok(store::database::insert(tx, new, now).await?)
    }

    /// A port for this database.
    pub(crate) async fn free_port(
        &self,
        tx: &mut PgConnection,
        database: Uuid,
        now: DateTime<Utc>,
    ) -> Result<u16> {
        let port = store::port::allocate(tx, self.inner.engine.ports(), database, now).await?;
        port.ok_or_else(|| Error::Unavailable {
            message: "Every port that databases may use on this host is taken or resting. Nothing was changed. The \
                      operator can widen the range of ports."
                .into(),
            source: None,
        })
    }
}
