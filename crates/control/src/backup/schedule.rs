//! When a periodic backup is due: once per local day, at an hour of a time zone.
//!
//! Reads no clock and starts nothing: `now` comes in, a moment goes out. A time that the day does not have (clocks go
//! forward) becomes the next one it has, a time that it has twice means the first, and a day that a zone left out has
//! none. What was missed during an outage is caught up once: the newest, not all of them.

use crate::{Error, error::Result};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use types::DatabaseId;

/// A time zone of the IANA database. UTC is one of them.
pub use chrono_tz::Tz as Zone;

/// A backup that begins later than this after its slot is told as late.
const LATE: TimeDelta = TimeDelta::hours(1);

/// Databases of the same hour begin spread over this many seconds.
const SPREAD_SECONDS: u128 = 30 * 60;

/// A moment that lies further ahead than this was written while the clock was wrong, and is not believed.
const BELIEVED_AHEAD: TimeDelta = TimeDelta::hours(24);

/// When a database is backed up: every day at an hour of a zone, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    enabled: bool,
    hour: u8,
    zone: Zone,
}

/// A backup that should begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it should have begun: what the next call gets as `last`.
    pub slot: DateTime<Utc>,
    /// The day of the schedule's zone that it is the backup of.
    pub local_day: NaiveDate,
    /// The zone of that day.
    pub zone: Zone,
    /// More than an hour has passed since.
    pub late: bool,
}

impl Due {
    /// What must be unique among the periodic backups of a database: `2026-11-28 Europe/Paris`. The zone is part of it
    /// because the same date of another zone is another day; [`due`] sees to it that a change of zone makes no second
    /// backup of a day.
    #[must_use]
    pub fn slot_key(&self) -> String {
        format!("{} {}", self.local_day, self.zone.name())
    }
}

impl Default for Schedule {
    /// 01:00 in central Europe, as the public documentation has it.
    fn default() -> Self {
        Self { enabled: true, hour: 1, zone: Zone::Europe__Paris }
    }
}

impl Schedule {
    /// `hour` (0 to 23) of the zone of this IANA name, from a form or from the store.
    ///
    /// # Errors
    /// `Invalid` on field `hour` or `zone`.
    pub fn new(enabled: bool, hour: u8, zone: &str) -> Result<Self> {
        if hour > 23 {
            return Err(Error::invalid("hour", "Choose an hour from 0 to 23."));
        }
        let zone = zone.parse().map_err(|_| {
            Error::invalid("zone", "There is no time zone of this name. Write one like Europe/Paris or UTC.")
        })?;
        Ok(Self { enabled, hour, zone })
    }

    /// The API's `periodic_backups_scheduled_at`: an hour of UTC, alone or as the only one of a list. Switched on.
    ///
    /// # Errors
    /// `Invalid` on that field: it is anything else.
    pub fn from_api(value: &serde_json::Value) -> Result<Self> {
        let refused = |message: &str| Error::invalid("periodic_backups_scheduled_at", message);
        let hour = match value.as_array().map(Vec::as_slice) {
            None => value,
            Some([hour]) => hour,
            Some(_) => return Err(refused("There is one backup a day: give exactly one hour.")),
        };
        match hour.as_u64().and_then(|hour| u8::try_from(hour).ok()).filter(|hour| *hour < 24) {
            Some(hour) => Ok(Self { enabled: true, hour, zone: Zone::UTC }),
            None => Err(refused("Give an hour of UTC as a whole number from 0 to 23.")),
        }
    }

    /// The same hour, switched on or off.
    #[must_use]
    pub const fn switched(self, enabled: bool) -> Self {
        Self { enabled, ..self }
    }

    /// Backups are made.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.enabled
    }

    /// The hour of the zone, 0 to 23.
    #[must_use]
    pub const fn hour(&self) -> u8 {
        self.hour
    }

    /// The zone; `zone().name()` is what the store keeps.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// The moment of the hour on a local day; nothing if the zone left that day out.
    fn moment(&self, day: NaiveDate) -> Option<DateTime<Utc>> {
        let first = instant(self.zone, day.and_time(NaiveTime::MIN))?;
        if local_day(self.zone, first) != day {
            return None;
        }
        instant(self.zone, day.and_hms_opt(self.hour.into(), 0, 0)?)
    }

    fn slot(&self, spread: TimeDelta, day: NaiveDate) -> Option<DateTime<Utc>> {
        self.moment(day)?.checked_add_signed(spread)
    }

    /// The local day of which a backup of slot `at` is. The slot of 23:00 of a day that ends at 23:00 lies in the next
    /// day; every other lies in its own. A slot of another hour or zone counts for the day it lies in.
    fn day_of(&self, spread: TimeDelta, at: DateTime<Utc>) -> NaiveDate {
        let day = local_day(self.zone, at);
        let before = day.pred_opt().filter(|before| self.slot(spread, *before) == Some(at));
        before.unwrap_or(day)
    }
}

/// How long after the hour this database begins: 0 to 30 minutes, the same every day.
#[must_use]
pub fn spread(database: DatabaseId) -> TimeDelta {
    // Ids end in random bits, whichever their version is.
    let seconds = database.uuid().as_u128() % SPREAD_SECONDS;
    TimeDelta::seconds(i64::try_from(seconds).unwrap_or(0))
}

/// The first slot after `after`; nothing where the schedule is switched off.
#[must_use]
pub fn next(schedule: &Schedule, spread: TimeDelta, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if !schedule.enabled {
        return None;
    }
    let first = local_day(schedule.zone, after).pred_opt()?;
    // The day before may end late, and one day may be left out.
    first.iter_days().take(5).find_map(|day| schedule.slot(spread, day).filter(|slot| *slot > after))
}

/// The backup that should begin at `now`, if any.
///
/// `last` is the slot of the newest periodic backup that was begun, however it ended; `since` is from when the schedule
/// holds: the database's creation, or when backups were switched on again if that is later (else switching on after
/// months would at once make "the missed one"). A `last` or `since` more than a day ahead of `now` is not believed, so
/// that a clock that was once years ahead does not end all backups; the store's key stops a second one of a day then.
#[must_use]
pub fn due(
    schedule: &Schedule,
    spread: TimeDelta,
    last: Option<DateTime<Utc>>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Due> {
    if !schedule.enabled {
        return None;
    }
    let done = believed(last, now).map(|last| (last, schedule.day_of(spread, last)));
    let since = believed(Some(since), now);
    let today = local_day(schedule.zone, now);
    // From the newest day back; a slot that waits for its spread, or a day left out, lets the one before be the newest.
    let days = (0..4).filter_map(|back| today.checked_sub_days(Days::new(back)));
    let (slot, local_day) = days
        .filter_map(|day| Some((schedule.slot(spread, day)?, day)))
        .find(|(slot, _)| *slot <= now)
        .filter(|(slot, _)| since.is_none_or(|since| *slot >= since))
        .filter(|(slot, day)| done.is_none_or(|(last, done)| *slot > last && *day > done))?;
    Some(Due { slot, local_day, zone: schedule.zone, late: now - slot > LATE })
}

/// The hour of UTC at which the backup of the day around `on` is made: the API's `periodic_backups_scheduled_at`. Zones
/// that are half an hour off UTC are told by the hour that has begun.
#[must_use]
pub fn hour_in_utc(schedule: &Schedule, on: DateTime<Utc>) -> u8 {
    let moment = instant_of(schedule, on).unwrap_or(on);
    u8::try_from(moment.hour()).unwrap_or(0)
}

/// `every day at 01:00 Europe/Paris (00:00 UTC today)`.
#[must_use]
pub fn told(schedule: &Schedule, now: DateTime<Utc>) -> String {
    if !schedule.enabled {
        return "never: periodic backups are switched off".into();
    }
    let at = format!("every day at {:02}:00 {}", schedule.hour, schedule.zone.name());
    match instant_of(schedule, now).filter(|_| schedule.zone != Zone::UTC) {
        Some(moment) => format!("{at} ({} UTC today)", moment.format("%H:%M")),
        None => at,
    }
}

/// A moment that may have been written while the clock was wrong; nothing if it surely was.
pub(super) fn believed(moment: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    moment.filter(|moment| moment.signed_duration_since(now) <= BELIEVED_AHEAD)
}

/// The date that a calendar on the wall of the zone shows.
pub(super) fn local_day(zone: Zone, at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

fn instant_of(schedule: &Schedule, on: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = local_day(schedule.zone, on);
    instant(schedule.zone, day.and_hms_opt(schedule.hour.into(), 0, 0)?)
}

/// The first moment at which the clock on the wall shows `local`, or the first after it where that is left out.
fn instant(zone: Zone, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(found) = zone.from_local_datetime(&local).earliest() {
        return Some(found.to_utc());
    }
    // It lies in a gap. No clock is further than 16 hours off UTC: halve the time around until the gap's end is found.
    let (mut before, mut after) = (-16 * 3600, 16 * 3600);
    while after - before > 1 {
        let middle = (before + after) / 2;
        let at = local.and_utc().checked_add_signed(TimeDelta::seconds(middle))?;
        if at.with_timezone(&zone).naive_local() < local { before = middle } else { after = middle }
    }
    local.and_utc().checked_add_signed(TimeDelta::seconds(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn paris(hour: u8) -> Schedule {
        Schedule::new(true, hour, "Europe/Paris").unwrap()
    }

    const NONE: TimeDelta = TimeDelta::zero();

    #[test]
    fn a_time_left_out_is_the_next_and_a_time_twice_is_the_first() {
        // Clocks go from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
        let slot = next(&paris(2), NONE, at("2026-03-28T12:00:00Z"));
        assert_eq!(slot, Some(at("2026-03-29T01:00:00Z")));
        let slot = next(&paris(2), NONE, at("2026-10-24T12:00:00Z"));
        assert_eq!(slot, Some(at("2026-10-25T00:00:00Z")));
        assert_eq!(next(&paris(2), NONE, at("2026-10-25T00:00:00Z")), Some(at("2026-10-26T01:00:00Z")));
    }

    #[test]
    fn a_day_that_a_zone_left_out_has_none() {
        // Samoa went over the date line: 30 December 2011 was not.
        let apia = Schedule::new(true, 5, "Pacific/Apia").unwrap();
        let slot = next(&apia, NONE, at("2011-12-29T12:00:00Z")).unwrap();
        assert_eq!(slot, at("2011-12-29T15:00:00Z"));
        assert_eq!(next(&apia, NONE, slot), Some(at("2011-12-30T15:00:00Z")));
        let due =
            due(&apia, NONE, Some(slot), at("2011-01-01T00:00:00Z"), at("2011-12-30T15:00:00Z")).unwrap();
        assert_eq!(due.slot_key(), "2011-12-31 Pacific/Apia");
    }

    #[test]
    fn a_day_that_ends_at_its_hour_has_its_slot_in_the_next() {
        // In Nuuk, 28 March 2026 had no 23:00: its clocks went to midnight.
        let (nuuk, born) = (Schedule::new(true, 23, "America/Nuuk").unwrap(), at("2026-01-01T00:00:00Z"));
        let [first, second] = ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"].map(at);
        let found = due(&nuuk, NONE, None, born, first).unwrap();
        assert_eq!((found.slot, found.slot_key().as_str()), (first, "2026-03-28 America/Nuuk"));
        let found = due(&nuuk, NONE, Some(first), born, second).unwrap();
        assert_eq!((found.slot, found.slot_key().as_str()), (second, "2026-03-29 America/Nuuk"));
    }

    #[test]
    fn only_the_newest_missed_one_is_caught_up() {
        let (schedule, born) = (Schedule::default(), at("2026-01-01T12:00:00Z"));
        let now = at("2026-01-10T09:00:00Z");
        let due_now = |last| due(&schedule, NONE, last, born, now);
        let found = due_now(Some(at("2026-01-05T00:00:00Z"))).unwrap();
        assert_eq!((found.slot, found.late), (at("2026-01-10T00:00:00Z"), true));
        assert_eq!(found.slot_key(), "2026-01-10 Europe/Paris");
        assert_eq!(due_now(Some(found.slot)), None);
        assert!(!due(&schedule, NONE, None, born, at("2026-01-02T00:30:00Z")).unwrap().late);
        // Before its creation there was nothing to back up, and what is switched off is never due.
        assert_eq!(due(&schedule, NONE, None, born, at("2026-01-01T13:00:00Z")), None);
        assert_eq!(due(&schedule.switched(false), NONE, None, born, now), None);
        assert_eq!(next(&schedule.switched(false), NONE, now), None);
    }

    #[test]
    fn a_clock_that_was_years_ahead_does_not_end_backups() {
        let (schedule, now) = (Schedule::default(), at("2026-01-10T00:10:00Z"));
        let wrong = at("2031-01-10T00:00:00Z");
        assert!(due(&schedule, NONE, Some(wrong), wrong, now).is_some());
        // Two hours ahead is believed: the backup of today was made.
        assert_eq!(due(&schedule, NONE, Some(now + TimeDelta::hours(2)), wrong, now), None);
    }

    #[test]
    fn a_schedule_is_told_in_its_zone_and_in_utc() {
        let winter = at("2026-11-28T08:00:00Z");
        assert_eq!(told(&Schedule::default(), winter), "every day at 01:00 Europe/Paris (00:00 UTC today)");
        let summer = at("2026-07-01T08:00:00Z");
        assert_eq!(told(&Schedule::default(), summer), "every day at 01:00 Europe/Paris (23:00 UTC today)");
        let kolkata = Schedule::new(true, 1, "Asia/Kolkata").unwrap();
        assert_eq!(told(&kolkata, winter), "every day at 01:00 Asia/Kolkata (19:30 UTC today)");
        let utc = Schedule::new(true, 3, "UTC").unwrap();
        assert_eq!(told(&utc, winter), "every day at 03:00 UTC");
        assert_eq!(told(&utc.switched(false), winter), "never: periodic backups are switched off");
        let hours = [Schedule::default(), kolkata, utc].map(|schedule| hour_in_utc(&schedule, winter));
        assert_eq!(hours, [0, 19, 3]);
    }

    #[test]
    fn the_api_gives_one_hour_of_utc() {
        for value in [json!(3), json!([3])] {
            assert_eq!(Schedule::from_api(&value).unwrap(), Schedule::new(true, 3, "UTC").unwrap());
        }
        for value in
            [json!(24), json!(-1), json!(3.5), json!("3"), json!([]), json!([1, 2]), json!([24]), json!(null)]
        {
            let Err(Error::Invalid(fields)) = Schedule::from_api(&value) else { panic!("{value} was taken") };
            assert_eq!(fields[0].field, "periodic_backups_scheduled_at");
        }
        assert!(Schedule::new(true, 24, "UTC").is_err() && Schedule::new(true, 1, "Europe/Nowhere").is_err());
    }

    #[test]
    fn databases_are_spread_over_half_an_hour() {
        let ids = (0..600_u128).map(|n| DatabaseId::new(uuid::Uuid::from_u128(n * 0x9E37_79B9_7F4A_7C15)));
        let minutes: std::collections::BTreeSet<_> = ids.map(|id| spread(id).num_minutes()).collect();
        assert_eq!(minutes, (0..30).collect());
    }
}
