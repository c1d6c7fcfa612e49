//! Asking for the password again: who finds a browser that was left open ends no database and takes no secret along.
//!
//! [`Action::asks_again`](crate::access::Action::asks_again) says what for. Programs are not asked: an API token is its own
//! proof. Who proved it gets a new session id from the server's session layer, so a session's age is the age of the proof.

use crate::{
    Actor, ControlPlane, Via, audit,
    error::{Error, Result},
    store,
};
use secrecy::SecretString;
use sqlx::PgConnection;
use types::UserId;

impl ControlPlane {
    /// Checks the password of who is signed in already. The caller binds a new session to the answer.
    ///
    /// # Errors
    /// `Invalid` with the field `password`; `TooMany` after several wrong tries.
    pub async fn sign_in_again(&self, actor: &Actor, password: &SecretString) -> Result<UserId> {
        let id = actor.account()?;
        self.prove(actor, password, "session.confirm", "password", "This is not your password.").await?;
        let mut conn = self.store().acquire().await?;
        audit::record(&mut conn, self.now(), actor, audit::Entry::new("session.confirm")).await?;
        Ok(id)
    }

    /// Refuses a session whose password was shown too long ago.
    ///
    /// # Errors
    /// `Stale`.
    pub async fn fresh(&self, actor: &Actor) -> Result<()> {
        let mut conn = self.store().acquire().await?;
        self.fresh_by(&mut conn, actor).await
    }

    pub(crate) async fn fresh_by(&self, conn: &mut PgConnection, actor: &Actor) -> Result<()> {
        let Actor::User { via: Via::Session(id), .. } = actor else { return Ok(()) };
        let began = store::session::began(conn, *id).await?;
        let fresh = began.is_some_and(|began| self.now() - began < self.inner.config.session_fresh);
        if fresh { Ok(()) } else { Err(Error::Stale) }
    }

    /// Checks the actor's password, with the limits of a sign-in.
    pub(super) async fn prove(
        &self,
        actor: &Actor,
        password: &SecretString,
        action: &'static str,
        field: &str,
        wrong: &str,
    ) -> Result<()> {
        let me = self.me(actor).await?;
        let known = self.begin_try(&me.username, actor.ip()).await?;
        match self.finish_try(known, password, actor.ip(), action).await {
            Err(Error::WrongCredentials) => Err(Error::invalid(field, wrong)),
            other => other.map(drop),
        }
    }
}
