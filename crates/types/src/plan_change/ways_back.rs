//! What a change of plan does to the ways back: backups that the new plan does not keep, moments that cannot be had any
//! more.
//!
//! Pure sums of what there is now. Which backups a plan keeps is decided in the core; nothing is refused here, since a
//! smaller promise is the owner's to choose. What would be lost makes the change tight, so that it is typed.

use super::{FitView, Verdict};
use crate::{Plan, pitr::about};

/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;

/// What there is to go back to now, as far as a change of plan touches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaysBack {
    /// Whole backups.
    pub backups: u32,
    /// Of them those that go with the new plan, and would stay with the present one.
    pub backups_lost: u32,
    /// How far back moments reach, milliseconds; `None`: there are none.
    pub moments_ms: Option<u64>,
}

/// The rules of both plans, each with a verdict: tight where something that is there now would be lost.
#[must_use]
pub fn rules(back: &WaysBack, current: &Plan, target: &Plan) -> [FitView; 2] {
    let days = |plan: &Plan| match plan.pitr_days {
        0 => "none".to_owned(),
        1 => "1 day".to_owned(),
        n => format!("{n} days"),
    };
    let fit = |title: &str, (old, new): (String, String), lost: bool| FitView {
        title: title.into(),
        detail: match () {
            // A plan that left the configuration: nothing is known of it.
            () if current.memory_mib == 0 => new,
            () if old == new => format!("{new}, as now"),
            () => format!("{new} instead of {old}"),
        },
        verdict: if lost { Verdict::Tight } else { Verdict::Safe },
    };
    [
        fit("Backups", (current.backups(), target.backups()), back.backups_lost > 0),
        fit("Point-in-time recovery", (days(current), days(target)), moments_go(back, target)),
    ]
}

/// What would be lost, in one sentence; `None`: nothing.
#[must_use]
pub fn lost(back: &WaysBack, target: &Plan) -> Option<String> {
    let backups = (back.backups_lost > 0).then(|| match (back.backups_lost, back.backups) {
        (1, 1) => "the only backup, which is removed for good".to_owned(),
        (1, all) => format!("1 of {all} backups, which is removed for good"),
        (lost, all) => format!("{lost} of {all} backups, which are removed for good"),
    });
    let reach = about(back.moments_ms.unwrap_or(0));
    let moments = moments_go(back, target).then(|| match target.pitr_days {
        0 => format!("every moment of the last {reach} that can be restored now"),
        1 => format!("the moments that are more than 1 day old (they reach back {reach})"),
        n => format!("the moments that are more than {n} days old (they reach back {reach})"),
    });
    let parts: Vec<_> = [backups, moments].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("This gives up {}.", parts.join(", and ")))
}

fn moments_go(back: &WaysBack, target: &Plan) -> bool {
    back.moments_ms.is_some_and(|reach| target.pitr_days == 0 || reach > u64::from(target.pitr_days) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan_change::verdict;

    fn told(back: WaysBack, current: &Plan, target: &Plan) -> (Verdict, Option<String>) {
        (verdict(&rules(&back, current, target)), lost(&back, target))
    }

    #[test]
    fn what_would_be_lost_is_tight_and_named() {
        let plans = Plan::defaults();
        let (sandbox, small, large) = (&plans[0], &plans[1], &plans[2]);
        let back = WaysBack { backups: 14, backups_lost: 13, moments_ms: Some(26 * 3_600_000) };
        assert_eq!(
            told(back, small, sandbox),
            (
                Verdict::Tight,
                Some(
                    "This gives up 13 of 14 backups, which are removed for good, and every moment of the last 26 hours that can be restored now."
                        .into()
                )
            )
        );
        let kept = WaysBack { backups_lost: 0, ..back };
        assert_eq!(told(kept, small, large), (Verdict::Safe, None), "the same rules");
        assert_eq!(
            told(WaysBack::default(), small, sandbox),
            (Verdict::Safe, None),
            "nothing is there to be lost"
        );
        let one = WaysBack { backups: 1, backups_lost: 1, moments_ms: None };
        assert_eq!(
            told(one, small, sandbox).1.as_deref(),
            Some("This gives up the only backup, which is removed for good.")
        );
    }

    #[test]
    fn fewer_days_give_up_the_moments_before_them() {
        let small = &Plan::defaults()[1];
        let short = &Plan { pitr_days: 3, ..small.clone() };
        let reach = |days: u64| WaysBack { moments_ms: Some(days * DAY), ..WaysBack::default() };
        assert_eq!(told(reach(3), small, short), (Verdict::Safe, None));
        let (verdict, lost) = told(reach(5), small, short);
        assert_eq!(verdict, Verdict::Tight);
        assert!(lost.is_some_and(|words| words.contains("more than 3 days old (they reach back 5 days)")));
    }

    #[test]
    fn both_rules_are_compared() {
        let plans = Plan::defaults();
        let details = |current: &Plan, target: &Plan| {
            rules(&WaysBack::default(), current, target).map(|fit| fit.detail)
        };
        assert_eq!(
            details(&plans[1], &plans[0]),
            ["none instead of 7 daily, 4 weekly, 10 manual", "none instead of 7 days"]
        );
        assert_eq!(details(&plans[1], &plans[2]), ["7 daily, 4 weekly, 10 manual, as now", "7 days, as now"]);
        let unknown = Plan { memory_mib: 0, ..plans[0].clone() };
        assert_eq!(details(&unknown, &plans[1])[1], "7 days", "nothing is said of a plan that is not known");
    }
}
