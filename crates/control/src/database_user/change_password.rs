//! Another password for a user. The protected user's is published, so its change is an operation: a new login beside the
//! old one, the URL, the app's hook, and only then the old one is closed.

use super::{Ready, check_password, given};
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::{accept, next_password_purpose},
    audit,
    crypto::scram,
    ops::change_password,
    store,
};
use durable::Enqueued;
use secrecy::{ExposeSecret, SecretString};
use types::{AddonId, OperationId, database_user::PasswordSet};

impl ControlPlane {
    /// Gives a user another password; without one given, it is made up. It is in the answer, this once.
    ///
    /// # Errors
    /// `Invalid` on fields `password` and `password_confirmation`; `NotFound`; `Conflict` when the database does not run,
    /// or something else changes it.
    pub async fn change_database_password(
        &self,
        actor: &Actor,
        addon: AddonId,
        name: &str,
        password: Option<SecretString>,
        confirmation: Option<SecretString>,
    ) -> Result<PasswordSet> {
        self.addon_access(actor, addon, Action::ManageUsers).await?;
        let (password, generated) = given(password);
        let mut wrong = Vec::new();
        check_password(&password, generated, confirmation.as_ref(), &mut |field, rule| {
            if let Err(message) = rule {
                wrong.push(types::FieldError { field: field.into(), message });
            }
        });
        if !wrong.is_empty() {
            return Err(Error::Invalid(wrong));
        }
        let user = self.database_user(actor, addon, name).await?;
        let Ready { row, spec } = self.ready(addon).await?;
        let told = |user: String, operation| PasswordSet {
            user,
            password: password.expose_secret().to_owned(),
            generated,
            operation,
        };
        if user.protected {
            let (login, operation) = self.rotate(actor, addon, &password).await?;
            return Ok(told(login, Some(operation)));
        }
        if !self.inner.engine.set_user_password(&spec, name, &scram::verifier(&password)).await? {
            return Err(Error::NotFound("user"));
        }
        self.note(actor, &row, "database_user.change_password", name.into()).await?;
        Ok(told(user.name, None))
    }

    /// Asks for the operation; answers the login that comes.
    async fn rotate(
        &self,
        actor: &Actor,
        addon: AddonId,
        password: &SecretString,
    ) -> Result<(String, OperationId)> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        let begin = (change_password::KIND, change_password::first());
        let operation = match accept::enqueue(&mut tx, now, actor, begin, row.subject(), None).await? {
            Enqueued::New(id) => id,
            // The same is asked for and is not the same: this one has another password, which must not take the place of
            // the one that is being published.
            Enqueued::Existing(id) => {
                return Err(Error::Conflict {
                    message: "The password is being changed already. Wait for that to end, then try again."
                        .into(),
                    operation: Some(OperationId::new(id)),
                });
            }
        };
        // From one to the other and back.
        let login = match row.published_login() == row.resource_id {
            true => format!("{}_b", row.resource_id),
            false => row.resource_id.clone(),
        };
        let sealed = self.inner.key.seal_text(password, &next_password_purpose(row.database_id))?;
        store::database::next_login(&mut tx, row.database_id, Some((&login, &sealed))).await?;
        let subject = row.subject();
        let entry =
            audit::Entry::new("database_user.ask_for_password").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(format!("{}: the protected user", row.resource_id)))
            .await?;
        tx.commit().await?;
        Ok((login, OperationId::new(operation)))
    }
}
