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
    AddonId, BackupId,
    backup::{BackupMethod, BackupView},
};
use uuid::Uuid;

/// What an operation about a backup is told beside its subject.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Of {
    /// Which.
    pub(crate) backup: BackupId,
}

/// What came of asking for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is new.
    New(BackupId),
    /// This operation answers the same request, made before.
    Before(Uuid),
    /// That day has its backup already.
    ThatDay,
}

/// The backup that an operation with these parameters is about.
fn of(params: serde_json::Value) -> Result<BackupId> {
    Ok(serde_json::from_value::<Of>(params).map_err(Error::internal)?.backup)
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
            tx.rollback().await?;
            return self.backup(actor, of(live.params)?).await;
        }
        let backup = match self.begin_backup(&mut tx, actor, &row, BackupMethod::Manual, None, ask).await? {
            Begun::New(backup) => backup,
            // The same request was made before: the same answer, also when something else happens now.
            Begun::Before(operation) => {
                tx.rollback().await?;
                let mut conn = self.store().acquire().await?;
                let row = durable::load(&mut *conn, operation).await?.ok_or(Error::NotFound("backup"))?;
                drop(conn);
                return self.backup(actor, of(row.params)?).await;
            }
            Begun::ThatDay => return Err(Error::conflict("This day has its backup already.")),
        };
        self.refuse_unreadable(&row)?;
        let subject = row.subject();
        let entry = audit::Entry::new("backup.make").app(subject.app).database(subject.database);
        audit::record(&mut tx, self.now(), actor, entry.detail(row.resource_id)).await?;
        tx.commit().await?;
        self.backup(actor, backup).await
    }

    /// Refuses a database of which no dump can be made now.
    pub(crate) fn refuse_unreadable(&self, row: &Addon) -> Result<()> {
        accept::refuse_changed(row)?;
        if !row.ready || row.wanted != "running" {
            return Err(Error::conflict("The database does not run. Start it first."));
        }
        Ok(())
    }

    /// Writes the row and asks for the operation.
    pub(crate) async fn begin_backup(
        &self,
        tx: &mut PgConnection,
        actor: &Actor,
        row: &Addon,
        method: BackupMethod,
        due: Option<&Due>,
        ask: Option<Idempotency>,
    ) -> Result<Begun> {
        let (now, id) = (self.now(), Uuid::now_v7());
        let backup = BackupId::new(id);
        let begin = (ops::backup::KIND, ops::backup::first());
        let about = (row.subject(), Of { backup });
        let operation = match accept::enqueue_in(Lane::Backup, tx, now, actor, begin, about, ask).await? {
            Enqueued::New(operation) => operation,
            Enqueued::Existing(operation) => return Ok(Begun::Before(operation)),
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
        let added = store::backup::insert(tx, now, &new).await?;
        Ok(if added { Begun::New(backup) } else { Begun::ThatDay })
    }
}
