//! Users of a database, as pages and clients see them.

use crate::OperationId;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A user of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseUserView {
    /// Its name.
    pub name: String,
    /// It may only read.
    pub read_only: bool,
    /// The login of the published URL: it cannot be removed.
    pub protected: bool,
    /// `scram-sha-256`, `md5` or `none`.
    pub password_encryption: String,
    /// Its open connections.
    pub connections: u32,
    /// When it was last there, as far as the server's log goes back.
    pub last_activity: Option<DateTime<Utc>>,
}

/// The users of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseUsersView {
    /// The protected one first.
    pub users: Vec<DatabaseUserView>,
    /// Who owns what its users make.
    pub owner: String,
    /// The database's name.
    pub database: String,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What a user owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owned {
    /// "table public.orders", at most [`Owned::MOST`].
    pub things: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Owned {
    /// So many are named.
    pub const MOST: usize = 20;

    /// "3 things (table orders, …)", or `None` for nothing.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        let named = self.things.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = if self.count > 5 { ", …" } else { "" };
        match self.count {
            0 => None,
            1 => Some(named),
            count => Some(format!("{count} things: {named}{more}")),
        }
    }
}

/// A password that was set, told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSet {
    /// Whose; the protected user has another name afterwards.
    pub user: String,
    /// The new password. Shown once, never logged.
    pub password: String,
    /// It was made up here.
    pub generated: bool,
    /// The operation that makes it known, for the protected user.
    pub operation: Option<OperationId>,
}
