//! What a user may do with each object, against what is promised, and the button that closes the gaps.

use super::Ready;
use crate::{Action, Actor, ControlPlane, Result, engine::NodeSpec};
use types::{
    AddonId,
    database_user::DatabaseUserView,
    rights::{self, RightsView},
};

impl ControlPlane {
    /// The rights of one user, those with gaps first.
    pub(super) async fn rights_of(&self, spec: &NodeSpec, user: &DatabaseUserView) -> Result<RightsView> {
        let objects = self.inner.engine.rights(spec, &user.name).await?;
        let sql = rights::grants(&spec.name, &user.name, user.read_only).unwrap_or_default();
        Ok(RightsView::new((spec.name.clone(), user.name.clone()), user.read_only, objects, sql))
    }

    /// Gives all users of a database the rights that they should have, and takes from those who only read what is more.
    /// Answers how many gaps this user has still.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`, `Unavailable`.
    pub async fn mend_database_rights(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<usize> {
        self.addon_access(actor, addon, Action::ManageUsers).await?;
        let user = self.database_user(actor, addon, name).await?;
        let Ready { row, spec } = self.changeable(addon).await?;
        self.inner.engine.mend_rights(&spec).await?;
        let left = self.rights_of(&spec, &user).await?.gaps;
        self.note(actor, &row, "database_user.mend_rights", format!("{left} left for {name}")).await?;
        Ok(left)
    }
}
