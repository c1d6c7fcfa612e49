//! The audit log as operators read it: who did what, to what, from where, and whether it was allowed.
//!
//! Holds words only. What is written down, and who may read it, is the core's.

use crate::AddonId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// So many records make a page.
pub const AUDIT_PAGE: u16 = 50;

/// Which records are meant: the newest that fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Actions that begin so: `database.`, `session.create`; empty: all.
    pub action: String,
    /// Of this user name, in small letters or large; empty: of everybody.
    pub user: String,
    /// Older than the record of this number.
    pub before: Option<i64>,
    /// At most so many; the core gives 1 to 1000.
    pub limit: u16,
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self { action: String::new(), user: String::new(), before: None, limit: AUDIT_PAGE }
    }
}

impl AuditFilter {
    /// The newest of all.
    #[must_use]
    pub fn newest(limit: u16) -> Self {
        Self { limit, ..Self::default() }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Its number: a later record has a higher one.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// The person's name, or "paddock" for the platform itself.
    pub username: String,
    /// From which address; empty for the platform.
    pub ip: String,
    /// `noun.verb`
    pub action: String,
    /// The app it was about, while there is one.
    pub app: Option<String>,
    /// The add-on whose database it was about, and the database's name, while it is there.
    pub database: Option<(AddonId, String)>,
    /// More, plain text.
    pub detail: String,
    /// False: it was refused.
    pub allowed: bool,
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub records: Vec<AuditView>,
    /// [`AuditFilter::before`] of the part that follows; `None`: there is nothing older.
    pub older: Option<i64>,
}
