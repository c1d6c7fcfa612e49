//! What the page of running queries was asked for, as its address has it. Pure.

use serde::{Deserialize, Serialize};
use types::{
    connect::quote::url,
    query::{SessionFilter, SessionOrder},
};

/// Seconds between two looks that the bar offers; 0: none.
pub const EVERY: [(u32, &str); 4] = [(1, "1 s"), (5, "5 s"), (10, "10 s"), (0, "Paused")];

/// Without a word in the address.
const USUAL: u32 = 5;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asked {
    /// Seconds between two looks; 0: none.
    pub every_s: u32,
    /// Which sessions, and how.
    pub filter: SessionFilter,
    /// The process whose commands are shown.
    pub commands: Option<i32>,
}

impl Asked {
    /// From an address: `get` answers the value of a name.
    #[must_use]
    pub fn of(get: impl Fn(&str) -> Option<String>) -> Self {
        let text = |name| get(name).unwrap_or_default().trim().to_owned();
        let every = get("refresh").and_then(|seconds| seconds.parse().ok());
        let every_s =
            every.filter(|seconds| EVERY.iter().any(|(known, _)| known == seconds)).unwrap_or(USUAL);
        let filter = SessionFilter {
            idle: get("idle").is_some_and(|idle| idle == "1"),
            text: text("q"),
            user: text("user"),
            state: text("state"),
            order: SessionOrder::named(&text("sort")),
        };
        let commands = get("commands").and_then(|pid| pid.parse().ok());
        Self { every_s, filter, commands }
    }

    /// As it stands in an address, after the `?`; what is usual is left out.
    #[must_use]
    pub fn query(&self) -> String {
        let SessionFilter { idle, text, user, state, order } = &self.filter;
        let sort = SessionOrder::ALL.iter().find(|(known, ..)| known == order).map(|(_, key, _)| *key);
        let pairs = [
            ("refresh", (self.every_s != USUAL).then(|| self.every_s.to_string())),
            ("idle", idle.then(|| "1".to_owned())),
            ("q", (!text.is_empty()).then(|| url(text))),
            ("user", (!user.is_empty()).then(|| url(user))),
            ("state", (!state.is_empty()).then(|| url(state))),
            ("sort", sort.filter(|_| *order != SessionOrder::default()).map(ToOwned::to_owned)),
            ("commands", self.commands.map(|pid| pid.to_string())),
        ];
        let told = pairs.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        told.collect::<Vec<_>>().join("&")
    }

    /// The page's address.
    #[must_use]
    pub fn href(&self, id: &str) -> String {
        let query = self.query();
        if query.is_empty() {
            format!("/databases/{id}/queries")
        } else {
            format!("/databases/{id}/queries?{query}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked() {
        let get = |name: &str| {
            let pairs =
                [("refresh", "1"), ("idle", "1"), ("q", "a & b"), ("sort", "pid"), ("state", "active")];
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let asked = Asked::of(get);
        assert_eq!((asked.every_s, asked.filter.order), (1, SessionOrder::Pid));
        assert_eq!(asked.query(), "refresh=1&idle=1&q=a%20%26%20b&state=active&sort=pid");
        let with = Asked { commands: Some(7), ..Asked::of(|_| None) };
        assert_eq!(with.href("ad-1"), "/databases/ad-1/queries?commands=7");
        assert_eq!(Asked::of(|name| (name == "commands").then(|| "7; x".into())).commands, None);
        assert_eq!(Asked::of(|_| None).href("ad-1"), "/databases/ad-1/queries");
        assert_eq!(Asked::of(|_| Some("7".into())).every_s, 5, "what is not offered");
    }
}
