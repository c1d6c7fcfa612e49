//! Disks that are slow, that fail once, and that lose their power: what was acknowledged is there afterwards.

use crate::host::{self, Host, trace::Trace, volume::Volume};
use crate::yard::*;
use async_trait::async_trait;
use control::{
    backup::vault::{ArchiveKey, Place, Vault},
    engine::{
        Engine as _, NodeSpec,
        dumps::{DumpError, Dumps as _, Sink},
        pitr::{BackupKind, Pitr as _},
    },
};
use engine::{EmbeddedStore, LocalEngine};
use rustix::process::Signal;
use secrecy::SecretBox;
use std::{
    cell::{Cell, RefCell},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use types::BackupId;
use uuid::Uuid;
use vault::VaultConfig;

/// Counts the bytes of a dump.
struct Count(usize);

#[async_trait]
impl Sink for Count {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), DumpError> {
        self.0 += bytes.len();
        Ok(())
    }
}

/// F18: every sync takes 200 ms. All that is asked for is done, later, and nothing is taken for dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_makes_slow_and_breaks_nothing() {
    let host = Host::new().await;
    let version = majors(&host).await[0];
    let source = archived(&host, version).await;
    let began = "SELECT pg_postmaster_start_time()";
    let began_at = host.ask(&source, began).await.unwrap();
    let servers = host::inhabitants(host.dir(&source).path());
    let slow = "fsync,fdatasync:delay_exit=200000";
    let Some(trace) = Trace::attach(&servers, true, slow) else { return };
    insert(&host, &source, 1, 5).await;
    let mut count = Count(0);
    host.engine.dump(&source, &mut count).await.unwrap();
    assert!(count.0 > 0);
    let backup = host.engine.base_backup(&source, BackupKind::Diff, &nobody).await.unwrap();
    assert!(!backup.damaged);
    host.engine.archive_now(&source).await.unwrap();
    assert!(host.engine.timelines(database(&source)).await.unwrap().gaps.is_empty());
    assert_eq!(host.ask(&source, began).await.unwrap(), began_at, "it was not taken for dead");
    let fired = trace.fired("(DELAYED)");
    assert!(fired > 10, "{fired}");
    host.engine.stop(source.id, Duration::from_secs(30)).await.unwrap();
    assert!(trace.fired("(DELAYED)") > fired, "its end too");
    drop(trace);
    host.engine.start(&source).await.unwrap();
    let log = host.engine.log_tail(source.id, 60).await.unwrap().join("\n");
    assert!(log.contains("database system was shut down at"), "it ended in good order: {log}");
    host.end().await;
}

/// F19: a sync of the log that fails is final. PostgreSQL ends at once and rebuilds what it knows from the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_the_log_costs_no_row() {
    let host = Host::new().await;
    let (spec, client) = twenty_rows(&host).await;
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    // Of this session only: who recovers from it has a disk that works.
    let pids = [u32::try_from(pid).unwrap()];
    let Some(trace) = Trace::attach(&pids, false, "fsync,fdatasync:error=EIO:when=1") else { return };
    let mut acknowledged = 20;
    while client.execute("INSERT INTO t VALUES ($1)", &[&acknowledged]).await.is_ok() {
        acknowledged += 1;
        assert!(acknowledged < 1000, "no sync ever failed");
    }
    assert_eq!(trace.fired("(INJECTED)"), 1);
    ended_and_kept(&host, &spec, acknowledged).await;
    host.end().await;
}

/// F19: the same of a file of the data. The kernel tells of it once, so a second try would find all well that is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_the_data_costs_no_row() {
    let host = Host::new().await;
    let (spec, client) = twenty_rows(&host).await;
    let superuser = host.inside(&spec, "postgres").await;
    let who = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    let pid: i32 = superuser.query_one(who, &[]).await.unwrap().get(0);
    let pids = [u32::try_from(pid).unwrap()];
    // The log is synced by another call.
    assert_eq!(host.ask(&spec, "SHOW wal_sync_method").await.unwrap(), ["fdatasync"]);
    let name = host.ask(&spec, "SELECT pg_relation_filepath('t')").await.unwrap().remove(0);
    let file = host.dir(&spec).data().join(&name);
    let Some(trace) = Trace::attach_to(Some(&file), &pids, false, "fsync:error=EIO:when=1") else { return };
    superuser.batch_execute("CHECKPOINT").await.unwrap_err();
    assert_eq!(trace.fired("(INJECTED)"), 1);
    drop(client);
    ended_and_kept(&host, &spec, 20).await;
    let log = host.engine.log_tail(spec.id, 200).await.unwrap().join("\n");
    assert!(log.contains(&format!("could not fsync file \"{name}\"")), "{log}");
    host.end().await;
}

/// A database with twenty rows that are acknowledged, and who wrote them.
async fn twenty_rows(host: &Host) -> (NodeSpec, tokio_postgres::Client) {
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t (n int)").await.unwrap();
    assert_eq!(host.ask(&spec, "SHOW data_sync_retry").await.unwrap(), ["off"]);
    let conf = fs::read_to_string(host.dir(&spec).conf().join("postgresql.conf")).unwrap();
    assert!(conf.contains("data_sync_retry = 'off'"), "whatever its default is");
    let client = host.connect(&spec, &spec.name).await.unwrap();
    for n in 0..20 {
        client.execute("INSERT INTO t VALUES ($1)", &[&n]).await.unwrap();
    }
    (spec, client)
}

/// The server ended because of it, is back, and has every row that was acknowledged.
async fn ended_and_kept(host: &Host, spec: &NodeSpec, acknowledged: i32) {
    let begun = Instant::now();
    let rows = loop {
        match host.ask(spec, "SELECT n FROM t ORDER BY n").await {
            Ok(rows) => break rows,
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(60), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let rows: Vec<i32> = rows.iter().map(|n| n.parse().unwrap()).collect();
    assert!(rows.len() >= usize::try_from(acknowledged).unwrap(), "{rows:?} of {acknowledged}");
    assert_eq!(rows[..20], (0..20).collect::<Vec<_>>());
    let log = host.engine.log_tail(spec.id, 200).await.unwrap().join("\n");
    assert!(log.contains("PANIC") && log.contains("Input/output error"), "{log}");
}

/// What was asked for and what was acknowledged, by a database, by the platform's own store, and by a vault.
#[derive(Default)]
struct Load {
    sent: Cell<i32>,
    acknowledged: Cell<i32>,
    /// Rows of the store: each is one more than the last.
    recorded: Cell<i32>,
    archives: RefCell<Vec<(Place, usize)>>,
    segments: Cell<u32>,
}

impl Load {
    /// Goes on until nobody asks it to.
    async fn run(&self, host: &Host, spec: &NodeSpec, vault: &dyn Vault) {
        let client = host.connect(spec, &spec.name).await.unwrap();
        let rows = async {
            loop {
                let n = self.sent.get() + 1;
                self.sent.set(n);
                client.execute("INSERT INTO t VALUES ($1)", &[&n]).await.unwrap();
                self.acknowledged.set(n);
            }
        };
        let store = store_client(host).await;
        let records = async {
            loop {
                let n = self.recorded.get() + 1;
                store.execute("INSERT INTO cut VALUES ($1)", &[&n]).await.unwrap();
                self.recorded.set(n);
            }
        };
        let archives = async {
            let bytes = 200_000 + self.archives.borrow().len() * 10_000;
            loop {
                let place = Place { database: database(spec), backup: BackupId::new(Uuid::new_v4()) };
                let mut sealing = vault.create(place, &archive_key()).await.unwrap();
                sealing.write(&content(bytes)).await.unwrap();
                sealing.finish().await.unwrap();
                self.archives.borrow_mut().push((place, bytes));
            }
        };
        let segments = async {
            loop {
                host.engine.archive_now(spec).await.unwrap();
                self.segments.set(self.segments.get() + 1);
            }
        };
        tokio::join!(rows, records, archives, segments);
    }
}

/// As the control plane is connected to its store.
async fn store_client(host: &Host) -> tokio_postgres::Client {
    let mut config = tokio_postgres::Config::new();
    config.host_path(host.layout().store().run()).port(5432).user("paddock_control").dbname("paddock");
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
    tokio::spawn(connection);
    client
}

fn archive_key() -> ArchiveKey {
    ArchiveKey { id: Uuid::from_bytes([1; 16]), key: SecretBox::new(Box::new([1; 32])) }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at.wrapping_mul(2_654_435_761) >> 11 & 0xff).unwrap()).collect()
}

/// Writes that have reached the disk in this file.
fn writes(image: &Path) -> String {
    let loops = host::run("/sbin/losetup", &["-n", "-O", "NAME", "-j", image.to_str().unwrap()]);
    let device = String::from_utf8(loops.stdout).unwrap();
    let name = Path::new(device.trim()).file_name().unwrap().to_owned();
    fs::read_to_string(Path::new("/sys/block").join(name).join("stat")).unwrap()
}

/// What the disk held at one moment. Nobody runs meanwhile; what the kernel writes by itself makes it begin anew.
fn copy(image: &Path, to: &Path) {
    for _ in 0..20 {
        let before = writes(image);
        let (from, to) = (image.to_str().unwrap(), to.to_str().unwrap());
        assert!(host::run("/bin/cp", &["--sparse=always", from, to]).status.success());
        if writes(image) == before {
            return;
        }
    }
    panic!("the disk is never still");
}

/// Everybody who writes below a root, and on behalf of it.
fn writers(root: &Path) -> Vec<u32> {
    let mut pids = host::inhabitants(root);
    pids.extend(host::pids_of("pgbackrest", root));
    pids
}

/// F21: the disk as it was at a moment of which nobody was told, three times. Who was told that something is kept finds it.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_takes_nothing_that_was_acknowledged() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root may mount");
        return;
    }
    let base = PathBuf::from(format!("/tmp/pf{}", &Uuid::new_v4().simple().to_string()[..8]));
    let (at, images) = (base.join("m"), ["a", "b"].map(|name| base.join(name)));
    fs::create_dir_all(&at).unwrap();
    fs::File::create(&images[0]).unwrap().set_len(900 << 20).unwrap();
    let made = host::run("/sbin/mkfs.ext4", &["-q", "-m", "0", images[0].to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut volume = Volume::image(&at, &images[0]).unwrap();
    let mut host = Host::at(at.join("r")).await;
    let version = majors(&host).await[0];
    let spec = archived(&host, version).await;
    let mut store = EmbeddedStore::ensure(&host.config).await.unwrap();
    store_client(&host).await.batch_execute("CREATE TABLE cut (n int PRIMARY KEY)").await.unwrap();
    let kept = VaultConfig::Directory { root: at.join("vault") };
    let load = Load::default();
    for round in 0..3 {
        let (from, to) = (&images[round % 2], &images[(round + 1) % 2]);
        let vault = vault::open(kept.clone()).await.unwrap();
        let (before, segments) = (load.acknowledged.get(), load.segments.get());
        let archives = load.archives.borrow().len();
        let enough = async {
            let random = Duration::from_micros(u64::from(Uuid::new_v4().as_fields().0 % 300_000));
            let recorded = load.recorded.get();
            while load.acknowledged.get() < before + 50
                || load.recorded.get() < recorded + 50
                || load.segments.get() == segments
                || load.archives.borrow().len() < archives + 3
            {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(random).await;
        };
        tokio::select! {
            () = load.run(&host, &spec, &*vault) => {}
            () = enough => {}
        }
        let (acknowledged, archives) = (load.acknowledged.get(), load.archives.borrow().clone());
        let recorded = load.recorded.get();
        let writing = writers(&at);
        writing.iter().for_each(|pid| host::kill(*pid, Signal::STOP));
        copy(from, to);
        writing.iter().for_each(|pid| host::kill(*pid, Signal::CONT));
        drop(vault);
        host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
        store.stop(Duration::from_secs(10)).await.unwrap();
        volume.unmount();
        volume = Volume::image(&at, to).unwrap();

        host.engine = LocalEngine::open(host.config.clone()).await.unwrap();
        host.engine.start(&spec).await.unwrap();
        let log = host.engine.log_tail(spec.id, 100).await.unwrap().join("\n");
        assert!(log.contains("was not properly shut down"), "round {round}: {log}");
        let rows = host.ask(&spec, "SELECT n FROM t ORDER BY n").await.unwrap();
        let rows: Vec<i32> = rows.iter().map(|n| n.parse().unwrap()).collect();
        assert!((acknowledged..=load.sent.get()).contains(rows.last().unwrap()), "round {round}");
        let missing = (1..=acknowledged).filter(|n| rows.binary_search(n).is_err()).count();
        assert_eq!(missing, 0, "round {round}: rows that were acknowledged");
        // The next round begins with what there is.
        load.sent.set(*rows.last().unwrap());
        load.acknowledged.set(load.sent.get());
        store = EmbeddedStore::ensure(&host.config).await.unwrap();
        let rows = store_client(&host).await.query("SELECT n FROM cut ORDER BY n", &[]).await.unwrap();
        let rows: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        let last = i32::try_from(rows.len()).unwrap();
        assert!(rows == (1..=last).collect::<Vec<_>>(), "round {round}: a hole in the store");
        assert!(
            (recorded..=recorded + 1).contains(&last),
            "round {round}: {last} of {recorded} in the store"
        );
        load.recorded.set(last);
        let vault = vault::open(kept.clone()).await.unwrap();
        for (place, bytes) in archives {
            let sealed = vault.open(place, &archive_key()).await.unwrap();
            assert!(sealed.read(0..sealed.bytes()).await.unwrap()[..] == content(bytes), "round {round}");
        }
        for place in vault.places().await.unwrap() {
            let sealed = vault.open(place, &archive_key()).await.unwrap();
            sealed.read(0..sealed.bytes()).await.unwrap();
        }
        host.engine.archive_now(&spec).await.unwrap();
        let known = host.engine.timelines(database(&spec)).await.unwrap();
        assert!(known.gaps.is_empty() && known.backups.len() == 1, "round {round}: {known:#?}");
    }
    store.stop(Duration::from_secs(10)).await.unwrap();
    host.end().await;
    volume.unmount();
    fs::remove_dir_all(&base).unwrap();
}
