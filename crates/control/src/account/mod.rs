//! Accounts: the people who use Paddock, how they prove who they are, and whom they let in.
//!
//! Passwords are kept as argon2id hashes, everything random (sessions, API tokens, invitations, the set-up link) as
//! SHA-256 hashes: the store holds nothing that signs anybody in.

pub mod collaborator;
pub mod fresh;
pub mod invitation;
pub mod jwt;
pub mod limit;
pub mod password;
pub mod session;
pub mod setup;
pub mod sign_in;
pub mod token;

use crate::{
    Actor, ControlPlane,
    error::{Error, Result},
    store,
};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use types::{FieldError, UserId, name, view::UserView};
use uuid::Uuid;

/// Whether a note of a last use was written. A store that cannot write now must not keep people from reading.
fn in_passing(noted: std::result::Result<(), sqlx::Error>) -> bool {
    if let Err(error) = &noted {
        tracing::warn!(%error, "a last use could not be noted");
    }
    noted.is_ok()
}

/// What somebody fills in to get an account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Their address; they can sign in with it.
    pub email: String,
    /// Their name; they can sign in with it, and others see it.
    pub username: String,
    /// Their password.
    pub password: SecretString,
}

impl NewAccount {
    /// Checks every field, so that people see all that is wrong at once.
    pub(crate) fn check(&self) -> Result<()> {
        let checks = [
            ("email", name::email(&self.email)),
            ("username", name::username(&self.username)),
            ("password", name::account_password(self.password.expose_secret())),
        ];
        let wrong: Vec<_> = checks
            .into_iter()
            .filter_map(|(field, checked)| Some(FieldError { field: field.into(), message: checked.err()? }))
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Writes a new account whose password is already hashed.
pub(crate) async fn create(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    account: &NewAccount,
    password_hash: &str,
    is_operator: bool,
) -> Result<UserView> {
    let id = Uuid::now_v7();
    let NewAccount { email, username, .. } = account;
    let user = store::user::NewUser { id, email, username, password_hash, is_operator };
    store::user::insert(conn, now, &user).await.map_err(|error| match store::user::taken(&error) {
        Some(field @ "email") => {
            Error::invalid(field, "There is an account with this e-mail address already.")
        }
        Some(field) => Error::invalid(field, "This user name is taken."),
        None => error.into(),
    })?;
    Ok(UserView { id: UserId::new(id), username: username.clone(), email: email.clone(), is_operator })
}

impl ControlPlane {
    /// The account of this id, if there is (still) one.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn user(&self, id: UserId) -> Result<Option<UserView>> {
        let mut conn = self.store().acquire().await?;
        Ok(store::user::load(&mut conn, id).await?.map(Into::into))
    }

    /// The actor's own account.
    ///
    /// # Errors
    /// `Forbidden` for a token that is for one database.
    pub async fn me(&self, actor: &Actor) -> Result<UserView> {
        self.user(actor.account()?).await?.ok_or(Error::Unauthenticated)
    }
}
