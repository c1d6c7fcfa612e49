//! What goes wrong on real hosts, provoked: dead and hanging servers, strangers' process ids, stolen ports, kills
//! half-way, missing binaries.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, EngineError, NodeState};
use engine::{EngineConfig, LocalEngine};
use host::Host;
use rustix::process::Signal;
use std::{fs, net::TcpListener, time::Duration};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_noticed_and_starts_again() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT 1 AS n").await.unwrap();
    let first = host.pid(&spec).await;
    let changed = host.engine.changed();
    host::kill(first, Signal::KILL);
    host::soon(changed).await.expect("a wake-up");
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
    host.engine.start(&spec).await.unwrap();
    assert_ne!(host.pid(&spec).await, first);
    assert!(!fs::exists(format!("/proc/{first}")).unwrap(), "its process was reaped");
    assert_eq!(host.ask(&spec, "SELECT n FROM t").await.unwrap(), ["1"]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_outlives_its_server_is_ended() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let client = host.connect(&spec, "a_1").await.unwrap();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    // Computes for hours without waiting for anything: never looks whether its server lives.
    #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
    let query = tokio::spawn(async move {
        client
            .batch_execute(
                "SELECT count(*) FROM generate_series(1, 100000) AS a, generate_series(1, 100000) AS b",
            )
            .await
    });
    let inside = host.inside(&spec, "postgres").await;
    let computes =
        "SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query LIKE '%generate_series%'";
    let look = async || inside.query_opt(computes, &[&pid]).await.unwrap();
    host::eventually(host::PATIENT, look).await.expect("it computes");
    host::kill(host.pid(&spec).await, Signal::KILL);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(fs::exists(format!("/proc/{pid}/exe")).unwrap(), "the helper goes on alone");
    host.engine.start(&spec).await.unwrap();
    assert!(fs::read_link(format!("/proc/{pid}/exe")).is_err(), "it was ended");
    // Orphans are children of this process now; looking at servers now and then reaps them.
    let mut tries = 0;
    while fs::exists(format!("/proc/{pid}")).unwrap() {
        host.engine.observe(spec.id).await.unwrap();
        tries += 1;
        assert!(tries < 200, "a zombie stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(host.ask(&spec, "SELECT 1").await.unwrap(), ["1"]);
    query.abort();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_session_is_not_a_dead_server() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let before = host.pid(&spec).await;
    let client = host.connect(&spec, "a_1").await.unwrap();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    host::kill(u32::try_from(pid).unwrap(), Signal::KILL);
    // The same server all the time: it answers, recovers for a moment, and answers again.
    while client.simple_query("SELECT 1").await.is_ok() {}
    host.until(&spec, |state| matches!(state, NodeState::Running { pid, .. } if *pid == before)).await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_server_is_starting_and_can_be_stopped() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let pid = host.pid(&spec).await;
    host::kill(pid, Signal::STOP);
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Starting);
    host::kill(pid, Signal::CONT);
    host.until(&spec, |state| matches!(state, NodeState::Running { .. })).await;
    host::kill(pid, Signal::STOP);
    host.engine.stop(spec.id, Duration::from_millis(200)).await.unwrap();
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
    host.engine.start(&spec).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pid_file_that_names_a_stranger_harms_nobody() {
    let host = Host::new().await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    host.up(&a).await;
    host.up(&b).await;
    let neighbour = host.pid(&b).await;
    let mut sleeper = host::spawn("/bin/sleep", &["600"]);
    host.engine.stop(a.id, PATIENCE).await.unwrap();
    let run = host.dir(&a).run();
    for stranger in [neighbour, sleeper.id(), 1, u32::from(u16::MAX) * 60] {
        let neighbours = fs::read_to_string(host.dir(&b).data().join("postmaster.pid")).unwrap();
        let text = neighbours.replacen(&neighbour.to_string(), &stranger.to_string(), 1);
        fs::write(host.dir(&a).data().join("postmaster.pid"), text).unwrap();
        fs::write(run.join(format!(".s.PGSQL.{}.lock", a.port)), format!("{stranger}\n/x\n1\n{}\n", a.port))
            .unwrap();
        fs::write(run.join(format!(".s.PGSQL.{}", a.port)), "").unwrap();
        assert_eq!(host.engine.observe(a.id).await.unwrap(), NodeState::Stopped, "{stranger}");
        host.engine.stop(a.id, PATIENCE).await.unwrap();
        assert_eq!(host.pid(&b).await, neighbour, "the neighbour lives");
        assert!(sleeper.try_wait().unwrap().is_none(), "the sleeper lives");
        host.engine.start(&a).await.unwrap();
        assert_eq!(host.ask(&a, "SELECT current_database()").await.unwrap(), ["a_1"]);
        host.engine.stop(a.id, PATIENCE).await.unwrap();
    }
    assert_eq!(host.pid(&b).await, neighbour);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_port_is_told_and_another_one_works() {
    let host = Host::new().await;
    let mut spec = host.spec("a_1").await;
    let thief = TcpListener::bind(("127.0.0.1", spec.port)).unwrap();
    host.engine.place(&spec).await.unwrap();
    host.engine.configure(&spec).await.unwrap();
    let stolen = spec.port;
    assert!(matches!(host.engine.start(&spec).await, Err(EngineError::PortTaken(port)) if port == stolen));
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
    spec.port = host::free_port();
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    host.engine.create_database(&spec, &host::verifier()).await.unwrap();
    host.engine.verify_login(&spec, &host::PASSWORD.into()).await.unwrap();

    // A running server is moved by the next start.
    drop(thief);
    spec.port = stolen;
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    host.engine.verify_login(&spec, &host::PASSWORD.into()).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impostor_learns_no_password() {
    use std::io::{Read as _, Write as _};
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    // It refuses TLS and would ask for the password in clear.
    let thief = TcpListener::bind(("127.0.0.1", spec.port)).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut client, _) = thief.accept().unwrap();
        let mut heard = vec![0; 8];
        client.read_exact(&mut heard).unwrap();
        client.write_all(b"N").unwrap();
        let _ = client.read_to_end(&mut heard);
        heard
    });
    assert!(host.engine.verify_login(&spec, &host::PASSWORD.into()).await.is_err());
    assert_eq!(thread.join().unwrap().len(), 8, "it heard the request for TLS and nothing else");

    // Another database's server has a certificate for the same host: it must not do either.
    let other = host.spec("b_2").await;
    host.up(&other).await;
    let wrong = control::engine::NodeSpec { port: other.port, ..spec.clone() };
    assert!(host.engine.verify_login(&wrong, &host::PASSWORD.into()).await.is_err());
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_engine_adopts_what_runs() {
    let host = Host::new().await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    host.up(&a).await;
    host.up(&b).await;
    let (pid_a, pid_b) = (host.pid(&a).await, host.pid(&b).await);
    let again = LocalEngine::open(host.config.clone()).await.unwrap();
    let changed = again.changed();
    host::kill(pid_a, Signal::KILL);
    host::soon(changed).await.expect("watched from the first moment");
    assert_eq!(again.observe(a.id).await.unwrap(), NodeState::Stopped);
    assert_eq!(host::pid_of(&again, &b).await, pid_b);
    again.start(&b).await.unwrap();
    assert_eq!(host::pid_of(&again, &b).await, pid_b, "not restarted");
    again.start(&a).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cut_short_is_taken_up_or_swept() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    let layout = host.layout();
    // Promised, not moved.
    host.engine.refill_pool(spec.version, 1).await.unwrap();
    let entry = fs::read_dir(layout.pool()).unwrap().next().unwrap().unwrap().path();
    let dir = engine::layout::ClusterDir(entry.clone());
    let identity = engine::Identity::read(&dir).unwrap().unwrap();
    engine::Identity { node: Some(spec.id), ..identity.clone() }.write(&dir).unwrap();
    assert_eq!(host.engine.refill_pool(spec.version, 1).await.unwrap(), 1, "it is nobody else's any more");
    assert_eq!(host.engine.found().await.unwrap().len(), 1);
    host.engine.place(&spec).await.unwrap();
    assert!(!entry.exists());
    assert_eq!(engine::Identity::expect(&host.dir(&spec), spec.id).unwrap().cluster, identity.cluster);

    // Promised and then not wanted any more.
    let other = host.spec("b_2").await;
    let entry = fs::read_dir(layout.pool()).unwrap().next().unwrap().unwrap().path();
    let dir = engine::layout::ClusterDir(entry.clone());
    let identity = engine::Identity::read(&dir).unwrap().unwrap();
    engine::Identity { node: Some(other.id), ..identity }.write(&dir).unwrap();
    host.engine.purge(other.id).await.unwrap();
    assert!(!entry.exists());

    // Half made: no identity file.
    host.engine.refill_pool(spec.version, 1).await.unwrap();
    let entry = fs::read_dir(layout.pool()).unwrap().next().unwrap().unwrap().path();
    let dir = engine::layout::ClusterDir(entry.clone());
    let identity = engine::Identity::read(&dir).unwrap().unwrap();
    let making = serde_json::json!({ "cluster": identity.cluster, "os_user": identity.os_user });
    fs::write(dir.making(), making.to_string()).unwrap();
    fs::remove_file(dir.identity()).unwrap();
    drop(LocalEngine::open(host.config.clone()).await.unwrap());
    assert!(!entry.exists());
    if let Some(user) = identity.os_user {
        let passwd = fs::read_to_string("/etc/passwd").unwrap();
        assert!(!passwd.contains(&format!("{}:", user.name)), "its OS user went with it");
    }

    // A directory without identity in a node's place is not touched.
    let third = host.spec("c_3").await;
    fs::create_dir(host.dir(&third).path()).unwrap();
    assert!(matches!(host.engine.place(&third).await, Err(EngineError::Foreign(_))));
    assert!(matches!(host.engine.purge(third.id).await, Err(EngineError::Foreign(_))));
    fs::remove_dir(host.dir(&third).path()).unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binaries_that_vanish_are_named() {
    let host = Host::new().await;
    let mut spec = host.spec("a_1").await;
    host.engine.place(&spec).await.unwrap();
    host.engine.configure(&spec).await.unwrap();
    let minor = spec.version.minor;
    spec.version.minor = 99;
    let missing = host.engine.start(&spec).await;
    assert!(
        matches!(missing, Err(EngineError::VersionMissing(version)) if version.minor == 99),
        "{missing:?}"
    );
    spec.version.minor = minor;
    // PostgreSQL's own refusal comes with its own words: before its log is open, and after.
    let refusals = [
        (host.dir(&spec).conf().join("postgresql.conf"), "configuration file"),
        (host.dir(&spec).data().join("pg_wal/000000010000000000000001"), "checkpoint record"),
    ];
    for (file, word) in refusals {
        let kept = fs::read(&file).unwrap();
        fs::write(&file, "nonsense").unwrap();
        match host.engine.start(&spec).await {
            Err(EngineError::Postgres { message, log }) => {
                assert!(message.contains("PostgreSQL"), "{message}");
                assert!(log.iter().any(|line| line.contains(word)), "{message}: {log:?}");
            }
            other => panic!("{word}: {other:?}"),
        }
        assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
        fs::write(&file, kept).unwrap();
    }
    host.engine.start(&spec).await.unwrap();
    assert!(!host.engine.log_tail(spec.id, 5).await.unwrap().is_empty());
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_in_our_place_is_not_ours() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let mut identity = engine::Identity::read(&host.dir(&spec)).unwrap().unwrap();
    identity.system_identifier += 1;
    identity.write(&host.dir(&spec)).unwrap();
    assert!(matches!(host.engine.observe(spec.id).await, Err(EngineError::Foreign(_))));
    assert!(matches!(host.engine.start(&spec).await, Err(EngineError::Foreign(_))));
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    assert!(matches!(host.engine.start(&spec).await, Err(EngineError::Foreign(_))));
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped, "it was not even started");
    host.end().await;
}

/// Whoever broke into a server owns its data directory, and Paddock reads there as root.
#[tokio::test(flavor = "multi_thread")]
async fn traps_in_a_data_directory_catch_nothing() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    let (dir, precious) = (host.dir(&spec), host.layout().root().join("precious"));
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("x"), "x").unwrap();
    let pid_file = dir.data().join("postmaster.pid");
    assert!(host::run("/usr/bin/mkfifo", &[pid_file.to_str().unwrap()]).status.success());
    assert_eq!(host.engine.observe(spec.id).await.unwrap(), NodeState::Stopped);
    host.engine.start(&spec).await.unwrap();
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    for (link, target) in
        [(dir.log().join("startup.log"), precious.join("x")), (dir.data().join("a"), precious.clone())]
    {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(target, link).unwrap();
    }
    host.engine.start(&spec).await.unwrap();
    let settings = dir.data().join("postgresql.auto.conf");
    fs::write(&settings, "hba_file = '/etc/hosts'\nunix_socket_directories = '/tmp'\nport = 1\n").unwrap();
    host.engine.stop(spec.id, PATIENCE).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    host.engine.verify_login(&spec, &host::PASSWORD.into()).await.unwrap();
    // Deeper than a path may be long, and than a recursion should go.
    let deep = "i=0; while [ $i -lt 3000 ]; do mkdir d && cd -P d || exit 1; i=$((i+1)); done";
    let script = format!("cd {} && {deep}", dir.data().display());
    assert!(host::run("/bin/sh", &["-c", &script]).status.success());
    host.engine.figures(&spec).await.unwrap();
    host.engine.purge(spec.id).await.unwrap();
    assert_eq!(fs::read_to_string(precious.join("x")).unwrap(), "x");
    fs::remove_dir_all(precious).unwrap();
    host.end().await;
}

#[tokio::test]
async fn a_root_that_cannot_work_is_refused() {
    for bad in ["relative/path".to_owned(), format!("/tmp/{}", "x".repeat(60))] {
        assert!(LocalEngine::open(EngineConfig::new(&bad)).await.is_err(), "{bad}");
        assert!(!fs::exists(&bad).unwrap());
    }
}
