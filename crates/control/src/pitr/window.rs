//! Which moments can be asked for: a pure function of what an archive holds, and the refusal in words.
//!
//! The engine looks again, segment by segment, before it restores: what is refused here is refused early and at its field.

use crate::engine::pitr::Timelines;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use types::pitr::PitrView;

/// The moments that can be asked for on one timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first.
    pub from: DateTime<Utc>,
    /// The last.
    pub to: DateTime<Utc>,
    /// Those in between that cannot be had: after the first of each, up to the second.
    pub holes: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What can be asked for on a timeline (the newest, if none is named) within the last `days`. `live`: what is committed
/// now can still be brought into the archive, so that the window ends now.
#[must_use]
pub fn window(
    known: &Timelines,
    timeline: Option<u32>,
    days: u16,
    live: bool,
    now: DateTime<Utc>,
) -> Option<Window> {
    let line = match timeline {
        // One that has just begun has nothing in the archive yet: what it came from leads there.
        Some(id) => {
            let before =
                || known.timelines.iter().filter(|line| live && line.id < id).max_by_key(|line| line.id);
            known.timelines.iter().find(|line| line.id == id).or_else(before)?
        }
        None => known.timelines.iter().max_by_key(|line| line.id)?,
    };
    let way = way(known, line.id);
    let bases = || known.backups.iter().filter(|base| way.contains(&base.timeline));
    let oldest = bases().map(|base| base.to).min()?;
    let from = oldest.max(now - TimeDelta::days(days.into()));
    let to = if live { now } else { line.at.1 }.max(from);
    let holes = known.gaps.iter().filter(|gap| way.contains(&gap.timeline)).filter_map(|gap| {
        let begins = gap.from.unwrap_or(from).max(from);
        // The next copy of everything ends a hole.
        let ends = bases().map(|base| base.to).filter(|at| *at > begins).min().unwrap_or(to);
        (ends > from && begins < to).then_some((begins, ends))
    });
    Some(Window { from, to, holes: holes.collect() })
}

/// A timeline and its ancestors.
fn way(known: &Timelines, timeline: u32) -> Vec<u32> {
    let mut way = vec![timeline];
    while let Some(last) = way.last().copied()
        && let Some((parent, _)) =
            known.timelines.iter().find(|line| line.id == last).and_then(|line| line.parent.clone())
        && !way.contains(&parent)
    {
        way.push(parent);
    }
    way
}

/// Why this moment cannot be had, judged from what its page shows.
#[must_use]
pub fn refused(view: &PitrView, moment: DateTime<Utc>) -> Option<String> {
    let holes = view.gaps.iter().filter_map(|gap| gap.from.zip(gap.to)).collect();
    let (from, to) = view.from.zip(view.to)?;
    Window { from, to, holes }.refuses(moment)
}

impl Window {
    /// Why this moment cannot be had, for people; says what can.
    #[must_use]
    pub fn refuses(&self, moment: DateTime<Utc>) -> Option<String> {
        let utc = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        if moment < self.from || moment > self.to {
            return Some(format!(
                "Choose a moment from {} to {}; {} is outside.",
                utc(self.from),
                utc(self.to),
                utc(moment)
            ));
        }
        let hole = self.holes.iter().find(|(from, to)| moment > *from && moment < *to)?;
        Some(format!(
            "This moment lies in a gap of the archive. Choose one up to {}, or from {} on.",
            utc(hole.0),
            utc(hole.1)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pitr::{BackupKind, BaseBackup, Gap, Timeline};

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn base(timeline: u32, hour: i64) -> BaseBackup {
        BaseBackup {
            label: String::new(),
            kind: BackupKind::Full,
            from: at(hour),
            to: at(hour),
            bytes: 0,
            stored_bytes: 0,
            timeline,
            first_wal: String::new(),
            last_wal: String::new(),
            damaged: false,
        }
    }

    fn line(id: u32, parent: Option<u32>, from: i64, to: i64) -> Timeline {
        Timeline {
            id,
            parent: parent.map(|id| (id, String::new())),
            wal: (String::new(), String::new()),
            at: (at(from), at(to)),
        }
    }

    #[test]
    fn the_window_is_what_is_there_and_not_older_than_the_plan_says() {
        let known =
            Timelines { backups: vec![base(1, 2)], timelines: vec![line(1, None, 1, 10)], gaps: Vec::new() };
        let window =
            |days, live, now| window(&known, None, days, live, at(now)).map(|one| (one.from, one.to));
        assert_eq!(window(7, false, 11), Some((at(2), at(10))));
        assert_eq!(window(7, true, 11), Some((at(2), at(11))));
        assert_eq!(window(1, true, 48), Some((at(24), at(48))));
        assert_eq!(window(1, false, 100), Some((at(76), at(76))), "never backwards");
        assert_eq!(super::window(&Timelines::default(), None, 7, true, at(1)), None);
    }

    #[test]
    fn a_hole_ends_with_the_next_base_backup() {
        let gap = Gap {
            timeline: 1,
            first: String::new(),
            last: String::new(),
            from: Some(at(4)),
            to: Some(at(5)),
        };
        let known = Timelines {
            backups: vec![base(1, 2), base(1, 7)],
            timelines: vec![line(1, None, 1, 10)],
            gaps: vec![gap],
        };
        let window = window(&known, Some(1), 7, false, at(11)).unwrap();
        assert_eq!(window.holes, [(at(4), at(7))]);
        let refused = [3, 4, 5, 6, 7, 8].map(|hour| window.refuses(at(hour)).is_some());
        assert_eq!(refused, [false, false, true, true, false, false]);
        assert!(
            window.refuses(at(11)).unwrap().contains("from 1970-01-01T02:00:00Z to 1970-01-01T10:00:00Z")
        );
    }

    #[test]
    fn each_timeline_has_its_own() {
        let known = Timelines {
            backups: vec![base(1, 2), base(2, 13)],
            timelines: vec![line(1, None, 1, 10), line(2, Some(1), 12, 20)],
            gaps: Vec::new(),
        };
        let of = |timeline| window(&known, timeline, 7, false, at(21)).map(|one| (one.from, one.to));
        assert_eq!(of(Some(1)), Some((at(2), at(10))));
        assert_eq!(of(Some(2)), Some((at(2), at(20))), "what its parent had is there, too");
        assert_eq!(of(None), of(Some(2)));
        assert_eq!(of(Some(3)), None);
        let begun = window(&known, Some(3), 7, true, at(21)).map(|one| (one.from, one.to));
        assert_eq!(begun, Some((at(2), at(21))), "it has just begun");
    }
}
