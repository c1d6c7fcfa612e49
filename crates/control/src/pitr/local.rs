//! A moment as people type it: a day, a time to the second, and a time zone.
//!
//! On the day when clocks go back a time exists twice: the first one is meant. On the day when they go forward some do not
//! exist: that is said, not guessed.

use crate::{Error, Result};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The moment.
///
/// # Errors
/// `Invalid` on `date`, `time` or `zone`.
pub fn moment(date: &str, time: &str, zone: &str) -> Result<DateTime<Utc>> {
    let date: NaiveDate =
        date.trim().parse().map_err(|_| Error::invalid("date", "Choose a day, like 2026-11-28."))?;
    let time = time.trim();
    let read = |format| NaiveTime::parse_from_str(time, format);
    let time = read("%H:%M:%S%.f")
        .or_else(|_| read("%H:%M"))
        .map_err(|_| Error::invalid("time", "Type a time, like 10:14:03."))?;
    let zone = self::zone(zone)?;
    zone.from_local_datetime(&date.and_time(time)).earliest().map(|at| at.with_timezone(&Utc)).ok_or_else(
        || {
            Error::invalid(
                "time",
                format!("This time does not exist on that day in {}: clocks went forward.", zone.name()),
            )
        },
    )
}

/// A moment as clocks in a zone showed it: `2026-11-28 10:14:03 CET`.
///
/// # Errors
/// `Invalid` on `zone`.
pub fn told(moment: DateTime<Utc>, zone: &str) -> Result<String> {
    Ok(moment.with_timezone(&self::zone(zone)?).format("%Y-%m-%d %H:%M:%S %Z").to_string())
}

fn zone(zone: &str) -> Result<Tz> {
    zone.trim().parse().map_err(|_| Error::invalid("zone", "Choose a time zone like Europe/Paris or UTC."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(date: &str, time: &str, zone: &str) -> std::result::Result<String, String> {
        moment(date, time, zone)
            .map(|at| at.format("%Y-%m-%d %H:%M:%S%.f").to_string())
            .map_err(|error| error.problem().fields[0].field.clone())
    }

    #[test]
    fn a_time_is_of_its_zone() {
        assert_eq!(of("2026-11-28", "10:14:03", "UTC").unwrap(), "2026-11-28 10:14:03");
        assert_eq!(of("2026-11-28", "10:14", "Europe/Paris").unwrap(), "2026-11-28 09:14:00");
        assert_eq!(of("2026-11-28", "10:14:03.25", "UTC").unwrap(), "2026-11-28 10:14:03.250");
        assert_eq!(
            told(moment("2026-11-28", "10:14", "Europe/Paris").unwrap(), "Europe/Paris").unwrap(),
            "2026-11-28 10:14:00 CET"
        );
    }

    #[test]
    fn days_when_clocks_change() {
        assert_eq!(
            of("2026-10-25", "02:30:00", "Europe/Paris").unwrap(),
            "2026-10-25 00:30:00",
            "the first of two"
        );
        assert_eq!(of("2026-03-29", "02:30:00", "Europe/Paris"), Err("time".into()));
    }

    #[test]
    fn what_is_no_moment_is_refused_at_its_field() {
        assert_eq!(of("yesterday", "10:14", "UTC"), Err("date".into()));
        assert_eq!(of("2026-11-28", "25:00", "UTC"), Err("time".into()));
        assert_eq!(of("2026-11-28", "10:14", "Mars/Olympus"), Err("zone".into()));
    }
}
