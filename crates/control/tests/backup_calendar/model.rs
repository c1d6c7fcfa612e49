//! What should be kept, written a second time and in another way: by walking a calendar, day by day, with every backup
//! that was ever made at hand.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use control::backup::{
    retention::{Kept, Rules},
    schedule::Zone,
};
use std::collections::BTreeMap;
use types::{BackupId, BackupMethod};

/// Everything that was ever made, told to the model in the order of its making.
pub struct Model {
    zone: Zone,
    ever: Vec<Kept>,
    best_of: BTreeMap<NaiveDate, BackupId>,
}

impl Model {
    pub fn new(zone: Zone) -> Self {
        Self { zone, ever: Vec::new(), best_of: BTreeMap::new() }
    }

    pub fn made(&mut self, one: &Kept) {
        if one.good && one.method == BackupMethod::Periodic {
            self.best_of.insert(one.made_at.with_timezone(&self.zone).date_naive(), one.id);
        }
        self.ever.push(one.clone());
    }

    pub fn ever(&self) -> &[Kept] {
        &self.ever
    }

    fn best(&self, day: NaiveDate) -> Option<BackupId> {
        self.best_of.get(&day).copied()
    }

    /// The Sunday's, or what stands for it.
    fn of_week(&self, sunday: NaiveDate) -> Option<BackupId> {
        (0..7).find_map(|back| self.best(sunday - Days::new(back)))
    }

    /// The first Sunday of the month that has a week with one, and who that is.
    fn of_month(&self, first: NaiveDate) -> Option<(NaiveDate, BackupId)> {
        let days = first.iter_days().take_while(|day| day.month() == first.month());
        days.filter(|day| day.weekday() == Weekday::Sun)
            .find_map(|sunday| Some((sunday, self.of_week(sunday)?)))
    }

    /// Those that stand for a day, a week or a month, some of them more than once.
    pub fn standing(&self, rules: &Rules, now: DateTime<Utc>) -> Vec<BackupId> {
        let today = now.with_timezone(&self.zone).date_naive();
        let done_today = self.best(today).is_some();
        let mut kept = Vec::new();

        let mut day = if done_today { today } else { today - Days::new(1) };
        for _ in 0..rules.daily {
            kept.extend(self.best(day));
            day = day - Days::new(1);
        }

        let over = |sunday: NaiveDate| sunday < today || (sunday == today && done_today);
        let mut sunday = today;
        while sunday.weekday() != Weekday::Sun {
            sunday = sunday + Days::new(1);
        }
        let coming = sunday;
        if !over(sunday) {
            sunday = sunday - Days::new(7);
        }
        for _ in 0..rules.weekly {
            kept.extend(self.of_week(sunday));
            sunday = sunday - Days::new(7);
        }
        if rules.weekly > 0 {
            kept.extend(self.of_week(coming));
        }

        let mut month = today.with_day(1).unwrap();
        if rules.monthly > 0 {
            // May still come to stand for its month.
            kept.extend(self.of_month(month).map(|(_, id)| id));
            kept.extend(self.of_month(coming.with_day(1).unwrap()).map(|(_, id)| id));
        }
        if !self.of_month(month).is_some_and(|(sunday, _)| over(sunday)) {
            month = month - Months::new(1);
        }
        for _ in 0..rules.monthly {
            kept.extend(self.of_month(month).map(|(_, id)| id));
            month = month - Months::new(1);
        }
        kept
    }

    /// Everything that the rules keep at `now` out of `among`.
    pub fn keeps(&self, rules: &Rules, among: &[Kept], now: DateTime<Utc>) -> Vec<BackupId> {
        let standing = self.standing(rules, now);
        let good = |method| self.ever.iter().rev().filter(move |one| one.good && one.method == method);
        let manual: Vec<_> = good(BackupMethod::Manual).take(rules.manual.into()).map(|one| one.id).collect();
        let others = self.ever.iter().rev().filter(|one| one.good && one.method != BackupMethod::Safety);
        let last = others.chain(good(BackupMethod::Safety)).next().map(|one| one.id);
        let keeps = |one: &&Kept| {
            let age = now - one.made_at;
            Some(one.id) == last
                || match (one.good, one.method) {
                    (false, _) => age <= TimeDelta::days(30),
                    (true, BackupMethod::Safety) => age <= TimeDelta::days(7),
                    (true, BackupMethod::Manual) => manual.contains(&one.id),
                    (true, BackupMethod::Periodic) => standing.contains(&one.id),
                }
        };
        among.iter().filter(keeps).map(|one| one.id).collect()
    }
}
