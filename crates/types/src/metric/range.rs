//! From when to when charts go, and how that stands in an address.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The longest time that a chart shows: what is kept.
pub const LONGEST: TimeDelta = TimeDelta::days(400);

/// From when to when a chart goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// `1h`
    Hour,
    /// `6h`
    SixHours,
    /// `24h`
    #[default]
    Day,
    /// `7d`
    Week,
    /// `30d`
    Month,
    /// From one moment to another.
    Between(DateTime<Utc>, DateTime<Utc>),
}

impl Range {
    /// Those that have a button.
    pub const BUTTONS: [Self; 5] = [Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// As it stands in an address, and on its button; `custom` for two moments.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Between(..) => "custom",
        }
    }

    /// The range of this key, `custom` left out.
    #[must_use]
    pub fn named(key: &str) -> Option<Self> {
        Self::BUTTONS.into_iter().find(|range| range.key() == key)
    }

    /// Its two ends, seen from `now`.
    #[must_use]
    pub fn ends(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let back = match self {
            Self::Hour => TimeDelta::hours(1),
            Self::SixHours => TimeDelta::hours(6),
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
            Self::Between(from, to) => return (from, to),
        };
        (now - back, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_named_by_their_keys() {
        for range in Range::BUTTONS {
            assert_eq!(Range::named(range.key()), Some(range));
        }
        assert_eq!(Range::named("custom"), None);
    }
}
