//! Changing one's password.
//!
//! The present one must be shown again, with the same limits as a sign-in. Every other browser session ends; API
//! tokens go on, because programs hold them and they were not made from the password: revoke them one by one.

use crate::{
    Actor, ControlPlane, Via, audit,
    error::{Error, Result},
    store,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection;
use types::name;

impl ControlPlane {
    /// Gives the actor another password and ends their other browser sessions. API tokens are not touched.
    ///
    /// # Errors
    /// `Invalid` with the field `current` or `new`; `TooMany` after several wrong tries.
    pub async fn change_password(
        &self,
        actor: &Actor,
        current: &SecretString,
        new: &SecretString,
    ) -> Result<()> {
        let id = actor.account()?;
        name::account_password(new.expose_secret()).map_err(|message| Error::invalid("new", message))?;
        let wrong = "This is not your present password.";
        self.prove(actor, current, "account.change_password", "current", wrong).await?;
        let hash = self.inner.passwords.hash(new).await?;

        let keep = match actor {
            Actor::User { via: Via::Session(session), .. } => Some(*session),
            _ => None,
        };
        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        store::user::set_password(&mut tx, self.now(), id, &hash).await?;
        let ended = store::session::revoke_others(&mut tx, id, keep).await?;
        let entry =
            audit::Entry::new("account.change_password").detail(format!("{ended} other sessions ended"));
        audit::record(&mut tx, self.now(), actor, entry).await?;
        tx.commit().await?;
        Ok(())
    }
}
