//! Statistics of statements on every installed major: switched on by a reload, read, reset.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec, statements::Statements as _};
use host::Host;

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_from_a_reload_on() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("a_1", version);
        host.up(&spec).await;
        let pid = host.pid(&spec).await;
        assert!(!host.engine.statements(&spec).await.unwrap().loaded, "{version}: nothing was made yet");
        let spec = NodeSpec { statements: true, ..spec };
        for _ in 0..2 {
            host.engine.prepare_statements(&spec).await.unwrap();
        }
        host.engine.configure(&spec).await.unwrap();
        assert_eq!(host.pid(&spec).await, pid, "{version}: no restart");
        let client = host.connect(&spec, "a_1").await.unwrap();
        client.batch_execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS n").await.unwrap();
        for n in 1..=3 {
            client.batch_execute(&format!("SELECT * FROM t WHERE n > {n}")).await.unwrap();
        }
        let seen = host.engine.statements(&spec).await.unwrap();
        assert!(seen.loaded && seen.since.is_some(), "{version}");
        let one =
            seen.statements.iter().find(|one| one.query.contains("FROM t WHERE")).expect("it was counted");
        assert_eq!(
            (one.counters.calls, one.query.as_str()),
            (3, "SELECT * FROM t WHERE n > $1"),
            "{version}"
        );
        assert_eq!(one.counters.rows, 999 + 998 + 997, "{version}");
        let spread = one.spread.unwrap();
        assert!(
            one.counters.total_ms > 0.0 && spread.min_ms <= one.mean_ms() && one.mean_ms() <= spread.max_ms
        );
        // Whom it belongs to: what the user does runs as its owner.
        assert!(one.user.as_deref().is_some_and(|user| user.starts_with("a_1")), "{one:?}");
        assert!(!seen.statements.iter().any(|one| one.query.contains("pg_stat_activity")), "{version}: ours");
        host.engine.reset_statements(&spec).await.unwrap();
        let seen = host.engine.statements(&spec).await.unwrap();
        assert!(seen.statements.is_empty(), "{version}: {seen:?}");
        // Users see neither the schema nor the database that it is in.
        assert!(host.ask_as(&spec, "postgres", "SELECT 1").await.is_err(), "{version}");
        let off = NodeSpec { statements: false, ..spec.clone() };
        host.engine.configure(&off).await.unwrap();
        client.batch_execute("SELECT 1 AS quiet").await.unwrap();
        assert!(host.engine.statements(&off).await.unwrap().statements.is_empty(), "{version}");
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}
