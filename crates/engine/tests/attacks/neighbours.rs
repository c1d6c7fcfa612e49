//! What reaches beyond one's own sessions: another database's server, and the locks that all share.

use crate::host::{self, Host};
use control::engine::{Engine as _, NodeSpec};
use std::time::Duration;

/// Runs a program as the server's own OS user, as whoever broke into it would.
fn as_server(host: &Host, spec: &NodeSpec, program: &[&str]) -> (bool, String) {
    let user =
        engine::Identity::expect(&host.dir(spec), spec.id).unwrap().os_user.expect("tests run as root");
    let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid)];
    let args = [&[ids[0].as_str(), &ids[1], "--clear-groups"], program].concat();
    let ran = host::run("/usr/bin/setpriv", &args);
    (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

/// A35: whoever became a server's OS user reads and reaches nothing of another one.
#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_a_server_reaches_no_other_server() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let host = Host::new().await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    for spec in [&a, &b] {
        host.up(spec).await;
    }
    let (dir, pid) = (host.dir(&a), host.pid(&a).await);
    let (psql, port) = (host.program(&a, "psql").await, a.port.to_string());
    let [data, run] = [dir.data(), dir.run()].map(|path| path.display().to_string());
    let environ = format!("/proc/{pid}/environ");
    let looks: [&[&str]; 3] = [&["/bin/ls", &data], &["/bin/ls", &run], &["/bin/cat", &environ]];
    for look in looks {
        let (done, said) = as_server(&host, &a, look);
        assert!(done, "its own: {look:?}: {said}");
        let (done, said) = as_server(&host, &b, look);
        assert!(!done && said.contains("Permission denied"), "another's: {look:?}: {said}");
    }
    let connect =
        [psql.as_str(), "-X", "-h", &run, "-p", &port, "-U", "paddock", "-d", "postgres", "-c", "SELECT 1"];
    let (done, said) = as_server(&host, &a, &connect);
    assert!(!done && said.contains("Peer authentication failed"), "it is nobody of ours: {said}");
    let (done, said) = as_server(&host, &b, &connect);
    assert!(!done && said.contains("Permission denied"), "not even its door: {said}");
    host.end().await;
}

/// A43: who may lock can fill the table of locks, and then nobody can connect; a restart, which asks nobody inside, ends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_locks_ends_with_a_restart() {
    let host = Host::new().await;
    let spec = host.spec("shop_4553").await;
    host.up(&spec).await;
    let owner = host.connect(&spec, "shop_4553").await.unwrap();
    let flood = "SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 1000000) n";
    let full = owner.batch_execute(flood).await.unwrap_err();
    assert_eq!(full.code().unwrap().code(), "53200", "it is full: {full}");
    assert!(host.connect(&spec, "shop_4553").await.is_err());
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    assert_eq!(host.ask(&spec, "SELECT 1").await.unwrap(), ["1"]);
    host.end().await;
}
