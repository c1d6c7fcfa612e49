//! From which base backup a moment is reached, or why it is not: a pure function of what an archive holds.
//!
//! Refused here and not by PostgreSQL, which takes a missing segment for the end of the log.

use super::info::{self, Known};
use chrono::{DateTime, Utc};
use control::engine::pitr::{BaseBackup, Target};
use std::fmt;

/// How a moment is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) label: String,
    pub(super) timeline: u32,
}

/// Why it is not; says what can be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// No base backup ended yet.
    #[error("nothing can be restored yet: no base backup has ended")]
    Nothing,
    /// No such timeline.
    #[error("the archive knows no timeline {0}")]
    NoTimeline(u32),
    /// Before the oldest base backup on the way.
    #[error("{} is before the oldest base backup: moments from {} to {} can be restored", Moment(*asked), Moment(*from), Moment(*to))]
    TooEarly { asked: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc> },
    /// After the last segment.
    #[error("{} is not in the archive yet: moments from {} to {} can be restored", Moment(*asked), Moment(*from), Moment(*to))]
    TooLate { asked: DateTime<Utc>, from: DateTime<Utc>, to: DateTime<Utc> },
    /// A segment is missing on the way.
    #[error("{} lies behind a gap: segment {missing} is not in the archive. The last safe moment before it is {}", Moment(*asked), Moment(*safe))]
    Gap { asked: DateTime<Utc>, missing: String, safe: DateTime<Utc> },
}

/// UTC, to the microsecond.
struct Moment(DateTime<Utc>);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d %H:%M:%S%.f UTC"))
    }
}

pub(super) fn plan(known: &Known, target: &Target) -> Result<Plan, Refused> {
    let asked = target.moment;
    let newest = known.wal.keys().next_back().copied().ok_or(Refused::Nothing)?;
    let timeline = target.timeline.unwrap_or(newest);
    if !known.wal.contains_key(&timeline) {
        return Err(Refused::NoTimeline(timeline));
    }
    let line = Line::to(known, timeline);
    let usable: Vec<_> = known.lines.backups.iter().filter(|backup| line.holds(backup)).collect();
    let from = usable.iter().map(|backup| backup.to).min().ok_or(Refused::Nothing)?;
    let backup = usable.iter().filter(|backup| backup.to <= asked).max_by_key(|backup| backup.to);
    let to = line.end(known).unwrap_or(from);
    let Some(backup) = backup else { return Err(Refused::TooEarly { asked, from, to }) };
    let Some((_, mut number)) = info::segment(&backup.first_wal) else { return Err(Refused::Nothing) };
    let mut safe = backup.to;
    let reached = loop {
        let on = line.timeline(number);
        match known.wal.get(&on).and_then(|wal| wal.get(&number)) {
            Some(at) if *at >= asked => break true,
            Some(at) => safe = safe.max(*at),
            None if line.goes_on(known, number) => {
                return Err(Refused::Gap { asked, missing: info::name(on, number), safe });
            }
            None => break false,
        }
        number += 1;
    };
    if reached {
        Ok(Plan { label: backup.label.clone(), timeline })
    } else {
        Err(Refused::TooLate { asked, from, to })
    }
}

/// The oldest full backup that any moment from `oldest` on needs: each line of history that has such moments needs the one
/// that its first of them is reached from.
pub(super) fn first_needed(known: &Known, oldest: DateTime<Utc>) -> Option<&BaseBackup> {
    let of_line = |timeline: &u32| {
        let line = Line::to(known, *timeline);
        line.end(known).filter(|end| *end >= oldest)?;
        let usable = || known.lines.backups.iter().filter(|backup| line.holds(backup));
        let before = usable().filter(|backup| backup.to <= oldest).max_by_key(|backup| backup.to);
        let needed = before.or_else(|| usable().min_by_key(|backup| backup.to))?;
        // `20261128-013000F_20261129-013000D` builds on `20261128-013000F`.
        let full = needed.label.split('_').next()?;
        known.lines.backups.iter().find(|backup| backup.label == full)
    };
    known.wal.keys().filter_map(of_line).min_by_key(|full| full.to)
}

/// The way to a timeline: it and its ancestors, oldest first, each with the first segment that is its own.
struct Line(Vec<(u32, u64)>);

impl Line {
    fn to(known: &Known, timeline: u32) -> Self {
        let mut line = Vec::new();
        let mut at = timeline;
        // A history that leads to itself is none.
        while line.len() <= known.parents.len() {
            let parent = known.parents.get(&at);
            line.push((at, parent.map_or(0, |(_, number)| *number)));
            let Some((parent, _)) = parent else { break };
            at = *parent;
        }
        line.reverse();
        Self(line)
    }

    /// On which timeline a segment of it lies.
    fn timeline(&self, number: u64) -> u32 {
        let own = self.0.iter().rev().find(|(_, first)| *first <= number);
        own.or(self.0.first()).map_or(0, |(timeline, _)| *timeline)
    }

    /// It was made on this way, and was whole before the way left its timeline.
    fn holds(&self, backup: &BaseBackup) -> bool {
        let whole = info::segment(&backup.last_wal);
        whole.is_some_and(|(timeline, number)| {
            let left = self.0.iter().skip_while(|(id, _)| *id != timeline).nth(1);
            self.0.iter().any(|(id, _)| *id == timeline) && left.is_none_or(|(_, first)| number < *first)
        })
    }

    /// Whether a later segment of it is there.
    fn goes_on(&self, known: &Known, number: u64) -> bool {
        self.0.iter().any(|(timeline, first)| {
            let wal = known.wal.get(timeline);
            wal.is_some_and(|wal| {
                wal.range((number + 1).max(*first)..).any(|(later, _)| self.timeline(*later) == *timeline)
            })
        })
    }

    /// When its newest segment came.
    fn end(&self, known: &Known) -> Option<DateTime<Utc>> {
        let (timeline, _) = self.0.last()?;
        known.wal.get(timeline)?.values().copied().max()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use chrono::TimeDelta;
    use control::engine::pitr::BackupKind;

    /// A full backup that was made at this moment.
    pub(in crate::pitr) fn full(at: DateTime<Utc>) -> BaseBackup {
        BaseBackup { label: at.to_string(), from: at, to: at, ..known(1..=1).lines.backups.remove(0) }
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    /// Segment n of timeline 1 came at minute n. A backup needed segment 2 alone, and ended at minute 2.
    fn known(numbers: impl Iterator<Item = u64>) -> Known {
        let mut known = Known::default();
        known.wal.insert(1, numbers.map(|n| (n, at(n.cast_signed()))).collect());
        known.lines.backups.push(BaseBackup {
            label: "one".into(),
            kind: BackupKind::Full,
            from: at(2),
            to: at(2),
            bytes: 0,
            stored_bytes: 0,
            timeline: 1,
            first_wal: info::name(1, 2),
            last_wal: info::name(1, 2),
            damaged: false,
        });
        known
    }

    fn asked(known: &Known, minute: i64, timeline: Option<u32>) -> Result<u32, Refused> {
        plan(known, &Target { moment: at(minute), timeline }).map(|plan| plan.timeline)
    }

    #[test]
    fn only_what_is_there_without_a_hole() {
        let whole = known(1..=9);
        assert_eq!(asked(&whole, 5, None), Ok(1));
        assert_eq!(asked(&whole, 1, None), Err(Refused::TooEarly { asked: at(1), from: at(2), to: at(9) }));
        assert_eq!(asked(&whole, 10, None), Err(Refused::TooLate { asked: at(10), from: at(2), to: at(9) }));
        assert_eq!(asked(&whole, 5, Some(7)), Err(Refused::NoTimeline(7)));
        let holed = known((1..=9).filter(|n| *n != 6));
        assert_eq!(asked(&holed, 5, None), Ok(1));
        let gap = Refused::Gap { asked: at(7), missing: info::name(1, 6), safe: at(5) };
        assert_eq!(asked(&holed, 7, None), Err(gap));
        assert_eq!(asked(&Known::default(), 7, None), Err(Refused::Nothing));
    }

    #[test]
    fn each_line_of_history_has_its_own_moments() {
        let mut known = known(1..=9);
        // Timeline 2 left the first one in segment 4, at minute 20.
        known.parents.insert(2, (1, 4));
        known.wal.insert(2, (4..=6_u64).map(|n| (n, at(n.cast_signed() + 20))).collect());
        assert_eq!(asked(&known, 25, None), Ok(2));
        assert_eq!(asked(&known, 8, Some(1)), Ok(1));
        assert!(matches!(asked(&known, 25, Some(1)), Err(Refused::TooLate { .. })));
        // A base backup that the second line did not see cannot lead there.
        let late = BaseBackup {
            label: "late".into(),
            last_wal: info::name(1, 7),
            first_wal: info::name(1, 7),
            to: at(7),
            ..known.lines.backups[0].clone()
        };
        known.lines.backups.push(late);
        let to = Target { moment: at(25), timeline: None };
        assert_eq!(plan(&known, &to).unwrap().label, "one");
        let to = Target { moment: at(8), timeline: Some(1) };
        assert_eq!(plan(&known, &to).unwrap().label, "late");
    }

    #[test]
    fn each_line_keeps_the_full_backup_that_its_moments_need() {
        // Segment n of timeline 1 came at minute n; full backups in minutes 2 and 40. Timeline 2 left in segment 30, at minute 60:
        // it is reached from the first backup only.
        let mut known = known(1..=50);
        let later = BaseBackup {
            label: "later".into(),
            first_wal: info::name(1, 40),
            last_wal: info::name(1, 40),
            ..full(at(40))
        };
        known.lines.backups.push(later);
        let first = |known: &Known, minute| first_needed(known, at(minute)).map(|one| one.label.clone());
        assert_eq!(first(&known, 45).as_deref(), Some("later"));
        assert_eq!(first(&known, 39).as_deref(), Some("one"));
        known.parents.insert(2, (1, 30));
        known.wal.insert(2, (30..=40_u64).map(|n| (n, at(n.cast_signed() + 30))).collect());
        assert_eq!(first(&known, 45).as_deref(), Some("one"), "the second line needs it");
        // Until it has one of its own that is old enough.
        let own = BaseBackup {
            label: "own".into(),
            first_wal: info::name(2, 35),
            last_wal: info::name(2, 35),
            ..full(at(65))
        };
        known.lines.backups.push(own);
        assert_eq!(first(&known, 66).as_deref(), Some("own"));
        assert_eq!(first(&known, 64).as_deref(), Some("one"));
        assert_eq!(first(&Known::default(), 1), None);
    }
}
