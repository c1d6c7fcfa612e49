//! Backups in the core: made, kept and let go, proven, restored, given back; and what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod good;
mod order;
mod yard;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use control::{
    backup::{
        keeper::Kept,
        vault::{Vault as _, VaultError},
    },
    engine::EngineError,
};
use testkit::{Fault, Method, VaultMethod};
use types::{
    ProblemKind,
    backup::{BackupMethod, BackupStatus, ProofState},
    operation::OperationStatus as Status,
};
use yard::Yard;

#[tokio::test]
async fn a_backup_is_made_and_proven() {
    let yard = Yard::new().await;
    // The test's clock begins at the hour of the schedule.
    yard.house.plane.set_backup_schedule(&yard.ada, yard.addon, Some(false), None).await.unwrap();
    let asked = yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap();
    assert_eq!((asked.status, asked.method), (BackupStatus::Scheduled, BackupMethod::Manual));
    // Asked for again while it is made: the same one, and not two at once.
    assert_eq!(yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap().id, asked.id);
    yard.house.settle().await;
    let made = yard.backup(asked.id).await;
    assert_eq!((made.status, made.proof.state), (BackupStatus::Done, ProofState::None));
    assert!(made.bytes > 100_000 && made.archive_bytes > Some(made.bytes), "{made:?}");
    assert_eq!(made.sha256.as_ref().map(String::len), Some(64));
    let name = made.name.unwrap();
    assert!(name.ends_with(&format!("_{}.tar.gz", yard.name)) && name.len() > 20, "{name}");
    assert_eq!(yard.round().await, Kept { tried: 1, ..Kept::default() });
    let proof = yard.backup(asked.id).await.proof;
    assert_eq!(proof.badge(), "restored in 1.5 s, 2 tables, 0 differences");
    assert_eq!(yard.round().await, Kept::default(), "once is enough");
}

#[tokio::test]
async fn a_backup_that_loses_something_is_refuted_and_told() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    yard.house.engine.holds(yard.node(), |data| data.loses_rows = true);
    yard.round().await;
    let proof = yard.backup(made.id).await.proof;
    assert_eq!(
        (proof.state, proof.words.as_slice()),
        (ProofState::Refuted, &["public.a is missing".to_owned()][..])
    );
    let refused = yard.house.plane.restore_backup(&yard.ada, yard.addon, made.id, &yard.name, None).await;
    assert_eq!(refused.unwrap_err().problem().kind, ProblemKind::Conflict);
}

/// F27, F28: what lies in the vault was changed or cut.
#[tokio::test]
async fn a_damaged_archive_is_found_before_it_is_restored() {
    let yard = Yard::new().await;
    let (flipped, cut) = (yard.back_up().await, yard.back_up().await);
    assert!(yard.house.vault.flip(yard.place(flipped.id), 20));
    assert!(yard.house.vault.truncate(yard.place(cut.id), 50_000));
    for damaged in [&flipped, &cut] {
        let name = &yard.name;
        let restore =
            yard.house.plane.restore_backup(&yard.ada, yard.addon, damaged.id, name, None).await.unwrap();
        assert_eq!(yard.house.finish(restore.operation).await, Status::Failed);
        let view = yard.house.plane.operation(&yard.ada, restore.operation).await.unwrap();
        assert!(view.error.as_deref().unwrap().contains("damaged"), "{:?}", view.error);
        assert_eq!((yard.rows("public.a"), yard.house.engine.data(yard.node()).incoming), (Some(3), None));
    }
    while yard.round().await.tried > 0 {}
    for damaged in [flipped, cut] {
        assert_eq!(yard.backup(damaged.id).await.proof.state, ProofState::Refuted);
    }
}

/// The same request, made again: the same backup, also when it is long done.
#[tokio::test]
async fn a_request_with_a_key_is_answered_once() {
    let yard = Yard::new().await;
    let (plane, key) = (&yard.house.plane, || Some("k1".to_owned()));
    let first = plane.back_up(&yard.ada, yard.addon, key()).await.unwrap();
    yard.house.settle().await;
    assert_eq!(plane.back_up(&yard.ada, yard.addon, key()).await.unwrap().id, first.id);
    assert_eq!(yard.all().await.iter().filter(|one| one.method == BackupMethod::Manual).count(), 1);
    let name = &yard.name;
    let restore =
        plane.restore_backup(&yard.ada, yard.addon, first.id, name, Some("k2".into())).await.unwrap();
    let again = plane.restore_backup(&yard.ada, yard.addon, first.id, name, Some("k2".into())).await.unwrap();
    assert_eq!(again.operation, restore.operation);
}

/// What moves bytes may take a day; half an hour would take back the restore of a large database.
#[tokio::test]
async fn what_moves_bytes_has_time() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    yard.house.plane.prove_backup(&yard.ada, made.id).await.unwrap();
    yard.house.settle().await;
    yard.house.plane.restore_beside(&yard.ada, made.id, None, None).await.unwrap();
    yard.house.plane.restore_backup(&yard.ada, yard.addon, made.id, &yard.name, None).await.unwrap();
    let limits = sqlx::query_as::<_, (String, i64)>(
        "SELECT kind, EXTRACT(EPOCH FROM max(time_limit))::bigint FROM operation GROUP BY kind ORDER BY kind",
    );
    let limits = limits.fetch_all(&yard.house.store.pool).await.unwrap();
    let (day, of) = (24 * 3600, |kind: &str| limits.iter().find(|(name, _)| name == kind).unwrap().1);
    for kind in ["backup", "prove_backup", "restore_backup", "provision"] {
        assert_eq!(of(kind), day, "{kind}");
    }
}

/// F15: no room where archives lie. The half one goes, earlier ones stay, and the cause is told.
#[tokio::test]
async fn a_full_vault_fails_the_backup_and_nothing_else() {
    let yard = Yard::new().await;
    let good = yard.back_up().await;
    let fault = Fault::before(VaultMethod::Write, || VaultError::Full { free_bytes: 4096 }).skip(3);
    let fired = yard.house.vault.inject(fault);
    let failed = yard.back_up().await;
    assert_eq!(fired.times(), 1);
    assert_eq!((failed.status, failed.archive_bytes), (BackupStatus::Error, None));
    assert!(failed.error.as_deref().unwrap().contains("full"), "{:?}", failed.error);
    assert_eq!(yard.house.vault.places().await.unwrap(), [yard.place(good.id)]);
    let view = yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap();
    assert_eq!(view.last_good().map(|backup| backup.id), Some(good.id));
    yard.house.vault.heal();
    assert_eq!(yard.back_up().await.status, BackupStatus::Done);
}

#[tokio::test]
async fn a_cancelled_backup_leaves_nothing() {
    let yard = Yard::new().await;
    let asked = yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap();
    yard.house.plane.cancel_operation(&yard.ada, asked.operation).await.unwrap();
    assert_eq!(yard.backup(asked.id).await.status, BackupStatus::Cancelling);
    yard.house.settle().await;
    let view = yard.backup(asked.id).await;
    assert_eq!((view.status, view.error), (BackupStatus::Cancelled, None));
    assert_eq!(yard.house.vault.places().await.unwrap(), []);
}

#[tokio::test]
async fn changes_wait_for_a_backup_and_a_backup_for_changes() {
    let yard = Yard::new().await;
    let asked = yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap();
    let refused = yard.house.plane.restart_database(&yard.ada, yard.addon, None).await.unwrap_err().problem();
    assert_eq!((refused.kind, refused.operation), (ProblemKind::Conflict, Some(asked.operation)));
    // What closes no connection goes on.
    yard.house.plane.force_tls(&yard.ada, yard.addon, true).await.unwrap();
    yard.house.settle().await;
    let restart = yard.house.plane.restart_database(&yard.ada, yard.addon, None).await.unwrap();
    let refused = yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap_err().problem();
    assert_eq!((refused.kind, refused.operation), (ProblemKind::Conflict, Some(restart.operation)));
}

#[tokio::test]
async fn a_restore_replaces_the_data_and_can_be_taken_back() {
    let yard = Yard::new().await;
    let (plane, ada, addon) = (&yard.house.plane, &yard.ada, yard.addon);
    let made = yard.back_up().await;
    yard.house.engine.holds(yard.node(), |data| {
        data.contents.rows.insert("public.a".into(), 99);
    });
    let typo = plane.restore_backup(ada, addon, made.id, "other", None).await.unwrap_err().problem();
    assert_eq!(typo.kind, ProblemKind::Invalid);
    let restore = plane.restore_backup(ada, addon, made.id, &yard.name, None).await.unwrap();
    assert_eq!(yard.house.finish(restore.operation).await, Status::Succeeded);
    assert_eq!(yard.rows("public.a"), Some(3));
    let view = plane.backups(ada, addon).await.unwrap();
    assert!(view.replaced);
    let safety = view.backups.iter().find(|backup| backup.method == BackupMethod::Safety).unwrap();
    assert_eq!(safety.status, BackupStatus::Done, "a backup of what was there");

    plane.bring_back_replaced(ada, addon).await.unwrap();
    assert_eq!(yard.rows("public.a"), Some(99));
    // Three days later it goes by itself.
    yard.house.clock.advance(TimeDelta::hours(73));
    yard.round().await;
    assert!(!plane.backups(ada, addon).await.unwrap().replaced);
    assert_eq!(yard.house.engine.data(yard.node()).replaced, None);
    assert_eq!(plane.drop_replaced(ada, addon).await.unwrap_err().problem().kind, ProblemKind::Conflict);
}

/// Killed after the switch and before its record, or its reply lost: it is not switched back.
#[tokio::test]
async fn a_switch_happens_once() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    let lost = || EngineError::Other { message: "lost".into(), source: anyhow::anyhow!("lost"), retry: true };
    let faults = [
        (Fault::after(Method::Swap, lost), false),
        (Fault::hang_after(Method::Swap), true),
        (Fault::hang_before(Method::Swap), true),
    ];
    for (fault, hangs) in faults {
        yard.house.engine.holds(yard.node(), |data| {
            data.contents.rows.insert("public.a".into(), 99);
        });
        let restore =
            yard.house.plane.restore_backup(&yard.ada, yard.addon, made.id, &yard.name, None).await.unwrap();
        let fired = yard.house.engine.inject(fault);
        if hangs {
            yard.house.work_until_it_hangs(&fired).await;
            yard.house.leases_end();
        }
        assert_eq!(yard.house.finish(restore.operation).await, Status::Succeeded);
        assert_eq!(fired.times(), 1);
        let data = yard.house.engine.data(yard.node());
        assert_eq!((yard.rows("public.a"), data.replaced.unwrap().rows["public.a"]), (Some(3), 99));
    }
}

#[tokio::test]
async fn a_restore_that_loses_something_leaves_the_database_alone() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    yard.house.engine.holds(yard.node(), |data| data.loses_rows = true);
    let restore =
        yard.house.plane.restore_backup(&yard.ada, yard.addon, made.id, &yard.name, None).await.unwrap();
    assert_eq!(yard.house.finish(restore.operation).await, Status::Failed);
    let data = yard.house.engine.data(yard.node());
    assert_eq!((data.contents.rows.get("public.a"), data.incoming, data.replaced), (Some(&3), None, None));
}

#[tokio::test]
async fn a_restore_beside_is_a_database_of_its_own() {
    let yard = Yard::new().await;
    let (plane, ada) = (&yard.house.plane, &yard.ada);
    let made = yard.back_up().await;
    let beside = plane.restore_beside(ada, made.id, None, None).await.unwrap();
    assert_ne!(beside.addon.id, yard.addon);
    assert_eq!(yard.house.finish(beside.operation).await, Status::Succeeded);
    let other = plane.node_id(ada, beside.addon.id).await.unwrap();
    let data = yard.house.engine.data(other);
    assert_eq!((data.contents.rows.get("public.b"), data.replaced), (Some(&4), None));
    assert_eq!(yard.rows("public.b"), Some(4));
    let bob = yard.house.person("bob", false).await;
    let stranger = plane.restore_beside(&bob, made.id, None, None).await.unwrap_err().problem();
    assert_eq!(stranger.kind, ProblemKind::NotFound);
}

/// F24, F25 with the real keeper: a year of days, outages and a clock that is set back.
#[tokio::test]
async fn one_periodic_backup_a_day_caught_up_once_and_kept_as_the_plan_says() {
    let yard = Yard::new().await;
    let periodic = async || yard.all().await.into_iter().filter(|one| one.method == BackupMethod::Periodic);
    let begin: DateTime<Utc> = yard.house.plane.now();
    for day in 0..40 {
        if (20..24).contains(&day) {
            // Nobody was there for four days.
            yard.house.clock.advance(TimeDelta::days(1));
            continue;
        }
        for _ in 0..4 {
            yard.house.clock.advance(TimeDelta::hours(6));
            yard.round().await;
        }
        if day == 30 {
            yard.house.clock.advance(TimeDelta::hours(-2));
            yard.round().await;
            yard.house.clock.advance(TimeDelta::hours(2));
        }
    }
    let all: Vec<_> = periodic().await.collect();
    assert!(all.iter().all(|one| one.status == BackupStatus::Done), "{all:#?}");
    // Seven days, and four Sundays of which one or two are among them.
    assert!((9..=11).contains(&all.len()), "{}: {all:#?}", all.len());
    let labels: Vec<_> = all.iter().map(|one| one.kept_as.as_str()).collect();
    assert_eq!(labels.iter().filter(|label| **label == "Weekly").count(), 4, "{labels:?}");
    let made = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM operation WHERE kind = 'backup'");
    let made = made.fetch_one(&yard.house.store.pool).await.unwrap();
    assert!((36..=38).contains(&made), "40 days, four without anybody, one caught up: {made}");
    assert_eq!(yard.house.vault.places().await.unwrap().len(), all.len(), "what goes, goes everywhere");
    assert!(yard.house.plane.now() - begin > TimeDelta::days(39));
}

#[tokio::test]
async fn the_schedule_is_set_and_refused_at_its_field() {
    let yard = Yard::new().await;
    let (plane, ada, addon) = (&yard.house.plane, &yard.ada, yard.addon);
    for (hour, zone, field) in [(24, "UTC", "hour"), (3, "Middle/Earth", "zone")] {
        let refused = plane.set_backup_schedule(ada, addon, None, Some((hour, zone.into()))).await;
        assert_eq!(refused.unwrap_err().problem().fields[0].field, field);
    }
    plane.set_backup_schedule(ada, addon, None, Some((4, "UTC".into()))).await.unwrap();
    let schedule = plane.backup_schedule(ada, addon).await.unwrap().unwrap();
    assert_eq!((schedule.enabled, schedule.hour_utc, schedule.zone.as_str()), (true, 4, "UTC"));
    assert_eq!(schedule.next_at.unwrap().hour(), 4);
    plane.set_backup_schedule(ada, addon, Some(false), None).await.unwrap();
    for _ in 0..5 {
        yard.house.clock.advance(TimeDelta::hours(12));
        assert_eq!(yard.round().await.begun, 0);
    }
    // Switched on again, it makes up for nothing.
    plane.set_backup_schedule(ada, addon, Some(true), None).await.unwrap();
    assert_eq!(yard.round().await.begun, 0);
}

#[tokio::test]
async fn the_oldest_manual_one_goes_after_it_was_announced() {
    let yard = Yard::new().await;
    let mut made = Vec::new();
    for _ in 0..10 {
        yard.house.clock.advance(TimeDelta::minutes(1));
        made.push(yard.back_up().await.id);
    }
    let view = yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap();
    assert_eq!((view.manual, view.manual_kept, view.pushes_out), (10, 10, Some(made[0])));
    yard.house.clock.advance(TimeDelta::minutes(1));
    yard.back_up().await;
    let kept = yard.round().await;
    assert_eq!(kept.gone, 1);
    assert!(yard.house.plane.backup(&yard.ada, made[0]).await.is_err());
    assert!(yard.house.plane.backup(&yard.ada, made[1]).await.is_ok());
}

#[tokio::test]
async fn backups_outlive_their_database() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    let next = async || yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap().schedule.next_at;
    assert!(next().await.is_some());
    yard.house.plane.delete_addon_api(&yard.ada, yard.addon).await.unwrap();
    yard.house.settle().await;
    assert_eq!(next().await, None, "nothing is promised for what is deleted");
    yard.house.clock.advance(TimeDelta::hours(73));
    yard.house.plane.sweep().await.unwrap();
    yard.round().await;
    assert_eq!(yard.backup(made.id).await.status, BackupStatus::Done);
    assert!(yard.house.plane.backup_link(&yard.ada, made.id).await.is_ok());
    // They are found without a name that somebody remembered, and by nobody else.
    let plane = &yard.house.plane;
    assert_eq!(yard.all().await.iter().filter(|one| one.id == made.id).count(), 1);
    let left = plane.deleted_backups(&yard.ada, "my-app").await.unwrap();
    assert_eq!((left.len(), left[0].addon, &left[0].resource_id), (1, yard.addon, &yard.name));
    assert!(left[0].backups.iter().any(|one| one.id == made.id));
    let bob = yard.house.person("bob", false).await;
    for refused in [
        plane.backups(&bob, yard.addon).await.map(drop),
        plane.deleted_backups(&bob, "my-app").await.map(drop),
        plane.backup_link(&bob, made.id).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().problem().kind, ProblemKind::NotFound);
    }
    // And a new database can begin with one.
    let new = plane.restore_beside(&yard.ada, made.id, None, None).await.unwrap();
    assert_eq!(yard.house.finish(new.operation).await, Status::Succeeded);
    let node = plane.node_id(&yard.ada, new.addon.id).await.unwrap();
    assert_eq!(yard.house.engine.data(node).contents.rows.get("public.a"), Some(&3));
    plane.delete_addon_api(&yard.ada, new.addon.id).await.unwrap();
    yard.house.settle().await;
    yard.house.clock.advance(TimeDelta::days(40));
    yard.round().await;
    assert!(yard.house.plane.backup(&yard.ada, made.id).await.is_err(), "a month after it was made");
    assert_eq!(yard.house.vault.places().await.unwrap(), []);
}

/// A33 and the rights: a link is bound to a person, and to an hour.
#[tokio::test]
async fn a_link_opens_one_archive_for_its_person_and_its_hour() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    let plane = &yard.house.plane;
    let bob = yard.house.person("bob", false).await;
    assert_eq!(plane.backup_link(&bob, made.id).await.unwrap_err().problem().kind, ProblemKind::NotFound);
    let link = plane.backup_link(&yard.ada, made.id).await.unwrap();
    let token = link.path.strip_prefix("/downloads/").unwrap();
    assert!(token.len() > 100 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    let download = plane.open_download(token).await.unwrap();
    assert_eq!(
        (Some(download.archive.bytes()), Some(&download.name)),
        (made.archive_bytes, made.name.as_ref())
    );
    for bad in ["", "x", "../../etc/passwd", &token[..token.len() - 1], &format!("Z{}", &token[1..])] {
        assert!(plane.open_download(bad).await.is_err(), "{bad}");
    }
    yard.house.clock.advance(TimeDelta::minutes(61));
    assert_eq!(plane.open_download(token).await.unwrap_err().problem().kind, ProblemKind::NotFound);
}

#[tokio::test]
async fn a_stopped_database_and_a_plan_without_backups_are_told() {
    let yard = Yard::new().await;
    yard.house.plane.stop_database(&yard.ada, yard.addon, None).await.unwrap();
    yard.house.settle().await;
    let refused = yard.house.plane.back_up(&yard.ada, yard.addon, None).await.unwrap_err().problem();
    assert!(refused.message.contains("does not run"), "{}", refused.message);
    yard.house.clock.advance(TimeDelta::days(2));
    let dumps = yard.house.engine.calls(Method::Dump);
    assert_eq!(yard.round().await.begun, 0, "skipped while it does not run");
    assert_eq!(yard.house.engine.calls(Method::Dump), dumps);
    yard.house.plane.start_database(&yard.ada, yard.addon, None).await.unwrap();
    yard.house.settle().await;
    assert_eq!(yard.round().await.begun, 1, "and made up for");
    let late =
        yard.all().await.into_iter().find(|one| one.method == BackupMethod::Periodic).expect("it was made");
    assert!(late.late);
}

#[tokio::test]
async fn a_new_key_is_for_coming_archives_and_the_old_ones_stay_readable() {
    let yard = Yard::new().await;
    let (plane, ada) = (&yard.house.plane, &yard.ada);
    let old = yard.back_up().await;
    let since = plane.backups(ada, yard.addon).await.unwrap().key_since;
    yard.house.clock.advance(TimeDelta::hours(1));
    plane.rotate_archive_key(ada, yard.addon).await.unwrap();
    assert!(plane.backups(ada, yard.addon).await.unwrap().key_since > since);
    let new = yard.back_up().await;
    let rows =
        sqlx::query_scalar::<_, uuid::Uuid>("SELECT DISTINCT key_id FROM backup WHERE key_id IS NOT NULL");
    assert_eq!(rows.fetch_all(&yard.house.store.pool).await.unwrap().len(), 2);
    for backup in [old.id, new.id] {
        let operation = plane.prove_backup(ada, backup).await.unwrap();
        assert_eq!(yard.house.finish(operation).await, Status::Succeeded);
        assert_eq!(yard.backup(backup).await.proof.state, ProofState::Proven);
    }
}
