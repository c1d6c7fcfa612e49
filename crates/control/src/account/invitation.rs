//! Invitations: a link for one e-mail address, once, for a week.
//!
//! The link is shown to whoever invites, once; the store keeps a hash, and nobody else who may use the app can read
//! it. It opens nothing for a person with another address. Accepting it makes an account if there is none.

use super::{NewAccount, create};
use crate::{
    Action, Actor, ControlPlane, audit,
    crypto::token,
    error::{Error, Result},
    store,
};
use secrecy::ExposeSecret;
use sqlx::Connection;
use types::{
    AppId, InvitationId, name,
    view::{InvitationView, UserView},
};
use uuid::Uuid;

impl ControlPlane {
    /// The app's open invitations, without their links. Empty for those who may not invite.
    ///
    /// # Errors
    /// `NotFound` if the actor may not see the app.
    pub async fn invitations(&self, actor: &Actor, app: &str) -> Result<Vec<InvitationView>> {
        let app = self.app_access(actor, app, Action::View).await?;
        if !app.may(Action::ManagePeople) {
            return Ok(Vec::new());
        }
        let mut conn = self.store().acquire().await?;
        Ok(store::invitation::of_app(&mut conn, self.now(), app.id).await?)
    }

    /// Invites the person with this address; answers the link, which is shown once. An earlier link for the same
    /// address ends.
    ///
    /// # Errors
    /// `Forbidden` unless the actor may manage the app; `Invalid` with the field `email`.
    pub async fn invite(&self, actor: &Actor, app: &str, email: &str) -> Result<(InvitationView, String)> {
        let by = actor.account()?;
        let email = email.trim();
        name::email(email).map_err(|message| Error::invalid("email", message))?;
        let app = self.app_access(actor, app, Action::ManagePeople).await?;
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        if store::collaborator::has_email(&mut tx, app.id, email).await? {
            return Err(Error::invalid("email", "The person with this address may use the app already."));
        }
        let (id, secret, expires_at) =
            (Uuid::now_v7(), token::new(""), now + self.inner.config.invitation_for);
        let hash = token::hash_secret(&secret);
        let new = store::invitation::New { id, app: app.id, email, hash: &hash, by, expires_at };
        store::invitation::put(&mut tx, now, &new).await?;
        let entry = audit::Entry::new("app.invite").app(app.id).detail(email);
        audit::record(&mut tx, now, actor, entry).await?;
        tx.commit().await?;
        let view = InvitationView {
            id: InvitationId::new(id),
            email: email.into(),
            app: app.name,
            invited_by: actor.name().into(),
            expires_at,
        };
        let link = format!("{}/invitations/{}", self.inner.config.public_url, secret.expose_secret());
        Ok((view, link))
    }

    /// Takes an open invitation back; its link ends.
    ///
    /// # Errors
    /// `NotFound` if the app has no such open invitation.
    pub async fn withdraw_invitation(&self, actor: &Actor, app: &str, id: InvitationId) -> Result<()> {
        let app = self.app_access(actor, app, Action::ManagePeople).await?;
        let mut conn = self.store().acquire().await?;
        let email =
            store::invitation::withdraw(&mut conn, app.id, id).await?.ok_or(Error::NotFound("invitation"))?;
        let entry = audit::Entry::new("app.withdraw_invitation").app(app.id).detail(email);
        audit::record(&mut conn, self.now(), actor, entry).await?;
        Ok(())
    }

    /// What the link is for, for its page.
    ///
    /// # Errors
    /// `NotFound` if it was used or withdrawn, has expired, or never was.
    pub async fn invitation(&self, token: &str) -> Result<InvitationView> {
        let mut conn = self.store().acquire().await?;
        let row = store::invitation::open(&mut conn, self.now(), &token::hash(token)).await?;
        row.map(Into::into).ok_or(Error::NotFound("invitation"))
    }

    /// Uses the invitation up: as the signed-in person, or with a new account, in both cases of the same address.
    ///
    /// # Errors
    /// `NotFound` if it is not open; `Forbidden` for another address; `Invalid` for the new account's fields;
    /// `Unauthenticated` if there is neither.
    pub async fn accept_invitation(
        &self,
        actor: Option<&Actor>,
        token: &str,
        account: Option<NewAccount>,
    ) -> Result<UserView> {
        let mut conn = self.store().acquire().await?;
        let open = store::invitation::open(&mut conn, self.now(), &token::hash(token)).await?;
        drop(conn);
        let open = open.ok_or(Error::NotFound("invitation"))?;
        let app = AppId::new(open.app_id);
        let same = |email: &str| email.trim().to_lowercase() == open.email.to_lowercase();

        // Who comes in: somebody we know, or an account to be made (and the hash of its password).
        let (known, new) = match (actor, account) {
            (Some(actor), _) => {
                let me = self.me(actor).await?;
                if !same(&me.email) {
                    let mut conn = self.store().acquire().await?;
                    let entry = audit::Entry::new("app.accept_invitation").app(app).refused();
                    audit::record(&mut conn, self.now(), actor, entry).await?;
                    return Err(another_address());
                }
                (Some(me), None)
            }
            (None, Some(account)) => {
                if !same(&account.email) {
                    return Err(another_address());
                }
                account.check()?;
                let hash = self.inner.passwords.hash(&account.password).await?;
                (None, Some((account, hash)))
            }
            (None, None) => return Err(Error::Unauthenticated),
        };

        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        // First: of two at once, one goes on and the other finds it used.
        if !store::invitation::accept(&mut tx, now, open.id).await? {
            return Err(Error::NotFound("invitation"));
        }
        let user = match (known, new) {
            (Some(user), _) => user,
            (None, Some((account, hash))) => create(&mut tx, now, &account, &hash, false).await?,
            (None, None) => return Err(Error::Unauthenticated),
        };
        store::collaborator::insert(&mut tx, now, app, user.id).await?;
        let who =
            audit::Who { user: Some(user.id.uuid()), name: &user.username, ip: actor.map_or("", Actor::ip) };
        audit::record_as(&mut tx, now, who, audit::Entry::new("app.accept_invitation").app(app)).await?;
        tx.commit().await?;
        Ok(user)
    }
}

fn another_address() -> Error {
    Error::Forbidden(
        "This invitation is for another e-mail address. Sign in with the account of that address.".into(),
    )
}
