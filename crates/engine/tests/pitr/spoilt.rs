//! Archives that a disk has spoilt: nothing of them becomes a database, and what is good in them is never written over.

use crate::host::Host;
use crate::yard::*;
use control::engine::{
    Engine as _, NodeSpec, NodeState,
    pitr::{Pitr as _, Recovery},
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Changes one byte in the middle of a file; answers what was in it.
fn spoil(path: &Path) -> Vec<u8> {
    let good = fs::read(path).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 0x10;
    // In its place: its owner and its rights stay.
    fs::write(path, bad).unwrap();
    good
}

/// F29, the other side: a bit of a base backup, then one of the log. F31: a segment that comes again and is another.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoilt_becomes_no_database() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let moments = insert(&host, &source, 1, 8).await;
    host.engine.archive_now(&source).await.unwrap();
    let repo = archive(&host, database(&source)).join("repo");
    let target = to(moments[5]);

    let bundles = files(&repo.join("backup"), "");
    let bundle = bundles.iter().filter(|path| path.parent().unwrap().ends_with("bundle"));
    let bundle = bundle.max_by_key(|path| fs::metadata(path).unwrap().len()).expect("a bundle");
    let good = spoil(bundle);
    let restored = beside(&source);
    let refused = host.engine.restore_beside(&restored, database(&source), &key(), &target).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(host.engine.recovery(&restored).await.unwrap(), Recovery::Copying);
    assert!(host.engine.start(&restored).await.is_err(), "what is not whole does not start");
    assert_eq!(host.engine.observe(restored.id).await.unwrap(), NodeState::Stopped);
    fs::write(bundle, good).unwrap();

    // The base backup is well now; the segment that holds the rows is not.
    let last = host.engine.timelines(database(&source)).await.unwrap().backups[0].last_wal.clone();
    let segments = files(&repo.join("archive"), "-");
    let segment = segments.iter().find(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.len() > 40 && segment_of(path) > last
    });
    let segment = segment.expect("a segment after the backup");
    let good = spoil(segment);
    let refused = host.engine.restore_beside(&restored, database(&source), &key(), &target).await;
    if refused.is_ok() {
        stands_nowhere(&host, &restored).await;
    }
    assert!(host.engine.finish_restore(&restored).await.is_err(), "it becomes no database");
    fs::write(segment, good).unwrap();
    host.engine.restore_beside(&restored, database(&source), &key(), &target).await.unwrap();
    reached(&host, &restored).await;
    assert_eq!(rows(&host, &restored).await, 6);
    host.engine.discard_restore(&restored).await.unwrap();

    comes_again_as_another(&host, &source).await;
    host.engine.purge(source.id).await.unwrap();
    host.end().await;
}

/// Waits until a restore has ended without its moment.
async fn stands_nowhere(host: &Host, restored: &NodeSpec) {
    let begun = Instant::now();
    loop {
        match host.engine.recovery(restored).await.unwrap() {
            Recovery::Replaying(_) => {}
            Recovery::Stopped | Recovery::Ended(_) => return,
            other => panic!("{other:?}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it replays what cannot be read");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A segment that is in the archive is pushed once more, with other bytes.
async fn comes_again_as_another(host: &Host, source: &NodeSpec) {
    let wal = host.dir(source).data().join("pg_wal");
    let note = |name: &str, kind: &str| wal.join("archive_status").join(format!("{name}.{kind}"));
    let client = host.inside(source, "postgres").await;
    // No checkpoint takes the segment away meanwhile.
    client.batch_execute("SELECT pg_create_physical_replication_slot('kept', true)").await.unwrap();
    host.engine.archive_now(source).await.unwrap();
    let name = host.engine.archive_state(source).await.unwrap().last_wal.unwrap();
    // Of the newest pgBackRest remembers that it has just been pushed, and does not look at it again.
    host.engine.archive_now(source).await.unwrap();
    fs::rename(note(&name, "done"), note(&name, "ready")).unwrap();
    let own = wal.join(&name);
    let good = spoil(&own);
    let segment = files(&archive(host, database(source)).join("repo/archive"), &name).remove(0);
    let kept = fs::read(&segment).unwrap();
    client.batch_execute("SELECT pg_logical_emit_message(true, 'x', 'y')").await.unwrap();
    client.batch_execute("SELECT pg_switch_wal()").await.unwrap();
    let begun = Instant::now();
    while host.engine.archive_state(source).await.unwrap().failing_since.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "another segment of the same name was taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(note(&name, "ready").exists());
    assert_eq!(fs::read(&segment).unwrap(), kept, "what was there stays");
    assert_eq!(files(segment.parent().unwrap(), &name).len(), 1, "and nothing is beside it");
    fs::write(own, good).unwrap();
    host.engine.archive_now(source).await.unwrap();
    assert!(host.engine.archive_state(source).await.unwrap().failing_since.is_none());
    client.batch_execute("SELECT pg_drop_replication_slot('kept')").await.unwrap();
}
