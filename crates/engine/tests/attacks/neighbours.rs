//! What reaches beyond one's own sessions: another database's server, and the locks that all share.

use crate::host::{self, Host};
use control::engine::{Engine as _, NodeSpec};
use engine::EngineConfig;
use std::time::Duration;

fn os_user(host: &Host, spec: &NodeSpec) -> engine::OsUser {
    engine::Identity::expect(&host.dir(spec), spec.id).unwrap().os_user.expect("tests run as root")
}

/// Runs a program as the server's own OS user, as whoever broke into it would.
fn as_server(host: &Host, spec: &NodeSpec, program: &[&str]) -> (bool, String) {
    let user = os_user(host, spec);
    let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid)];
    let args = [&[ids[0].as_str(), &ids[1], "--clear-groups"], program].concat();
    let ran = host::run("/usr/bin/setpriv", &args);
    (ran.status.success(), String::from_utf8_lossy(&ran.stderr).into_owned())
}

fn does(program: &str, args: &[&str]) -> bool {
    host::run(program, args).status.success()
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
    // Without the firewall, which other machines lack: its port on the network asks whoever comes for a password, and lets
    // the platform's own roles in for none.
    for (user, wanted) in [("a_1", "password"), ("paddock", "pg_hba.conf"), ("paddock_backup", "pg_hba.conf")]
    {
        let target = format!("host=127.0.0.1 port={port} user={user} dbname=a_1 sslmode=require");
        // Not with the certificates of who runs the tests.
        let ask = ["/usr/bin/env", "HOME=/", psql.as_str(), "-X", "--no-password", "-c", "SELECT 1", &target];
        let (done, said) = as_server(&host, &b, &ask);
        assert!(!done && said.contains(wanted), "{user}: {said}");
    }
    host.end().await;
}

/// A35: whoever became a server's OS user opens no connection, neither to a neighbour's port nor to anything else.
#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_a_server_calls_nobody() {
    // A container's root may lack the right.
    if !rustix::process::geteuid().is_root() || !does("/usr/sbin/nft", &["list", "tables"]) {
        return;
    }
    // Numbers of its own: the rule stands for all of them.
    let walled = EngineConfig { firewall: true, uids: 64780..=64789, ..host::config(&host::fresh_root()) };
    let host = Host::with(walled).await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    for spec in [&a, &b] {
        host.up(spec).await;
    }
    let bystander = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let call = |address: &str, port: u16| format!("exec 3<>/dev/tcp/{address}/{port}");
    let [neighbour, bystander] =
        [a.port, bystander.local_addr().unwrap().port()].map(|port| call("127.0.0.1", port));
    let nobody = |script: &str| {
        let args = ["--reuid=65534", "--regid=65534", "--clear-groups", "/bin/bash", "-c", script];
        host::run("/usr/bin/setpriv", &args).status.success()
    };
    for script in [&neighbour, &bystander] {
        assert!(nobody(script), "whom no rule keeps gets there: {script}");
        let (done, said) = as_server(&host, &b, &["/bin/bash", "-c", script]);
        assert!(!done && said.contains("No route to host"), "{script}: {said}");
    }
    // Where clouds give the machine's credentials away: refused here, not by whatever lies on the way.
    let (done, said) = as_server(&host, &b, &["/bin/bash", "-c", &call("169.254.169.254", 80)]);
    assert!(!done && said.contains("No route to host"), "{said}");
    // It answers all the same, whoever comes.
    assert_eq!(host.ask(&b, "SELECT 1").await.unwrap(), ["1"]);
    host.end().await;
    let gone = host::run("/usr/sbin/nft", &["delete", "table", "inet", "paddock-64780-64789"]);
    assert!(gone.status.success(), "the rule was there until now");
}

/// A35: what a server's programs write to /tmp is their own, little, and in nobody's way.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_fills_no_tmp_but_its_own() {
    if !rustix::process::geteuid().is_root() || !does("/usr/bin/unshare", &["--mount", "true"]) {
        return;
    }
    // A root that does not lie below /tmp, as users have it.
    let name = host::fresh_root().file_name().unwrap().to_owned();
    let host = Host::at(std::path::Path::new("/var/lib").join(name)).await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let (pid, user) = (host.pid(&spec).await, os_user(&host, &spec));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(line("NoNewPrivs:"), "1", "no program gives it more rights");
    assert_eq!(line("CapEff:").trim_matches('0'), "");
    let uid = user.uid;
    assert_eq!(line("Uid:"), format!("{uid}\t{uid}\t{uid}\t{uid}"));
    assert_eq!(line("Groups:"), "");
    // As one of its own processes sees it.
    let inside = |script: &str| {
        let (target, id) = (format!("--target={pid}"), user.uid.to_string());
        let args = [&target, "--mount", "--setuid", &id, "--setgid", &id, "/bin/bash", "-c", script];
        let ran = host::run("/usr/bin/nsenter", &args);
        (ran.status.success(), String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned())
    };
    for place in ["/tmp", "/var/tmp"] {
        assert_eq!(inside(&format!("ls -A {place}")), (true, String::new()), "it is empty");
        let (done, said) = inside(&format!("head -c 100M /dev/zero > {place}/flood"));
        assert!(!done && said.contains("No space left on device"), "{said}");
        assert!(!std::path::Path::new(place).join("flood").exists(), "nobody else sees it");
        let (done, said) = inside(&format!("rm {place}/flood; cp /bin/true {place}/x && {place}/x"));
        assert!(!done && said.contains("Permission denied"), "nothing there is run: {said}");
    }
    assert_eq!(host.ask(&spec, "SELECT 1").await.unwrap(), ["1"], "it lives");
    host.end().await;
}

/// A35: whoever became a server's OS user may make as many processes as its plan has, and its neighbour does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_processes_stays_in_its_database() {
    if !host::may_group() {
        return;
    }
    let host = Host::new().await;
    let (a, b) = (host.spec("a_1").await, host.spec("b_2").await);
    for spec in [&a, &b] {
        host.up(spec).await;
    }
    let group = host::group(host.pid(&b).await, "pids").unwrap();
    let most = host::number(&group, "pids.max");
    // Three times as many as there may be, by somebody who waits for those that it has when it gets no more.
    let flood = format!("seq {} | xargs -P {} -n 1 sh -c 'exec sleep 3'", most * 3, most * 3);
    let enter = "echo $$ > \"$0\" && exec /usr/bin/setpriv --reuid=\"$1\" --regid=\"$1\" --clear-groups /bin/sh -c \"$2\"";
    let user = os_user(&host, &b).uid.to_string();
    let door = group.join("cgroup.procs").display().to_string();
    let mut flooding = host::spawn("/bin/sh", &["-c", enter, &door, &user, &flood]);
    let refused = || {
        let events = std::fs::read_to_string(group.join("pids.events")).unwrap();
        events
            .trim()
            .strip_prefix("max ")
            .and_then(|times| times.parse::<u64>().ok())
            .filter(|times| *times > 0)
    };
    host::eventually(Duration::from_secs(60), async || refused()).await.expect("it was refused more");
    assert!(host::number(&group, "pids.current") <= most);
    assert_eq!(host.ask(&a, "SELECT 1").await.unwrap(), ["1"], "a neighbour does not notice");
    let ended = async || flooding.try_wait().unwrap();
    host::eventually(Duration::from_secs(120), ended).await.expect("the flood ends by itself");
    assert_eq!(host.ask(&b, "SELECT 1").await.unwrap(), ["1"], "its own server lives");
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
