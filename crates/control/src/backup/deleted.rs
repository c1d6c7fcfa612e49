//! Backups whose database is gone for good: they live on for as long as the rules say, and who saw them then sees them now.

use super::view;
use crate::{
    Action, Actor, ControlPlane, Result,
    store::{self, backup::Filter},
};
use std::collections::BTreeMap;
use types::{AddonId, backup::DeletedBackups};

impl ControlPlane {
    /// The whole backups of an app's databases that are gone for good, the newest first.
    ///
    /// # Errors
    /// `NotFound`: no such app that the actor may see.
    pub async fn deleted_backups(&self, actor: &Actor, app: &str) -> Result<Vec<DeletedBackups>> {
        let access = self.app_access(actor, app, Action::View).await?;
        let filter = Filter { gone_from: Some(access.id.uuid()), ..Filter::default() };
        let mut conn = self.store().acquire().await?;
        let rows = store::backup::list(&mut conn, &filter).await?;
        drop(conn);
        let mut of = Vec::<DeletedBackups>::new();
        for row in rows.into_iter().filter(|row| row.status == "done") {
            let backup = view::view(row, &BTreeMap::new())?;
            match of.iter_mut().find(|one| one.addon == backup.addon) {
                Some(one) => one.backups.push(backup),
                None => of.push(DeletedBackups {
                    addon: backup.addon,
                    resource_id: backup.resource_id.clone(),
                    backups: vec![backup],
                }),
            }
        }
        Ok(of)
    }

    /// The add-on, whether it is purged or not, as far as the actor may do this: for what outlives a database.
    pub(crate) async fn lasting_access(&self, actor: &Actor, addon: AddonId, action: Action) -> Result<()> {
        self.access_to(actor, addon, action, true).await.map(drop)
    }
}
