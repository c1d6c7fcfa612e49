//! The range as an address and as the fields of the form have it; `crate::address` reads it back. Pure.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use types::metric::Range;

/// As `<input type="datetime-local">` writes it.
const FIELD: &str = "%Y-%m-%dT%H:%M";

/// The range in an address, after the `?`.
#[must_use]
pub fn query(range: Range) -> String {
    match range {
        Range::Between(from, to) => {
            let told = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("range={}&from={}&to={}", range.key(), told(from), told(to))
        }
        named => format!("range={}", named.key()),
    }
}

/// A moment as `<input type="datetime-local">` has it.
#[must_use]
pub fn field(at: DateTime<Utc>) -> String {
    at.format(FIELD).to_string()
}

/// Whether `<input type="datetime-local">` takes this text.
#[must_use]
pub fn is_field(text: &str) -> bool {
    NaiveDateTime::parse_from_str(text, FIELD).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stands_in_an_address() {
        assert_eq!(query(Range::Week), "range=7d");
        let (from, to) = ("2026-11-27T08:00:00Z".parse().unwrap(), "2026-11-27T14:00:00Z".parse().unwrap());
        let told = query(Range::Between(from, to));
        assert_eq!(told, "range=custom&from=2026-11-27T08:00:00Z&to=2026-11-27T14:00:00Z");
        assert_eq!(field(from), "2026-11-27T08:00");
        assert!(is_field(&field(from)) && !is_field("soon"));
    }
}
