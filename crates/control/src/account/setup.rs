//! The first account: by a one-time link that the server prints, or unattended from its configuration.
//!
//! There are no default credentials. The link works until the first account exists; each start makes a new one and
//! the earlier ones end. Two people who use it at once get one account.

use super::{NewAccount, create};
use crate::{
    Actor, ControlPlane, audit,
    crypto::token,
    error::{Error, Result},
    store,
};
use secrecy::{ExposeSecret, SecretString};
use sqlx::Connection;
use types::{TokenId, view::UserView};
use uuid::Uuid;

/// The name of the API token that comes from the configuration.
const UNATTENDED: &str = "from the configuration";
/// 128 random bits are 22 characters of base64.
const MIN_TOKEN: usize = token::API_TOKEN.len() + 22;

impl ControlPlane {
    /// Nobody has an account yet.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn setup_needed(&self) -> Result<bool> {
        let mut conn = self.store().acquire().await?;
        Ok(!store::user::any(&mut conn).await?)
    }

    /// A new one-time token for the first account; earlier ones end. `None` when there is an account.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn setup_token(&self) -> Result<Option<SecretString>> {
        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        store::user::lock_all(&mut tx).await?;
        if store::user::any(&mut tx).await? {
            store::setup::clear(&mut tx).await?;
            tx.commit().await?;
            return Ok(None);
        }
        let token = token::new("");
        store::setup::replace(&mut tx, self.now(), &token::hash_secret(&token)).await?;
        tx.commit().await?;
        Ok(Some(token))
    }

    /// Makes the first account, an operator's.
    ///
    /// # Errors
    /// `Forbidden` if the link is not the newest or was used; `Invalid` for the fields.
    pub async fn create_first_account(&self, setup_token: &str, account: NewAccount) -> Result<UserView> {
        let token_hash = token::hash(setup_token);
        let mut conn = self.store().acquire().await?;
        // Before anything expensive: a stranger shall not make us hash passwords.
        if !store::setup::matches(&mut conn, &token_hash).await? {
            return Err(used_link());
        }
        drop(conn);
        account.check()?;
        let password_hash = self.inner.passwords.hash(&account.password).await?;

        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        store::user::lock_all(&mut tx).await?;
        if store::user::any(&mut tx).await? || !store::setup::matches(&mut tx, &token_hash).await? {
            return Err(used_link());
        }
        let user = create(&mut tx, self.now(), &account, &password_hash, true).await?;
        store::setup::clear(&mut tx).await?;
        let who = audit::Who { user: Some(user.id.uuid()), name: &user.username, ip: "" };
        audit::record_as(
            &mut tx,
            self.now(),
            who,
            audit::Entry::new("account.create").detail("first account"),
        )
        .await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Makes sure that this operator's account exists, and this API token of it: for installations that nobody
    /// watches. An account that exists stays as it is, password included.
    ///
    /// # Errors
    /// `Invalid` for the fields; `Conflict` if the name or the token is somebody else's.
    pub async fn ensure_account(
        &self,
        account: NewAccount,
        api_token: Option<SecretString>,
    ) -> Result<UserView> {
        account.check()?;
        if api_token.as_ref().is_some_and(|token| !acceptable(token)) {
            return Err(Error::invalid(
                "api_token",
                format!(
                    "The API token starts with {} and has at least {MIN_TOKEN} characters.",
                    token::API_TOKEN
                ),
            ));
        }
        let mut conn = self.store().acquire().await?;
        let known = store::user::credentials(&mut conn, &account.email).await?.is_some();
        let password_hash =
            if known { None } else { Some(self.inner.passwords.hash(&account.password).await?) };

        let now = self.now();
        let mut tx = conn.begin().await?;
        store::user::lock_all(&mut tx).await?;
        let user = match (store::user::credentials(&mut tx, &account.email).await?, password_hash) {
            (Some(user), _) => UserView {
                id: types::UserId::new(user.id),
                username: user.username,
                email: user.email,
                is_operator: user.is_operator,
            },
            (None, Some(hash)) => {
                let user = create(&mut tx, now, &account, &hash, true).await?;
                let entry =
                    audit::Entry::new("account.create").detail(format!("{} {UNATTENDED}", user.username));
                audit::record(&mut tx, now, &Actor::System, entry).await?;
                user
            }
            (None, None) => return Err(Error::conflict("The account was removed meanwhile. Start again.")),
        };
        if let Some(token) = api_token {
            let hash = token::hash_secret(&token);
            match store::token::find(&mut tx, &hash).await? {
                Some((_, owner)) if owner.id == user.id.uuid() => {}
                Some(_) => return Err(Error::conflict("The API token belongs to another account.")),
                None => {
                    let id = TokenId::new(Uuid::now_v7());
                    store::token::insert(&mut tx, now, user.id, id, UNATTENDED, &hash).await?;
                    let entry = audit::Entry::new("token.create").detail(format!("{id} {UNATTENDED}"));
                    audit::record(&mut tx, now, &Actor::System, entry).await?;
                }
            }
        }
        store::setup::clear(&mut tx).await?;
        tx.commit().await?;
        Ok(user)
    }
}

fn acceptable(token: &SecretString) -> bool {
    let token = token.expose_secret();
    token.starts_with(token::API_TOKEN)
        && (MIN_TOKEN..=256).contains(&token.len())
        && token.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn used_link() -> Error {
    Error::Forbidden(
        "This set-up link does not work any more. If nobody has an account yet, start Paddock again: it prints a new \
         link."
            .into(),
    )
}
