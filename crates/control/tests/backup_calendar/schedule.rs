//! One slot per local day in every zone, and never two backups of a day, whatever clocks, outages and people do.

use crate::dice::Dice;
use chrono::{DateTime, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use control::backup::schedule::{Schedule, Zone, due, next, spread};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use types::DatabaseId;

fn day(date: &str) -> DateTime<Utc> {
    format!("{date}T00:00:00Z").parse().unwrap()
}

/// Days of UTC around which the zone's clocks are set, and every 61st.
fn days_to_look_at(zone: Zone, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let days = (to - from).num_days();
    let all = (0..days).map(|n| (n, from + TimeDelta::days(n)));
    all.filter(|(n, at)| n % 61 == 0 || offset(*at) != offset(*at + TimeDelta::days(1)))
        .map(|(_, at)| at)
        .collect()
}

/// The first moments of each hour of each local day that a clock on the wall shows from two days before to two days
/// after, found by looking at the clock every quarter of an hour.
fn looked_up(zone: Zone, around: DateTime<Utc>) -> BTreeMap<(NaiveDate, u8), DateTime<Utc>> {
    let mut found = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut days = BTreeSet::new();
    for step in -2 * 96..2 * 96 {
        let at = around + TimeDelta::minutes(15 * step);
        let local = at.with_timezone(&zone).naive_local();
        if days.insert(local.date()) {
            open.extend((0..24_u8).map(|hour| (local.date(), hour)));
        }
        let shown = |(date, hour): &(NaiveDate, u8)| date.and_hms_opt((*hour).into(), 0, 0).unwrap() <= local;
        let reached: Vec<_> = open.iter().take_while(|wanted| shown(wanted)).copied().collect();
        for wanted in reached {
            open.remove(&wanted);
            found.insert(wanted, at);
        }
    }
    // The first day was entered somewhere in its middle.
    let first = *days.first().unwrap();
    found.retain(|(date, _), _| *date > first);
    found
}

/// Tells how many times a zone left out a day.
fn every_day_has_its_slot(from: &str, to: &str) -> usize {
    let mut odd = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        for around in days_to_look_at(zone, day(from), day(to)) {
            let expected = looked_up(zone, around);
            let dates: BTreeSet<_> = expected.keys().map(|(date, _)| *date).collect();
            let left_out =
                dates.iter().zip(dates.iter().skip(1)).any(|(one, then)| one.succ_opt() != Some(*then));
            odd += usize::from(left_out);
            for hour in 0..24 {
                let schedule = Schedule::new(true, hour, zone.name()).unwrap();
                let wanted: Vec<_> = dates
                    .iter()
                    .filter_map(|date| expected.get(&(*date, hour)).map(|at| (*date, *at)))
                    .collect();
                let mut after = wanted[0].1 - TimeDelta::seconds(1);
                for (date, at) in wanted {
                    let slot = next(&schedule, TimeDelta::zero(), after).unwrap();
                    assert_eq!(slot, at, "{zone} {date} {hour}:00");
                    let due = due(&schedule, TimeDelta::zero(), None, after, slot).unwrap();
                    assert_eq!((due.slot, due.local_day), (at, date), "{zone} {hour}:00");
                    after = slot;
                }
            }
        }
    }
    odd
}

#[test]
fn every_zone_has_one_slot_on_every_day_of_two_years() {
    every_day_has_its_slot("2026-01-01", "2028-01-01");
}

#[test]
fn so_it_was_when_samoa_left_out_a_day() {
    let odd = every_day_has_its_slot("2011-12-20", "2012-01-10");
    assert!(odd > 0, "Samoa left out no day: the walk did not see it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn slots_follow_each_other_day_by_day(zone in 0..chrono_tz::TZ_VARIANTS.len(), hour in 0..24_u8, id in any::<u128>()) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let schedule = Schedule::new(true, hour, zone.name()).unwrap();
        let spread = spread(DatabaseId::new(uuid::Uuid::from_u128(id)));
        prop_assert!((0..30).contains(&spread.num_minutes()));
        let mut slot = next(&schedule, spread, day("2026-01-01")).unwrap();
        for _ in 0..730 {
            let found = due(&schedule, spread, None, slot, slot).unwrap();
            prop_assert_eq!(found.slot, slot);
            let then = next(&schedule, spread, slot).unwrap();
            prop_assert!(then > slot);
            // Between the two nothing is due, and at the second it is the next day's.
            prop_assert_eq!(due(&schedule, spread, Some(slot), slot, then - TimeDelta::seconds(1)), None);
            let second = due(&schedule, spread, Some(slot), slot, then).unwrap();
            prop_assert_eq!(Some(second.local_day), found.local_day.succ_opt());
            prop_assert!(!second.late);
            slot = then;
        }
    }

    /// Four months, looked at every ten minutes: the server is down for hours or days, its clock is set two hours ahead
    /// or back, and people change hour and zone.
    #[test]
    fn no_day_has_two_backups_and_none_is_forgotten(seed in any::<u64>(), changes in prop::sample::select(vec![0, 40, 1200])) {
        let mut dice = Dice(seed);
        let zones = ["Europe/Paris", "UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe",
            "America/Nuuk", "Africa/Casablanca", "Asia/Kathmandu", "America/Havana"];
        let spread = TimeDelta::minutes(i64::try_from(dice.below(30)).unwrap());
        let mut schedule = Schedule::default();
        let born = day("2026-02-01") + TimeDelta::minutes(i64::try_from(dice.below(1440)).unwrap());
        let (mut last, mut keys, mut fired) = (None::<(DateTime<Utc>, NaiveDate, Schedule)>, BTreeSet::new(), 0);
        let (mut down_until, mut clock) = (born, TimeDelta::zero());
        for tick in 0..120 * 144 {
            let real = born + TimeDelta::minutes(10 * tick);
            if dice.one_in(500) {
                clock = TimeDelta::hours(dice.of(&[-2, 0, 2]));
            }
            if dice.one_in(1500) {
                down_until = real + TimeDelta::minutes(10 * i64::try_from(dice.below(900)).unwrap());
            }
            if changes > 0 && dice.one_in(changes) {
                let hour = u8::try_from(dice.below(24)).unwrap();
                schedule = Schedule::new(true, hour, dice.of(&zones)).unwrap();
            }
            if real < down_until {
                continue;
            }
            let now = real + clock;
            if let Some(found) = due(&schedule, spread, last.map(|(slot, ..)| slot), born, now) {
                prop_assert!(found.slot <= now && found.slot >= born);
                prop_assert_eq!(found.late, now - found.slot > TimeDelta::hours(1));
                prop_assert!(keys.insert(found.slot_key()), "{} again", found.slot_key());
                if let Some((last, day_of_last, of)) = last {
                    prop_assert!(found.slot > last);
                    // A slot of 23:00 may lie in the next day (clocks go forward at 23:00); only its own schedule knows.
                    let shown = last.with_timezone(&schedule.zone()).date_naive();
                    let day_of_last = if of == schedule { day_of_last } else { shown };
                    prop_assert!(day_of_last < found.local_day, "two on {}", found.slot_key());
                }
                // The newest one: the next is not due yet.
                prop_assert!(next(&schedule, spread, found.slot).unwrap() > now);
                last = Some((found.slot, found.local_day, schedule));
                fired += 1;
            }
            // Two days, an hour of daylight saving, two of the clock, the spread, and a tick.
            let without = now - last.map_or(born, |(slot, ..)| slot);
            prop_assert!(without <= TimeDelta::minutes(51 * 60 + 40), "{without} without a backup at {now}");
        }
        prop_assert!(fired > 60, "{}", fired);
    }
}
