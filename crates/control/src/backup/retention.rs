//! Which backups are kept, and which go: the plan's figures, read as the public documentation has them.
//!
//! Removes nothing and reads no clock. Days and weeks are those of the schedule's zone, weeks end with their Sunday.
//!
//! - Daily: the newest good one of each of the last 7 days. The last day is today once today's is made, else yesterday,
//!   so that 7 are there at any hour.
//! - Weekly: the Sunday one of each of the last 4 weeks. Where Sunday has none (an outage), the last good one of that week
//!   stands for it; the newest of the running week is kept for this.
//! - Monthly: the one of the first Sunday of each of the last 12 months, which is that week's. A month whose first week has
//!   none at all gets that of its next week that has one.
//! - Manual: the newest N good ones.
//! - Safety backups stay 7 days; rows of failed ones, and those that do not restore, 30 days. None of them counts for anything else.
//! - The last good backup stays whatever the rules say, and so does the last one that a trial has proven: newer ones may
//!   turn out to be none. Both until the database itself is deleted.
//! - A backup from the future (the clock was set back) stays, and counts for nothing until its time has come.
//!
//! What is removed today is never missed tomorrow: who stands for a week or a month is always the newest of a span that
//! is still kept. Tests compare years of daily use with a model that knows everything.

mod standing;

use super::schedule::{Zone, local_day};
use chrono::{DateTime, Months, TimeDelta, Utc};
use std::collections::{BTreeMap, btree_map::Entry};
use types::{BackupId, BackupMethod, Plan};

/// How long a backup stays that was made before data were replaced.
const SAFETY_FOR: TimeDelta = TimeDelta::days(7);

/// How long the row of a failed backup stays.
const FAILED_FOR: TimeDelta = TimeDelta::days(30);

/// A backup that ended, as far as its keeping goes. One that still runs is not to be handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which one.
    pub id: BackupId,
    /// When its data were read.
    pub made_at: DateTime<Utc>,
    /// How it came to be.
    pub method: BackupMethod,
    /// It can be restored: it ended well, and nothing found since says otherwise.
    pub good: bool,
    /// A trial restore has shown that it can be.
    pub proven: bool,
    /// When it was found that it cannot be, where it ended well.
    pub refuted_at: Option<DateTime<Utc>>,
}

/// How many of each a plan keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Days with a daily one.
    pub daily: u16,
    /// Weeks with a weekly one.
    pub weekly: u16,
    /// Months with a monthly one.
    pub monthly: u16,
    /// Manual ones.
    pub manual: u16,
    /// For how many months manual ones outlive their database, from their own making.
    pub months_after_deletion: u16,
}

/// As what a backup is kept: what keeps it longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// One of the last days.
    Daily,
    /// It stands for a week.
    Weekly,
    /// It stands for a month.
    Monthly,
    /// Somebody asked for it.
    Manual,
    /// Made before data were replaced.
    Safety,
    /// No rule keeps it, and no newer one is good.
    LastGood,
    /// No rule keeps it, and no newer one is proven.
    LastProven,
    /// It failed or does not restore, and tells so.
    Failed,
}

/// Why a backup goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A newer periodic one of the same day took its place.
    SameDay,
    /// It stands for none of the days, weeks and months that the plan keeps.
    Periodic(Rules),
    /// The plan keeps this many manual ones, and there are newer ones.
    Manual(u16),
    /// Its database is deleted, and it is older than this many months.
    DatabaseDeleted(u16),
    /// Its time as a safety backup is over.
    Safety,
    /// It failed or does not restore, and is old.
    Failed,
}

impl Rules {
    /// Those of a plan of the configuration.
    #[must_use]
    pub const fn of(plan: &Plan) -> Self {
        Self {
            daily: plan.daily_backups,
            weekly: plan.weekly_backups,
            monthly: plan.monthly_backups,
            manual: plan.manual_backups,
            months_after_deletion: if plan.nodes > 1 { 12 } else { 1 },
        }
    }
}

impl Label {
    /// The word that stands beside the backup.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Daily => "Daily",
            Self::Weekly => "Weekly",
            Self::Monthly => "Monthly",
            Self::Manual => "Manual",
            Self::Safety => "Before a restore",
            Self::LastGood => "Last good one",
            Self::LastProven => "Last proven one",
            Self::Failed => "Failed",
        }
    }
}

impl Why {
    /// For the activity: "The plan keeps 10 manual backups, and there are newer ones."
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::SameDay => "A newer backup of the same day took its place.".into(),
            Self::Periodic(Rules { daily: 0, .. }) => "The plan keeps no periodic backups.".into(),
            Self::Periodic(rules) => {
                let spans = [(rules.daily, "day"), (rules.weekly, "week"), (rules.monthly, "month")];
                let spans: Vec<_> =
                    spans.into_iter().filter(|(n, _)| *n > 0).map(|(n, of)| many(n, of)).collect();
                format!("It is past what the plan keeps: one for each of the last {}.", listed(&spans))
            }
            Self::Manual(0) => "The plan keeps no manual backups.".into(),
            Self::Manual(n) => {
                format!("The plan keeps {}, and there are newer ones.", many(*n, "manual backup"))
            }
            Self::DatabaseDeleted(months) => {
                format!("Its database is deleted, and it is more than {} old.", many(*months, "month"))
            }
            Self::Safety => "It was made before a restore, more than 7 days ago.".into(),
            Self::Failed => "It failed, or does not restore, and is more than 30 days old.".into(),
        }
    }
}

/// The backups that go at `now`, each with the reason; the others stay.
///
/// `deleted_at` is when the database was removed for good: one in the trash can come back, and its backups are kept as
/// if it were there. `rules` are those of a plan that is in the configuration (of one that left it nothing is known, and
/// nothing should go).
#[must_use]
pub fn expired(
    rules: &Rules,
    zone: Zone,
    all: &[Kept],
    now: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
) -> Vec<(BackupId, Why)> {
    let kept = why_kept(rules, zone, all, now, deleted_at);
    let deleted = deleted_at.is_some_and(|at| at <= now);
    let mut newest = BTreeMap::new();
    for one in all.iter().filter(|one| periodic(one, now)) {
        let last = newest.entry(local_day(zone, one.made_at)).or_insert(rank(one));
        *last = (*last).max(rank(one));
    }
    let why = |one: &Kept| match one.method {
        _ if !one.good => Why::Failed,
        BackupMethod::Safety => Why::Safety,
        BackupMethod::Manual if deleted => Why::DatabaseDeleted(rules.months_after_deletion),
        BackupMethod::Manual => Why::Manual(rules.manual),
        BackupMethod::Periodic if newest.get(&local_day(zone, one.made_at)) > Some(&rank(one)) => {
            Why::SameDay
        }
        BackupMethod::Periodic => Why::Periodic(*rules),
    };
    all.iter().filter(|one| !kept.contains_key(&one.id)).map(|one| (one.id, why(one))).collect()
}

/// The manual backup that one more would push out, so that it can be announced before.
#[must_use]
pub fn oldest_manual_goes(rules: &Rules, all: &[Kept]) -> Option<BackupId> {
    let mut manual: Vec<_> =
        all.iter().filter(|one| one.good && one.method == BackupMethod::Manual).map(rank).collect();
    manual.sort_unstable();
    let stays = usize::from(rules.manual).checked_sub(1)?;
    manual.iter().rev().nth(stays).map(|(_, id)| *id)
}

/// As what each backup that stays is kept. What is not named goes.
#[must_use]
pub fn why_kept(
    rules: &Rules,
    zone: Zone,
    all: &[Kept],
    now: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
) -> BTreeMap<BackupId, Label> {
    let deleted = deleted_at.is_some_and(|at| at <= now);
    let mut kept = standing::standing(rules, zone, all, now);
    let mut keep = |id: BackupId, label: Label| {
        if let Entry::Vacant(free) = kept.entry(id) {
            free.insert(label);
        }
    };
    let mut manual: Vec<_> =
        all.iter().filter(|one| one.good && one.method == BackupMethod::Manual).collect();
    manual.sort_unstable_by_key(|one| std::cmp::Reverse(rank(one)));
    manual.retain(|one| one.made_at <= now);
    if deleted {
        let months = Months::new(rules.months_after_deletion.into());
        manual.retain(|one| one.made_at.checked_add_months(months).is_none_or(|end| now < end));
    } else {
        manual.truncate(rules.manual.into());
    }
    manual.iter().for_each(|one| keep(one.id, Label::Manual));
    for one in all {
        let age = now.signed_duration_since(one.made_at);
        match one.method {
            // From when it was found: somebody shall see it, and may look again.
            _ if !one.good
                && now.signed_duration_since(one.refuted_at.unwrap_or(one.made_at)) <= FAILED_FOR =>
            {
                keep(one.id, Label::Failed);
            }
            _ if !one.good => {}
            BackupMethod::Safety if age <= SAFETY_FOR => keep(one.id, Label::Safety),
            BackupMethod::Periodic if one.made_at > now => keep(one.id, Label::Daily),
            BackupMethod::Manual if one.made_at > now => keep(one.id, Label::Manual),
            _ => {}
        }
    }
    // Safety backups stand last: they are of a moment that somebody wanted to leave.
    let good = || all.iter().filter(|one| !deleted && one.good && one.made_at <= now);
    let last_first = |one: &&Kept| (one.method != BackupMethod::Safety, rank(one));
    if let Some(last) = good().max_by_key(last_first) {
        keep(last.id, Label::LastGood);
    }
    if let Some(last) = good().filter(|one| one.proven).max_by_key(last_first) {
        keep(last.id, Label::LastProven);
    }
    kept
}

/// A good periodic backup whose time has come.
fn periodic(one: &Kept, now: DateTime<Utc>) -> bool {
    one.good && one.method == BackupMethod::Periodic && one.made_at <= now
}

/// Newer is greater; ids are made in order, and decide where the moment is the same.
fn rank(one: &Kept) -> (DateTime<Utc>, BackupId) {
    (one.made_at, one.id)
}

fn many(n: u16, of: &str) -> String {
    if n == 1 { format!("{n} {of}") } else { format!("{n} {of}s") }
}

/// `a, b and c`
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}
