//! Volumes that are really full: the one of the data, and one of its own for the write-ahead log. What was acknowledged
//! stays, reading goes on, and what is full is named.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;
#[path = "dumps/kit.rs"]
mod kit;

use control::engine::{
    Engine as _, EngineError, NodeSpec, NodeState, Volume as Which,
    dumps::{DumpError, Dumps as _, Second},
};
use engine::LocalEngine;
use host::{Host, volume::Volume};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// An empty place for a volume, and for a root in it.
fn place() -> PathBuf {
    let root = PathBuf::from(format!("/tmp/pf{}", &uuid::Uuid::new_v4().simple().to_string()[..8]));
    fs::create_dir(&root).unwrap();
    root
}

/// A table whose rows take room.
async fn table(host: &Host, spec: &NodeSpec) {
    let make = "CREATE TABLE rows (n int, x text); ALTER TABLE rows ALTER COLUMN x SET STORAGE EXTERNAL";
    host.ask(spec, make).await.unwrap();
}

/// Inserts until that fails; answers how many rows were acknowledged, and what was said then.
async fn insert_until_refused(host: &Host, spec: &NodeSpec) -> (usize, tokio_postgres::Error) {
    let client = host.connect(spec, &spec.name).await.unwrap();
    let x = "x".repeat(100_000);
    for n in 0..10_000 {
        if let Err(error) = client.execute("INSERT INTO rows VALUES ($1, $2)", &[&n, &x]).await {
            return (usize::try_from(n).unwrap(), error);
        }
    }
    panic!("it was never full");
}

/// Every acknowledged row is there, and at most the one that was not.
async fn has_rows(host: &Host, spec: &NodeSpec, acknowledged: usize) {
    let rows = host.ask(spec, "SELECT n FROM rows WHERE length(x) = 100000 ORDER BY n").await.unwrap();
    let rows: Vec<usize> = rows.iter().map(|n| n.parse().unwrap()).collect();
    assert!(rows.len() <= acknowledged + 1, "{} of {acknowledged}", rows.len());
    assert_eq!(rows, (0..rows.len()).collect::<Vec<_>>());
    assert!(rows.len() >= acknowledged, "{} of {acknowledged}", rows.len());
}

/// A volume of its own that is really full. The first start that meets it throws the ballast overboard and works; the
/// second one is told, and when there is room again there is a ballast again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named() {
    let root = place();
    let Some(volume) = Volume::small(&root, "size=260m,mode=755") else { return };
    let host = Host::at(root.join("r")).await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT 1 AS n").await.unwrap();
    let ballast = host.layout().ballast();
    let size = fs::metadata(&ballast).unwrap().len();
    assert_eq!(size, 32 << 20);
    // F13: a running server refuses to write, and that is all that happens to it.
    let began = "SELECT pg_postmaster_start_time()";
    let began_at = host.ask(&spec, began).await.unwrap();
    table(&host, &spec).await;
    // A segment of the log that has room: only the table has none.
    host.inside(&spec, "postgres").await.batch_execute("SELECT pg_switch_wal(); CHECKPOINT").await.unwrap();
    volume.take(volume.free() - (3 << 20));
    let (acknowledged, error) = insert_until_refused(&host, &spec).await;
    assert!(acknowledged > 10, "{acknowledged}: {error}");
    assert_eq!(error.code(), Some(&tokio_postgres::error::SqlState::DISK_FULL), "{error:?}");
    has_rows(&host, &spec, acknowledged).await;
    assert_eq!(host.ask(&spec, began).await.unwrap(), began_at, "it was not ended");
    assert_eq!(host.ask(&spec, "SELECT n FROM t").await.unwrap(), ["1"]);
    assert!(matches!(host.engine.refill_pool(spec.version, 1).await, Err(EngineError::DiskFull { .. })));
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    volume.fill();
    host.engine.start(&spec).await.unwrap();
    assert!(!ballast.exists(), "it was needed");
    assert_eq!(host.ask(&spec, "SELECT n FROM t").await.unwrap(), ["1"]);
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    volume.fill();
    match host.engine.start(&spec).await {
        Err(EngineError::DiskFull { volume: Which::Data, free_bytes }) => assert!(free_bytes < 1 << 20),
        other => panic!("{other:?}"),
    }
    volume.clear();
    host.engine.start(&spec).await.unwrap();
    drop(LocalEngine::open(host.config.clone()).await.unwrap());
    assert_eq!(fs::metadata(&ballast).unwrap().len(), size);
    assert_eq!(host.ask(&spec, "SELECT n FROM t").await.unwrap(), ["1"]);
    host.end().await;
    volume.unmount();
    fs::remove_dir(&root).unwrap();
}

/// F17: bytes are left, and no file can be made. Nothing ends, and what is wrong is said in the right words.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_without_inodes_is_named() {
    let root = place();
    let Some(volume) = Volume::small(&root, "nr_inodes=4500,mode=755") else { return };
    let host = Host::at(root.join("r")).await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let began = "SELECT pg_postmaster_start_time()";
    let began_at = host.ask(&spec, began).await.unwrap();
    table(&host, &spec).await;
    // With all the files that it will ever have.
    let row = "INSERT INTO rows SELECT count(*), repeat('x', 100000) FROM rows";
    host.ask(&spec, row).await.unwrap();
    host.ask(&spec, "VACUUM rows").await.unwrap();
    let names = root.join("names");
    fs::create_dir(&names).unwrap();
    let made = (0..4500).take_while(|n| fs::File::create(names.join(n.to_string())).is_ok()).count();
    assert!((1..4500).contains(&made), "{made}");

    let client = host.connect(&spec, &spec.name).await.unwrap();
    let refused = client.batch_execute("CREATE TABLE more (n int)").await.unwrap_err();
    assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::DISK_FULL), "{refused:?}");
    // What has its file can be written.
    client.execute(row, &[]).await.unwrap();
    drop(client);
    has_rows(&host, &spec, 2).await;
    assert_eq!(host.ask(&spec, began).await.unwrap(), began_at, "it was not ended");
    for refused in [
        host.engine.refill_pool(spec.version, 1).await.unwrap_err(),
        host.engine.place(&host.spec("b_2").await).await.unwrap_err(),
    ] {
        assert!(matches!(refused, EngineError::NoFiles(Which::Data)), "{refused:?}");
    }
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    // What it gave back at its end is taken, too. Its ballast is one file: thrown away, it makes room for one.
    let taken = (4500..9000).take_while(|n| fs::File::create(names.join(n.to_string())).is_ok()).count();
    let refused = host.engine.start(&spec).await.unwrap_err();
    assert!(matches!(refused, EngineError::NoFiles(Which::Data)), "{taken}: {refused:?}");

    fs::remove_dir_all(&names).unwrap();
    host.engine.start(&spec).await.unwrap();
    has_rows(&host, &spec, 2).await;
    host.ask(&spec, "CREATE TABLE more (n int)").await.unwrap();
    host.end().await;
    volume.unmount();
    fs::remove_dir(&root).unwrap();
}

/// A32: an archive of some kilobytes that unpacks to more than there is, for whoever said that it needs nothing. It ends
/// before the volume is full, which others share.
#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_unpacks_without_end_is_ended() {
    let root = place();
    let Some(volume) = Volume::small(&root, "size=1200m,mode=755") else { return };
    let host = Host::at(root.join("r")).await;
    let mut spec = host.spec("a_1").await;
    // What is written to such a volume is memory of who wrote it.
    spec.plan.memory_mib = 4096;
    host.up(&spec).await;
    table(&host, &spec).await;
    for _ in 0..3 {
        let more = "INSERT INTO rows SELECT n, repeat('x', 1000000) FROM generate_series(1, 100) n";
        host.ask(&spec, more).await.unwrap();
    }
    let (_, archive) = kit::dump(&host, &spec).await;
    assert!(archive.len() < 1 << 20, "{}", archive.len());
    host.ask(&spec, "TRUNCATE rows").await.unwrap();
    host.inside(&spec, "postgres").await.batch_execute("CHECKPOINT").await.unwrap();
    volume.take(volume.free() - (200 << 20));

    let loaded = host.engine.load_beside(&spec, 0, &mut kit::Pieces(archive, 0)).await;
    match loaded {
        Err(DumpError::Engine(EngineError::DiskFull { volume: Which::Data, free_bytes })) => {
            assert!((1 << 20..60 << 20).contains(&free_bytes), "in time: {free_bytes}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM rows").await.unwrap(), ["0"]);
    host.engine.drop_second(&spec, Second::Incoming).await.unwrap();
    host.ask(&spec, "INSERT INTO rows VALUES (1, 'there is room again')").await.unwrap();
    host.end().await;
    volume.unmount();
    fs::remove_dir(&root).unwrap();
}

/// Names of the segments in a server's log.
fn segments(wal: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(wal).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.len() == 24).collect()
}

/// F14: the log's own volume is full. PostgreSQL ends rather than forget what it acknowledged; nobody helps by removing
/// a part of the log; that volume is named and not the data's, whose ballast would not help.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_of_the_log_is_named_and_costs_no_row() {
    let at = place();
    let Some(volume) = Volume::small(&at, "size=64m,mode=700") else { return };
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    let own = host.dir(&spec).data().join("pg_wal");
    let (from, to) = (own.to_str().unwrap(), at.to_str().unwrap());
    assert!(host::run("/bin/cp", &["-a", &format!("{from}/."), to]).status.success());
    fs::remove_dir_all(&own).unwrap();
    std::os::unix::fs::symlink(&at, &own).unwrap();
    host.engine.start(&spec).await.unwrap();
    table(&host, &spec).await;
    // Less than a segment is left.
    volume.take(volume.free() - (8 << 20));
    let (acknowledged, error) = insert_until_refused(&host, &spec).await;
    assert!(acknowledged > 10, "{acknowledged}: {error}");
    host.until(&spec, |state| *state == NodeState::Stopped).await;
    let log = host.engine.log_tail(spec.id, 200).await.unwrap().join("\n");
    assert!(log.contains("PANIC") && log.contains("No space left on device"), "{log}");

    let (before, ballast) = (segments(&at), host.layout().ballast());
    assert!(before.len() > 1 && ballast.exists());
    for _ in 0..2 {
        match host.engine.start(&spec).await {
            Err(EngineError::DiskFull { volume: Which::Log, free_bytes }) => {
                assert!(free_bytes < 16 << 20 && free_bytes <= volume.free() + (16 << 20), "{free_bytes}");
            }
            other => panic!("{other:?}"),
        }
        assert!(segments(&at).is_superset(&before), "nothing of the log was removed");
        assert!(ballast.exists(), "it lies elsewhere");
    }
    volume.clear();
    host.engine.start(&spec).await.unwrap();
    has_rows(&host, &spec, acknowledged).await;
    host.end().await;
    volume.unmount();
    fs::remove_dir(&at).unwrap();
}
