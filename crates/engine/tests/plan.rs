//! What a change of plan would change is told before, and is so afterwards.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec};
use host::Host;
use std::time::Duration;
use types::{Plan, plan_change::SettingChange};

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
fn told(changes: &[SettingChange], name: &str) -> Option<(String, String, bool)> {
    let change = changes.iter().find(|change| change.name == name)?;
    Some((change.from.clone(), change.to.clone(), change.restart))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_larger_plan_needs_a_restart() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::sandbox("a_1", version);
        host.up(&spec).await;
        let engine = &host.engine;
        assert_eq!(engine.preview(&spec).await.unwrap(), [], "{version}: it is as it should be");
        assert_eq!(engine.pending(&spec).await.unwrap(), [] as [String; 0]);

        let larger = NodeSpec { plan: Plan::defaults().remove(1), ..spec.clone() };
        let preview = engine.preview(&larger).await.unwrap();
        let is = |from: &str, to: &str, restart| Some((from.to_owned(), to.to_owned(), restart));
        assert_eq!(told(&preview, "shared_buffers"), is("64MB", "128MB", true), "{version}");
        assert_eq!(told(&preview, "max_connections"), is("28", "43", true));
        assert_eq!(told(&preview, "effective_cache_size"), is("192MB", "384MB", false));
        assert_eq!(told(&preview, "connections"), is("15", "30", true));
        let held = host::may_group();
        assert_eq!(told(&preview, "memory"), held.then(|| is("256 MB", "512 MB", true)).flatten());
        assert_eq!(told(&preview, "work_mem"), None, "it is the same in both");
        assert!(!preview.iter().any(|change| change.from == change.to || change.name.contains("log_")));

        // Written and read: it waits, and what would change is still the same.
        for _again in 0..2 {
            engine.configure(&larger).await.unwrap();
            assert_eq!(engine.pending(&larger).await.unwrap(), ["max_connections", "shared_buffers"]);
        }
        let waiting = engine.preview(&larger).await.unwrap();
        assert!(
            told(&waiting, "shared_buffers").is_some() && told(&waiting, "effective_cache_size").is_none()
        );
        engine.stop(spec.id, PATIENCE).await.unwrap();
        assert_eq!(engine.preview(&larger).await.unwrap(), [], "its files are written");
        let back = engine.preview(&spec).await.unwrap();
        assert_eq!(told(&back, "shared_buffers"), is("128MB", "64MB", false), "a stopped one needs none");
        engine.start(&larger).await.unwrap();
        engine.limit(&larger).await.unwrap();
        assert_eq!(engine.pending(&larger).await.unwrap(), [] as [String; 0]);
        assert_eq!(engine.preview(&larger).await.unwrap(), []);
        engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_processor_needs_none() {
    let host = Host::new().await;
    let spec = host::sandbox("a_1", host.version().await);
    host.up(&spec).await;
    let mut faster = spec.clone();
    faster.plan.cpu_milli *= 2;
    let preview = host.engine.preview(&faster).await.unwrap();
    if host::may_group() {
        assert_eq!(told(&preview, "cpu"), Some(("0.25 core".into(), "0.5 core".into(), false)));
    }
    assert!(preview.iter().all(|change| change.name == "cpu"), "{preview:?}");
    host.engine.configure(&faster).await.unwrap();
    assert_eq!(host.engine.pending(&faster).await.unwrap(), [] as [String; 0]);
    host.engine.limit(&faster).await.unwrap();
    assert_eq!(host.engine.preview(&faster).await.unwrap(), []);
    host.end().await;
}

/// Killed between the write of the files and the word to the server: the next try must not take them for read.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_written_and_not_read_are_read() {
    let host = Host::new().await;
    let spec = host::sandbox("a_1", host.version().await);
    host.up(&spec).await;
    let larger = NodeSpec { plan: Plan::defaults().remove(1), ..spec.clone() };
    let pid = host.pid(&spec).await;
    host::kill(pid, rustix::process::Signal::STOP);
    // It is written; the server, held, cannot answer within the limits of this call.
    let cut = tokio::time::timeout(Duration::from_millis(300), host.engine.configure(&larger)).await;
    host::kill(pid, rustix::process::Signal::CONT);
    assert!(cut.is_err());
    host.engine.configure(&larger).await.unwrap();
    assert_eq!(host.engine.pending(&larger).await.unwrap(), ["max_connections", "shared_buffers"]);
    assert_eq!(host.engine.configure(&larger).await.unwrap(), "nothing to change");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_can_be_read_and_cleared() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT 1 AS n").await.unwrap();
    let open = host.connect(&spec, "a_1").await.unwrap();
    let closed = NodeSpec { read_only: true, ..spec.clone() };
    assert_eq!(host.engine.configure(&closed).await.unwrap(), "settings written and in force");
    let refused = host.ask(&spec, "INSERT INTO t VALUES (2)").await.unwrap_err();
    assert_eq!(refused.code(), Some(&tokio_postgres::error::SqlState::READ_ONLY_SQL_TRANSACTION));
    assert!(open.batch_execute("INSERT INTO t VALUES (2)").await.is_err(), "open sessions, too");
    assert_eq!(host.ask(&spec, "SELECT n FROM t").await.unwrap(), ["1"]);
    // Who makes room says so, and the platform can work.
    host.ask(&spec, "BEGIN READ WRITE; DELETE FROM t; COMMIT").await.unwrap();
    host.engine.limit(&closed).await.unwrap();
    host.engine.create_database(&closed, &host::verifier()).await.unwrap();
    host.engine.configure(&spec).await.unwrap();
    host.ask(&spec, "INSERT INTO t VALUES (3)").await.unwrap();
    open.batch_execute("INSERT INTO t VALUES (4)").await.unwrap();
    host.end().await;
}
