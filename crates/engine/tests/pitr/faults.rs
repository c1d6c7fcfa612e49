//! Faults: killed copies, a broken-in server, a storage that hangs or is full, damaged pages, segments twice.

use crate::host::{Host, volume::Volume};
use crate::{host, yard::*};
use control::engine::{
    Engine as _, EngineError, NodeSpec, NodeState,
    pitr::{BackupKind, Pitr as _, Recovery},
};
use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, Instant},
};
use types::DatabaseId;
use uuid::Uuid;
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_killed_is_taken_up_again() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    // Enough to be caught in the middle.
    host.ask(&source, "CREATE TABLE big AS SELECT n, md5(n::text) || md5((n+1)::text) AS x FROM generate_series(1, 400000) n")
        .await
        .unwrap();
    host.ask(&source, "DROP TABLE IF EXISTS nothing").await.unwrap();
    let backup = host.engine.base_backup(&source, BackupKind::Full, &nobody).await.unwrap();
    until(backup.to).await;
    let moments = insert(&host, &source, 1, 5).await;
    host.engine.archive_now(&source).await.unwrap();
    let target = to(moments[2]);
    let mut tries = 0;
    let restored = loop {
        let restored = beside(&source);
        let secret = key();
        let restore = host.engine.restore_beside(&restored, database(&source), &secret, &target);
        let (first, killed) = tokio::join!(restore, kill_copy(&host, &restored));
        if killed > 0 && first.is_err() {
            break restored;
        }
        // On a busy machine a look may come when all has been copied.
        assert!(first.is_ok(), "it failed by itself: {first:?}");
        tries += 1;
        assert!(tries < 5, "the copy was over each time before it could be killed");
        host.engine.discard_restore(&restored).await.unwrap();
    };
    assert_eq!(host.engine.recovery(&restored).await.unwrap(), Recovery::Copying);
    assert!(host.engine.start(&restored).await.is_err(), "a half-made copy does not start");
    // Another Paddock finds it.
    let again = Host::at(host.layout().root().to_owned()).await;
    again.engine.restore_beside(&restored, database(&source), &key(), &target).await.unwrap();
    reached(&again, &restored).await;
    let tables = again.engine.peek(&restored).await.unwrap();
    let counts: Vec<_> = tables.iter().map(|one| (one.table.as_str(), one.rows)).collect();
    assert_eq!(counts, [("big", Some(400_000)), ("t", Some(3))]);
    again.engine.discard_restore(&restored).await.unwrap();
    again.end().await;
}

/// Kills pgBackRest in the middle of a copy; answers how many processes that were, none when the copy was over before.
async fn kill_copy(host: &Host, restored: &NodeSpec) -> usize {
    let data = host.dir(restored).data();
    let (list, whole) = (data.join("backup.manifest"), data.join("global/pg_control"));
    let begun = Instant::now();
    while !whole.exists() {
        if list.exists() || data.join("base").exists() {
            let pids = host::pids_of("pgbackrest", host.dir(restored).path());
            if !pids.is_empty() {
                pids.iter().for_each(|pid| host::kill(*pid, rustix::process::Signal::KILL));
                return pids.len();
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never began");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_sealed_against_the_server_s_own_user() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    insert(&host, &source, 1, 3).await;
    host.engine.archive_now(&source).await.unwrap();
    let state = host.engine.archive_state(&source).await.unwrap();
    assert!(state.on && state.last_at.is_some() && state.failing_since.is_none(), "{state:?}");
    let repo = archive(&host, database(&source)).join("repo");
    if rustix::process::geteuid().is_root() {
        let user = fs::metadata(host.dir(&source).data()).unwrap().uid().to_string();
        let attack = |args: &[&str]| {
            let all = [&["--reuid", &user, "--regid", &user, "--clear-groups"], args].concat();
            host::run("/usr/bin/setpriv", &all).status.success()
        };
        let segment = files(&repo.join("archive"), "-").remove(0);
        let manifest = files(&repo.join("backup"), "backup.manifest").remove(0);
        let label = manifest.parent().unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        assert!(
            attack(&["/bin/cat", &text(&manifest)]),
            "it may read: a backup that builds on it needs that"
        );
        for path in [&segment, &manifest] {
            assert!(!attack(&["/bin/rm", "-f", &text(path)]) && path.exists(), "{path:?}");
            assert!(!attack(&["/usr/bin/truncate", "-s", "0", &text(path)]), "{path:?}");
            assert!(!attack(&["/bin/mv", &text(path), &format!("{}x", text(path))]), "{path:?}");
        }
        for dir in [label, segment.parent().unwrap()] {
            assert!(!attack(&["/bin/mv", &text(dir), &format!("{}x", text(dir))]), "{dir:?}");
        }
        assert!(!attack(&["/bin/ls", &text(&archive(&host, database(&source)).join("keys"))]));
        assert!(archive(&host, database(&source)).join("keys/backup.info").exists());
        assert_eq!(
            fs::metadata(archive(&host, database(&source))).unwrap().mode() & 0o777,
            0o710,
            "nobody else passes"
        );
    }
    // What is sealed still serves: a backup that builds on it, and the same segment pushed once more.
    let diff = host.engine.base_backup(&source, BackupKind::Diff, &nobody).await.unwrap();
    assert_eq!(diff.kind, BackupKind::Diff);
    let data = host.dir(&source).data().join("pg_wal");
    let done = files(&data.join("archive_status"), ".done");
    let done = done
        .iter()
        .find(|path| path.file_stem().unwrap().len() == 24 && data.join(path.file_stem().unwrap()).exists());
    let done = done.expect("a segment that was archived and is still there");
    let name = done.file_stem().unwrap().to_string_lossy().into_owned();
    let before = files(&repo.join("archive"), &name);
    fs::rename(done, done.with_extension("ready")).unwrap();
    host.engine.archive_now(&source).await.unwrap();
    assert!(done.exists(), "pushed again, and taken");
    assert_eq!(files(&repo.join("archive"), &name), before, "and there once");
    host.engine.expire(&source, 7).await.unwrap();
    assert_eq!(
        host.engine.timelines(database(&source)).await.unwrap().backups.len(),
        2,
        "nothing is that old"
    );
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_hangs_stops_neither_the_service_nor_a_stop() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    insert(&host, &source, 1, 2).await;
    host.engine.archive_now(&source).await.unwrap();
    // What reads this file waits for ever: the storage hangs.
    let info = archive(&host, database(&source)).join("repo/archive/main/archive.info");
    let aside = info.with_extension("aside");
    fs::rename(&info, &aside).unwrap();
    assert!(host::run("/usr/bin/mkfifo", &["-m", "644", info.to_str().unwrap()]).status.success());
    let client = host.inside(&source, "postgres").await;
    client.batch_execute("SELECT pg_logical_emit_message(true, 'x', 'y')").await.unwrap();
    client.batch_execute("SELECT pg_switch_wal()").await.unwrap();
    drop(client);
    let begun = Instant::now();
    loop {
        let state = host.engine.archive_state(&source).await.unwrap();
        if state.failing_since.is_some() {
            assert!(state.waiting >= 1 && state.waiting_bytes >= 16 << 20, "{state:?}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "the hanging storage was not noticed: {state:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    insert(&host, &source, 3, 4).await;
    let begun = Instant::now();
    host.engine.stop(source.id, Duration::from_secs(5)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(host.engine.observe(source.id).await.unwrap(), NodeState::Stopped);
    // It is well again: everything arrives.
    host::pids_of("pgbackrest", &archive(&host, database(&source)))
        .iter()
        .for_each(|pid| host::kill(*pid, rustix::process::Signal::KILL));
    fs::remove_file(&info).unwrap();
    fs::rename(&aside, &info).unwrap();
    host.engine.start(&source).await.unwrap();
    host.engine.archive_now(&source).await.unwrap();
    assert!(host.engine.archive_state(&source).await.unwrap().failing_since.is_none());
    assert!(host.engine.timelines(database(&source)).await.unwrap().gaps.is_empty());
    assert_eq!(host.ask(&source, "SELECT count(*) FROM t").await.unwrap(), ["4"]);
    host.end().await;
}

/// F15: not a byte is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_storage_loses_nothing_and_heals() {
    heals("size=200m", |filler| {
        host::run("/bin/dd", &["if=/dev/zero", &format!("of={}", filler.join("all").display()), "bs=64k"]);
    })
    .await;
}

/// F17: bytes are left, and no file can be made.
#[tokio::test(flavor = "multi_thread")]
async fn a_storage_without_room_for_names_loses_nothing_and_heals() {
    heals("nr_inodes=1500", |filler| {
        let made = (0..1500).take_while(|n| fs::File::create(filler.join(n.to_string())).is_ok()).count();
        assert!(made < 1500, "it was never full");
    })
    .await;
}

async fn heals(limit: &str, fill: impl FnOnce(&Path)) {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let archives = host.layout().archives();
    let Some(volume) = Volume::small(&archives, &format!("{limit},mode=711")) else { return };
    let source = archived(&host, version).await;
    let kept = host.engine.timelines(database(&source)).await.unwrap().backups;
    let filler = archives.join("filler");
    fs::create_dir(&filler).unwrap();
    fill(&filler);
    let moments = insert(&host, &source, 1, 6).await;
    let client = host.inside(&source, "postgres").await;
    client.batch_execute("SELECT pg_switch_wal()").await.unwrap();
    drop(client);
    let begun = Instant::now();
    while host.engine.archive_state(&source).await.unwrap().failing_since.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the full storage was not noticed");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = host.engine.base_backup(&source, BackupKind::Full, &nobody).await.unwrap_err();
    assert!(refused.to_string().contains("volume of the archive"), "{refused}");
    // A little room is refused before anything is copied: that of the archive's volume counts, not that of the root.
    if let Ok(all) = fs::File::options().write(true).open(filler.join("all")) {
        all.set_len(all.metadata().unwrap().len() - (8 << 20)).unwrap();
        let refused = host.engine.base_backup(&source, BackupKind::Full, &nobody).await;
        let Err(EngineError::DiskFull { volume: control::engine::Volume::Archive, free_bytes }) = refused
        else {
            panic!("{refused:?}")
        };
        assert!((1..=8 << 20).contains(&free_bytes), "{free_bytes}");
    }
    let known = host.engine.timelines(database(&source)).await.unwrap();
    assert_eq!(known.backups, kept, "the old one is untouched, the failed one is none");
    assert_eq!(host.ask(&source, "SELECT count(*) FROM t").await.unwrap(), ["6"], "the service goes on");
    fs::remove_dir_all(&filler).unwrap();
    host.engine.archive_now(&source).await.unwrap();
    let restored = beside(&source);
    host.engine.restore_beside(&restored, database(&source), &key(), &to(moments[3])).await.unwrap();
    reached(&host, &restored).await;
    assert_eq!(rows(&host, &restored).await, 4);
    host.engine.discard_restore(&restored).await.unwrap();
    assert!(host.engine.remove_archive(database(&source)).await.is_err(), "its server is here");
    host.engine.purge(source.id).await.unwrap();
    host.engine.remove_archive(database(&source)).await.unwrap();
    assert_eq!(fs::read_dir(&archives).unwrap().count(), 0);
    host.end().await;
    volume.unmount();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_tool_everything_says_so() {
    let mut config = host::config(&host::fresh_root());
    config.pgbackrest = Some("/nowhere/pgbackrest".into());
    let engine = engine::LocalEngine::open(config.clone()).await.unwrap();
    assert_eq!(engine.pitr_tool().await, None);
    let error = engine.timelines(DatabaseId::new(Uuid::new_v4())).await.unwrap_err().to_string();
    assert!(error.contains("not available on this host") && error.contains("2.60"), "{error}");
    fs::remove_dir_all(config.root).unwrap();
}

/// F29: pages that a disk has spoilt are found while they are copied, told, and copied nowhere else unnoticed.
#[tokio::test(flavor = "multi_thread")]
async fn damaged_pages_are_told() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    insert(&host, &source, 1, 30).await;
    let file = host.ask(&source, "SELECT pg_relation_filepath('t')").await.unwrap().remove(0);
    host.engine.checkpoint(&source).await.unwrap();
    host.engine.stop(source.id, Duration::from_secs(10)).await.unwrap();
    let file = host.dir(&source).data().join(file);
    let mut bytes = fs::read(&file).unwrap();
    assert_eq!(bytes.len(), 8192, "one page");
    bytes[5000] ^= 0x55;
    fs::write(&file, bytes).unwrap();
    host.engine.start(&source).await.unwrap();
    let backup = host.engine.base_backup(&source, BackupKind::Full, &nobody).await.unwrap();
    assert!(backup.damaged, "{backup:?}");
    let kept = host.engine.timelines(database(&source)).await.unwrap().backups;
    assert_eq!(kept.iter().map(|one| one.damaged).collect::<Vec<_>>(), [false, true], "the good one stays");
    host.engine.purge(source.id).await.unwrap();
    host.end().await;
}

/// F31: a segment that is pushed again, as after a crash before it was noted, is the same and fine.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_pushed_twice_is_one() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    insert(&host, &source, 1, 5).await;
    let notes = host.dir(&source).data().join("pg_wal/archive_status");
    let mut tries = 0;
    let (last, ready) = loop {
        host.engine.archive_now(&source).await.unwrap();
        let last = host.engine.archive_state(&source).await.unwrap().last_wal.unwrap();
        let ready = notes.join(format!("{last}.ready"));
        // A checkpoint takes the note away with the segment: then the next one serves.
        match fs::rename(notes.join(format!("{last}.done")), &ready) {
            Ok(()) => break (last, ready),
            Err(error) => assert!(tries < 10, "{last}: {error}"),
        }
        tries += 1;
    };
    // The archiver looks for what waits when the next segment comes.
    let moments = insert(&host, &source, 6, 8).await;
    host.engine.archive_now(&source).await.unwrap();
    for _ in 0..40 {
        if !ready.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        host.engine.archive_now(&source).await.unwrap();
    }
    // Once it is noted again the segment may be used anew, and the note goes with it.
    assert!(!ready.exists(), "it was pushed again");
    let state = host.engine.archive_state(&source).await.unwrap();
    assert_eq!((state.failing_since, state.waiting), (None, 0));
    assert_eq!(files(&archive(&host, database(&source)).join("repo/archive"), &last).len(), 1);
    let restored = beside(&source);
    host.engine.restore_beside(&restored, database(&source), &key(), &to(moments[2])).await.unwrap();
    reached(&host, &restored).await;
    assert_eq!(rows(&host, &restored).await, 8);
    host.engine.discard_restore(&restored).await.unwrap();
    host.engine.purge(source.id).await.unwrap();
    host.end().await;
}
