//! Signing in with a name and a password, and how guessing is slowed down.
//!
//! An unknown account costs the same work, waits the same delays and reads the same words as a known one. A delay
//! never holds back somebody at an address where they are signed in already, so that nobody can lock the owner out by
//! guessing from elsewhere. It never ends in a lock that a person must open.

use super::limit::delay;
use crate::{
    ControlPlane, audit,
    crypto::password::Check,
    error::{Error, Result},
    store::{self, user::Credentials},
};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use sqlx::Connection;
use std::time::Duration;
use types::{UserId, view::UserView};
use uuid::Uuid;

/// The longest e-mail address; nobody has a longer name.
const MAX_IDENTIFIER: usize = 254;

impl ControlPlane {
    /// Who this is, if e-mail address or user name and password belong together.
    ///
    /// # Errors
    /// `WrongCredentials`, whatever is wrong; `TooMany` with the seconds to wait.
    pub async fn sign_in(&self, identifier: &str, password: &SecretString, ip: &str) -> Result<UserView> {
        let began = self.now();
        let known = self.begin_try(identifier.trim(), ip).await?;
        let (user, rehash) = self.finish_try(known, password, ip, "session.create").await?;
        let mut conn = self.store().acquire().await?;
        store::user::signed_in(&mut conn, began, user.id.uuid(), rehash.as_deref()).await?;
        let who = audit::Who { user: Some(user.id.uuid()), name: &user.username, ip };
        audit::record_as(&mut conn, self.now(), who, audit::Entry::new("session.create")).await?;
        Ok(user)
    }

    /// Counts a try before any password is checked, so that many at once count too. `None`: nobody has this name.
    pub(super) async fn begin_try(&self, identifier: &str, ip: &str) -> Result<Option<Credentials>> {
        let now = self.now();
        self.inner.sign_in_limit.take(ip, now).map_err(|wait| {
            too_many("There were many sign-ins from your address.", wait.as_secs_f64().ceil() as u64)
        })?;
        self.inner.sign_in_limit.take_of_all(now).map_err(|wait| {
            too_many("Very many people are signing in just now.", wait.as_secs_f64().ceil() as u64)
        })?;
        let mut conn = self.store().acquire().await?;
        let mut tx = conn.begin().await?;
        store::user::do_not_wait_for_disk(&mut tx).await?;
        // PostgreSQL's text has no NUL: such a name would be an error and not a stranger.
        let possible = identifier.len() <= MAX_IDENTIFIER && !identifier.contains('\0');
        let known = if possible { store::user::credentials(&mut tx, identifier).await? } else { None };
        // From here on the same statements for both; those for a name that nobody has meet no row.
        let id = known.as_ref().map_or(Uuid::nil(), |user| user.id);
        let waits = match &known {
            Some(user) => user.next_login_at.filter(|next| *next > now),
            None => self.inner.unknown_names.take(identifier, now).err(),
        };
        if let Some(next) = waits
            && !store::session::known_address(&mut tx, now, id, ip).await?
        {
            return Err(delayed(next, now));
        }
        let failed = known.as_ref().map_or(0, |user| user.failed_logins).saturating_add(1);
        store::user::count_try(&mut tx, id, failed, delay(failed).map(|delay| now + delay)).await?;
        tx.commit().await?;
        Ok(known)
    }

    /// Checks the password of a counted try. Answers who it is, and a better hash if there is one.
    pub(super) async fn finish_try(
        &self,
        known: Option<Credentials>,
        password: &SecretString,
        ip: &str,
        action: &'static str,
    ) -> Result<(UserView, Option<String>)> {
        let stored = known.as_ref().map(|user| user.password_hash.clone());
        let check = self.inner.passwords.check(password, stored).await?;
        if let (Check::Right { rehash }, Some(user)) = (check, known.as_ref()) {
            let Credentials { id, username, email, is_operator, .. } = user;
            let (username, email, is_operator) = (username.clone(), email.clone(), *is_operator);
            return Ok((UserView { id: UserId::new(*id), username, email, is_operator }, rehash));
        }
        let who = match &known {
            Some(user) => audit::Who { user: Some(user.id), name: &user.username, ip },
            // Not what was typed: people type passwords into the wrong field.
            None => audit::Who { user: None, name: "(unknown)", ip },
        };
        let mut conn = self.store().acquire().await?;
        audit::record_as(&mut conn, self.now(), who, audit::Entry::new(action).refused()).await?;
        Err(Error::WrongCredentials)
    }
}

fn delayed(next: DateTime<Utc>, now: DateTime<Utc>) -> Error {
    let millis = u64::try_from((next - now).num_milliseconds()).unwrap_or(0);
    too_many("There were several wrong tries for this account.", millis.div_ceil(1000))
}

fn too_many(why: &str, seconds: u64) -> Error {
    let seconds = seconds.max(1);
    let unit = if seconds == 1 { "second" } else { "seconds" };
    Error::TooMany {
        message: format!("{why} Try again in {seconds} {unit}."),
        retry_after: Duration::from_secs(seconds),
    }
}
