//! What a backup's row says: when, how large, how it stands. Pure: words come out, nothing is asked.

use crate::ui::date;
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use types::{
    backup::{BackupMethod, BackupStatus, BackupView, BackupsView, ProofState},
    plan::size,
};

/// How a backup stands: a pill, and what is told under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `ok`, `run`, `warn`, `err` or `off`.
    pub tone: &'static str,
    /// "restored in 41 s"
    pub word: String,
    /// "118 tables, 0 differences"; empty where the word says all.
    pub more: String,
}

impl Standing {
    fn of(tone: &'static str, word: impl Into<String>, more: impl Into<String>) -> Self {
        Self { tone, word: word.into(), more: more.into() }
    }
}

/// How a backup stands now.
#[must_use]
pub fn standing(backup: &BackupView, now: DateTime<Utc>) -> Standing {
    let tone = backup.status.tone();
    match backup.status {
        BackupStatus::Scheduled => Standing::of(tone, "waiting", ""),
        BackupStatus::Running => match backup.rate(now).filter(|rate| *rate > 0) {
            Some(rate) => Standing::of(tone, format!("running, {}/s", size(rate)), ""),
            None => Standing::of(tone, "running", ""),
        },
        BackupStatus::Cancelling => Standing::of(tone, "cancelling", ""),
        BackupStatus::Cancelled => Standing::of(tone, "cancelled", ""),
        BackupStatus::Error => Standing::of(tone, "failed", backup.error.clone().unwrap_or_default()),
        BackupStatus::Done => {
            let (tone, badge) = (backup.proof.tone(), backup.proof.badge());
            match backup.proof.state {
                ProofState::Proven => {
                    let (word, more) = badge.split_once(", ").unwrap_or((&badge, ""));
                    Standing::of(tone, word, more)
                }
                ProofState::Refuted => Standing::of(tone, "does not restore", badge),
                ProofState::Failed => {
                    Standing::of(tone, badge, backup.proof.words.first().cloned().unwrap_or_default())
                }
                ProofState::None | ProofState::Running => Standing::of(tone, badge, ""),
            }
        }
    }
}

/// What a download has, or what was dumped so far; a dash where there is nothing.
#[must_use]
pub fn bytes(backup: &BackupView) -> String {
    match backup.archive_bytes {
        Some(bytes) => size(bytes),
        None if backup.status.ended() || backup.bytes == 0 => "–".into(),
        None => size(backup.bytes),
    }
}

/// The moment that people know it by.
#[must_use]
pub fn moment_of(backup: &BackupView) -> DateTime<Utc> {
    backup.made_at.unwrap_or(backup.created_at)
}

/// `20 Nov, 01:00`; with the year where it is another one.
#[must_use]
pub fn clock(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let day = if at.year() == now.year() { at.format("%-d %b").to_string() } else { date(at) };
    format!("{day}, {}", at.format("%H:%M"))
}

/// As what it is kept, where its kind does not say that already.
#[must_use]
pub fn kept_as(backup: &BackupView) -> Option<String> {
    let good = backup.good() && !backup.kept_as.is_empty();
    let new = !matches!(
        (backup.method, backup.kept_as.as_str()),
        (BackupMethod::Manual, "Manual") | (BackupMethod::Safety, "Before a restore")
    );
    (good && new).then(|| format!("kept: {}", backup.kept_as.to_lowercase()))
}

/// "Yesterday’s backup (143 MB) is intact."
#[must_use]
pub fn intact(last_good: Option<&BackupView>, now: DateTime<Utc>) -> String {
    let Some(backup) = last_good else { return "There is no earlier backup to fall back on.".into() };
    let at = moment_of(backup);
    let name = match now.date_naive() - at.date_naive() {
        days if days == TimeDelta::zero() => format!("Today’s backup of {} UTC", at.format("%H:%M")),
        days if days == TimeDelta::days(1) => "Yesterday’s backup".into(),
        _ => format!("The backup of {} UTC", clock(at, now)),
    };
    format!("{name} ({}) is intact.", bytes(backup))
}

/// The newest one that came to an end by itself, if that end was no good one.
#[must_use]
pub fn last_failed(view: &BackupsView) -> Option<&BackupView> {
    let ended = |backup: &&BackupView| {
        backup.status.ended()
            && backup.status != BackupStatus::Cancelled
            && backup.method != BackupMethod::Safety
    };
    view.backups.iter().find(ended).filter(|backup| backup.status == BackupStatus::Error)
}

/// The rule, told before it is followed: "The plan keeps 10 manual backups. Another one removes that of 3 Nov, 14:02 UTC."
#[must_use]
pub fn rule(view: &BackupsView, now: DateTime<Utc>) -> Option<String> {
    let goes = view.backups.iter().find(|backup| Some(backup.id) == view.pushes_out)?;
    let (kept, at) = (view.manual_kept, clock(moment_of(goes), now));
    let kept = if kept == 1 { "1 manual backup".into() } else { format!("{kept} manual backups") };
    Some(format!("The plan keeps {kept}. Another one removes that of {at} UTC."))
}

/// Seconds until an open page should look again; 0 when nothing moves.
#[must_use]
pub fn every(backups: &[BackupView]) -> u32 {
    let moves = |backup: &BackupView| !backup.status.ended() || backup.proof.state == ProofState::Running;
    let waits =
        |backup: &BackupView| backup.status == BackupStatus::Done && backup.proof.state == ProofState::None;
    match () {
        () if backups.iter().any(moves) => 1,
        () if backups.iter().any(waits) => 5,
        () => 0,
    }
}

/// The first letter large, for what begins a sentence.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::backup::ProofView;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn backup(status: BackupStatus, made_at: &str) -> BackupView {
        let done = status == BackupStatus::Done;
        BackupView {
            id: format!("bk-0198aaaa-0000-7000-8000-{:012x}", at(made_at).timestamp()).parse().unwrap(),
            database: "db-0198aaaa-0000-7000-8000-000000000000".parse().unwrap(),
            addon: "ad-0198aaaa-0000-7000-8000-000000000000".parse().unwrap(),
            resource_id: "my_app_4553".into(),
            method: BackupMethod::Manual,
            status,
            operation: "op-0198aaaa-0000-7000-8000-000000000000".parse().unwrap(),
            late: false,
            created_at: at(made_at),
            started_at: Some(at(made_at)),
            ended_at: status.ended().then(|| at(made_at) + TimeDelta::seconds(9)),
            made_at: done.then(|| at(made_at)),
            version: "17.11.0-1".into(),
            name: None,
            bytes: 90_177_536,
            archive_bytes: done.then_some(149_946_368),
            sha256: None,
            error: (status == BackupStatus::Error).then(|| "The storage answered 403.".into()),
            proof: ProofView::default(),
            kept_as: if done { "Manual".into() } else { String::new() },
        }
    }

    fn page(backups: Vec<BackupView>) -> BackupsView {
        BackupsView {
            offered: true,
            pushes_out: backups.last().map(|backup| backup.id),
            backups,
            manual: 1,
            manual_kept: 10,
            ..BackupsView::default()
        }
    }

    #[test]
    fn a_row_says_how_a_backup_stands() {
        let now = at("2026-11-20T01:00:05Z");
        let live = backup(BackupStatus::Running, "2026-11-20T01:00:00Z");
        assert_eq!(standing(&live, now), Standing::of("run", "running, 17 MB/s", ""));
        assert_eq!(bytes(&live), "86 MB");
        let mut done = backup(BackupStatus::Done, "2026-11-20T01:00:00Z");
        assert_eq!(standing(&done, now), Standing::of("off", "not tried yet", ""));
        assert_eq!((bytes(&done), every(std::slice::from_ref(&done))), ("143 MB".into(), 5));
        done.proof = ProofView {
            state: ProofState::Proven,
            took_ms: Some(41_000),
            tables: Some(118),
            ..ProofView::default()
        };
        let proven = standing(&done, now);
        assert_eq!(proven, Standing::of("ok", "restored in 41 s", "118 tables, 0 differences"));
        let failed = backup(BackupStatus::Error, "2026-11-20T01:00:00Z");
        assert_eq!(standing(&failed, now), Standing::of("err", "failed", "The storage answered 403."));
        assert_eq!((bytes(&failed), every(&[done, failed])), ("–".into(), 0));
        assert_eq!(every(&[live]), 1);
    }

    #[test]
    fn a_failure_names_what_is_left() {
        let now = at("2026-11-20T03:00:00Z");
        let good = |made_at: &str| backup(BackupStatus::Done, made_at);
        let told = |made_at: &str| intact(Some(&good(made_at)), now);
        assert_eq!(told("2026-11-20T01:00:00Z"), "Today’s backup of 01:00 UTC (143 MB) is intact.");
        assert_eq!(told("2026-11-19T01:00:00Z"), "Yesterday’s backup (143 MB) is intact.");
        assert_eq!(told("2025-11-19T01:00:00Z"), "The backup of 19 Nov 2025, 01:00 UTC (143 MB) is intact.");
        assert_eq!(intact(None, now), "There is no earlier backup to fall back on.");

        let failed = backup(BackupStatus::Error, "2026-11-20T01:00:00Z");
        let cancelled = backup(BackupStatus::Cancelled, "2026-11-20T02:00:00Z");
        let older = good("2026-11-19T01:00:00Z");
        let view = page(vec![cancelled, failed.clone(), older.clone()]);
        assert_eq!(last_failed(&view).map(|backup| backup.id), Some(failed.id));
        assert_eq!(last_failed(&page(vec![older, failed])), None);
    }

    #[test]
    fn the_rule_is_told_before() {
        let now = at("2026-11-20T03:00:00Z");
        let view = page(vec![backup(BackupStatus::Done, "2026-11-03T14:02:00Z")]);
        let told = "The plan keeps 10 manual backups. Another one removes that of 3 Nov, 14:02 UTC.";
        assert_eq!(rule(&view, now).as_deref(), Some(told));
        assert_eq!(rule(&BackupsView { pushes_out: None, ..view }, now), None);
    }

    #[test]
    fn a_kind_that_says_it_all_is_not_said_twice() {
        let mut one = backup(BackupStatus::Done, "2026-11-03T14:02:00Z");
        assert_eq!(kept_as(&one), None);
        one.method = BackupMethod::Periodic;
        one.kept_as = "Weekly".into();
        assert_eq!(kept_as(&one).as_deref(), Some("kept: weekly"));
        assert_eq!(sentence("every day"), "Every day");
    }
}
