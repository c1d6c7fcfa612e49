//! Bringing a deleted database back: same data, same port, same password, same URL; and its app, if that was deleted.

use super::accept;
use crate::{Action, Actor, ControlPlane, Error, Result, audit, ops::restore, store};
use durable::Enqueued;
use types::{AddonId, view::Accepted};

impl ControlPlane {
    /// Brings a deleted database back from the trash.
    ///
    /// # Errors
    /// `Conflict`: it is not deleted, its time in the trash is over, something else changes it, its app is full, or
    /// another app has the name of its deleted app now.
    pub async fn restore_addon(&self, actor: &Actor, addon: AddonId) -> Result<Accepted> {
        self.addon_access(actor, addon, Action::DeleteDatabase).await?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        let row = self.addon_row(&mut tx, addon).await?;
        let begin = (restore::KIND, restore::first());
        let operation = match accept::enqueue(&mut tx, now, actor, begin, row.subject(), None).await? {
            Enqueued::New(id) => id,
            Enqueued::Existing(id) => {
                tx.rollback().await?;
                return self.accepted(id).await;
            }
        };
        // The sweeper holds this lock while it purges: it was before us, or it sees our operation.
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if row.purged_at.is_some() || row.purge_at.is_some_and(|at| at <= now) {
            return Err(Error::conflict("The time to bring this database back is over: its data is gone."));
        }
        if row.deleted_at.is_none() {
            return Err(Error::conflict("This database is not deleted."));
        }
        if !row.ready {
            return Err(Error::conflict("This database was never ready: there is nothing to bring back."));
        }
        if !store::app::revive(&mut tx, row.app_id, now).await? {
            return Err(Error::conflict(format!(
                "The app {} was deleted, and another app has its name now. Rename that app, then try again.",
                row.app
            )));
        }
        store::app::lock(&mut tx, row.app_id).await?;
        self.check_limit(&mut tx, row.app_id).await?;
        let subject = row.subject();
        let entry = audit::Entry::new("database.restore").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(row.resource_id)).await?;
        tx.commit().await?;
        self.accepted(operation).await
    }
}
