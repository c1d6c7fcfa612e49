//! Who may do what: one table, and the only way to reach an app or a database by name or id.
//!
//! Finding always carries the person in the query: what belongs to somebody else is not found, and reads like what
//! does not exist. What is found and not allowed is `Forbidden`. Both leave a record in the audit log. What is grave
//! wants the password again, see [`Action::asks_again`].

use crate::{
    Actor, ControlPlane, audit,
    error::{Error, Result},
    store,
};
use chrono::{DateTime, Utc};
use types::{AddonId, AppId, DatabaseId, NodeId, UserId};

/// What a person is to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Made it.
    Owner,
    /// Was invited.
    Collaborator,
    /// Runs this Paddock.
    Operator,
}

/// What can be done with an app and its databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the app, its databases, operations and activity.
    View,
    /// Give the app another name.
    RenameApp,
    /// Delete the app.
    DeleteApp,
    /// Invite people, withdraw invitations, remove people.
    ManagePeople,
    /// Read environment variables, with the passwords in them.
    ReadVariables,
    /// Change environment variables.
    WriteVariables,
    /// Change the webhook of the restart hook.
    SetHook,
    /// Set a command that runs on Paddock's own host.
    SetHookCommand,
    /// Order a database.
    Provision,
    /// Start, stop, restart a database; cancel and retry operations.
    Operate,
    /// Make, change and delete users of a database.
    ManageUsers,
    /// Delete a database, or bring it back.
    DeleteDatabase,
    /// See a database's password.
    RevealPassword,
}

impl Action {
    /// All of them, for tests.
    pub const ALL: [Self; 13] = [
        Self::View,
        Self::RenameApp,
        Self::DeleteApp,
        Self::ManagePeople,
        Self::ReadVariables,
        Self::WriteVariables,
        Self::SetHook,
        Self::SetHookCommand,
        Self::Provision,
        Self::Operate,
        Self::ManageUsers,
        Self::DeleteDatabase,
        Self::RevealPassword,
    ];

    /// Whether a browser session must have shown its password a moment ago: what ends a database or takes its data back,
    /// what shows or makes a secret, and what lets others in, who could then do all of that.
    #[must_use]
    pub const fn asks_again(self) -> bool {
        match self {
            Self::DeleteApp
            | Self::ManagePeople
            | Self::SetHookCommand
            | Self::ManageUsers
            | Self::DeleteDatabase
            | Self::RevealPassword => true,
            Self::View
            | Self::RenameApp
            | Self::ReadVariables
            | Self::WriteVariables
            | Self::SetHook
            | Self::Provision
            | Self::Operate => false,
        }
    }

    /// As the audit log names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::View => "app.view",
            Self::RenameApp => "app.rename",
            Self::DeleteApp => "app.delete",
            Self::ManagePeople => "app.manage_people",
            Self::ReadVariables => "variable.read",
            Self::WriteVariables => "variable.write",
            Self::SetHook => "hook.set",
            Self::SetHookCommand => "hook.set_command",
            Self::Provision => "database.provision",
            Self::Operate => "database.operate",
            Self::ManageUsers => "database.manage_users",
            Self::DeleteDatabase => "database.delete",
            Self::RevealPassword => "database.reveal_password",
        }
    }
}

/// The table: may `role` do `action`?
#[must_use]
pub const fn allow(role: Role, action: Action) -> bool {
    match action {
        Action::View
        | Action::ReadVariables
        | Action::WriteVariables
        | Action::SetHook
        | Action::Provision
        | Action::Operate
        | Action::ManageUsers
        | Action::DeleteDatabase
        | Action::RevealPassword => true,
        Action::RenameApp | Action::DeleteApp | Action::ManagePeople => {
            matches!(role, Role::Owner | Role::Operator)
        }
        // The command runs on Paddock's own host: that is the operator's ground.
        Action::SetHookCommand => matches!(role, Role::Operator),
    }
}

/// An app that the actor may see.
#[derive(Clone, Debug)]
pub struct AppAccess {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner_id: UserId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its last change.
    pub updated_at: DateTime<Utc>,
    /// What the actor is to it. An operator who owns it is its owner.
    pub role: Role,
    /// The actor runs this Paddock, whatever else they are to the app.
    pub is_operator: bool,
}

impl AppAccess {
    /// May the actor do this?
    #[must_use]
    pub const fn may(&self, action: Action) -> bool {
        allow(self.role, action) || (self.is_operator && allow(Role::Operator, action))
    }
}

/// An add-on that the actor may see, not purged; perhaps in the trash.
#[derive(Clone, Debug)]
pub struct AddonAccess {
    /// Its id.
    pub id: AddonId,
    /// The database that it runs.
    pub database_id: DatabaseId,
    /// The server that runs it.
    pub node: NodeId,
    /// `my_app_4553`
    pub resource_id: String,
    /// In the trash since.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Its app.
    pub app: AppAccess,
}

impl ControlPlane {
    /// Finds the app by name or `ap-` id, if the actor may see it and may do this.
    pub(crate) async fn app_access(&self, actor: &Actor, app: &str, action: Action) -> Result<AppAccess> {
        let mut conn = self.store().acquire().await?;
        // A token for one database opens no app.
        let found = match actor.only_addon() {
            Some(_) => None,
            None => store::access::app(&mut conn, actor, app).await?,
        };
        let Some(found) = found else {
            let entry = audit::Entry::new(action.name()).detail(format!("app {app}: not found")).refused();
            audit::record(&mut conn, self.now(), actor, entry).await?;
            return Err(Error::NotFound("app"));
        };
        if !found.may(action) {
            let entry = audit::Entry::new(action.name()).app(found.id).refused();
            audit::record(&mut conn, self.now(), actor, entry).await?;
            return Err(forbidden(action));
        }
        if action.asks_again() {
            self.fresh_by(&mut conn, actor).await?;
        }
        Ok(found)
    }

    /// Finds the add-on, if the actor may see it and may do this.
    pub(crate) async fn addon_access(
        &self,
        actor: &Actor,
        addon: AddonId,
        action: Action,
    ) -> Result<AddonAccess> {
        self.access_to(actor, addon, action, false).await
    }

    /// The same, of purged ones too if that is said.
    pub(crate) async fn access_to(
        &self,
        actor: &Actor,
        addon: AddonId,
        action: Action,
        purged: bool,
    ) -> Result<AddonAccess> {
        let mut conn = self.store().acquire().await?;
        let found = match actor.only_addon() {
            Some(only) if only != addon => None,
            _ => store::access::addon(&mut conn, actor, addon, purged).await?,
        };
        let Some(found) = found else {
            let entry = audit::Entry::new(action.name()).detail(format!("{addon}: not found")).refused();
            audit::record(&mut conn, self.now(), actor, entry).await?;
            return Err(Error::NotFound("addon"));
        };
        if !found.app.may(action) {
            let entry =
                audit::Entry::new(action.name()).app(found.app.id).database(found.database_id).refused();
            audit::record(&mut conn, self.now(), actor, entry).await?;
            return Err(forbidden(action));
        }
        if action.asks_again() {
            self.fresh_by(&mut conn, actor).await?;
        }
        Ok(found)
    }

    /// Refuses everybody who does not run this Paddock.
    pub(crate) async fn require_operator(&self, actor: &Actor, action: &'static str) -> Result<()> {
        if actor.is_operator() {
            return Ok(());
        }
        let mut conn = self.store().acquire().await?;
        audit::record(&mut conn, self.now(), actor, audit::Entry::new(action).refused()).await?;
        Err(Error::Forbidden("Only the operator of this Paddock may see this.".into()))
    }
}

fn forbidden(action: Action) -> Error {
    let message = match action {
        Action::SetHookCommand => {
            "Only the operator of this Paddock may set a command that runs on its host."
        }
        Action::RenameApp => "Only the owner of the app may rename it.",
        Action::DeleteApp => "Only the owner of the app may delete it.",
        Action::ManagePeople => "Only the owner of the app may invite and remove people.",
        _ => "Only the owner of the app may do this.",
    };
    Error::Forbidden(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand: a changed right must be changed here too. `!`: the password is wanted again.
    #[test]
    fn the_table_of_rights() {
        let table: Vec<_> = Action::ALL
            .iter()
            .map(|&action| {
                let letter = |role, letter| if allow(role, action) { letter } else { '-' };
                let rights: String =
                    [letter(Role::Owner, 'o'), letter(Role::Collaborator, 'c'), letter(Role::Operator, 'p')]
                        .into_iter()
                        .chain(action.asks_again().then_some('!'))
                        .collect();
                (action.name(), rights)
            })
            .collect();
        let expected = [
            ("app.view", "ocp"),
            ("app.rename", "o-p"),
            ("app.delete", "o-p!"),
            ("app.manage_people", "o-p!"),
            ("variable.read", "ocp"),
            ("variable.write", "ocp"),
            ("hook.set", "ocp"),
            ("hook.set_command", "--p!"),
            ("database.provision", "ocp"),
            ("database.operate", "ocp"),
            ("database.manage_users", "ocp!"),
            ("database.delete", "ocp!"),
            ("database.reveal_password", "ocp!"),
        ];
        assert_eq!(table, expected.map(|(action, rights)| (action, rights.to_owned())));
    }
}
