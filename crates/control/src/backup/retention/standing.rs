//! Which periodic backups stand for a day, a week or a month. Knows the calendar, and nothing of manual, failed or last
//! ones.

use super::{Kept, Label, Rules, periodic, rank};
use crate::backup::schedule::{Zone, local_day};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use std::collections::{BTreeMap, BTreeSet};
use types::BackupId;

/// The periodic backups that stand for a day, a week or a month.
pub(super) fn standing(
    rules: &Rules,
    zone: Zone,
    all: &[Kept],
    now: DateTime<Utc>,
) -> BTreeMap<BackupId, Label> {
    let mut good: Vec<_> = all.iter().filter(|one| periodic(one, now)).map(rank).collect();
    good.sort_unstable();
    let (mut days, mut weeks, mut months) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (made_at, id) in good {
        let day = local_day(zone, made_at);
        days.insert(day.num_days_from_ce(), id);
        weeks.insert(week(day), id);
    }
    for (week, id) in &weeks {
        months.entry(month_of_week(*week)).or_insert((*week, *id));
    }
    let today = local_day(zone, now);
    let day = today.num_days_from_ce();
    let last_day = if days.contains_key(&day) { day } else { day - 1 };
    // A week is over when its Sunday's backup is made, or when the Sunday is.
    let last_week = if week_ends(week(today)) == last_day { week(today) } else { week(today) - 1 };
    let this_month = month(today);
    let settled = months.get(&this_month).is_some_and(|(week, _)| *week <= last_week);
    let last_month = if settled { this_month } else { this_month - 1 };

    // Later labels win, so what keeps longest comes last. Ends are open: what comes after the last span is running.
    let mut kept = BTreeMap::new();
    if let Some(first) = first_kept(last_week, rules.weekly) {
        kept.extend(weeks.range(first..).map(|(_, id)| (*id, Label::Weekly)));
    }
    if let Some(first) = first_kept(last_month, rules.monthly) {
        kept.extend(months.range(first..).map(|(_, (_, id))| (*id, Label::Monthly)));
    }
    if let Some(first) = first_kept(last_day, rules.daily) {
        // Who stands for the running week today may not tomorrow: until the week is over it is a daily one.
        let over: BTreeSet<_> = weeks.range(..=last_week).map(|(_, id)| *id).collect();
        for (_, id) in days.range(first..) {
            if !kept.contains_key(id) || !over.contains(id) {
                kept.insert(*id, Label::Daily);
            }
        }
    }
    kept
}

/// The first of the last `count` spans.
fn first_kept(last: i32, count: u16) -> Option<i32> {
    (count > 0).then(|| last - i32::from(count) + 1)
}

/// Weeks since the year 1, which began with a Monday.
fn week(day: NaiveDate) -> i32 {
    (day.num_days_from_ce() - 1).div_euclid(7)
}

/// The day of a week's Sunday.
const fn week_ends(week: i32) -> i32 {
    week * 7 + 7
}

/// Months since the year 0.
fn month(day: NaiveDate) -> i32 {
    day.year() * 12 + day.month0().cast_signed()
}

/// The month that a week's Sunday lies in.
fn month_of_week(week: i32) -> i32 {
    NaiveDate::from_num_days_from_ce_opt(week_ends(week)).map_or(i32::MAX, month)
}
