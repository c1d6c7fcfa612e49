//! Asking for a restore in place, and what can be done with the data that one has replaced.

use super::{ask::Of, keeper::REPLACED_WAITS};
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::accept::{self, Lane},
    audit,
    engine::dumps::Second,
    ops::{
        prove_backup,
        restore_backup::{self, Ask},
    },
    store::{self, addon::Addon, backup::NewBackup},
};
use durable::Enqueued;
use sqlx::{PgConnection, Postgres, Transaction};
use types::{AddonId, BackupId, OperationId, backup::BackupMethod, view::Accepted};
use uuid::Uuid;

impl ControlPlane {
    /// Restores a backup of a database in the place of its data. `name` is the database's, typed by whoever asks.
    ///
    /// # Errors
    /// `Invalid` on field `name`; `NotFound`: no such backup of this database; `Conflict`: the backup is not whole or was
    /// refuted, the database does not run, or something else changes it.
    pub async fn restore_backup(
        &self,
        actor: &Actor,
        addon: AddonId,
        backup: BackupId,
        name: &str,
        key: Option<String>,
    ) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        let found = self.backup_row(actor, backup).await?;
        let ask = accept::idempotency(actor, key, &("restore_backup", addon, backup))?;
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if found.database_id != row.database_id {
            return Err(Error::NotFound("backup"));
        }
        if name != row.resource_id {
            return Err(Error::invalid("name", format!("Type {} to confirm.", row.resource_id)));
        }
        if found.status != "done" {
            return Err(Error::conflict("This backup is not whole: there is nothing to restore."));
        }
        if !super::view::good(&found) {
            return Err(Error::conflict(
                "This backup was tried and does not restore as it should. Restore another one, or restore this one beside \
                 the database to look at it.",
            ));
        }
        let (now, safety) = (self.now(), BackupId::new(Uuid::now_v7()));
        let begin = (restore_backup::KIND, restore_backup::first());
        let about = (row.subject(), Ask { backup, safety });
        let operation = match accept::enqueue_with(&mut tx, now, actor, begin, about, ask).await? {
            Enqueued::New(operation) => operation,
            Enqueued::Existing(operation) => {
                tx.rollback().await?;
                return self.accepted(operation).await;
            }
        };
        self.refuse_unreadable(&row)?;
        let new = NewBackup {
            id: safety.uuid(),
            database: row.database_id,
            method: BackupMethod::Safety.as_str(),
            operation,
            version: &row.version,
            slot: None,
        };
        store::backup::insert(&mut tx, now, &new).await?;
        let subject = row.subject();
        let entry = audit::Entry::new("backup.restore").app(subject.app).database(subject.database);
        let of = found.name.unwrap_or_default();
        audit::record(&mut tx, now, actor, entry.detail(format!("{} from {of}", row.resource_id))).await?;
        tx.commit().await?;
        self.accepted(operation).await
    }

    /// Asks for a trial of a backup now, also of one that was tried before.
    ///
    /// # Errors
    /// `Conflict`: it is not whole, or another backup of the database is being tried.
    pub async fn prove_backup(&self, actor: &Actor, backup: BackupId) -> Result<OperationId> {
        let row = self.backup_row(actor, backup).await?;
        self.addon_access(actor, AddonId::new(row.addon_id), Action::Operate).await?;
        let mut tx = self.store().begin().await?;
        let operation = self.begin_proof(&mut tx, actor, &row).await?;
        tx.commit().await?;
        Ok(OperationId::new(operation))
    }

    pub(crate) async fn begin_proof(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        row: &store::backup::Backup,
    ) -> Result<Uuid> {
        if row.status != "done" {
            return Err(Error::conflict("This backup is not whole: there is nothing to restore."));
        }
        let addon = self.addon_row(tx, AddonId::new(row.addon_id)).await?;
        let begin = (prove_backup::KIND, prove_backup::first());
        let about = (addon.subject(), Of { backup: BackupId::new(row.id) });
        let asked = accept::enqueue_in(Lane::Proof, tx, self.now(), actor, begin, about, None).await?;
        Ok(asked.id())
    }

    /// Puts back what was there before the last restore; what is there now waits in its place, for three days again.
    ///
    /// # Errors
    /// `Conflict`: nothing waits, or something else changes the database.
    pub async fn bring_back_replaced(&self, actor: &Actor, addon: AddonId) -> Result<()> {
        let (mut tx, row) = self.with_replaced(actor, addon, "backup.bring_back").await?;
        store::backup::replaced(&mut tx, row.database_id, Some(self.now())).await?;
        self.inner.engine.swap(&self.spec(&row)?, Second::Replaced).await?;
        Ok(tx.commit().await?)
    }

    /// Drops what was there before the last restore; its disk is free again.
    ///
    /// # Errors
    /// `Conflict`: nothing waits, or something else changes the database.
    pub async fn drop_replaced(&self, actor: &Actor, addon: AddonId) -> Result<()> {
        let (mut tx, row) = self.with_replaced(actor, addon, "backup.drop_replaced").await?;
        store::backup::replaced(&mut tx, row.database_id, None).await?;
        self.inner.engine.drop_second(&self.spec(&row)?, Second::Replaced).await?;
        Ok(tx.commit().await?)
    }

    /// As the platform: whose three days are over.
    pub(crate) async fn drop_old_replaced(&self) -> Result<()> {
        let mut conn = self.store().acquire().await?;
        let old = store::backup::replaced_before(&mut conn, self.now() - REPLACED_WAITS).await?;
        drop(conn);
        for addon in old {
            match self.drop_replaced(&Actor::System, AddonId::new(addon)).await {
                Ok(()) | Err(Error::Conflict { .. }) => {}
                Err(error) => {
                    tracing::warn!(%addon, %error, "What a restore has replaced could not be dropped");
                }
            }
        }
        Ok(())
    }

    async fn with_replaced(
        &self,
        actor: &Actor,
        addon: AddonId,
        action: &'static str,
    ) -> Result<(Transaction<'static, Postgres>, Addon)> {
        if *actor != Actor::System {
            self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        }
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        self.refuse_unreadable(&row)?;
        if store::backup::schedule(&mut tx, row.database_id).await?.replaced_at.is_none() {
            return Err(Error::conflict("Nothing is left of before a restore."));
        }
        let subject = row.subject();
        let entry = audit::Entry::new(action).app(subject.app).database(subject.database);
        audit::record(&mut tx, self.now(), actor, entry.detail(row.resource_id.clone())).await?;
        Ok((tx, row))
    }
}
