//! PostgreSQL versions: `17.11` is major 17, minor 11 (since PostgreSQL 10, manual section "Versioning Policy").

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A PostgreSQL version. Ordered: a later version is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PgVersion {
    /// Compatibility of data directories ends here.
    pub major: u16,
    /// Fixes; same data directory.
    pub minor: u16,
}

/// The text was not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PostgreSQL version looks like 17.11")]
pub struct NotAVersion;

impl PgVersion {
    /// `PgVersion::new(17, 11)` is 17.11.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// The form that public clients know: `17.11.0-1` (patch is always 0 for PostgreSQL).
    #[must_use]
    pub fn readable(self) -> String {
        format!("{self}.0-1")
    }

    /// Reads the version that a client may send: `17`, `17.11`, `17.11.0` or `17.11.0-1`; a missing minor is `None`.
    ///
    /// # Errors
    /// The text is none of these.
    pub fn parse_request(text: &str) -> Result<(u16, Option<u16>), NotAVersion> {
        let text = text.split_once('-').map_or(text, |(version, _build)| version);
        let mut parts = text.splitn(3, '.').map(number);
        let major = parts.next().ok_or(NotAVersion)??;
        let minor = parts.next().transpose()?;
        match parts.next().transpose()? {
            None | Some(0) => Ok((major, minor)),
            Some(_) => Err(NotAVersion),
        }
    }
}

fn number(text: &str) -> Result<u16, NotAVersion> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then_some(text).and_then(|t| t.parse().ok()).ok_or(NotAVersion)
}

impl FromStr for PgVersion {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (major, minor) = text.split_once('.').ok_or(NotAVersion)?;
        Ok(Self::new(number(major)?, number(minor)?))
    }
}

impl fmt::Display for PgVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for PgVersion {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PgVersion {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_and_round_trip() {
        let (a, b): (PgVersion, PgVersion) = ("17.9".parse().unwrap(), "17.11".parse().unwrap());
        assert!(a < b);
        assert_eq!(b.to_string(), "17.11");
        assert_eq!(b.readable(), "17.11.0-1");
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for bad in ["", "17", "17.", ".11", "17.x", "17.-1", "17.11.0", "../17.1", "99999.1"] {
            assert!(bad.parse::<PgVersion>().is_err(), "{bad}");
        }
    }

    #[test]
    fn clients_may_ask_for_less_or_more() {
        assert_eq!(PgVersion::parse_request("17"), Ok((17, None)));
        assert_eq!(PgVersion::parse_request("17.11.0-1"), Ok((17, Some(11))));
        assert!(PgVersion::parse_request("17.11.3").is_err());
        assert!(PgVersion::parse_request("seventeen").is_err());
    }
}
