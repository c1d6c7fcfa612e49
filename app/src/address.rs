//! The ids and ranges in addresses and forms: text from outside, read once, at the door.
//!
//! What is no id names nothing: the answer is the same "not found" as for what belongs to somebody else. How long a
//! range may be is the core's to say; here is only what cannot be read at all.

use crate::error::AppError;
use chrono::{DateTime, Utc};
use types::{AddonId, OperationId, metric::Range};

/// The database that an address names.
///
/// # Errors
/// Not found.
pub fn database(text: &str) -> Result<AddonId, AppError> {
    text.parse().map_err(|_| AppError::not_found("database"))
}

/// The operation that an address names.
///
/// # Errors
/// Not found.
pub fn operation(text: &str) -> Result<OperationId, AppError> {
    text.parse().map_err(|_| AppError::not_found("operation"))
}

/// The range of `?range=6h`, or of `?range=custom&from=2026-11-27T08:00&to=2026-11-27T14:00` in UTC; a day when the
/// address names none.
///
/// # Errors
/// A field that is empty or no time; an end that is not after the beginning.
pub fn range(range: Option<&str>, from: Option<&str>, to: Option<&str>) -> Result<Range, AppError> {
    let filled = |text: Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
    if range != Some("custom") && !filled(from) && !filled(to) {
        return Ok(range.and_then(Range::named).unwrap_or_default());
    }
    let from = moment("from", from, "the beginning")?;
    let to = moment("to", to, "the end")?;
    if from >= to {
        return Err(AppError::field("to", "The end must be after the beginning."));
    }
    Ok(Range::Between(from, to))
}

/// A moment that may be left out.
///
/// # Errors
/// The field's, when it is no time.
pub fn optional_moment(field: &str, text: &str) -> Result<Option<DateTime<Utc>>, AppError> {
    if text.trim().is_empty() { Ok(None) } else { moment(field, Some(text), "a time").map(Some) }
}

/// The page of running queries to come back to; `page` is what stood behind its `?`. What could lead elsewhere is left out.
#[must_use]
pub fn queries(id: &str, page: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "=&%-_.~+".contains(c);
    match page {
        page if page.is_empty() || !page.chars().all(plain) => format!("/databases/{id}/queries"),
        page => format!("/databases/{id}/queries?{page}"),
    }
}

fn moment(field: &str, text: Option<&str>, what: &str) -> Result<DateTime<Utc>, AppError> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Err(AppError::field(field, format!("Enter {what}, as date and time in UTC.")));
    }
    types::moment::typed(text).ok_or_else(|| {
        AppError::field(field, format!("“{text}” is no time. Write it like 2026-11-27T14:00, in UTC."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::ProblemKind;

    fn wrong(kind: Option<&str>, from: Option<&str>, to: Option<&str>) -> String {
        range(kind, from, to).unwrap_err().0.fields[0].field.clone()
    }

    #[test]
    fn an_address_names_a_range() {
        assert_eq!(range(None, None, None).unwrap(), Range::Day);
        assert_eq!(range(Some("6h"), None, Some("")).unwrap(), Range::SixHours);
        assert_eq!(range(Some("soon"), None, None).unwrap(), Range::Day);
        let custom = range(Some("custom"), Some("2026-11-27T08:00"), Some("2026-11-27T14:00:00Z")).unwrap();
        let Range::Between(from, to) = custom else { panic!("{custom:?}") };
        assert_eq!((to - from).num_hours(), 6);
    }

    #[test]
    fn what_is_wrong_with_a_range_is_said_at_its_field() {
        assert_eq!(wrong(Some("custom"), None, Some("2026-11-27T14:00")), "from");
        assert_eq!(wrong(None, Some("2026-11-27T14:00"), None), "to");
        assert_eq!(wrong(None, Some("yesterday"), Some("2026-11-27T14:00")), "from");
        assert_eq!(wrong(None, Some("2026-11-27T14:00"), Some("2026-11-27T14:00")), "to");
    }

    #[test]
    fn what_is_no_id_is_not_found() {
        for text in ["", "ad-1", "../settings", "op-0198aaaa-0000-7000-8000-000000000000"] {
            assert_eq!(database(text).unwrap_err().0.kind, ProblemKind::NotFound, "{text}");
        }
        assert!(operation("op-0198aaaa-0000-7000-8000-000000000000").is_ok());
    }
}
