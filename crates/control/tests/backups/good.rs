//! What can be counted on: a backup that was refuted, or has rotted, cannot; and none is made at the cost of the databases.

use crate::yard::Yard;
use chrono::TimeDelta;
use control::{
    Activity,
    backup::{
        keeper::Kept,
        vault::{Room, Vault as _, VaultError},
    },
    engine::EngineError,
};
use testkit::{Fault, Method};
use types::{
    backup::{BackupStatus, BackupView, ProofState, ProofView},
    operation::OperationStatus as Status,
};

/// What was proven once may rot: whoever finds that out, nothing counts on it any more, and it is told once.
#[tokio::test]
async fn a_proven_backup_that_rots_is_refuted_by_whoever_reads_it() {
    let yard = Yard::new().await;
    let plane = &yard.house.plane;
    for by in ["a restore", "a download", "a trial"] {
        let made = yard.back_up().await;
        let operation = plane.prove_backup(&yard.ada, made.id).await.unwrap();
        assert_eq!(yard.house.finish(operation).await, Status::Succeeded);
        assert_eq!(yard.backup(made.id).await.proof.state, ProofState::Proven);
        assert!(yard.house.vault.flip(yard.place(made.id), 20));
        match by {
            "a restore" => {
                let asked = plane.restore_backup(&yard.ada, yard.addon, made.id, &yard.name, None).await;
                assert_eq!(yard.house.finish(asked.unwrap().operation).await, Status::Failed);
            }
            "a trial" => {
                let operation = plane.prove_backup(&yard.ada, made.id).await.unwrap();
                assert_eq!(yard.house.finish(operation).await, Status::Succeeded);
            }
            _ => {
                let link = plane.backup_link(&yard.ada, made.id).await.unwrap();
                let download =
                    plane.open_download(link.path.strip_prefix("/downloads/").unwrap()).await.unwrap();
                assert!(download.sealed.read(90_000..90_010).await.is_ok(), "elsewhere it is whole");
                for _ in 0..2 {
                    let read = download.sealed.read(0..100).await;
                    assert!(matches!(read, Err(VaultError::Damaged(_))), "{read:?}");
                }
            }
        }
        let rotten = yard.backup(made.id).await;
        assert_eq!(rotten.proof.state, ProofState::Refuted, "{by}");
        assert!(rotten.proof.badge().contains("damaged"), "{by}: {}", rotten.proof.badge());
        assert!(!rotten.good());
    }
    let told =
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM database_event WHERE kind = 'backup_refuted'");
    assert_eq!(told.fetch_one(&yard.house.store.pool).await.unwrap(), 3);
}

/// A backup that would fill the volume which the databases share: not begun, or ended before.
#[tokio::test]
async fn a_backup_leaves_room_for_the_databases() {
    let yard = Yard::new().await;
    let on = |free_mib: u64| {
        yard.house.vault.lies_on(Some(Room { free_bytes: free_mib << 20, all_bytes: 1 << 30 }));
    };
    let error = |backup: BackupView| {
        assert_eq!(backup.status, BackupStatus::Error);
        backup.error.unwrap()
    };
    // Of the first one nothing is known but the size of the database.
    yard.house.engine.fill(yard.node(), 300 << 20);
    on(400);
    let refused = error(yard.back_up().await);
    for figure in ["may take 300 MB", "400 MB are free in memory", "102 MB must stay"] {
        assert!(refused.contains(figure), "{figure}: {refused}");
    }
    assert_eq!(yard.house.engine.calls(Method::Dump), 0);
    on(403);
    let good = yard.back_up().await;
    assert_eq!(good.status, BackupStatus::Done);
    // The next one may take half as much again as that, and grows beyond it.
    on(110);
    yard.house.engine.holds(yard.node(), |data| data.padding = 20 << 20);
    let dumps = yard.house.engine.calls(Method::Dump);
    let ended = error(yard.back_up().await);
    assert_eq!(yard.house.engine.calls(Method::Dump), dumps + 1);
    assert!(ended.contains("ended after 8 MB") && ended.contains("101 MB are free"), "{ended}");
    assert_eq!(yard.house.vault.writing(), 0);
    assert_eq!(yard.house.vault.places().await.unwrap(), [yard.place(good.id)], "nothing of it is left");
    // Object storage has no end.
    yard.house.vault.lies_on(None);
    assert_eq!(yard.back_up().await.status, BackupStatus::Done);
}

/// Dumps that do not restore are none: they take no day and no week, and nothing counts on them.
#[tokio::test]
async fn refuted_backups_push_no_good_one_out() {
    let yard = Yard::new().await;
    yard.round().await;
    yard.round().await;
    let proven = yard.all().await.pop().unwrap();
    assert_eq!(proven.proof.state, ProofState::Proven, "{proven:?}");
    yard.house.engine.holds(yard.node(), |data| data.loses_rows = true);
    for _ in 0..40 {
        yard.house.clock.advance(TimeDelta::days(1));
        yard.round().await;
        yard.round().await;
    }
    let view = yard.house.plane.backups(&yard.ada, yard.addon).await.unwrap();
    let refuted = view.backups.iter().filter(|one| one.proof.state == ProofState::Refuted).count();
    assert!((30..=31).contains(&refuted), "rows of a month: {refuted}");
    assert_eq!(view.last_good().map(|one| one.id), Some(proven.id));
    assert!(yard.house.vault.places().await.unwrap().contains(&yard.place(proven.id)));
    assert_eq!(view.health.unwrap().0, "stale");
    let lost = yard.house.plane.database(&yard.ada, yard.addon).await.unwrap().exposure;
    let lost = lost.unwrap().data.unwrap().lost_ms;
    assert!(lost >= 40 * 24 * 3_600_000, "{lost:?}");
    // Tried again it is no better until that has ended, nor where nothing comes of it.
    let last = view.backups[0].id;
    let fault = Fault::before(Method::TryDump, || EngineError::Absent);
    let fired = yard.house.engine.inject(fault);
    let operation = yard.house.plane.prove_backup(&yard.ada, last).await.unwrap();
    assert_eq!(yard.house.finish(operation).await, Status::Failed);
    assert!(fired.times() > 0);
    assert_eq!(yard.backup(last).await.proof.words, ["public.a is missing"]);
    assert!(!yard.backup(last).await.good());
    // And a proven one stays what it is.
    let fired = yard.house.engine.inject(Fault::before(Method::TryDump, || EngineError::Absent));
    let operation = yard.house.plane.prove_backup(&yard.ada, proven.id).await.unwrap();
    assert_eq!(yard.house.finish(operation).await, Status::Failed);
    assert!(fired.times() > 0);
    let proof = yard.backup(proven.id).await.proof;
    assert_eq!(proof.operation, Some(operation), "the last trial is the one that can be read about");
    assert_eq!(ProofView { operation: proven.proof.operation, ..proof }, proven.proof);
    yard.round().await;
    assert!(yard.house.vault.places().await.unwrap().contains(&yard.place(proven.id)));
}

/// A trial takes from the databases what it needs: it waits for an idle host, but not for ever.
#[tokio::test]
async fn a_trial_waits_for_an_idle_host_six_hours_at_most() {
    let yard = Yard::new().await;
    yard.house.plane.set_backup_schedule(&yard.ada, yard.addon, Some(false), None).await.unwrap();
    yard.house.engine.busy(true);
    let made = yard.back_up().await;
    assert_eq!(yard.round().await, Kept::default());
    yard.house.clock.advance(TimeDelta::minutes(6 * 60 - 1));
    assert_eq!(yard.round().await, Kept::default());
    assert_eq!(yard.backup(made.id).await.proof.state, ProofState::None);
    yard.house.clock.advance(TimeDelta::minutes(1));
    assert_eq!(yard.round().await.tried, 1, "six hours are over");
    assert_eq!(yard.backup(made.id).await.proof.state, ProofState::Proven);
    // The next one need not wait when there is nothing to do.
    yard.back_up().await;
    assert_eq!(yard.round().await.tried, 0);
    yard.house.engine.busy(false);
    assert_eq!(yard.round().await.tried, 1);
}

/// Every row is there again, and still it is not what it was.
#[tokio::test]
async fn a_backup_that_pg_amcheck_complains_of_is_refuted_in_its_words() {
    let yard = Yard::new().await;
    let made = yard.back_up().await;
    let words = ["index \"a_pkey\": item order is wrong", "index \"b_pkey\": high key is wrong"];
    yard.house.engine.holds(yard.node(), |data| data.complaints = words.map(str::to_owned).into());
    let operation = yard.house.plane.prove_backup(&yard.ada, made.id).await.unwrap();
    assert_eq!(yard.house.finish(operation).await, Status::Succeeded);
    let backup = yard.backup(made.id).await;
    assert_eq!((backup.proof.state, backup.good()), (ProofState::Refuted, false));
    assert_eq!(backup.proof.words, words);
    let told = yard.house.plane.activity(&yard.ada, Activity::Addon(yard.addon), 50).await.unwrap();
    let told: Vec<_> = told.iter().filter(|event| event.title == "A backup does not restore").collect();
    assert_eq!(told.len(), 1);
    assert!(words.iter().all(|one| told[0].detail.contains(*one)), "{told:?}");
}
