//! Ids: a UUID with a kind, written with the kind's prefix (`ad-0198…`) wherever people or clients see it.
//!
//! The prefix is part of the wire contract: public clients tell an add-on's id from a type by `ad-`. A parse with
//! the wrong prefix fails, so an id of one kind cannot be handed in for another.

use serde::{Deserialize, Serialize};
use std::{fmt, marker::PhantomData, str::FromStr};
use uuid::Uuid;

/// A kind of thing that has ids.
pub trait Kind: 'static {
    /// What stands before the UUID, without the hyphen: two letters.
    const PREFIX: &'static str;
    /// What people call it, for error messages: "add-on".
    const NAME: &'static str;
}

/// An id of a thing of kind `K`.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// The text was not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the id of a {0}")]
pub struct NotAnId(&'static str);

impl<K> Id<K> {
    /// Gives `uuid` a kind.
    #[must_use]
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The bare UUID, as the store keeps it.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let uuid = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('-'));
        // Only the hyphenated form: one thing has one name.
        let uuid = uuid.filter(|rest| rest.len() == 36).and_then(|rest| Uuid::try_parse(rest).ok());
        uuid.map(Self::new).ok_or(NotAnId(K::NAME))
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", K::PREFIX, self.0)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

// Derives would ask the same of `K`, which is never held.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal, $name:literal;)*) => {$(
        $(#[$doc])*
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A person's account.
    UserKind, UserId, "us", "user";
    /// An app: databases and the variables that reach them.
    AppKind, AppId, "ap", "app";
    /// What is sold: a database with a plan, in an app.
    AddonKind, AddonId, "ad", "add-on";
    /// What an add-on runs; the identity file of its data directory names it.
    DatabaseKind, DatabaseId, "db", "database";
    /// One PostgreSQL server of a database, with a directory of its own. The first has its database's number, and identity
    /// files have always written it as that: so the prefix is the same.
    NodeKind, NodeId, "db", "node";
    /// A long change.
    OperationKind, OperationId, "op", "operation";
    /// An API token (not its secret).
    TokenKind, TokenId, "ti", "token";
    /// A browser session (not the secret in its cookie).
    SessionKind, SessionId, "se", "session";
    /// An invitation to an app.
    InvitationKind, InvitationId, "in", "invitation";
    /// An environment variable of an app.
    VariableKind, VariableId, "va", "variable";
    /// A network from which a database may be reached.
    NetworkKind, NetworkId, "nw", "network";
    /// A backup of a database.
    BackupKind, BackupId, "bk", "backup";
    /// A restore of a database to a moment, beside it.
    RestoreKind, RestoreId, "rs", "restore";
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "871546ad-943a-4929-9770-ec7c839d65f5";

    #[test]
    fn an_id_survives_text_and_json() {
        let id: AddonId = format!("ad-{UUID}").parse().unwrap();
        assert_eq!(id.to_string(), format!("ad-{UUID}"));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<AddonId>(&json).unwrap(), id);
    }

    #[test]
    fn another_kind_or_another_spelling_is_refused() {
        for text in ["", "ad-", UUID, &format!("us-{UUID}"), &format!("ad-{{{UUID}}}"), "ad-../../etc/passwd"]
        {
            assert!(text.parse::<AddonId>().is_err(), "{text}");
        }
        let simple = UUID.replace('-', "");
        assert!(format!("ad-{simple}").parse::<AddonId>().is_err());
    }
}
