//! Users of a database: who may log in, and with what rights. PostgreSQL itself keeps them; the store knows the
//! protected one alone, because its URL is published.
//!
//! Passwords are checked, turned into SCRAM verifiers and forgotten. A made-up one is told once.

mod change_password;
mod extensions;
mod rights;

use crate::{
    Action, Actor, ControlPlane, Error, Result, addon::made_up_password, audit, crypto::scram,
    engine::NodeSpec, store::addon::Addon,
};
use secrecy::{ExposeSecret, SecretString};
use types::{
    AddonId, FieldError,
    database_user::{DatabaseUserView, DatabaseUsersView, Owned, PasswordSet},
    name,
    rights::RightsView,
};

/// So many users are enough for a database, and keep its page bounded.
const MOST: usize = 100;

/// A user that is asked for.
#[derive(Debug, Default)]
pub struct NewDatabaseUser {
    /// Its name.
    pub name: String,
    /// It may only read.
    pub read_only: bool,
    /// Its password; empty: one is made up.
    pub password: Option<SecretString>,
    /// The same again; `None`: whoever asks has compared them.
    pub confirmation: Option<SecretString>,
}

/// What is needed to administer a database: it is there, and its owner wants it to run.
struct Ready {
    row: Addon,
    spec: NodeSpec,
}

impl ControlPlane {
    /// Everybody who may log in to a database.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it does not run; `Unavailable`.
    pub async fn database_users(&self, actor: &Actor, addon: AddonId) -> Result<DatabaseUsersView> {
        self.addon_access(actor, addon, Action::View).await?;
        let Ready { spec, .. } = self.ready(addon).await?;
        let seen = self.inner.engine.users(&spec).await?;
        let users = seen.into_iter().map(|user| DatabaseUserView {
            protected: user.name == spec.login,
            name: user.name,
            read_only: user.read_only,
            password_encryption: user.password_encryption,
            connections: user.connections,
            last_activity: user.last_activity,
        });
        Ok(DatabaseUsersView {
            users: users.collect(),
            owner: format!("{}_owner", spec.name),
            database: spec.name.clone(),
            now: self.now(),
        })
    }

    /// One user.
    ///
    /// # Errors
    /// As [`Self::database_users`]; `NotFound`.
    pub async fn database_user(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<DatabaseUserView> {
        let access = self.addon_access(actor, addon, Action::View).await?;
        let published = is_login(&access.resource_id, name);
        let all = self.database_users(actor, addon).await?;
        // Clients know the protected user by the database's name, whichever of its logins is published now.
        let found = |user: &DatabaseUserView| if published { user.protected } else { user.name == name };
        all.users.into_iter().find(found).ok_or(Error::NotFound("user"))
    }

    /// Makes a user. Its password is in the answer, this once.
    ///
    /// # Errors
    /// `Invalid` on fields `name`, `password` and `password_confirmation`; as [`Self::database_users`].
    pub async fn create_database_user(
        &self,
        actor: &Actor,
        addon: AddonId,
        new: NewDatabaseUser,
    ) -> Result<PasswordSet> {
        let access = self.addon_access(actor, addon, Action::ManageUsers).await?;
        let mut wrong = Vec::new();
        let mut check = |field: &str, rule: Result<(), String>| {
            if let Err(message) = rule {
                wrong.push(FieldError { field: field.into(), message });
            }
        };
        check("name", name::database_user(&new.name).and_then(|()| free(&access.resource_id, &new.name)));
        let (password, generated) = given(new.password);
        check_password(&password, generated, new.confirmation.as_ref(), &mut check);
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let Ready { row, spec } = self.changeable(addon).await?;
        let users = self.inner.engine.users(&spec).await?;
        if users.len() >= MOST {
            return Err(Error::conflict(format!("A database has at most {MOST} users. Delete one first.")));
        }
        // Names that differ in capitals alone would be taken for each other.
        let taken = users.iter().any(|user| user.name.eq_ignore_ascii_case(&new.name));
        let verifier = scram::verifier(&password);
        if taken || !self.inner.engine.create_user(&spec, &new.name, new.read_only, &verifier).await? {
            return Err(Error::invalid("name", format!("There is a user {} already.", new.name)));
        }
        let kind = if new.read_only { "read-only" } else { "read-write" };
        self.note(actor, &row, "database_user.create", format!("{}, {kind}", new.name)).await?;
        Ok(PasswordSet {
            user: new.name,
            password: password.expose_secret().to_owned(),
            generated,
            operation: None,
        })
    }

    /// One user with what it owns under its own name and what it may do: its page.
    ///
    /// # Errors
    /// As [`Self::database_user`].
    pub async fn database_user_page(
        &self,
        actor: &Actor,
        addon: AddonId,
        name: &str,
    ) -> Result<(DatabaseUserView, Owned, RightsView)> {
        let user = self.database_user(actor, addon, name).await?;
        let Ready { spec, .. } = self.ready(addon).await?;
        let (things, count) = self.inner.engine.owned_by(&spec, &user.name, Owned::MOST).await?;
        let rights = self.rights_of(&spec, &user).await?;
        Ok((user, Owned { things, count }, rights))
    }

    /// Removes a user: its sessions end, what it owned goes to the owner. Answers what that was.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the protected user; as [`Self::database_users`].
    pub async fn delete_database_user(&self, actor: &Actor, addon: AddonId, name: &str) -> Result<Owned> {
        self.addon_access(actor, addon, Action::ManageUsers).await?;
        let user = self.database_user(actor, addon, name).await?;
        if user.protected {
            return Err(Error::conflict(
                "The protected user is the login of the published URL and cannot be deleted. Its password can be changed.",
            ));
        }
        let Ready { row, spec } = self.changeable(addon).await?;
        let (things, count) = self.inner.engine.owned_by(&spec, name, Owned::MOST).await?;
        self.inner.engine.drop_user(&spec, name).await?;
        self.note(actor, &row, "database_user.delete", format!("{name}, which owned {count} things")).await?;
        Ok(Owned { things, count })
    }

    /// A database that can be administered now.
    async fn ready(&self, addon: AddonId) -> Result<Ready> {
        let mut conn = self.store().acquire().await?;
        let row = self.live_row(&mut conn, addon).await?;
        drop(conn);
        let why = match (row.deleted_at, row.wanted.as_str()) {
            (Some(_), _) => "This database is deleted. Bring it back first.",
            (None, "stopped") => "This database is stopped. Start it first.",
            _ if !row.ready => "This database is not ready yet.",
            _ => return Ok(Ready { spec: self.spec(&row)?, row }),
        };
        Err(Error::Conflict { message: why.into(), operation: row.operation.map(types::OperationId::new) })
    }

    /// The same, and no operation changes it: what is made beside one could miss what that one sets.
    async fn changeable(&self, addon: AddonId) -> Result<Ready> {
        let ready = self.ready(addon).await?;
        match ready.row.operation {
            None => Ok(ready),
            Some(operation) => Err(Error::Conflict {
                message: "Something else changes this database now. Try again when it is done.".into(),
                operation: Some(types::OperationId::new(operation)),
            }),
        }
    }

    async fn note(&self, actor: &Actor, row: &Addon, action: &'static str, detail: String) -> Result<()> {
        let mut conn = self.store().acquire().await?;
        let subject = row.subject();
        let entry = audit::Entry::new(action).app(subject.app).database(subject.database);
        let detail = format!("{}: {detail}", row.resource_id);
        Ok(audit::record(&mut conn, self.now(), actor, entry.detail(detail)).await?)
    }
}

/// The password that was given, or one that is made up.
fn given(password: Option<SecretString>) -> (SecretString, bool) {
    match password.filter(|password| !password.expose_secret().is_empty()) {
        Some(password) => (password, false),
        None => (made_up_password(), true),
    }
}

fn check_password(
    password: &SecretString,
    generated: bool,
    confirmation: Option<&SecretString>,
    check: &mut impl FnMut(&str, Result<(), String>),
) {
    let given = if generated { "" } else { password.expose_secret() };
    if !generated {
        check("password", name::database_password(given));
    }
    if confirmation.is_some_and(|again| again.expose_secret() != given) {
        check("password_confirmation", Err("The two passwords differ.".into()));
    }
}

/// One of the two logins that the protected user has in turn.
fn is_login(database: &str, name: &str) -> bool {
    name.strip_prefix(database).is_some_and(|end| end.is_empty() || end == "_b")
}

/// Names of the database's own roles are taken.
fn free(database: &str, name: &str) -> Result<(), String> {
    let ours = ["", "_owner", "_rw", "_ro", "_b"];
    if ours.iter().any(|end| name.eq_ignore_ascii_case(&format!("{database}{end}"))) {
        return Err(format!("“{name}” belongs to the database itself. Choose another name."));
    }
    Ok(())
}
