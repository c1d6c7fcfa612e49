//! API tokens, and the short-lived bearer tokens that are given for them.
//!
//! An API token is shown once and kept as a hash. A bearer token is checked against the store at every request:
//! revoking the API token, or ending the browser session, ends it at once.

use super::jwt::{Behind, Claims};
use crate::{
    Action, Actor, ControlPlane, Via, audit,
    crypto::token,
    error::{Error, Result},
    store,
};
use secrecy::SecretString;
use std::time::Duration;
use types::{AddonId, TokenId, UserId, name, view::TokenView};
use uuid::Uuid;

/// How many a person may have.
const MAX_TOKENS: usize = 100;
/// Nothing longer is hashed or parsed.
const MAX_BYTES: usize = 4096;

impl ControlPlane {
    /// The actor's API tokens, the newest first.
    ///
    /// # Errors
    /// `Forbidden` for a token that is for one database.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<TokenView>> {
        let user = actor.account()?;
        let mut conn = self.store().acquire().await?;
        Ok(store::token::of_user(&mut conn, user).await?)
    }

    /// Makes an API token. The secret is answered once and never again.
    ///
    /// # Errors
    /// `Invalid` with the field `name`; `Conflict` for the hundred-and-first.
    pub async fn create_token(&self, actor: &Actor, name: &str) -> Result<(TokenView, SecretString)> {
        let user = actor.account()?;
        let label = name.trim();
        name::token_label(label).map_err(|message| Error::invalid("name", message))?;
        let mut conn = self.store().acquire().await?;
        self.fresh_by(&mut conn, actor).await?;
        if store::token::of_user(&mut conn, user).await?.len() >= MAX_TOKENS {
            return Err(Error::conflict(format!(
                "You have {MAX_TOKENS} API tokens. Revoke one that is not used."
            )));
        }
        let (id, secret, now) = (TokenId::new(Uuid::now_v7()), token::new(token::API_TOKEN), self.now());
        store::token::insert(&mut conn, now, user, id, label, &token::hash_secret(&secret)).await?;
        let entry = audit::Entry::new("token.create").detail(format!("{id} {label}"));
        audit::record(&mut conn, now, actor, entry).await?;
        Ok((TokenView { id, name: label.into(), created_at: now, last_used_at: None }, secret))
    }

    /// Revokes one of the actor's API tokens; bearer tokens that were given for it end with it.
    ///
    /// # Errors
    /// `NotFound` if the actor has no such token.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        let user = actor.account()?;
        let mut conn = self.store().acquire().await?;
        let label = store::token::delete(&mut conn, user, id).await?.ok_or(Error::NotFound("token"))?;
        let entry = audit::Entry::new("token.revoke").detail(format!("{id} {label}"));
        audit::record(&mut conn, self.now(), actor, entry).await?;
        Ok(())
    }

    /// A bearer token for an API token.
    ///
    /// # Errors
    /// `Unauthenticated` for an unknown or revoked token; `TooMany` after many of them from one address.
    pub async fn exchange_token(&self, api_token: &str, ip: &str) -> Result<String> {
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let found = match api_token.len() {
            0..=MAX_BYTES => store::token::find(&mut conn, &token::hash(api_token)).await?,
            _ => None,
        };
        let Some((id, user)) = found else {
            // Only wrong ones are counted: a program may exchange the right one as often as it likes.
            self.inner.sign_in_limit.take(ip, now).map_err(|wait| Error::TooMany {
                message: "There were many unknown API tokens from your address. Try again in a minute."
                    .into(),
                retry_after: Duration::from_secs(wait.as_secs() + 1),
            })?;
            let who = audit::Who { user: None, name: "(unknown)", ip };
            audit::record_as(&mut conn, now, who, audit::Entry::new("token.exchange").refused()).await?;
            return Err(Error::Unauthenticated);
        };
        super::in_passing(store::token::used(&mut conn, now, id).await);
        let claims =
            Claims::new(UserId::new(user.id), Behind::Token(id), None, now, self.inner.config.bearer_for);
        self.inner.jwt.sign(&claims)
    }

    /// A bearer token that opens one add-on and nothing else.
    ///
    /// # Errors
    /// `NotFound` if the actor may not see the add-on.
    pub async fn addon_token(&self, actor: &Actor, addon: AddonId) -> Result<String> {
        let user = actor.account()?;
        let behind = match actor {
            Actor::User { via: Via::Token(id), .. } => Behind::Token(*id),
            Actor::User { via: Via::Session(id), .. } => Behind::Session(*id),
            Actor::User { via: Via::Database(_), .. } | Actor::System => return Err(Error::Unauthenticated),
        };
        let addon = self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let entry = audit::Entry::new("token.create_for_addon").app(addon.app.id).database(addon.database_id);
        audit::record(&mut conn, self.now(), actor, entry).await?;
        self.inner.jwt.sign(&Claims::new(
            user,
            behind,
            Some(addon.id),
            self.now(),
            self.inner.config.bearer_for,
        ))
    }

    /// Who asks with this bearer token, read from the store now.
    ///
    /// # Errors
    /// `Unauthenticated` if it is forged or expired, or if what stands behind it is gone.
    pub async fn actor_from_jwt(&self, jwt: &str, ip: &str) -> Result<Actor> {
        let now = self.now();
        if jwt.len() > MAX_BYTES {
            return Err(Error::Unauthenticated);
        }
        let claims = self.inner.jwt.verify(jwt, now)?;
        let mut conn = self.store().acquire().await?;
        let (user, via) = match claims.behind()? {
            Behind::Token(id) => {
                let user = store::token::user_of(&mut conn, id, claims.sub).await?;
                if user.is_some() {
                    super::in_passing(store::token::used(&mut conn, now, id).await);
                }
                (user, Via::Token(id))
            }
            Behind::Session(id) => {
                (store::session::user_of(&mut conn, now, id, claims.sub).await?, Via::Session(id))
            }
        };
        let user = user.ok_or(Error::Unauthenticated)?;
        Ok(Actor::User {
            id: UserId::new(user.id),
            username: user.username,
            is_operator: user.is_operator,
            via: claims.addon.map_or(via, Via::Database),
            ip: ip.into(),
        })
    }
}
