//! Add-ons in lists and alone.

use super::ByViewer;
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    store::{self, addon::Filter},
};
use types::{AddonId, view::AddonView};

impl ControlPlane {
    /// The add-ons of an app, oldest first; those in the trash left out.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn addons(&self, actor: &Actor, app: &str) -> Result<Vec<AddonView>> {
        self.of_app(actor, app, false).await
    }

    /// The add-ons of an app that can still be brought back.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn deleted_addons(&self, actor: &Actor, app: &str) -> Result<Vec<AddonView>> {
        self.of_app(actor, app, true).await
    }

    async fn of_app(&self, actor: &Actor, app: &str, deleted: bool) -> Result<Vec<AddonView>> {
        let access = self.app_access(actor, app, Action::View).await?;
        let filter = Filter { app: Some(access.id.uuid()), deleted: Some(deleted), ..Filter::default() };
        self.matching(filter).await
    }

    /// Every add-on that the actor may see, over all apps; those in the trash left out.
    ///
    /// # Errors
    /// `Forbidden` for a token that is good for one database only.
    pub async fn databases(&self, actor: &Actor) -> Result<Vec<AddonView>> {
        self.matching(Filter { viewer: actor.viewer()?, deleted: Some(false), ..Filter::default() }).await
    }

    /// Every add-on that the actor could bring back, those of deleted apps, too.
    ///
    /// # Errors
    /// `Forbidden` for a token that is good for one database only.
    pub async fn deleted_databases(&self, actor: &Actor) -> Result<Vec<AddonView>> {
        self.matching(Filter { viewer: actor.viewer()?, deleted: Some(true), ..Filter::default() }).await
    }

    /// One add-on, also one in the trash.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn addon(&self, actor: &Actor, addon: AddonId) -> Result<AddonView> {
        self.addon_access(actor, addon, Action::View).await?;
        let filter = Filter { addon: Some(addon.uuid()), ..Filter::default() };
        self.matching(filter).await?.pop().ok_or(Error::NotFound("addon"))
    }

    async fn matching(&self, filter: Filter) -> Result<Vec<AddonView>> {
        let mut conn = self.store().acquire().await?;
        let addons = store::addon::list(&mut conn, &filter).await?;
        drop(conn);
        Ok(self.addon_views(addons).await)
    }
}
