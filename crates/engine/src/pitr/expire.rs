//! Removes base backups that no kept moment needs, with their log.
//!
//! What may go is reckoned here from the archive's own dates, and only that is unsealed for the moment. pgBackRest then
//! removes by the same rule; what it would remove beyond, it may not.

use super::{
    STANZA,
    info::{self, Known},
    place::Archive,
    plan,
    seal::{self, off_the_runtime, seal_now},
    tool::{self, Tool},
};
use chrono::{DateTime, TimeDelta, Utc};
use control::engine::{
    EngineError, Volume,
    pitr::{BackupKind, BaseBackup},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// For how many days pgBackRest must keep full backups so that it keeps this one and what came later: it keeps the newest
/// that is older than so many days, and all that are younger.
fn days_to(known: &Known, first: &BaseBackup, now: DateTime<Utc>) -> i64 {
    let days = (now - first.to).num_days().max(1);
    let cut = now - TimeDelta::days(days);
    let fulls = known.lines.backups.iter().filter(|one| one.kind == BackupKind::Full);
    // Another one of the same day would take its place.
    days + i64::from(fulls.into_iter().any(|one| one.to > first.to && one.to <= cut))
}

/// The log that a kept moment may need: from each kept base backup on, on its timeline and on those that left it later.
struct Needed {
    from: Vec<(u32, u64)>,
    parents: BTreeMap<u32, u32>,
}

impl Needed {
    fn of(known: &Known, kept: &[BaseBackup]) -> Self {
        let from = kept.iter().filter_map(|one| info::segment(&one.first_wal)).collect();
        Self { from, parents: known.parents.iter().map(|(id, (parent, _))| (*id, *parent)).collect() }
    }

    /// A segment of which nothing is needed. What has no such name stays.
    fn may_go(&self, name: &str) -> bool {
        let Some((timeline, number)) = info::segment(name) else { return false };
        !self.from.iter().any(|(base, first)| number >= *first && self.leads(*base, timeline))
    }

    /// A timeline, as it is called, that all kept base backups have left behind.
    fn line_may_go(&self, timeline: &str) -> bool {
        let Ok(timeline) = u32::from_str_radix(timeline, 16) else { return false };
        self.from.iter().all(|(base, _)| timeline < *base)
    }

    /// Whether a timeline is this one, or came from it.
    fn leads(&self, from: u32, to: u32) -> bool {
        let way = std::iter::successors(Some(to), |id| self.parents.get(id).copied());
        // A history that leads to itself is none.
        way.take(self.parents.len() + 1).any(|id| id == from)
    }
}

pub(crate) async fn expire(
    tool: &Tool,
    archive: &Archive,
    days: u32,
    now: DateTime<Utc>,
) -> Result<(), EngineError> {
    // What is looked at here only grows, so nobody needs to wait for it.
    let known = info::know(tool, archive).await?;
    let oldest = now - TimeDelta::days(days.into());
    let Some(first) = plan::first_needed(&known, oldest).cloned() else { return Ok(()) };
    let (old, kept): (Vec<_>, Vec<_>) =
        known.lines.backups.iter().cloned().partition(|one| one.to < first.from);
    if old.is_empty() {
        return Ok(());
    }
    let old: BTreeSet<_> = old.into_iter().map(|one| one.label).collect();
    let (log, keep) = (Needed::of(&known, &kept), days_to(&known, &first, now));
    let which = move |path: &[&str]| match path {
        ["backup", STANZA, label, ..] => old.contains(*label),
        ["archive", STANZA, _, name] => match name.strip_suffix(".history") {
            Some(timeline) => log.line_may_go(timeline),
            // A whole directory goes when all of it does.
            None => name.len() == 16 && log.may_go(&format!("{name}000000FF")),
        },
        ["archive", STANZA, _, _, file] => log.may_go(file),
        _ => false,
    };
    let turn = Arc::new(archive.turn().await);
    off_the_runtime(archive, &turn, seal_now).await?;
    let removed = async {
        off_the_runtime(archive, &turn, move |archive| seal::unseal(archive, which)).await?;
        let exec = tool.exec(archive.ids()?, &archive.conf(), "expire");
        tool::run(
            "remove old base backups",
            Volume::Archive,
            exec.arg(format!("--repo1-retention-full={keep}")),
        )
        .await
    };
    let removed = removed.await;
    off_the_runtime(archive, &turn, seal_now).await?;
    removed.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_full_backup_of_the_same_day_does_not_take_its_place() {
        let at = |hour| DateTime::UNIX_EPOCH + TimeDelta::hours(hour);
        let mut known = Known::default();
        known.lines.backups = [0, 5, 200].map(|hour| plan::tests::full(at(hour))).into();
        let first = known.lines.backups[0].clone();
        assert_eq!(days_to(&known, &first, at(246)), 11, "at ten days the one of hour 5 would count");
        known.lines.backups.remove(1);
        assert_eq!(days_to(&known, &first, at(246)), 10);
        assert_eq!(days_to(&known, &first, at(1)), 1);
    }

    #[test]
    fn log_goes_with_the_line_that_nobody_follows_any_more() {
        // Timeline 2 left the first one in segment 50; the first went on to 100. Kept is a backup of the second, from 60 on.
        let needed = Needed { from: vec![(2, 60)], parents: BTreeMap::from([(2, 1), (3, 2), (4, 1)]) };
        let goes = |timeline, number| needed.may_go(&info::name(timeline, number));
        assert!(goes(1, 40) && goes(1, 100) && goes(2, 59) && goes(4, 200));
        assert!(!goes(2, 60) && !goes(2, 300) && !goes(3, 61), "what is kept, and what came from it");
        assert!(!needed.may_go("00000002.history") && !needed.may_go("x"));
        assert!(
            needed.line_may_go("00000001") && !needed.line_may_go("00000002") && !needed.line_may_go("x")
        );
        let both = Needed { from: vec![(1, 45), (2, 60)], ..needed };
        let goes = |timeline, number| both.may_go(&info::name(timeline, number));
        assert!(
            goes(1, 44) && !goes(1, 100) && !goes(2, 50),
            "a kept backup of the first line leads to both"
        );
    }
}
