//! Browser sessions: kept by the hash of the id in the cookie, with an idle and an absolute end.
//!
//! The server's session layer makes ids and fills `data`; this file decides how long a session lives and who is in
//! it. A session that was ended never comes back: saving changes live ones only. Making a new id at sign-in (against
//! fixation) is the layer's work.

use crate::{
    Actor, ControlPlane, Via, audit,
    error::{Error, Result},
    store,
};
use chrono::{DateTime, TimeDelta, Utc};
use types::{SessionId, UserId, view::SessionView};

/// A session as the server's session layer hands it over.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// [`hash`] of the id in the cookie.
    pub id_hash: [u8; 32],
    /// Who is signed in with it.
    pub user_id: Option<UserId>,
    /// What the layer keeps in it; never looked into.
    pub data: Vec<u8>,
    /// The browser's `User-Agent`.
    pub user_agent: String,
    /// From where.
    pub ip: String,
}

/// A session that has not ended.
#[derive(Clone, Debug)]
pub struct LoadedSession {
    /// Names it for people.
    pub id: SessionId,
    /// Who is signed in with it.
    pub user_id: Option<UserId>,
    /// What the layer kept in it.
    pub data: Vec<u8>,
    /// When it ends if nothing happens.
    pub expires_at: DateTime<Utc>,
}

/// A use is noted at most this often: not every request is a write.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What the store keeps of the id in the cookie.
#[must_use]
pub fn hash(id: &str) -> [u8; 32] {
    crate::crypto::token::hash(id)
}

impl ControlPlane {
    /// Keeps a new session. False: the id is taken, choose another.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn session_create(&self, record: &SessionRecord) -> Result<bool> {
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        Ok(store::session::insert(&mut conn, now, self.session_end(now, now), &cut(record)).await?)
    }

    /// Changes a live session. False: it has ended, and stays so.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn session_save(&self, record: &SessionRecord) -> Result<bool> {
        let mut conn = self.store().acquire().await?;
        Ok(store::session::update(&mut conn, self.now(), &cut(record)).await?)
    }

    /// The live session with this hash; notes that it was used.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn session_load(&self, id_hash: &[u8; 32]) -> Result<Option<LoadedSession>> {
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let Some(row) = store::session::load(&mut conn, now, id_hash).await? else { return Ok(None) };
        let mut expires_at = row.expires_at;
        if now - row.seen_at >= NOTED_EVERY {
            let later = self.session_end(row.created_at, now);
            if super::in_passing(store::session::touch(&mut conn, now, row.id, later).await) {
                expires_at = later;
            }
        }
        Ok(Some(LoadedSession {
            id: SessionId::new(row.id),
            user_id: row.user_id.map(UserId::new),
            data: row.data,
            expires_at,
        }))
    }

    /// Ends the session with this hash; fine if there is none.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn session_delete(&self, id_hash: &[u8; 32]) -> Result<()> {
        let mut conn = self.store().acquire().await?;
        Ok(store::session::delete(&mut conn, id_hash).await?)
    }

    /// Who is signed in with this session, read from the store now. `None`: nobody, or it has ended.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn actor_from_session(&self, id_hash: &[u8; 32], ip: &str) -> Result<Option<Actor>> {
        let mut conn = self.store().acquire().await?;
        let Some(session) = store::session::load(&mut conn, self.now(), id_hash).await? else {
            return Ok(None);
        };
        let Some(user) = session.user_id else { return Ok(None) };
        let user = store::user::load(&mut conn, UserId::new(user)).await?;
        Ok(user.map(|user| Actor::User {
            id: UserId::new(user.id),
            username: user.username,
            is_operator: user.is_operator,
            via: Via::Session(SessionId::new(session.id)),
            ip: ip.into(),
        }))
    }

    /// Where the actor is signed in, the last used first.
    ///
    /// # Errors
    /// `Forbidden` for a token that is for one database.
    pub async fn sessions(&self, actor: &Actor) -> Result<Vec<SessionView>> {
        let user = actor.account()?;
        let current = match actor {
            Actor::User { via: Via::Session(id), .. } => Some(id.uuid()),
            _ => None,
        };
        let mut conn = self.store().acquire().await?;
        let rows = store::session::of_user(&mut conn, self.now(), user).await?;
        let view = |row: store::session::Row| SessionView {
            id: SessionId::new(row.id),
            device: device(&row.user_agent),
            ip: row.ip,
            created_at: row.created_at,
            seen_at: row.seen_at,
            current: Some(row.id) == current,
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Ends one of the actor's sessions, at once.
    ///
    /// # Errors
    /// `NotFound` if the actor has no such session.
    pub async fn revoke_session(&self, actor: &Actor, id: SessionId) -> Result<()> {
        let user = actor.account()?;
        let mut conn = self.store().acquire().await?;
        if !store::session::revoke(&mut conn, user, id).await? {
            return Err(Error::NotFound("session"));
        }
        let entry = audit::Entry::new("session.revoke").detail(id.to_string());
        audit::record(&mut conn, self.now(), actor, entry).await?;
        Ok(())
    }

    /// Removes sessions that have ended; for the sweeper.
    ///
    /// # Errors
    /// Only if the store fails.
    pub async fn delete_expired_sessions(&self) -> Result<u64> {
        let mut conn = self.store().acquire().await?;
        Ok(store::session::delete_expired(&mut conn, self.now()).await?)
    }

    fn session_end(&self, created_at: DateTime<Utc>, seen_at: DateTime<Utc>) -> DateTime<Utc> {
        let config = &self.inner.config;
        (seen_at + config.session_idle).min(created_at + config.session_absolute)
    }
}

/// What came from outside, made plain and short.
fn cut(record: &SessionRecord) -> SessionRecord {
    SessionRecord {
        user_agent: audit::plain(&record.user_agent, 256),
        ip: audit::plain(&record.ip, 64),
        ..record.clone()
    }
}

/// "Firefox on Linux": enough to know one's own browsers apart.
fn device(user_agent: &str) -> String {
    let first = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    // Most browsers name others too: the more particular mark comes first.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.into(),
        (None, None) => "Unknown browser".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn browsers_have_names() {
        let linux = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0";
        let iphone =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(device(linux), "Firefox on Linux");
        assert_eq!(device(edge), "Edge on Windows");
        assert_eq!(device(iphone), "Safari on iPhone");
        assert_eq!(device("<script>"), "Unknown browser");
    }
}
