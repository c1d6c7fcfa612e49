//! Links to a log that work for a few minutes without a token: public clients fetch logs by a plain `GET`.
//!
//! A link is sealed under the master key: it cannot be guessed or changed, opens one log and nothing else, and is kept
//! nowhere.

use crate::{Action, Actor, ControlPlane, Error, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use types::AddonId;

/// How long a link works.
const WORKS_FOR: TimeDelta = TimeDelta::minutes(10);
/// What links are sealed for.
const PURPOSE: &str = "log link";

/// What a link opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLink {
    pub(crate) addon: AddonId,
    /// One file of the log; `None`: its end.
    pub file: Option<String>,
    until: DateTime<Utc>,
}

impl ControlPlane {
    /// A link to the end of a database's log, or to one file of it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn log_link(&self, actor: &Actor, addon: AddonId, file: Option<String>) -> Result<String> {
        self.addon_access(actor, addon, Action::View).await?;
        let link = LogLink { addon, file, until: self.now() + WORKS_FOR };
        let plain = serde_json::to_vec(&link).map_err(Error::internal)?;
        let sealed = self.inner.key.seal(&plain, PURPOSE).map_err(Error::internal)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What a link opens.
    ///
    /// # Errors
    /// `NotFound` for what is no link of ours, or too old.
    pub fn open_log_link(&self, text: &str) -> Result<LogLink> {
        let open = || -> Option<LogLink> {
            let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let plain = self.inner.key.open(&sealed, PURPOSE).ok()?;
            serde_json::from_slice(plain.expose_secret()).ok()
        };
        open().filter(|link| self.now() < link.until).ok_or(Error::NotFound("log"))
    }
}
