//! The people who may use an app besides its owner.
//!
//! They come in by invitation only (`invitation.rs`). Rights are read from the store at each request, so somebody who
//! is removed is out with their next one.

use crate::{
    Action, Actor, ControlPlane, audit,
    error::{Error, Result},
    store,
};
use types::{UserId, view::CollaboratorView};

impl ControlPlane {
    /// Who may use the app, its owner first.
    ///
    /// # Errors
    /// `NotFound` if the actor may not see the app.
    pub async fn collaborators(&self, actor: &Actor, app: &str) -> Result<Vec<CollaboratorView>> {
        let app = self.app_access(actor, app, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        Ok(store::collaborator::of_app(&mut conn, app.id).await?)
    }

    /// Takes somebody's right to use the app away. Everybody may do that to themselves.
    ///
    /// # Errors
    /// `NotFound` if they have no such right; `Conflict` for the owner.
    pub async fn remove_collaborator(&self, actor: &Actor, app: &str, user: UserId) -> Result<()> {
        let leaving = actor.user_id() == Some(user);
        let action = if leaving { Action::View } else { Action::ManagePeople };
        let app = self.app_access(actor, app, action).await?;
        if app.owner_id == user {
            return Err(Error::conflict("The owner of an app cannot be removed from it."));
        }
        let mut conn = self.store().acquire().await?;
        if !store::collaborator::delete(&mut conn, app.id, user).await? {
            return Err(Error::NotFound("collaborator"));
        }
        let entry = audit::Entry::new("app.remove_collaborator").app(app.id).detail(user.to_string());
        audit::record(&mut conn, self.now(), actor, entry).await?;
        Ok(())
    }
}
