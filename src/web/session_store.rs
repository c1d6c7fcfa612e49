//! Where browser sessions are kept: the core's store, by the hash of the id in the cookie.
//!
//! How long a session lives and who is in it is the core's to say; this only translates. An id that the store does
//! not know is never taken over: the layer then makes a new one (against fixation).

use async_trait::async_trait;
use control::{
    ControlPlane,
    account::session::{self, SessionRecord},
};
use serde_json::Value;
use std::{collections::HashMap, fmt};
use time::OffsetDateTime;
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};
use types::UserId;

/// Key of the signed-in person's id.
pub const USER: &str = "user";
/// Key of the browser's name at sign-in.
pub const AGENT: &str = "agent";
/// Key of the address at sign-in.
pub const IP: &str = "ip";

/// The store that the session layer writes to.
#[derive(Clone)]
pub struct Store(pub ControlPlane);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.0.session_create(&row(record)?).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // False: it was ended meanwhile, and stays so.
        self.0.session_save(&row(record)?).await.map_err(backend).map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(found) = self.0.session_load(&hash(id)).await.map_err(backend)? else { return Ok(None) };
        let data = serde_json::from_slice(&found.data).map_err(|error| Error::Decode(error.to_string()))?;
        let end = OffsetDateTime::from_unix_timestamp(found.expires_at.timestamp());
        let expiry_date = end.map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.0.session_delete(&hash(id)).await.map_err(backend)
    }
}

/// What the store keeps of an id.
#[must_use]
pub fn hash(id: &Id) -> [u8; 32] {
    session::hash(&id.to_string())
}

fn row(record: &Record) -> Result<SessionRecord> {
    let data = serde_json::to_vec(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
    let user_id = record.data.get(USER).and_then(|id| serde_json::from_value::<UserId>(id.clone()).ok());
    let (user_agent, ip) = (text(&record.data, AGENT), text(&record.data, IP));
    Ok(SessionRecord { id_hash: hash(&record.id), user_id, data, user_agent, ip })
}

fn text(data: &HashMap<String, Value>, key: &str) -> String {
    data.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn backend(error: control::Error) -> Error {
    // `problem` writes the cause to the log.
    Error::Backend(error.problem().message)
}
