//! Moments as people type them and as browsers send them: date and time, in UTC where nothing else is said.

use chrono::{DateTime, NaiveDateTime, Utc};

/// `2026-11-27T14:00`, `2026-11-27 14:00`, or with a zone as RFC 3339 has it; `None`: it is no time.
#[must_use]
pub fn typed(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let local = || {
        let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
        formats.into_iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
    };
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    exact.or_else(|| local().map(|at| at.and_utc()))
}
