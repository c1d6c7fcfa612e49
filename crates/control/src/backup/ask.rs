//! Asking for a backup: by a person, by the schedule, or before data is replaced. The row and the operation are one
//! transaction; the making is `ops/backup.rs`.

use super::schedule::Due;
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::accept::{self, Lane},
    audit, ops,
    store::{self, addon::Addon, backup::NewBackup},
};
use durable::{Enqueued, Idempotency};
use sqlx::PgConnection;
use types::{
    AddonId, BackupId, OperationId,
    backup::{BackupMethod, BackupView},
};
use uuid::Uuid;

/// What an operation about a backup is told beside its subject.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Of {
    /// Which.
    pub(crate) backup: BackupId,
}

/// That a plan has no backups, for people.
pub(crate) fn not_offered(plan: &types::Plan) -> Error {
    Error::conflict(format!(
        "The plan {} has no backups. Choose another plan to get them.",
        plan.display_name
    ))
}

impl ControlPlane {
    /// Makes a backup now. Asked for while one is being made, it answers that one.
    ///
    /// # Errors
    /// `Conflict`: the plan has none, the database is deleted or does not run, or something else changes it.
    pub async fn back_up(&self, actor: &Actor, addon: AddonId, key: Option<String>) -> Result<BackupView> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let ask = accept::idempotency(actor, key, &("back_up", addon))?;
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if self.plan_shown(&row.plan).manual_backups == 0 {
            return Err(not_offered(&self.plan_shown(&row.plan)));
        }
        if let Some(live) = durable::live_for(&mut *tx, &Lane::Backup.subject(row.subject())).await? {
            let of: Of = serde_json::from_value(live.params).map_err(Error::internal)?;
            tx.rollback().await?;
            return self.backup(actor, of.backup).await;
        }
        self.refuse_unreadable(&row)?;
        let Some(backup) = self.begin_backup(&mut tx, actor, &row, BackupMethod::Manual, None, ask).await?
        else {
            return Err(Error::conflict("A backup of this database is being made already."));
        };
        let subject = row.subject();
        let entry = audit::Entry::new("backup.make").app(subject.app).database(subject.database);
        audit::record(&mut tx, self.now(), actor, entry.detail(row.resource_id)).await?;
        tx.commit().await?;
        self.backup(actor, backup).await
    }

    /// Refuses a database of which no dump can be made now.
    pub(crate) fn refuse_unreadable(&self, row: &Addon) -> Result<()> {
        if row.deleted_at.is_some() || row.purged_at.is_some() {
            return Err(Error::conflict("This database was deleted. Bring it back first."));
        }
        if let Some(operation) = row.operation {
            return Err(Error::Conflict {
                message: "Something else changes this database now. Try again when it is done.".into(),
                operation: Some(OperationId::new(operation)),
            });
        }
        if !row.ready || row.wanted != "running" {
            return Err(Error::conflict("The database does not run. Start it first."));
        }
        Ok(())
    }

    /// Writes the row and asks for the operation. `None`: that day has its backup already, or the same request was made
    /// before.
    pub(crate) async fn begin_backup(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        row: &Addon,
        method: BackupMethod,
        due: Option<&Due>,
        ask: Option<Idempotency>,
    ) -> Result<Option<BackupId>> {
        let (now, id) = (self.now(), Uuid::now_v7());
        let backup = BackupId::new(id);
        let begin = (ops::backup::KIND, ops::backup::first());
        let of = (row.subject(), Of { backup });
        let operation = match accept::enqueue_in(Lane::Backup, tx, now, actor, begin, of, ask).await? {
            Enqueued::New(operation) => operation,
            Enqueued::Existing(_) => return Ok(None),
        };
        let slot = due.map(Due::slot_key);
        let new = NewBackup {
            id,
            database: row.database_id,
            method: method.as_str(),
            operation,
            version: &row.version,
            slot: slot.as_deref().zip(due).map(|(key, due)| (key, due.slot, due.late)),
        };
        Ok(store::backup::insert(tx, now, &new).await?.then_some(backup))
    }
}
