//! How much would be lost now, and how long a way back takes: from what the archiver says and what was measured.
//!
//! Nothing is promised: without an archive or a backup the answer is "everything", without a measured restore no time is
//! told.

use super::memory::Seen;
use crate::{
    ControlPlane, Result,
    engine::pitr::ArchiveState,
    store::{self, addon::Addon},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use types::{
    backup::BackupsView,
    operation::duration,
    pitr::{Exposure, Ground, WayBack},
    plan::size,
};

/// A segment is ended after this time at the latest when anything was written (`archive_timeout`).
const SEGMENT: TimeDelta = TimeDelta::seconds(60);
/// An archive that nothing reaches for longer is stalled.
const STALLED: TimeDelta = TimeDelta::minutes(5);

/// What waits for so long grows too slowly to be told of.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

/// That nothing has reached an archive for a while, for people; and when its disk will be full if that goes on, where it is
/// known what is left of it.
pub(super) fn stalled(state: &ArchiveState, left_bytes: Option<u64>, now: DateTime<Utc>) -> Option<String> {
    let since = [state.failing_since, state.waiting_since].into_iter().flatten().min()?;
    if now - since < STALLED {
        return None;
    }
    let full = left_bytes.and_then(|left| full_in(state.waiting_bytes, now - since, left));
    let full =
        full.map_or_else(String::new, |ms| format!(" At this pace it is full in about {}.", duration(ms)));
    Some(format!(
        "Nothing has reached the archive since {}: {} segments ({}) wait on the data volume and take its disk.{full}",
        since.format("%d %b %H:%M UTC"),
        state.waiting,
        size(state.waiting_bytes)
    ))
}

/// Milliseconds until as much as is left is taken, at the pace of what has come until now.
fn full_in(bytes: u64, took: TimeDelta, left: u64) -> Option<u64> {
    let ms = u128::from(left) * u128::try_from(took.num_milliseconds()).ok()? / u128::from(bytes).max(1);
    u64::try_from(ms).ok().filter(|ms| bytes > 0 && u128::from(*ms) <= FAR.as_millis())
}

/// What was committed and is not in the archive yet, at most.
fn behind(state: &ArchiveState, now: DateTime<Utc>) -> Option<TimeDelta> {
    let since = now - state.last_at?;
    let flows = state.failing_since.is_none() && state.waiting == 0;
    // Whatever was written is ended within a minute; a server that wrote nothing has nothing to lose.
    Some(if flows { since.min(SEGMENT) } else { since })
}

/// The answer, from what is known: when the data alone are lost, and when everything on this machine is.
fn exposure(
    seen: Option<&Seen>,
    last_backup: Option<DateTime<Utc>>,
    back_ms: (Option<u64>, Option<u64>),
    elsewhere: bool,
    now: DateTime<Utc>,
) -> Exposure {
    let ms = |time: TimeDelta| u64::try_from(time.num_milliseconds()).unwrap_or(0);
    let archived = seen.filter(|seen| !seen.known.backups.is_empty());
    let archive = archived.and_then(|seen| behind(&seen.state, now)).map(|behind| WayBack {
        lost_ms: ms(behind),
        back_ms: back_ms.0.or(back_ms.1),
        from: Ground::Archive,
    });
    let backup =
        last_backup.map(|at| WayBack { lost_ms: ms(now - at), back_ms: back_ms.1, from: Ground::Backup });
    // The archive lies below the data root, so it burns with the machine.
    Exposure { machine: backup.filter(|_| elsewhere), data: archive.or(backup) }
}

impl ControlPlane {
    /// What is left of a plan's disk, as it was counted last.
    pub(super) fn disk_left(&self, row: &Addon) -> Option<u64> {
        let plan = u64::from(self.plan_shown(&row.plan).disk_mib) << 20;
        self.inner.measured.disk_bytes(row.database_id).map(|used| plan.saturating_sub(used))
    }

    /// How much of a database with these backups would be lost now; `None`: its plan keeps nothing.
    pub(crate) async fn exposure(&self, row: &Addon, backups: &BackupsView) -> Result<Option<Exposure>> {
        let plan = self.plan_shown(&row.plan);
        if plan.pitr_days == 0 && !backups.offered {
            return Ok(None);
        }
        let mut conn = self.store().acquire().await?;
        let restores = store::pitr::list(&mut conn, row.database_id).await?;
        drop(conn);
        let good = || backups.backups.iter().filter(|backup| backup.good());
        let last_backup = good().filter_map(|backup| backup.made_at).max();
        // The time of one that did not restore says nothing.
        let proven = good().find_map(|backup| backup.proof.took_ms);
        let restored = restores.iter().find_map(|restore| u64::try_from(restore.took_ms?).ok());
        let seen = self.inner.archives.get(row.database_id).filter(|_| plan.pitr_days > 0);
        // A directory has an end, object storage has none.
        let elsewhere = self.inner.vault.room().await.is_none();
        Ok(Some(exposure(seen.as_ref(), last_backup, (restored, proven), elsewhere, self.now())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pitr::{BackupKind, BaseBackup, Timelines};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn seen(state: ArchiveState) -> Seen {
        let base = BaseBackup {
            label: String::new(),
            kind: BackupKind::Full,
            from: at(0),
            to: at(0),
            bytes: 0,
            stored_bytes: 0,
            timeline: 1,
            first_wal: String::new(),
            last_wal: String::new(),
            damaged: false,
        };
        Seen { state, known: Timelines { backups: vec![base], ..Timelines::default() }, at: at(0) }
    }

    #[test]
    fn what_is_lost_is_what_has_not_arrived() {
        let of = |state| exposure(Some(&seen(state)), None, (None, Some(4_000)), false, at(1000));
        let lost = |state| of(state).data.unwrap().lost_ms;
        let flows = ArchiveState { last_at: Some(at(986)), ..ArchiveState::default() };
        assert_eq!(lost(flows.clone()), 14_000);
        assert_eq!(lost(ArchiveState { last_at: Some(at(10)), ..flows.clone() }), 60_000, "idle for long");
        assert_eq!(lost(ArchiveState { last_at: Some(at(100)), waiting: 3, ..flows.clone() }), 900_000);
        assert_eq!(of(flows).machine, None, "the archive burns with the machine");
        let nothing = exposure(None, None, (None, None), true, at(1000));
        assert_eq!(nothing, Exposure { data: None, machine: None });
    }

    #[test]
    fn what_burns_with_the_machine_brings_nothing_back() {
        let flows = seen(ArchiveState { last_at: Some(at(986)), ..ArchiveState::default() });
        let backup = WayBack { lost_ms: 600_000, back_ms: Some(4_000), from: Ground::Backup };
        let archive = WayBack { lost_ms: 14_000, back_ms: Some(9_000), from: Ground::Archive };
        let of =
            |seen, elsewhere| exposure(seen, Some(at(400)), (Some(9_000), Some(4_000)), elsewhere, at(1000));
        let both = Exposure { data: Some(archive), machine: Some(backup) };
        assert_eq!(of(Some(&flows), true), both);
        assert_eq!(of(Some(&flows), false), Exposure { machine: None, ..both });
        assert_eq!(of(None, true), Exposure { data: Some(backup), machine: Some(backup) });
        assert_eq!(of(None, false), Exposure { data: Some(backup), machine: None });
    }

    #[test]
    fn an_archive_that_nothing_reaches_is_told_after_five_minutes() {
        let state = ArchiveState {
            waiting: 3,
            waiting_bytes: 3 << 24,
            waiting_since: Some(at(0)),
            ..ArchiveState::default()
        };
        assert_eq!(stalled(&state, None, at(299)), None);
        let told = stalled(&state, None, at(300)).unwrap();
        assert!(told.contains("3 segments") && !told.contains("full in"), "{told}");
        // 48 MiB in five minutes: 480 MiB in fifty.
        let told = stalled(&state, Some(480 << 20), at(300)).unwrap();
        assert!(told.ends_with("At this pace it is full in about 50m 00s."), "{told}");
        assert!(!stalled(&state, Some(1 << 40), at(300)).unwrap().contains("full in"), "in years");
        assert_eq!(stalled(&ArchiveState::default(), Some(1), at(9999)), None);
    }
}
