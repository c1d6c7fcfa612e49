//! A change of a database that takes effect without an operation: in the store and in its server's files, or in neither.
//!
//! The order: lock, write to the store, write the files (the engine puts the old ones back when the server would not
//! take the new ones), commit. Killed before the commit, the files may say more than the store; then the store wins, see
//! [`crate::applied`]. Nothing is changed beside an operation: that one is named instead.

use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    engine::NodeSpec,
    store::{self, addon::Addon},
};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, Transaction};
use types::{AddonId, OperationId};

/// A change that was begun.
pub(crate) struct Change {
    tx: Transaction<'static, Postgres>,
    /// As it was.
    pub(crate) row: Addon,
    /// When it was begun.
    pub(crate) now: DateTime<Utc>,
}

impl ControlPlane {
    /// Begins a change for a person who may operate the database.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` while an operation changes the database.
    pub(crate) async fn change(&self, actor: &Actor, addon: AddonId) -> Result<Change> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let mut tx = self.store().begin().await?;
        // Held until the server has its files: an operation waits here, or is seen here.
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if row.deleted_at.is_some() || row.purged_at.is_some() {
            return Err(Error::conflict("This database was deleted. Bring it back first."));
        }
        if let Some(operation) = row.operation {
            return Err(Error::Conflict {
                message: "Something else changes this database now. Try again when it is done.".into(),
                operation: Some(OperationId::new(operation)),
            });
        }
        Ok(Change { tx, row, now: self.now() })
    }

    /// Ends a change: the server has its files and takes them, then it is kept. Answers what the server is now.
    ///
    /// # Errors
    /// The engine's, with PostgreSQL's own words; then nothing was changed.
    pub(crate) async fn apply(
        &self,
        mut change: Change,
        actor: &Actor,
        action: &'static str,
        detail: String,
    ) -> Result<NodeSpec> {
        let row = self.live_row(&mut change.tx, AddonId::new(change.row.id)).await?;
        let (subject, spec) = (row.subject(), self.spec(&row)?);
        let detail = format!("{} {detail}", row.resource_id).trim_end().to_owned();
        let entry = audit::Entry::new(action).app(subject.app).database(subject.database).detail(detail);
        audit::record(&mut change.tx, change.now, actor, entry).await?;
        self.inner.applied.unsure(row.database_id);
        self.inner.engine.configure(&spec).await?;
        change.tx.commit().await?;
        self.inner.applied.sure(row.database_id, change.now);
        Ok(spec)
    }
}

impl Change {
    /// The store, within the change.
    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
