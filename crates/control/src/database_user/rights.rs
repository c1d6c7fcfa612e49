//! What a user may do with each object, against what is promised, and the button that closes the gaps.

use super::Ready;
use crate::{Action, Actor, ControlPlane, Result, engine::NodeSpec};
use types::{AddonId, database_user::DatabaseUserView, rights::RightsView, sql::quote_ident};

impl ControlPlane {
    /// The rights of one user, those with gaps first.
    pub(super) async fn rights_of(&self, spec: &NodeSpec, user: &DatabaseUserView) -> Result<RightsView> {
        let name = &user.name;
        let mut objects = self.inner.engine.rights(spec, name).await?;
        let has_gap = |o: &types::rights::ObjectRights| !o.missing(user.read_only).is_empty();
        let gaps = objects.iter().filter(|object| has_gap(object)).count();
        let total = objects.len();
        objects.sort_by_cached_key(|o| (!has_gap(o), o.kind, o.schema.clone(), o.name.clone()));
        objects.truncate(RightsView::MOST);
        let sql = grants(&spec.name, name, user.read_only);
        Ok(RightsView { user: name.clone(), read_only: user.read_only, objects, total, gaps, sql })
    }

    /// Gives all users of a database the rights that they should have. Answers how many gaps this user has still.
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

/// What a user was given, as SQL: membership does it all.
fn grants(database: &str, name: &str, read_only: bool) -> String {
    let quote = |name: &str| quote_ident(name).unwrap_or_default();
    let user = quote(name);
    match read_only {
        true => format!(
            "GRANT {} TO {user};\nALTER ROLE {user} SET default_transaction_read_only = on;",
            quote(&format!("{database}_ro"))
        ),
        false => {
            let owner = quote(&format!("{database}_owner"));
            format!("GRANT {owner} TO {user};\nALTER ROLE {user} SET role = {owner};")
        }
    }
}
