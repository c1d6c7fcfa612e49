//! Who asks: a person, by which proof and from where, or the platform itself.
//!
//! An actor is made from the store at each request, so a right that was taken away is gone with the next one. It
//! serialises itself into the operation log and into nothing else.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use types::{AddonId, SessionId, TokenId, UserId};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Actor {
    /// A person.
    User {
        /// Their account.
        id: UserId,
        /// Their name at that time, for logs.
        username: String,
        /// Runs this Paddock.
        is_operator: bool,
        /// What proved it.
        via: Via,
        /// From where.
        ip: String,
    },
    /// The platform itself: schedules, keepers.
    System,
}

/// What proved who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "id")]
pub enum Via {
    /// A browser session.
    Session(SessionId),
    /// An API token.
    Token(TokenId),
    /// A bearer token for one database and nothing else.
    Database(AddonId),
}

/// The platform's name where people's names stand.
pub const PLATFORM: &str = "paddock";

impl Actor {
    /// The name for logs and pages.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::User { username, .. } => username,
            Self::System => PLATFORM,
        }
    }

    /// The person's account, whatever the proof.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::System => None,
        }
    }

    /// From where, empty for the platform.
    #[must_use]
    pub fn ip(&self) -> &str {
        match self {
            Self::User { ip, .. } => ip,
            Self::System => "",
        }
    }

    /// Runs this Paddock. A token for one database never carries that right.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        match self {
            Self::User { is_operator, via, .. } => *is_operator && !matches!(via, Via::Database(_)),
            Self::System => true,
        }
    }

    /// The only database that this proof opens, if it is for one.
    #[must_use]
    pub const fn only_addon(&self) -> Option<AddonId> {
        match self {
            Self::User { via: Via::Database(addon), .. } => Some(*addon),
            _ => None,
        }
    }

    /// The account, for what concerns the account itself: sessions, tokens, apps.
    ///
    /// # Errors
    /// `Forbidden` for the platform and for a token that is good for one database only.
    pub fn account(&self) -> Result<UserId> {
        match self {
            Self::User { via: Via::Database(_), .. } => Err(Error::Forbidden(
                "This token is for one database only. Use an API token of your account.".into(),
            )),
            Self::User { id, .. } => Ok(*id),
            Self::System => Err(Error::Forbidden("This needs a person's account.".into())),
        }
    }

    /// Whose Idempotency-Keys these are: one person's keys never meet another's.
    #[must_use]
    pub fn principal(&self) -> String {
        self.user_id().map_or_else(|| PLATFORM.into(), |id| id.to_string())
    }

    /// As the operation log keeps it.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        // Only strings, ids and a flag: it cannot fail. A null would read as the platform, see `from_json`.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Back from the operation log. What cannot be read was written by the platform.
    #[must_use]
    pub fn from_json(value: &serde_json::Value) -> Self {
        Self::deserialize(value).unwrap_or(Self::System)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(via: Via) -> Actor {
        let id = UserId::new(uuid::Uuid::from_u128(1));
        Actor::User { id, username: "ada".into(), is_operator: true, via, ip: "192.0.2.1".into() }
    }

    #[test]
    fn the_log_keeps_an_actor_whole() {
        let actor = user(Via::Token(TokenId::new(uuid::Uuid::from_u128(2))));
        assert_eq!(Actor::from_json(&actor.to_json()), actor);
        assert_eq!(Actor::from_json(&Actor::System.to_json()), Actor::System);
    }

    #[test]
    fn a_token_for_one_database_carries_no_other_right() {
        let actor = user(Via::Database(AddonId::new(uuid::Uuid::from_u128(3))));
        assert!(!actor.is_operator());
        assert!(matches!(actor.account(), Err(Error::Forbidden(_))));
    }
}
