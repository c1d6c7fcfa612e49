//! The embedded store: made once, adopted, kept running, closed to everybody else.

#[cfg(test)]
mod host;

use engine::EmbeddedStore;
use host::Host;
use rustix::process::Signal;
use std::time::Duration;
use tokio_postgres::NoTls;

async fn ask(host: &Host, sql: &str) -> Result<String, tokio_postgres::Error> {
    let run = host.layout().store().run();
    let mut config = tokio_postgres::Config::new();
    config.host_path(run).port(5432).user("paddock_control").dbname("paddock");
    let (client, connection) = config.connect(NoTls).await?;
    #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
    tokio::spawn(connection);
    client.query_one(sql, &[]).await?.try_get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_made_once_and_adopted() {
    let host = Host::new().await;
    let first = EmbeddedStore::ensure(&host.config).await.unwrap();
    assert!(first.url().starts_with("postgres://paddock_control@localhost:5432/paddock?host=/tmp/pe"));
    ask(&host, "WITH x AS (SELECT set_config('a.b', 'c', false)) SELECT current_user::text FROM x")
        .await
        .unwrap();
    assert_eq!(
        ask(&host, "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user").await.unwrap(),
        "false"
    );
    assert_eq!(
        ask(&host, "SELECT setting FROM pg_settings WHERE name = 'listen_addresses'").await.unwrap(),
        ""
    );
    let pid = ask(&host, "SELECT pg_postmaster_start_time()::text").await.unwrap();
    let second = EmbeddedStore::ensure(&host.config).await.unwrap();
    assert_eq!(
        ask(&host, "SELECT pg_postmaster_start_time()::text").await.unwrap(),
        pid,
        "adopted, not restarted"
    );
    assert_eq!(first.url(), second.url());

    // Nobody else enters, not even the server's own user.
    let identity = engine::Identity::read(&host.layout().store()).unwrap().unwrap();
    if let Some(user) = identity.os_user {
        let psql = host.engine.catalogue().find(identity.version).await.unwrap().program("psql");
        let run = host.layout().store().run();
        let target = format!("host={} dbname=paddock user=paddock_control", run.display());
        let (uid, gid) = (format!("--reuid={}", user.uid), format!("--regid={}", user.gid));
        let args = [&uid, &gid, "--clear-groups", psql.to_str().unwrap(), "-XAtc", "SELECT 1", &target];
        assert!(!host::run("/usr/bin/setpriv", &args).status.success());
    }
    second.stop(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_started_again() {
    let host = Host::new().await;
    let store = std::sync::Arc::new(EmbeddedStore::ensure(&host.config).await.unwrap());
    let kept = std::sync::Arc::clone(&store);
    #[expect(clippy::disallowed_methods, reason = "what the server does in the background")]
    let keeping = tokio::spawn(async move { kept.keep().await });
    for _ in 0..2 {
        let notes = std::fs::read_to_string(host.layout().store().data().join("postmaster.pid")).unwrap();
        let pid = notes.lines().next().unwrap().parse().unwrap();
        host::kill(pid, Signal::KILL);
        // It recovers first.
        let answers = async || ask(&host, "SELECT 'x'").await.ok();
        host::eventually(Duration::from_secs(60), answers).await.expect("it comes back");
    }
    keeping.abort();
    store.stop(Duration::from_secs(10)).await.unwrap();
}
