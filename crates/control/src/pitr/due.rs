//! Which base backup is due: a pure function of what an archive holds.
//!
//! A full one every week, a differential one every day between: so the log that a restore replays is of one day at most.

use crate::engine::pitr::{BackupKind, BaseBackup, Timelines};
use chrono::{DateTime, TimeDelta, Utc};

/// A full one so often.
pub const FULL: TimeDelta = TimeDelta::days(7);
/// One of any kind so often.
pub const ANY: TimeDelta = TimeDelta::hours(24);

/// What is due now for a server that writes this timeline.
#[must_use]
pub fn due(known: &Timelines, serving: Option<u32>, now: DateTime<Utc>) -> Option<BackupKind> {
    // One "of tomorrow" was made before the clock was set back: it keeps nobody from making another.
    let believed = || known.backups.iter().filter(|backup| backup.from <= now);
    let full = believed().filter(|backup| backup.kind == BackupKind::Full).max_by_key(|backup| backup.to);
    let Some(full) = full else { return Some(BackupKind::Full) };
    let newest = believed().max_by_key(|backup| backup.to)?;
    if now - full.from >= FULL {
        return Some(BackupKind::Full);
    }
    // Behind a hole nothing can be restored until something is copied after it.
    let holed = known.gaps.iter().any(|gap| gap.to.or(gap.from).is_none_or(|at| at >= newest.to));
    let moved = serving.is_some_and(|serving| serving != newest.timeline);
    (holed || moved || now - newest.from >= ANY).then_some(BackupKind::Diff)
}

/// When the next full one is due; `None`: there was none.
#[must_use]
pub fn next_full(known: &Timelines) -> Option<DateTime<Utc>> {
    last_full(known).map(|full| full.from + FULL)
}

fn last_full(known: &Timelines) -> Option<&BaseBackup> {
    known.backups.iter().filter(|backup| backup.kind == BackupKind::Full).max_by_key(|backup| backup.to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pitr::Gap;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn base(kind: BackupKind, hour: i64) -> BaseBackup {
        BaseBackup {
            label: String::new(),
            kind,
            from: at(hour),
            to: at(hour),
            bytes: 0,
            stored_bytes: 0,
            timeline: 1,
            first_wal: String::new(),
            last_wal: String::new(),
            damaged: false,
        }
    }

    #[test]
    fn a_full_one_a_week_and_one_a_day() {
        let mut known = Timelines::default();
        assert_eq!(due(&known, None, at(0)), Some(BackupKind::Full), "the first at once");
        known.backups.push(base(BackupKind::Full, 0));
        assert_eq!(due(&known, Some(1), at(23)), None);
        assert_eq!(due(&known, Some(1), at(24)), Some(BackupKind::Diff));
        known.backups.push(base(BackupKind::Diff, 24));
        assert_eq!(due(&known, Some(1), at(47)), None);
        assert_eq!(due(&known, Some(1), at(7 * 24)), Some(BackupKind::Full));
        assert_eq!(next_full(&known), Some(at(7 * 24)));
    }

    #[test]
    fn after_a_hole_or_another_timeline_at_once() {
        let mut known = Timelines { backups: vec![base(BackupKind::Full, 0)], ..Timelines::default() };
        assert_eq!(due(&known, Some(2), at(1)), Some(BackupKind::Diff));
        let gap = Gap {
            timeline: 1,
            first: String::new(),
            last: String::new(),
            from: Some(at(1)),
            to: Some(at(2)),
        };
        known.gaps.push(gap);
        assert_eq!(due(&known, Some(1), at(3)), Some(BackupKind::Diff));
        known.backups.push(base(BackupKind::Diff, 3));
        assert_eq!(due(&known, Some(1), at(4)), None, "the hole is behind us");
    }
}
