//! Whether a database's periodic backups come as they should: healthy, delayed or stale, with the sentence for it.
//!
//! Any good backup counts, also one made by hand: what matters is how much would be lost.

use super::schedule::{self, Schedule, believed};
use chrono::{DateTime, TimeDelta, Utc};
use types::Plan;

/// A backup that is missing for longer than this is delayed.
const DELAYED: TimeDelta = TimeDelta::hours(12);

/// A backup that is missing for longer than this leaves what is kept stale.
const STALE: TimeDelta = TimeDelta::hours(24);

/// How it stands with the backups of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The newest backup is there, or not long overdue.
    Healthy,
    /// It is missing for more than 12 hours.
    Delayed,
    /// It is missing for more than 24 hours.
    Stale,
}

/// A state, and how it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Where it stands.
    pub state: State,
    /// "The last backup is 5 hours old."
    pub sentence: String,
}

impl State {
    /// The word of the API's events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Delayed => "delayed",
            Self::Stale => "stale",
        }
    }
}

/// How it stands at `now`; nothing where the plan has no periodic backups or the owner switched them off.
///
/// `since` is from when the schedule holds, as for [`schedule::due`]; `last_good` is when the newest good backup was
/// made.
#[must_use]
pub fn health(
    plan: &Plan,
    schedule: &Schedule,
    spread: TimeDelta,
    since: DateTime<Utc>,
    last_good: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<Health> {
    if plan.daily_backups == 0 {
        return None;
    }
    let (since, last_good) = (believed(Some(since), now), believed(last_good, now));
    // The first slot that had to bring a newer one than there is. A database without any belief owes one from now on.
    let from = last_good.max(since).unwrap_or(now);
    let missing = now - schedule::next(schedule, spread, from)?;
    let state = match missing {
        missing if missing > STALE => State::Stale,
        missing if missing > DELAYED => State::Delayed,
        _ => State::Healthy,
    };
    let age = last_good.map(|at| hours(now - at));
    let sentence = match (state, age) {
        (State::Healthy, Some(age)) => format!("The last backup is {age} old."),
        (State::Healthy, None) => "The first backup has not been made yet.".into(),
        (_, Some(age)) => {
            format!("A backup has been missing for {}; the last good one is {age} old.", hours(missing))
        }
        (_, None) => {
            format!("The first backup has been missing for {}; there is none to restore.", hours(missing))
        }
    };
    Some(Health { state, sentence })
}

fn hours(time: TimeDelta) -> String {
    match (time.num_hours(), time.num_days()) {
        (..=0, _) => "less than an hour".into(),
        (1, _) => "1 hour".into(),
        (hours, ..=2) => format!("{hours} hours"),
        (_, days) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn told(last_good: Option<&str>, now: &str) -> (State, String) {
        let (plan, schedule) = (&Plan::defaults()[1], Schedule::new(true, 1, "UTC").unwrap());
        let born = at("2026-11-20T10:00:00Z");
        let health = health(plan, &schedule, TimeDelta::zero(), born, last_good.map(at), at(now)).unwrap();
        (health.state, health.sentence)
    }

    #[test]
    fn a_missing_backup_is_delayed_and_then_stale() {
        let last = Some("2026-11-22T01:00:10Z");
        for (now, state, sentence) in [
            ("2026-11-22T06:30:00Z", State::Healthy, "The last backup is 5 hours old."),
            ("2026-11-22T01:00:00Z", State::Healthy, "The last backup is less than an hour old."),
            ("2026-11-23T13:00:00Z", State::Healthy, "The last backup is 35 hours old."),
            (
                "2026-11-23T13:00:01Z",
                State::Delayed,
                "A backup has been missing for 12 hours; the last good one is 35 hours old.",
            ),
            (
                "2026-11-26T02:00:00Z",
                State::Stale,
                "A backup has been missing for 3 days; the last good one is 4 days old.",
            ),
        ] {
            assert_eq!(told(last, now), (state, sentence.into()), "{now}");
        }
    }

    #[test]
    fn a_database_that_never_had_one_is_told_so() {
        assert_eq!(told(None, "2026-11-20T12:00:00Z").1, "The first backup has not been made yet.");
        let (state, sentence) = told(None, "2026-11-22T02:00:00Z");
        assert_eq!(state, State::Stale);
        assert_eq!(sentence, "The first backup has been missing for 25 hours; there is none to restore.");
        // A backup "of next year" proves nothing.
        assert_eq!(told(Some("2027-11-22T02:00:00Z"), "2026-11-22T02:00:00Z").0, State::Stale);
    }

    #[test]
    fn without_periodic_backups_nothing_is_missing() {
        let (plans, born) = (Plan::defaults(), at("2026-11-20T10:00:00Z"));
        let (schedule, now) = (Schedule::default(), at("2026-12-20T10:00:00Z"));
        let none = TimeDelta::zero();
        assert_eq!(health(&plans[0], &schedule, none, born, None, now), None);
        assert_eq!(health(&plans[1], &schedule.switched(false), none, born, None, now), None);
        assert!(health(&plans[1], &schedule, none, born, None, now).is_some());
    }
}
