//! The rules of keeping, one by one, with dates that can be checked against a calendar.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc, Weekday};
use control::backup::{
    retention::{Kept, Label, Rules, Why, expired, oldest_manual_goes, why_kept},
    schedule::Zone,
};
use std::collections::BTreeSet;
use types::{BackupId, BackupMethod, Plan};

fn at(text: &str) -> DateTime<Utc> {
    let full = if text.len() == 10 { format!("{text}T01:00:00Z") } else { text.to_owned() };
    full.parse().unwrap()
}

fn backup(n: u128, made_at: DateTime<Utc>, method: BackupMethod, good: bool) -> Kept {
    Kept {
        id: BackupId::new(uuid::Uuid::from_u128(n)),
        made_at,
        method,
        good,
        proven: false,
        refuted_at: None,
    }
}

/// A good periodic one at 01:00 of every day.
fn daily(from: &str, to: &str) -> Vec<Kept> {
    let days = (at(to) - at(from)).num_days();
    let all = (0..=days).map(|n| at(from) + TimeDelta::days(n));
    all.enumerate().map(|(n, made_at)| backup(n as u128, made_at, BackupMethod::Periodic, true)).collect()
}

fn starter() -> Rules {
    Rules::of(&Plan::defaults()[1])
}

fn business() -> Rules {
    let plan = Plan {
        nodes: 2,
        weekly_backups: 8,
        monthly_backups: 12,
        manual_backups: 50,
        ..Plan::defaults()[1].clone()
    };
    Rules::of(&plan)
}

fn stays(rules: &Rules, all: &[Kept], now: &str) -> BTreeSet<NaiveDate> {
    let goes = expired(rules, Zone::UTC, all, at(now), None);
    let stays = all.iter().filter(|one| goes.iter().all(|(id, _)| *id != one.id));
    stays.map(|one| one.made_at.date_naive()).collect()
}

fn days(text: &str) -> BTreeSet<NaiveDate> {
    text.split(' ').map(|day| day.parse().unwrap()).collect()
}

#[test]
fn seven_days_and_four_sundays_at_any_hour() {
    // 22 November 2026 is a Sunday.
    let all = daily("2026-01-01", "2026-11-25");
    let after = "2026-11-25 2026-11-24 2026-11-23 2026-11-22 2026-11-21 2026-11-20 2026-11-19 2026-11-15 2026-11-08 2026-11-01";
    for hour in ["01:00:00", "12:00:00", "23:59:59"] {
        assert_eq!(stays(&starter(), &all, &format!("2026-11-25T{hour}Z")), days(after), "{hour}");
    }
    // Before the next one is made there are still seven.
    assert_eq!(stays(&starter(), &all, "2026-11-26T00:30:00Z"), days(after));
    // On a Sunday the fourth goes when the new one is there.
    let until_saturday = daily("2026-01-01", "2026-11-28");
    assert!(
        stays(&starter(), &until_saturday, "2026-11-29T00:30:00Z").contains(&at("2026-11-01").date_naive())
    );
    let until_sunday = daily("2026-01-01", "2026-11-29");
    assert!(
        !stays(&starter(), &until_sunday, "2026-11-29T01:10:00Z").contains(&at("2026-11-01").date_naive())
    );
}

#[test]
fn business_keeps_exactly_eight_sundays_and_twelve_first_sundays() {
    let all = daily("2024-01-01", "2027-03-20");
    for back in 0..400 {
        let now = at("2027-03-20") - TimeDelta::days(back);
        let made: Vec<_> = all.iter().filter(|one| one.made_at <= now).cloned().collect();
        let dates = made.iter().rev().map(|one| one.made_at.date_naive());
        let sundays = || dates.clone().filter(|day| day.weekday() == Weekday::Sun);
        let mut expected: BTreeSet<_> = dates.clone().take(7).collect();
        expected.extend(sundays().take(8));
        expected.extend(sundays().filter(|day| day.day() <= 7).take(12));
        assert_eq!(stays(&business(), &made, &now.to_rfc3339()), expected, "{now}");
    }
}

#[test]
fn without_a_sunday_the_last_good_one_of_the_week_stands_for_it() {
    let mut all = daily("2026-10-01", "2026-11-25");
    // Sunday the 8th failed, and Saturday's was never made: Friday the 6th stands for the week.
    all.retain(|one| one.made_at != at("2026-11-07"));
    all.iter_mut().filter(|one| one.made_at == at("2026-11-08")).for_each(|one| one.good = false);
    let stays = stays(&starter(), &all, "2026-11-25T12:00:00Z");
    assert!(stays.is_superset(&days("2026-11-15 2026-11-06 2026-11-01")));
    // The failed one is there as a row, and has pushed out nothing.
    let labels = why_kept(&starter(), Zone::UTC, &all, at("2026-11-25T12:00:00Z"), None);
    let label = |day: &str| labels.get(&all.iter().find(|one| one.made_at == at(day)).unwrap().id).copied();
    assert_eq!(label("2026-11-06"), Some(Label::Weekly));
    assert_eq!(label("2026-11-08"), Some(Label::Failed));
    assert_eq!(label("2026-11-24"), Some(Label::Daily));
    assert_eq!(label("2026-11-22"), Some(Label::Weekly));
    assert_eq!(label("2026-11-14"), None);
}

#[test]
fn a_month_whose_first_week_has_none_takes_its_next() {
    let mut all = daily("2026-06-01", "2026-12-20");
    // Nothing from Monday 26 October to Sunday 8 November.
    all.retain(|one| one.made_at < at("2026-10-26") || one.made_at > at("2026-11-08"));
    let labels = why_kept(&business(), Zone::UTC, &all, at("2026-12-20T12:00:00Z"), None);
    let monthly: BTreeSet<_> = all
        .iter()
        .filter(|one| labels.get(&one.id) == Some(&Label::Monthly))
        .map(|one| one.made_at.date_naive())
        .collect();
    assert_eq!(monthly, days("2026-06-07 2026-07-05 2026-08-02 2026-09-06 2026-10-04 2026-11-15 2026-12-06"));
}

/// What was good for five months and is found spoilt is not gone the same hour.
#[test]
fn a_refuted_one_stands_for_a_month_from_its_finding() {
    let mut all = daily("2026-11-20", "2026-11-25");
    let mut old = backup(100, at("2026-06-01"), BackupMethod::Manual, false);
    old.refuted_at = Some(at("2026-11-20"));
    let id = old.id;
    all.push(old);
    let gone = |now: &str| expired(&starter(), Zone::UTC, &all, at(now), None).iter().any(|one| one.0 == id);
    assert_eq!([gone("2026-11-25"), gone("2026-12-19"), gone("2026-12-22")], [false, false, true]);
}

#[test]
fn manual_ones_roll_and_the_next_to_go_is_known_before() {
    let rules = Rules { manual: 3, ..starter() };
    let mut all = daily("2026-11-20", "2026-11-25");
    assert_eq!(oldest_manual_goes(&rules, &all), None);
    for n in 0..3 {
        all.push(backup(100 + n, at("2026-11-01") + TimeDelta::days(n as i64), BackupMethod::Manual, true));
    }
    all.push(backup(200, at("2026-11-10"), BackupMethod::Manual, false));
    let now = at("2026-11-25T12:00:00Z");
    assert_eq!(expired(&rules, Zone::UTC, &all, now, None), []);
    let oldest = all
        .iter()
        .find(|one| one.made_at == at("2026-11-01") && one.method == BackupMethod::Manual)
        .unwrap()
        .id;
    assert_eq!(oldest_manual_goes(&rules, &all), Some(oldest));
    all.push(backup(300, now, BackupMethod::Manual, true));
    let gone = expired(&rules, Zone::UTC, &all, now, None);
    assert_eq!(gone, [(oldest, Why::Manual(3))]);
    assert_eq!(gone[0].1.sentence(), "The plan keeps 3 manual backups, and there are newer ones.");
    assert_eq!(oldest_manual_goes(&Rules { manual: 0, ..rules }, &all), None);
}

#[test]
fn the_last_good_one_stays_whatever_the_rules_say() {
    let nothing = Rules { daily: 0, weekly: 0, monthly: 0, manual: 0, months_after_deletion: 1 };
    let mut all = daily("2026-01-01", "2026-01-05");
    all.push(backup(50, at("2026-01-06"), BackupMethod::Periodic, false));
    all.push(backup(51, at("2026-01-06"), BackupMethod::Safety, true));
    let now = at("2029-01-01");
    for rules in [nothing, starter()] {
        let labels = why_kept(&rules, Zone::UTC, &all, now, None);
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), [(all[4].id, Label::LastGood)]);
    }
    // Newer ones that nobody has tried yet may turn out to be none.
    all[2].proven = true;
    let labels = why_kept(&nothing, Zone::UTC, &all, now, None);
    let stay = [(all[2].id, Label::LastProven), (all[4].id, Label::LastGood)];
    assert_eq!(labels.into_iter().collect::<Vec<_>>(), stay);
    assert_eq!(why_kept(&nothing, Zone::UTC, &all, now, Some(at("2028-01-01"))).len(), 0);
    all[2].proven = false;
    // A safety backup is better than none at all.
    let only = [all[6].clone()];
    assert_eq!(expired(&starter(), Zone::UTC, &only, now, None), []);
    // The reasons, in the order of the list.
    let why: Vec<_> =
        expired(&starter(), Zone::UTC, &all, now, None).iter().map(|(_, why)| why.sentence()).collect();
    assert_eq!(why.len(), 6);
    assert_eq!(why[0], "It is past what the plan keeps: one for each of the last 7 days and 4 weeks.");
    assert_eq!(why[4], "It failed, or does not restore, and is more than 30 days old.");
    assert_eq!(why[5], "It was made before a restore, more than 7 days ago.");
}

#[test]
fn backups_from_the_future_stay_and_count_for_nothing() {
    // The clock was two hours ahead when today's was made, and years ahead once.
    let mut all = daily("2026-11-01", "2026-11-25");
    all.push(backup(100, at("2031-05-01"), BackupMethod::Periodic, true));
    all.push(backup(101, at("2031-05-01"), BackupMethod::Manual, true));
    let now = at("2026-11-24T23:30:00Z");
    let rules = Rules { manual: 1, ..starter() };
    let gone = expired(&rules, Zone::UTC, &all, now, None);
    assert!(gone.iter().all(|(id, _)| all.iter().any(|one| one.id == *id && one.made_at < at("2026-11-18"))));
    let labels = why_kept(&rules, Zone::UTC, &all, now, None);
    let past =
        |label| all.iter().filter(|one| one.made_at <= now && labels.get(&one.id) == Some(&label)).count();
    assert_eq!((past(Label::Daily), past(Label::Weekly)), (6, 4));

    // One of later today takes the place of this morning's when its time has come, and not before.
    let mut all = daily("2026-11-20", "2026-11-24");
    all.push(backup(100, at("2026-11-24T23:00:00Z"), BackupMethod::Periodic, true));
    assert_eq!(expired(&rules, Zone::UTC, &all, at("2026-11-24T22:59:59Z"), None), []);
    assert_eq!(
        expired(&rules, Zone::UTC, &all, at("2026-11-24T23:00:00Z"), None),
        [(all[4].id, Why::SameDay)]
    );
}

#[test]
fn a_change_of_zone_loses_no_week_and_no_month() {
    // Just after midnight in Auckland: half of the world calls it the day before.
    let mut there = Vec::new();
    let zone = Zone::Pacific__Auckland;
    for (n, one) in daily("2025-01-01", "2026-11-28").into_iter().enumerate() {
        there.push(backup(n as u128, one.made_at + TimeDelta::hours(11), BackupMethod::Periodic, true));
        let gone = expired(&business(), zone, &there, there[there.len() - 1].made_at, None);
        there.retain(|one| gone.iter().all(|(id, _)| *id != one.id));
    }
    let now = there[there.len() - 1].made_at + TimeDelta::hours(1);
    for zone in [Zone::UTC, Zone::Pacific__Pago_Pago, Zone::Europe__Paris] {
        let gone = expired(&business(), zone, &there, now, None);
        assert!(gone.len() <= 2, "{zone}: {gone:?}");
    }
}

#[test]
fn a_second_one_of_a_day_takes_the_place_of_the_first() {
    let mut all = daily("2026-11-20", "2026-11-25");
    all.push(backup(100, at("2026-11-25T09:00:00Z"), BackupMethod::Periodic, true));
    let gone = expired(&starter(), Zone::UTC, &all, at("2026-11-25T10:00:00Z"), None);
    assert_eq!(gone, [(all[5].id, Why::SameDay)]);
}

#[test]
fn manual_ones_of_a_deleted_database_live_a_month_or_a_year() {
    let deleted = at("2026-11-25T12:00:00Z");
    let all: Vec<_> = ["2025-11-20", "2025-12-01", "2026-10-25", "2026-10-31", "2026-11-20"]
        .iter()
        .enumerate()
        .map(|(n, day)| backup(n as u128, at(day), BackupMethod::Manual, true))
        .collect();
    let gone = |rules: &Rules, now: &str| -> Vec<usize> {
        let gone = expired(rules, Zone::UTC, &all, at(now), Some(deleted));
        (0..all.len()).filter(|n| gone.iter().any(|(id, _)| *id == all[*n].id)).collect()
    };
    assert_eq!(gone(&starter(), "2026-11-25T12:00:00Z"), [0, 1, 2]);
    assert_eq!(gone(&starter(), "2026-11-30T01:00:00Z"), [0, 1, 2, 3]);
    assert_eq!(gone(&business(), "2026-11-25T12:00:00Z"), [0]);
    assert_eq!(gone(&business(), "2027-11-20T01:00:00Z"), [0, 1, 2, 3, 4]);
    let sentence = expired(&starter(), Zone::UTC, &all, deleted, Some(deleted))[0].1.sentence();
    assert_eq!(sentence, "Its database is deleted, and it is more than 1 month old.");
    // Not yet deleted, as far as this clock can tell.
    assert_eq!(expired(&starter(), Zone::UTC, &all, deleted - TimeDelta::hours(2), Some(deleted)), []);
}
