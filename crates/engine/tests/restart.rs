//! Paddock itself dies: by SIGKILL, at any moment, while it works. And Paddock without root's rights.
//!
//! Each test starts this very program again as another process, to be killed or to run as somebody else.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec, NodeState};
use engine::{EngineConfig, LocalEngine};
use host::{Host, PASSWORD};
use rustix::process::Signal;
use std::{
    env, fs, ops::RangeInclusive, os::unix::fs::MetadataExt as _, path::Path, process::Child, time::Duration,
};

/// OS users of these tests alone. All others make and remove theirs meanwhile; whoever stays among these was left here.
const UIDS: RangeInclusive<u32> = 64800..=64899;

#[cfg(test)]
fn config(root: &Path) -> EngineConfig {
    EngineConfig { uids: UIDS, ..host::config(root) }
}

#[cfg(test)]
async fn new_host() -> Host {
    Host::with(config(&host::fresh_root())).await
}

/// The second Paddock.
#[cfg(test)]
mod second {
    use super::*;

    const ROOT: &str = "ENGINE_TEST_ROOT";
    const SPEC: &str = "ENGINE_TEST_SPEC";

    /// This test again, in a process of its own.
    #[expect(clippy::disallowed_methods, reason = "a second Paddock, to be killed")]
    pub fn start(test: &str, host: &Host, spec: &NodeSpec) -> Child {
        std::process::Command::new(env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(ROOT, host.layout().root())
            .env(SPEC, serde_json::to_string(spec).unwrap())
            .spawn()
            .unwrap()
    }

    /// In the second process: the engine and the spec that it was given.
    pub async fn given() -> Option<(LocalEngine, NodeSpec)> {
        let root = env::var(ROOT).ok()?;
        let spec = serde_json::from_str(&env::var(SPEC).unwrap()).unwrap();
        Some((LocalEngine::open(config(root.as_ref())).await.unwrap(), spec))
    }

    /// Lines of the user table that these tests made.
    pub fn users() -> Vec<String> {
        let ours = |line: &&str| {
            let uid = line.split(':').nth(2).and_then(|uid| uid.parse().ok());
            line.contains("Paddock cluster") && uid.is_some_and(|uid: u32| UIDS.contains(&uid))
        };
        fs::read_to_string("/etc/passwd").unwrap().lines().filter(ours).map(str::to_owned).collect()
    }

    /// Starts a second Paddock that prepares a cluster, and waits until that one's server is ready. It is so for a
    /// moment, which may pass unseen on a busy machine: then another one is started.
    pub async fn preparing(test: &str, host: &Host, spec: &NodeSpec) -> Child {
        for _ in 0..10 {
            let mut child = start(test, host, spec);
            let ended = loop {
                if serves(&host.layout().pool()) {
                    return child;
                }
                match child.try_wait().unwrap() {
                    Some(ended) => break ended,
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            };
            assert!(ended.success(), "it failed by itself: {ended}");
            host.engine.tidy_pool(&[]).await.unwrap();
        }
        panic!("nobody saw its server");
    }

    /// Whether a server in the pool says that it is ready.
    fn serves(pool: &Path) -> bool {
        let entries = fs::read_dir(pool).unwrap().flatten();
        let mut notes =
            entries.filter_map(|entry| fs::read_to_string(entry.path().join("data/postmaster.pid")).ok());
        notes.any(|notes| notes.contains("ready"))
    }
}

/// One at a time: they kill processes that hold the lock of the user table, which all share.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn a_server_outlives_paddock_and_is_adopted() {
    if let Some((engine, spec)) = second::given().await {
        engine.place(&spec).await.unwrap();
        engine.configure(&spec).await.unwrap();
        engine.start(&spec).await.unwrap();
        engine.create_database(&spec, &host::verifier()).await.unwrap();
        host::kill(std::process::id(), Signal::KILL);
    }
    let _alone = ALONE.lock().await;
    let host = new_host().await;
    let spec = host.spec("a_1").await;
    let mut child = second::start("a_server_outlives_paddock_and_is_adopted", &host, &spec);
    child.wait().unwrap();
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    let pid = host.pid(&spec).await;
    let parent = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(!parent.contains(&format!("PPid:\t{}\n", child.id())));
    assert_eq!(host.engine.start(&spec).await.unwrap(), format!("PostgreSQL {} already runs", spec.version));
    let changed = host.engine.changed();
    host::kill(pid, Signal::KILL);
    host::soon(changed).await.expect("watched, though it is no child of ours");
    host.engine.start(&spec).await.unwrap();
    assert_ne!(host.pid(&spec).await, pid);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_placing_leaves_nothing_that_stays() {
    if let Some((engine, spec)) = second::given().await {
        engine.place(&spec).await.unwrap();
        engine.configure(&spec).await.unwrap();
        engine.start(&spec).await.unwrap();
        return;
    }
    let _alone = ALONE.lock().await;
    // What a run that was cut off left earlier is not this one's.
    let before = second::users();
    let host = new_host().await;
    for after in [20, 60, 120, 250, 400, 700, 1000, 1500] {
        let spec = host.spec("a_1").await;
        let mut child = second::start("a_kill_while_placing_leaves_nothing_that_stays", &host, &spec);
        tokio::time::sleep(Duration::from_millis(after)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        // What Paddock does when it starts again.
        let engine = LocalEngine::open(host.config.clone()).await.unwrap();
        engine.place(&spec).await.unwrap();
        engine.configure(&spec).await.unwrap();
        engine.start(&spec).await.unwrap();
        host::until(&engine, &spec, |state| matches!(state, NodeState::Running { .. })).await;
        let pool = host::run("/usr/bin/find", &[host.layout().pool().to_str().unwrap()]).stdout;
        let pool = String::from_utf8_lossy(&pool);
        assert_eq!(pool.lines().count(), 1, "killed after {after} ms: nothing half made is left: {pool}");
        engine.purge(spec.id).await.unwrap();
    }
    let left: Vec<_> = second::users().into_iter().filter(|line| !before.contains(line)).collect();
    assert_eq!(left, [] as [String; 0]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_while_preparing_leaves_no_server() {
    if let Some((engine, spec)) = second::given().await {
        engine.refill_pool(spec.version, 1).await.unwrap();
        return;
    }
    let _alone = ALONE.lock().await;
    let host = new_host().await;
    let (spec, pool) = (host.spec("a_1").await, host.layout().pool());
    let mut alone = 0;
    for after in [0, 10, 30, 60, 120, 250] {
        let mut child = second::preparing("a_kill_while_preparing_leaves_no_server", &host, &spec).await;
        tokio::time::sleep(Duration::from_millis(after)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        alone += usize::from(!host::inhabitants(&pool).is_empty());
        // What Paddock does when it starts again.
        let engine = LocalEngine::open(host.config.clone()).await.unwrap();
        assert!(host::inhabitants(&pool).is_empty(), "killed {after} ms after its server was ready");
        engine.refill_pool(spec.version, 1).await.unwrap();
        engine.tidy_pool(&[]).await.unwrap();
        assert_eq!(fs::read_dir(&pool).unwrap().count(), 0, "killed {after} ms after its server was ready");
    }
    // On a busy machine most may come when the server has been stopped.
    assert!(alone >= 1, "no kill left a server behind");
    host.engine.refill_pool(spec.version, 1).await.unwrap();
    host.up(&spec).await;
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_without_root() {
    if rustix::process::geteuid().is_root() {
        let program = env::current_exe().unwrap();
        let args = ["--reuid=65534", "--regid=65534", "--clear-groups", program.to_str().unwrap()];
        let said = host::run(
            "/usr/bin/setpriv",
            &[&args[..], &["everything_works_without_root", "--exact"]].concat(),
        );
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        return;
    }
    let _alone = ALONE.lock().await;
    let host = new_host().await;
    let spec = host.spec("a_1").await;
    host.engine.refill_pool(spec.version, 1).await.unwrap();
    host.up(&spec).await;
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    // Limits are advisory, and everything else is told all the same.
    let figures = host.engine.figures(&spec).await.unwrap();
    let container = figures.container;
    assert_eq!(container.enforced.advisory(), "memory, CPU, processes");
    assert!(container.enforced.why_not.is_some_and(|why| why.contains("may not make control groups")));
    assert!(container.memory_bytes > 1 << 20 && container.memory_peak_bytes >= container.memory_bytes);
    assert_eq!(container.memory_limit_bytes, u64::from(spec.plan.memory_mib) << 20);
    assert!(container.cpu_percent.is_some() && container.processes > 3 && container.processes < 20);
    let told = host.engine.limit(&spec).await.unwrap();
    assert!(told.contains("memory, CPU and processes are advisory"), "{told}");
    let sample = host.engine.sample(&spec, true).await.unwrap();
    assert!(sample.cpu_us > 0 && sample.written_bytes > 0 && sample.server.is_some(), "{sample:?}");
    let node = host.dir(&spec);
    assert_eq!(engine::Identity::expect(&node, spec.id).unwrap().os_user, None);
    for path in [node.path().to_owned(), node.data(), node.run(), node.tls(), node.conf()] {
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o700);
    }
    assert_eq!(fs::metadata(node.tls().join("server.key")).unwrap().mode() & 0o777, 0o600);
    let pid = host.pid(&spec).await;
    // All servers run as the same user here: the working directory alone tells them apart.
    let other = host.spec("b_2").await;
    host.up(&other).await;
    host.engine.stop(other.id, Duration::from_secs(10)).await.unwrap();
    let theirs = fs::read(node.data().join("postmaster.pid")).unwrap();
    fs::write(host.dir(&other).data().join("postmaster.pid"), theirs).unwrap();
    assert_eq!(host.engine.observe(other.id).await.unwrap(), NodeState::Stopped);
    host.engine.stop(other.id, Duration::from_secs(10)).await.unwrap();
    host.engine.start(&other).await.unwrap();
    assert_eq!(host.pid(&spec).await, pid);
    let store = engine::EmbeddedStore::ensure(&host.config).await.unwrap();
    store.stop(Duration::from_secs(10)).await.unwrap();
    host.end().await;
}
