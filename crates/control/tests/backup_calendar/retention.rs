//! Four years of backups, with outages, failures and changes of plan: what is removed day by day is what a model that
//! knows everything would not keep.

use crate::{dice::Dice, model::Model};
use chrono::{DateTime, TimeDelta, Utc};
use control::backup::{
    retention::{Kept, Rules, Why, expired, oldest_manual_goes, why_kept},
    schedule::Zone,
};
use proptest::prelude::*;
use types::{BackupId, BackupMethod};

const STARTER: Rules = Rules { daily: 7, weekly: 4, monthly: 0, manual: 10, months_after_deletion: 1 };
const BUSINESS: Rules = Rules { daily: 7, weekly: 8, monthly: 12, manual: 50, months_after_deletion: 12 };
const PLANS: [Rules; 6] = [
    STARTER,
    BUSINESS,
    Rules { daily: 1, weekly: 2, monthly: 3, manual: 2, months_after_deletion: 1 },
    Rules { daily: 3, weekly: 0, monthly: 12, manual: 1, months_after_deletion: 1 },
    Rules { daily: 10, weekly: 1, monthly: 1, manual: 0, months_after_deletion: 1 },
    Rules { daily: 0, weekly: 0, monthly: 0, manual: 0, months_after_deletion: 1 },
];
const FOUR_YEARS: i64 = 365 * 4;
const ZONES: [Zone; 5] = [
    Zone::UTC,
    Zone::Europe__Paris,
    Zone::Pacific__Kiritimati,
    Zone::Pacific__Pago_Pago,
    Zone::America__Havana,
];

/// A history: what is there, what ever was, and the rules of the hour.
struct Years {
    dice: Dice,
    zone: Zone,
    rules: Rules,
    model: Model,
    there: Vec<Kept>,
}

impl Years {
    fn make(&mut self, made_at: DateTime<Utc>, method: BackupMethod) {
        let good = !self.dice.one_in(15);
        let id = BackupId::new(uuid::Uuid::from_u128(self.model.ever().len() as u128));
        let one = Kept { id, made_at, method, good, proven: false, refuted_at: None };
        let pushed = oldest_manual_goes(&self.rules, &self.there);
        self.model.made(&one);
        self.there.push(one);
        // What was announced before is what goes, unless something else has kept it or taken it.
        if good && method == BackupMethod::Manual && self.rules.manual > 0 {
            let goes = expired(&self.rules, self.zone, &self.there, made_at, None);
            let manual: Vec<_> = goes.iter().filter(|(_, why)| matches!(why, Why::Manual(_))).collect();
            assert_eq!(manual.iter().map(|(id, _)| *id).max(), pushed, "at {made_at}");
        }
    }

    /// Removes what is to go, as the model has it.
    fn tidy(&mut self, now: DateTime<Utc>) {
        let knowing = self.model.keeps(&self.rules, &self.there, now);
        let mut now_there = Model::new(self.zone);
        self.there.iter().for_each(|one| now_there.made(one));
        let mut should = now_there.keeps(&self.rules, &self.there, now);
        let goes = expired(&self.rules, self.zone, &self.there, now, None);
        self.there.retain(|one| goes.iter().all(|(id, _)| *id != one.id));
        let mut stays: Vec<_> = self.there.iter().map(|one| one.id).collect();
        should.sort_unstable();
        stays.sort_unstable();
        assert_eq!(stays, should, "at {now} with {:?}", self.rules);
        // What an earlier plan removed cannot stand for its month any more, and another one may. None the less what
        // stands in the light of everything that ever was is still here.
        assert!(knowing.iter().all(|id| stays.contains(id)), "lost at {now}");
        assert_eq!(expired(&self.rules, self.zone, &self.there, now, None), [], "a second time, at {now}");
        let labels = why_kept(&self.rules, self.zone, &self.there, now, None);
        assert_eq!(labels.keys().copied().collect::<Vec<_>>(), stays);
        let any_good = |all: &[Kept]| all.iter().any(|one| one.good);
        assert_eq!(any_good(&self.there), any_good(self.model.ever()), "no good one is left at {now}");
    }

    /// Lives one day: an hour before the backup, the backup, and some time after.
    fn live(&mut self, slot: DateTime<Utc>, down: bool) {
        let later = |dice: &mut Dice| TimeDelta::minutes(i64::try_from(dice.below(600)).unwrap());
        if !self.dice.one_in(4) {
            self.tidy(slot - TimeDelta::hours(1));
        }
        if !down {
            self.make(slot, BackupMethod::Periodic);
            if self.dice.one_in(40) {
                self.make(slot + TimeDelta::hours(2), BackupMethod::Periodic);
            }
        }
        let at = slot + TimeDelta::hours(3) + later(&mut self.dice);
        if self.dice.one_in(9) {
            self.make(at, BackupMethod::Manual);
        }
        if self.dice.one_in(50) {
            self.make(at, BackupMethod::Safety);
        }
        self.tidy(at);
    }
}

fn years(seed: u64, changes: bool, days: i64) -> Years {
    let mut dice = Dice(seed);
    let (zone, rules) = (dice.of(&ZONES), dice.of(&PLANS));
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let start = start + TimeDelta::hours(i64::try_from(dice.below(24 * 60)).unwrap());
    let mut years = Years { dice, zone, rules, model: Model::new(zone), there: Vec::new() };
    let mut down = 0;
    for day in 0..days {
        if changes && years.dice.one_in(120) {
            years.rules = years.dice.of(&PLANS);
        }
        if years.dice.one_in(60) {
            down = years.dice.of(&[1, 2, 6, 8, 20, 45]);
        }
        years.live(start + TimeDelta::days(day), down > 0);
        down -= i32::from(down > 0);
        if !changes && day % 25 == 0 {
            // As if nothing had ever been removed until now.
            let now = start + TimeDelta::days(day) + TimeDelta::hours(14);
            years.tidy(now);
            let knowing = years.model.keeps(&years.rules, years.model.ever(), now);
            let there: Vec<_> = years.there.iter().map(|one| one.id).collect();
            assert_eq!(there, knowing, "at {now}");
            let goes = expired(&years.rules, zone, years.model.ever(), now, None);
            assert_eq!(goes.len() + there.len(), years.model.ever().len());
        }
    }
    years
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn day_by_day_keeps_what_full_knowledge_keeps(seed in any::<u64>()) {
        years(seed, false, FOUR_YEARS);
    }

    #[test]
    fn changes_of_plan_take_only_what_the_new_plan_does_not_keep(seed in any::<u64>()) {
        years(seed, true, FOUR_YEARS);
    }

    /// After more than a year the database is deleted: periodic ones go one by one, manual ones at their age, and at the end
    /// nothing is left.
    #[test]
    fn a_deleted_database_loses_its_backups_in_time(seed in any::<u64>()) {
        let Years { zone, rules, mut there, .. } = years(seed, false, 500);
        let gone = there.iter().map(|one| one.made_at).max().unwrap() + TimeDelta::hours(1);
        let mut before = there.len();
        // A monthly one is of the week of a first Sunday, which begins up to six days before the month, and stays until that
        // month of the next year is over where none comes after it: 403 days at most.
        for day in 0..=404 {
            let now = gone + TimeDelta::days(day);
            let goes = expired(&rules, zone, &there, now, Some(gone));
            there.retain(|one| goes.iter().all(|(id, _)| *id != one.id));
            for one in there.iter().filter(|one| one.good && one.method == BackupMethod::Manual) {
                let months = chrono::Months::new(rules.months_after_deletion.into());
                prop_assert!(one.made_at.checked_add_months(months).unwrap() > now);
            }
            prop_assert!(there.len() <= before);
            before = there.len();
        }
        prop_assert_eq!(there, []);
    }
}
