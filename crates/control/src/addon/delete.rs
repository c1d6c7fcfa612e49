//! Deleting a database: it goes to the trash, and can be brought back for as long as the configuration says.
//!
//! Deleting one that is still being created cancels its creation, which takes back what was made; there is nothing in
//! it to keep. Any other running change is in the way: the answer is a conflict that links to it.

use super::accept;
use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    ops::{delete, provision},
    store::{self, database::Wanted},
};
use durable::{Enqueued, Status};
use types::{AddonId, view::Accepted};

impl ControlPlane {
    /// Deletes a database. `confirm` is its name, typed.
    ///
    /// # Errors
    /// `Invalid` on field `confirm`; `Conflict` while something else changes it.
    pub async fn delete_addon(
        &self,
        actor: &Actor,
        addon: AddonId,
        confirm: &str,
        idempotency: Option<String>,
    ) -> Result<Accepted> {
        let access = self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        if confirm != access.resource_id {
            let message = format!("Type {} to delete the database.", access.resource_id);
            return Err(Error::invalid("confirm", message));
        }
        self.delete_unconfirmed(actor, addon, idempotency).await
    }

    /// [`Self::delete_addon`] for clients that ask their user themselves.
    ///
    /// # Errors
    /// `Conflict` while something else changes it.
    pub async fn delete_addon_api(&self, actor: &Actor, addon: AddonId) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        self.delete_unconfirmed(actor, addon, None).await
    }

    async fn delete_unconfirmed(
        &self,
        actor: &Actor,
        addon: AddonId,
        idempotency: Option<String>,
    ) -> Result<Accepted> {
        let ask = accept::idempotency(actor, idempotency, &(delete::KIND, addon))?;
        if let Some(creation) = self.cancel_creation(actor, addon).await? {
            return Ok(creation);
        }
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let row = self.addon_row(&mut tx, addon).await?;
        let begin = (delete::KIND, delete::first());
        let operation = match accept::enqueue(&mut tx, now, actor, begin, row.subject(), ask).await? {
            Enqueued::New(id) => id,
            Enqueued::Existing(id) => {
                tx.rollback().await?;
                return self.accepted(id).await;
            }
        };
        let row = self.addon_row(&mut tx, addon).await?;
        if row.deleted_at.is_some() {
            return Err(Error::conflict("This database is deleted already."));
        }
        // From here on it counts as deleted: lists leave it out, and nobody starts it any more.
        store::database::want(&mut tx, row.database_id, Wanted::Deleted).await?;
        store::addon::trash(&mut tx, row.id, now, now + self.config().trash_for).await?;
        let subject = row.subject();
        let entry = audit::Entry::new("database.delete").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(row.resource_id)).await?;
        tx.commit().await?;
        self.accepted(operation).await
    }

    /// Cancels the creation that is under way, if that is what deleting means now.
    async fn cancel_creation(&self, actor: &Actor, addon: AddonId) -> Result<Option<Accepted>> {
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        let subject = row.subject();
        let live = durable::live_for(&mut *conn, &subject.name()).await?;
        let Some(creation) = live.filter(|live| live.kind == provision::KIND) else { return Ok(None) };
        let unwinding = creation.status == Status::RollingBack || creation.unwinds_to.is_some();
        if !unwinding {
            let asked = provision::cancellable(&creation.step)
                && durable::request_cancel(&mut *conn, now, creation.id).await?;
            if !asked {
                return Ok(None);
            }
            let entry = audit::Entry::new("operation.cancel").app(subject.app).database(subject.database);
            audit::record(&mut conn, now, actor, entry.detail("deleted while it was created")).await?;
        }
        drop(conn);
        self.accepted(creation.id).await.map(Some)
    }
}
