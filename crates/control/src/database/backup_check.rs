//! What the backups of a database mean for its health: a check, and a few words for the sentence. Pure functions of what
//! the page of backups says, too.
//!
//! What counts as good, and when one is overdue, is decided in [`crate::backup`].

use chrono::{DateTime, Utc};
use types::{
    backup::{BackupStatus, BackupView, BackupsView, ProofState},
    pitr::about,
    view::CheckView,
};

/// The check; nothing where the plan has no backups.
pub(super) fn check(view: &BackupsView, now: DateTime<Utc>) -> Option<CheckView> {
    let (detail, tone) = state(view, now)?;
    Some(super::health::check("Backups", detail, tone))
}

/// "last backup 5 hours ago and restored as a test"; nothing where the plan has no backups.
pub(super) fn words(view: &BackupsView, now: DateTime<Utc>) -> Option<String> {
    view.offered.then(|| match view.last_good() {
        None => "no backup yet".into(),
        Some(last) => format!("last backup {}{}", ago(last, now), proof(last)),
    })
}

/// Worst first: what does not restore, what is missing, what failed.
fn state(view: &BackupsView, now: DateTime<Utc>) -> Option<(String, &'static str)> {
    if !view.offered {
        return None;
    }
    let last = view.last_good();
    let health = view.health.as_ref().map(|(state, sentence)| (state.as_str(), sentence.as_str()));
    // The newest one that came to an end by itself: newer than the last good one, or that one.
    let newest =
        view.backups.iter().find(|one| matches!(one.status, BackupStatus::Done | BackupStatus::Error));
    let kept = |sentence: &str| match last {
        Some(last) => format!("{sentence}; the last good one was made {}", ago(last, now)),
        None => format!("{sentence}; there is none to restore"),
    };
    let switched_off = !view.schedule.enabled;
    Some(match (newest, health) {
        (Some(newest), _) if newest.proof.state == ProofState::Refuted => (
            format!("The newest one, made {}, does not restore: {}", ago(newest, now), newest.proof.badge()),
            "err",
        ),
        (_, Some(("stale", sentence))) => (plain(sentence), "err"),
        (_, Some(("delayed", sentence))) => (plain(sentence), "warn"),
        (Some(BackupView { status: BackupStatus::Error, .. }), _) => (kept("The newest one failed"), "warn"),
        _ => match last {
            Some(last) if switched_off => {
                (format!("Made {}{}; periodic ones are switched off", ago(last, now), proof(last)), "ok")
            }
            Some(last) => (format!("The last one was made {}{}", ago(last, now), proof(last)), "ok"),
            None if switched_off => ("There is none, and periodic ones are switched off".into(), "warn"),
            None => ("The first one has not been made yet".into(), "off"),
        },
    })
}

/// What its trial restore came to, as the end of a sentence.
fn proof(backup: &BackupView) -> &'static str {
    match backup.proof.state {
        ProofState::Proven => " and restored as a test",
        ProofState::Refuted => " and does not restore",
        ProofState::None | ProofState::Running => ", not restored as a test yet",
        ProofState::Failed => "; a test restore could not be made",
    }
}

fn ago(backup: &BackupView, now: DateTime<Utc>) -> String {
    let age = now - backup.made_at.unwrap_or(backup.created_at);
    format!("{} ago", about(u64::try_from(age.num_milliseconds()).unwrap_or(0)))
}

/// Details of checks have no full stop at their end.
fn plain(sentence: &str) -> String {
    sentence.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use types::{
        AddonId, BackupId, BackupMethod, DatabaseId, OperationId,
        backup::{ProofView, ScheduleView},
    };
    use uuid::Uuid;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn backup(hours: i64, status: BackupStatus, proof: ProofState) -> BackupView {
        let at = now() - TimeDelta::hours(hours);
        BackupView {
            id: BackupId::new(Uuid::nil()),
            database: DatabaseId::new(Uuid::nil()),
            addon: AddonId::new(Uuid::nil()),
            resource_id: "my_app_1".into(),
            method: BackupMethod::Periodic,
            status,
            operation: OperationId::new(Uuid::nil()),
            late: false,
            created_at: at,
            started_at: Some(at),
            ended_at: Some(at),
            made_at: Some(at),
            version: "17.11".into(),
            name: None,
            bytes: 1,
            archive_bytes: None,
            sha256: None,
            error: None,
            proof: ProofView {
                state: proof,
                words: vec!["1 row of public.a is missing".into()],
                ..ProofView::default()
            },
            kept_as: String::new(),
        }
    }

    fn view(backups: Vec<BackupView>, health: &str) -> BackupsView {
        BackupsView {
            offered: true,
            schedule: ScheduleView { enabled: true, ..ScheduleView::default() },
            backups,
            health: Some((health.into(), "A backup has been missing for 25 hours.".into())),
            ..BackupsView::default()
        }
    }

    fn tone(view: &BackupsView) -> String {
        check(view, now()).unwrap().tone
    }

    #[test]
    fn a_proven_backup_is_well() {
        let view = view(vec![backup(5, BackupStatus::Done, ProofState::Proven)], "healthy");
        assert_eq!(tone(&view), "ok");
        assert_eq!(words(&view, now()).unwrap(), "last backup 5 hours ago and restored as a test");
        let without = BackupsView { offered: false, ..view };
        assert_eq!((check(&without, now()), words(&without, now())), (None, None));
    }

    #[test]
    fn what_is_overdue_failed_or_refuted_needs_attention() {
        let good = || backup(40, BackupStatus::Done, ProofState::Proven);
        assert_eq!(tone(&view(vec![good()], "delayed")), "warn");
        assert_eq!(tone(&view(vec![good()], "stale")), "err");
        let failed = view(vec![backup(5, BackupStatus::Error, ProofState::None), good()], "healthy");
        let told = check(&failed, now()).unwrap();
        assert_eq!(
            (told.detail.as_str(), told.tone.as_str()),
            ("The newest one failed; the last good one was made 40 hours ago", "warn")
        );
        let refuted = view(vec![backup(5, BackupStatus::Done, ProofState::Refuted), good()], "healthy");
        let told = check(&refuted, now()).unwrap();
        assert_eq!(told.tone, "err");
        assert!(told.detail.contains("does not restore: 1 row of public.a is missing"), "{}", told.detail);
        // A failure that a good one followed is history.
        let later = view(vec![good(), backup(50, BackupStatus::Error, ProofState::None)], "healthy");
        assert_eq!(tone(&later), "ok");
    }

    #[test]
    fn a_young_database_is_not_blamed() {
        let young = view(vec![], "healthy");
        assert_eq!((tone(&young).as_str(), words(&young, now()).as_deref()), ("off", Some("no backup yet")));
        let mut never = BackupsView { health: None, ..young };
        never.schedule.enabled = false;
        assert_eq!(tone(&never), "warn", "nobody will make one");
    }
}
