//! A plan's limits are in the kernel's own files, change while the server runs, and what is told of them equals what
//! is read there independently.
//!
//! On a host where this user may not make groups, the limits must be told as advisory instead.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec};
use engine::LocalEngine;
use host::{Host, group, groups, number};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use types::Plan;

/// They measure processor and memory of one machine.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
const PATIENCE: Duration = Duration::from_secs(10);
const MIB: u64 = 1 << 20;

/// The groups of a running server: memory, cpu, pids.
#[cfg(test)]
async fn groups(host: &Host, spec: &NodeSpec) -> [PathBuf; 3] {
    let pid = host.pid(spec).await;
    ["memory", "cpu", "pids"].map(|controller| group(pid, controller).unwrap())
}

/// With another plan of the default table.
#[cfg(test)]
fn with(spec: &NodeSpec, plan: usize) -> NodeSpec {
    NodeSpec { plan: Plan::defaults().remove(plan), ..spec.clone() }
}

#[cfg(test)]
async fn advisory(host: Host, spec: NodeSpec) {
    let enforced = host.engine.figures(&spec).await.unwrap().container.enforced;
    assert!(!enforced.memory && enforced.why_not.is_some(), "{enforced:?}");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_follow_the_plan_without_a_restart() {
    let _alone = ALONE.lock().await;
    let host = Host::new().await;
    let sandbox = host::sandbox("a_1", host.version().await);
    host.up(&sandbox).await;
    if !host::may_group() {
        return advisory(host, sandbox).await;
    }
    let pid = host.pid(&sandbox).await;
    let client = host.connect(&sandbox, "a_1").await.unwrap();
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let [memory, cpu, pids] = groups(&host, &sandbox).await;
    for dir in [&memory, &cpu, &pids] {
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with(&format!("paddock-{}-", sandbox.id.uuid())), "{name}");
        let inside = fs::read_to_string(dir.join("cgroup.procs")).unwrap();
        assert!(inside.lines().any(|line| line == backend.to_string()), "sessions are in it, too");
    }
    for (plan, mib, quota, connections) in [(0, 256, 25_000, 15), (1, 512, 50_000, 30), (0, 256, 25_000, 15)]
    {
        let spec = with(&sandbox, plan);
        if plan > 0 || groups::quota(&cpu).0 > quota {
            let told = host.engine.limit(&spec).await.unwrap();
            let (memory, cpu) = (spec.plan.memory(), spec.plan.cpu());
            assert_eq!(told, format!("{memory}, {cpu}, {connections} connections"));
        }
        assert_eq!(groups::memory_limit(&memory), mib * MIB);
        assert_eq!(groups::swap_limit(&memory), mib * MIB);
        assert_eq!(groups::quota(&cpu), (quota, 100_000));
        let container = host.engine.figures(&spec).await.unwrap().container;
        assert_eq!(container.memory_limit_bytes, mib * MIB);
        assert_eq!(u64::from(container.cpu_limit_percent), quota / 1000);
        assert_eq!(u64::from(container.processes_limit), number(&pids, "pids.max"));
        assert!(container.processes_limit > 2 * connections, "{container:?}");
        assert_eq!((container.enforced.advisory(), container.enforced.why_not), (String::new(), None));
        let limit = "SELECT rolconnlimit::text FROM pg_roles WHERE rolname = 'a_1'";
        assert_eq!(host.ask(&spec, limit).await.unwrap(), [connections.to_string()]);
        let again: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        assert_eq!((again, host.pid(&spec).await), (backend, pid), "nobody was disconnected");
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_below_what_is_used_waits_and_kills_nobody() {
    let _alone = ALONE.lock().await;
    let host = Host::new().await;
    let sandbox = host.spec("a_1").await;
    let large = with(&sandbox, 2);
    host.up(&large).await;
    if !host::may_group() {
        return advisory(host, large).await;
    }
    let [memory, ..] = groups(&host, &sandbox).await;
    let client = host.connect(&sandbox, "a_1").await.unwrap();
    // The session keeps it.
    let hold = "DO $$ BEGIN FOR i IN 1..6 LOOP
                    PERFORM set_config('test.hold' || i, repeat('x', 50000000), false);
                END LOOP; END $$";
    client.batch_execute(hold).await.unwrap();
    let told = host.engine.limit(&sandbox).await.unwrap();
    assert!(told.contains("advisory: memory: more is in use; the old limit holds"), "{told}");
    assert_eq!(groups::memory_limit(&memory), 1024 * MIB);
    assert_eq!(host.engine.figures(&sandbox).await.unwrap().container.memory_limit_bytes, 1024 * MIB);
    client.batch_execute("SELECT 1").await.expect("it lives");
    drop(client);
    let again =
        async || Some(host.engine.limit(&sandbox).await.unwrap()).filter(|told| !told.contains("advisory"));
    host::eventually(host::PATIENT, again).await.expect("there is room when the session has ended");
    assert_eq!(groups::memory_limit(&memory), 256 * MIB);
    assert_eq!(host.engine.figures(&sandbox).await.unwrap().container.oom_kills, 0);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_is_of_this_start_and_outlives_paddock() {
    let _alone = ALONE.lock().await;
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    if !host::may_group() {
        return advisory(host, spec).await;
    }
    let [first, ..] = groups(&host, &spec).await;
    host.ask(&spec, "SELECT length(repeat('x', 60000000))").await.unwrap();
    let peak = host.engine.figures(&spec).await.unwrap().container.memory_peak_bytes;
    assert!(peak > 100 * MIB, "{peak}");
    assert_eq!(peak, groups::memory_peak(&first));
    let again = LocalEngine::open(host.config.clone()).await.unwrap();
    assert_eq!(again.figures(&spec).await.unwrap().container.memory_peak_bytes, peak);
    again.stop(spec.id, PATIENCE).await.unwrap();
    assert!(!first.exists(), "the group went with the server");
    again.start(&spec).await.unwrap();
    let [second, ..] = groups(&host, &spec).await;
    assert_ne!(first, second);
    let fresh = again.figures(&spec).await.unwrap().container.memory_peak_bytes;
    assert!(fresh < peak, "{fresh} after a restart, {peak} before");

    // The server was killed, not stopped: its group is empty and goes with the next start.
    host::kill(host.pid(&spec).await, rustix::process::Signal::KILL);
    host.until(&spec, |state| *state == control::engine::NodeState::Stopped).await;
    let told = again.start(&spec).await.unwrap();
    assert!(!told.contains("memory"), "{told}");
    // v1 has one for memory, cpu, cpuacct and pids each.
    assert_eq!(host::groups_of(spec.id).len(), if groups::is_v2() { 1 } else { 4 });
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_kernel_and_of_postgresql() {
    let _alone = ALONE.lock().await;
    let host = Host::new().await;
    let spec = host::sandbox("a_1", host.version().await);
    host.up(&spec).await;
    if !host::may_group() {
        return advisory(host, spec).await;
    }
    // What is dead stays so for as long as this takes.
    let fill = "CREATE TABLE t WITH (autovacuum_enabled = off)
                AS SELECT g AS n, repeat('x', 100) AS x FROM generate_series(1, 20000) g";
    host.ask(&spec, fill).await.unwrap();
    host.ask(&spec, "DELETE FROM t WHERE n % 2 = 0").await.unwrap();
    let clients = [host.connect(&spec, "a_1").await.unwrap(), host.connect(&spec, "a_1").await.unwrap()];
    host.engine.checkpoint(&spec).await.unwrap();
    // What was deleted is counted when the session that did it has ended.
    let inside = host.inside(&spec, "a_1").await;
    let counted = "SELECT FROM pg_stat_user_tables WHERE relname = 't' AND n_dead_tup > 0
                   AND (SELECT count(*) FROM pg_stat_activity WHERE usename = 'a_1') = 2";
    let look = async || inside.query_opt(counted, &[]).await.unwrap();
    host::eventually(host::PATIENT, look).await.expect("dead rows, and nobody but the two");
    drop(inside);
    // For half a minute an estimate is told again, also that there could be none: a look or two more are needed then.
    let look = async || {
        let figures = host.engine.figures(&spec).await.unwrap();
        (figures.connections == 2 && figures.dead_bytes.is_some_and(|bytes| bytes > 0)).then_some(figures)
    };
    let figures = host::eventually(Duration::from_secs(90), look).await.expect("dead rows are estimated");
    let ask = "SELECT count(*)::text FROM pg_stat_activity WHERE usename = 'a_1' AND pid <> pg_backend_pid()";
    assert_eq!(host.ask(&spec, ask).await.unwrap(), [figures.connections.to_string()]);
    assert_eq!((figures.connections, figures.max_connections), (2, spec.plan.connections()));
    let size = host.ask(&spec, "SELECT pg_database_size('a_1')::text").await.unwrap();
    assert_eq!(size, [figures.data_bytes.to_string()]);
    let du = |below: &str| {
        let path = host.dir(&spec).data().join(below);
        let said = host::run("/usr/bin/du", &["-s", "--block-size=1", path.to_str().unwrap()]).stdout;
        String::from_utf8(said).unwrap().split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    // Files of statistics come and go.
    assert!(figures.disk_bytes.abs_diff(du(".")) < MIB, "{} {}", figures.disk_bytes, du("."));
    assert_eq!(figures.wal_bytes, du("pg_wal"));
    assert_eq!(figures.temp_bytes, 0);
    let disk = host.engine.disk_bytes(spec.id).await.unwrap();
    assert!(figures.disk_bytes.abs_diff(disk) < MIB, "{} {disk}", figures.disk_bytes);
    let table: u64 =
        host.ask(&spec, "SELECT pg_total_relation_size('t')::text").await.unwrap()[0].parse().unwrap();
    let dead = figures.dead_bytes.unwrap();
    assert!(dead >= table / 3 && dead < table, "{dead} of {table}");

    let [memory, _, pids] = groups(&host, &spec).await;
    let container = host.engine.figures(&spec).await.unwrap().container;
    // Sessions of the look itself come and go.
    let usage = groups::memory(&memory);
    assert!(container.memory_bytes.abs_diff(usage) < 16 * MIB, "{} {usage}", container.memory_bytes);
    assert_eq!(container.memory_peak_bytes, groups::memory_peak(&memory));
    assert!(u64::from(container.processes).abs_diff(number(&pids, "pids.current")) <= 2);
    assert!(container.memory_cache_bytes.abs_diff(groups::memory_cache(&memory)) < 8 * MIB);
    assert_eq!((container.swap_bytes, container.oom_kills), (0, 0));

    // A session that would take a whole core gets its quarter. The kernel is read around both looks: what is told lies
    // between the least that can have been used over the longest time, and the most over the shortest.
    let pid = host.pid(&spec).await;
    let read = || (Instant::now(), groups::used(pid));
    // A look too soon after another one tells that one's share once more.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before = read();
    host.engine.figures(&spec).await.unwrap();
    let begun = read();
    let busy = "SET statement_timeout = '1500ms'; SELECT count(*) FROM generate_series(1, 1000000000)";
    assert!(clients[0].batch_execute(busy).await.is_err(), "it is never done");
    let ended = read();
    let percent = host.engine.figures(&spec).await.unwrap().container.cpu_percent.unwrap();
    let after = read();
    let share =
        |used: u64, time: Duration| Duration::from_nanos(used).as_secs_f64() / time.as_secs_f64() * 100.0;
    let least = share(ended.1 - begun.1, after.0 - before.0);
    let most = share(after.1 - before.1, ended.0 - begun.0);
    assert!((least - 2.0..most + 2.0).contains(&percent), "{percent} told, {least} to {most} counted");
    assert!(percent > 0.0 && percent < 45.0, "{percent}");

    // Its owner can shut the door, and loses the estimate only.
    host.ask(&spec, "SET ROLE a_1_owner; REVOKE CONNECT ON DATABASE a_1 FROM paddock_monitor").await.unwrap();
    // What was estimated a moment ago is told again; after a restart nothing was.
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    let figures = host.engine.figures(&spec).await.unwrap();
    assert_eq!((figures.dead_bytes, figures.data_bytes > 0), (None, true));
    host.end().await;
}
