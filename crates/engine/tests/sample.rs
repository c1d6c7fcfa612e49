//! What the collector reads: over one kept connection, that is no user's, on every installed major.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec, ServerSample};
use host::Host;
use rustix::process::Signal;
use std::{fs, time::Duration};
use tokio_postgres::error::SqlState;

const KEPT: &str = "SELECT pid::text FROM pg_stat_activity WHERE usename = 'paddock_monitor'";

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_all_samples() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("a_1", version);
        host.up(&spec).await;
        let engine = &host.engine;
        let client = host.connect(&spec, "a_1").await.unwrap();
        let first = engine.sample(&spec, true).await.unwrap();
        let kept = host.ask(&spec, KEPT).await.unwrap();
        assert_eq!(kept.len(), 1, "{version}");

        client.batch_execute("CREATE TABLE t AS SELECT generate_series(1, 5000) AS n").await.unwrap();
        client.batch_execute("BEGIN; LOCK TABLE t").await.unwrap();
        let waiting = host.connect(&spec, "a_1").await.unwrap();
        let (other, begun) = tokio::join!(
            async {
                let waits = |seen: &ServerSample| {
                    seen.connections == 2 && seen.locks_waiting == 1 && seen.oldest_transaction_s >= 0.3
                };
                let look = async || {
                    let sample = engine.sample(&spec, false).await.unwrap();
                    sample.server.as_ref().is_some_and(waits).then_some(sample)
                };
                let sample = host::eventually(host::PATIENT, look).await;
                client.batch_execute("COMMIT").await.unwrap();
                sample.expect("one waits for the other's lock")
            },
            waiting.batch_execute("BEGIN; SELECT count(*) FROM t; COMMIT"),
        );
        begun.unwrap();
        assert_eq!(host.ask(&spec, KEPT).await.unwrap(), kept, "{version}: the same connection");
        let (one, two) = (first.server.unwrap(), other.server.unwrap());
        assert_eq!((one.connections, one.idle_in_transaction, one.locks_waiting), (1, 0, 0), "{version}");
        assert_eq!((two.connections, two.idle_in_transaction, two.active), (2, 1, 1), "{version}: {two:?}");
        assert!(two.locks >= 2, "{version}: {two:?}");
        assert!(two.wal_made > one.wal_made && two.wal_bytes >= 16 << 20, "{version}: {two:?}");
        assert!(!one.latency.is_zero() && one.latency < Duration::from_secs(5), "{version}");
        assert!(first.disk_bytes.unwrap() > one.data_bytes && other.disk_bytes.is_none(), "{version}");
        assert!(first.cpu_us > 0 && first.cpu_us < other.cpu_us, "{version}: {other:?}");
        assert!(other.written_bytes > first.written_bytes, "{version}: {other:?}");
        assert_eq!((first.since, first.container.cpu_percent), (other.since, None), "{version}");

        // Counters reach the statistics when a session ends; then they are told.
        drop((client, waiting));
        host.ask(&spec, "SET temp_file_limit = -1").await.unwrap_err();
        engine.checkpoint(&spec).await.unwrap();
        let look = async || {
            let seen = engine.sample(&spec, false).await.unwrap().server.unwrap();
            let counted = seen.transactions > one.transactions && seen.checkpoints > one.checkpoints;
            // The platform's own are left out.
            (counted && seen.connections == 0).then_some(seen)
        };
        let last = host::eventually(host::PATIENT, look).await.expect("all is counted, and nobody is left");
        assert!(last.blocks_hit > one.blocks_hit, "{last:?}");
        assert_eq!((last.deadlocks, last.temp_bytes), (0, 0), "{version}");
        let size = host.ask(&spec, "SELECT pg_database_size('a_1')::text").await.unwrap();
        assert_eq!(size, [last.data_bytes.to_string()]);
        deadlock_and_spill(&host, &spec).await;
        // The cancelled one is counted when its session ends, as the bytes are.
        let look = async || {
            let seen = engine.sample(&spec, false).await.unwrap().server.unwrap();
            (seen.deadlocks == 1 && seen.temp_bytes > 1 << 20).then_some(())
        };
        host::eventually(host::PATIENT, look).await.expect("a deadlock and temporary files are told");
        engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

/// Two sessions wait for each other until the server ends one; a third sorts more than fits into its memory.
async fn deadlock_and_spill(host: &Host, spec: &NodeSpec) {
    let (one, two) = (host.connect(spec, "a_1").await.unwrap(), host.connect(spec, "a_1").await.unwrap());
    one.batch_execute("CREATE TABLE here (); CREATE TABLE there ()").await.unwrap();
    one.batch_execute("BEGIN; LOCK TABLE here").await.unwrap();
    two.batch_execute("BEGIN; LOCK TABLE there").await.unwrap();
    let (first, second) =
        tokio::join!(one.batch_execute("LOCK TABLE there"), two.batch_execute("LOCK TABLE here; COMMIT"));
    let ended = [&first, &second].map(|answer| {
        answer.as_ref().err().and_then(|error| error.code().cloned()) == Some(SqlState::T_R_DEADLOCK_DETECTED)
    });
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1, "{first:?} {second:?}");
    let spill = "SET work_mem = '64kB'; SELECT count(*) FROM (SELECT n FROM generate_series(1, 300000) n ORDER BY -n) AS s";
    let three = host.connect(spec, "a_1").await.unwrap();
    three.batch_execute(spill).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_opened_again() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let engine = &host.engine;
    engine.sample(&spec, false).await.unwrap().server.unwrap();
    let kept = host.ask(&spec, KEPT).await.unwrap();
    host::kill(kept[0].parse().unwrap(), Signal::TERM);
    let process = format!("/proc/{}", kept[0]);
    let ended = async || (!fs::exists(&process).unwrap()).then_some(());
    host::eventually(host::PATIENT, ended).await.expect("it ends");
    engine.sample(&spec, false).await.unwrap().server.expect("asked again at once");
    let other = host.ask(&spec, KEPT).await.unwrap();
    assert_ne!(kept, other);

    // Users have taken every connection of theirs: the platform still sees.
    let mut clients = Vec::new();
    for _ in 0..200 {
        // The last session's place is free a moment after it said good-bye.
        match host.connect(&spec, "a_1").await {
            Ok(client) => clients.push(client),
            Err(_) if clients.len() == spec.plan.connections() as usize => break,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    assert!(host.connect(&spec, "a_1").await.is_err());
    let full = engine.sample(&spec, false).await.unwrap().server.unwrap();
    assert_eq!(full.connections, spec.plan.connections());
    drop(clients);

    let since = engine.sample(&spec, false).await.unwrap().since;
    engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    assert!(engine.sample(&spec, false).await.is_err());
    // Its own note of the start has seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    engine.start(&spec).await.unwrap();
    let sample = engine.sample(&spec, false).await.unwrap();
    assert!(sample.since > since && sample.server.is_some(), "{sample:?}");

    // It hangs: the kernel still tells.
    let pid = host.pid(&spec).await;
    let kept = host.ask(&spec, KEPT).await.unwrap();
    host::kill(kept[0].parse().unwrap(), Signal::STOP);
    let sample = engine.sample(&spec, false).await.unwrap();
    host::kill(kept[0].parse().unwrap(), Signal::CONT);
    assert!(sample.server.is_none() && sample.container.memory_bytes > 0, "{sample:?}");
    engine.sample(&spec, false).await.unwrap().server.expect("a new connection");
    assert_eq!(host.pid(&spec).await, pid);
    host.end().await;
}
