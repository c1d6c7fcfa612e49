//! Links to a log that work for a few minutes without a token: public clients fetch logs by a plain `GET`.
//!
//! How they are sealed: [`crate::crypto::link`].

use crate::{Action, Actor, ControlPlane, Error, Result, crypto::link};
use chrono::{DateTime, TimeDelta, Utc};
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
        let inside = LogLink { addon, file, until: self.now() + WORKS_FOR };
        Ok(link::seal(&self.inner.key, PURPOSE, &inside)?)
    }

    /// What a link opens.
    ///
    /// # Errors
    /// `NotFound` for what is no link of ours, or too old.
    pub fn open_log_link(&self, text: &str) -> Result<LogLink> {
        let found: Option<LogLink> = link::open(&self.inner.key, PURPOSE, text);
        found.filter(|link| self.now() < link.until).ok_or(Error::NotFound("log"))
    }
}
