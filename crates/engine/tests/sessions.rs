//! Sessions of a real server: seen, cancelled, ended, drawn below their blockers; on every installed major. And what
//! must never be signalled or run.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
mod host;

use control::engine::{
    NodeSpec,
    sessions::{Sessions as _, SessionsSeen, Signal},
    statements::Statements as _,
};
use host::Host;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, error::SqlState};
use types::query::{SessionState, SessionView, Signalled};

async fn pid(client: &Client) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

fn find(seen: &SessionsSeen, pid: i32) -> &SessionView {
    seen.sessions.iter().find(|session| session.pid == pid).expect("the session is listed")
}

/// Looks until a session is as wanted.
async fn until(host: &Host, spec: &NodeSpec, wanted: impl Fn(&SessionsSeen) -> bool) -> SessionsSeen {
    let look = async || Some(host.engine.sessions(spec, false).await.unwrap()).filter(&wanted);
    match host::eventually(host::PATIENT, look).await {
        Some(seen) => seen,
        None => panic!("{:#?}", host.engine.sessions(spec, false).await),
    }
}

/// Somebody waits for somebody, and it is told what that one holds. A look that enters the database too late does not
/// tell it.
fn blocked(seen: &SessionsSeen) -> bool {
    let holds = |pid: &i32| seen.sessions.iter().any(|one| one.pid == *pid && !one.holds.is_empty());
    seen.sessions.iter().any(|one| one.blocked_by.iter().any(holds))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sleep_is_seen_cancelled_and_ended() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("a_1", version);
        host.up(&spec).await;
        let client = host.connect(&spec, "a_1").await.unwrap();
        let sleeper = pid(&client).await;
        let canceller = async {
            let seen = until(&host, &spec, |seen| {
                seen.sessions.iter().any(|one| one.pid == sleeper && one.query.contains("pg_sleep"))
            })
            .await;
            let session = find(&seen, sleeper).clone();
            assert_eq!((session.state, &*session.user), (SessionState::Active, "a_1"), "{version}");
            assert!(session.duration_us >= 0 && session.duration_us < 60_000_000, "{session:?}");
            assert!(seen.platform >= 1, "the one that looks");
            let stale =
                host.engine.signal(&spec, Signal::Cancel, sleeper, Some(session.started_us - 1)).await;
            assert_eq!(stale.unwrap(), Signalled::Gone, "{version}: another session with this number");
            let exact = host.engine.signal(&spec, Signal::Cancel, sleeper, Some(session.started_us)).await;
            assert_eq!(exact.unwrap(), Signalled::Sent, "{version}");
            session
        };
        let (slept, session) = tokio::join!(client.batch_execute("SELECT pg_sleep(600)"), canceller);
        assert_eq!(slept.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED), "{version}");
        assert_eq!(pid(&client).await, sleeper, "{version}: its connection lives");
        let idle =
            host.engine.signal(&spec, Signal::Cancel, sleeper, Some(session.started_us)).await.unwrap();
        assert_eq!(idle, Signalled::Idle, "{version}");
        client.batch_execute("BEGIN").await.unwrap();
        let idle = host.engine.signal(&spec, Signal::Cancel, sleeper, None).await.unwrap();
        assert_eq!(idle, Signalled::Idle, "{version}: idle in transaction");
        let ended = host.engine.signal(&spec, Signal::Terminate, sleeper, Some(session.started_us)).await;
        assert_eq!(ended.unwrap(), Signalled::Sent, "{version}");
        assert!(client.batch_execute("SELECT 1").await.is_err(), "{version}: its connection is closed");
        control::engine::Engine::purge(&host.engine, spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocked_name_their_blocker_and_what_it_holds() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("a_1", version);
        host.up(&spec).await;
        let (one, two) =
            (host.connect(&spec, "a_1").await.unwrap(), host.connect(&spec, "a_1").await.unwrap());
        one.batch_execute("CREATE TABLE stock (n int)").await.unwrap();
        one.batch_execute("BEGIN; LOCK TABLE stock IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let (holder, waiter) = (pid(&one).await, pid(&two).await);
        let looking = async {
            let seen = until(&host, &spec, blocked).await;
            one.batch_execute("COMMIT").await.unwrap();
            seen
        };
        let (waited, seen) = tokio::join!(two.batch_execute("SELECT * FROM stock"), looking);
        waited.unwrap();
        assert_eq!(find(&seen, waiter).blocked_by, [holder], "{version}");
        assert_eq!(find(&seen, waiter).waits.as_deref(), Some("Lock: relation"), "{version}");
        let blocker = find(&seen, holder);
        assert_eq!(blocker.state, SessionState::InTransaction, "{version}");
        assert!(
            blocker.holds.iter().any(|held| held == "AccessExclusiveLock on public.stock"),
            "{blocker:?}"
        );
        control::engine::Engine::purge(&host.engine, spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sessions_of_this_database_are_signalled() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let client = host.connect(&spec, "a_1").await.unwrap();
    host.engine.sessions(&spec, true).await.unwrap();
    // The superuser in `postgres`, the monitor's kept session, and the server's own processes.
    let inside = host.inside(&spec, "postgres").await;
    let ours = inside
        .query("SELECT pid FROM pg_stat_activity WHERE usename LIKE 'paddock%' OR backend_type <> 'client backend'", &[])
        .await
        .unwrap();
    assert!(ours.len() >= 4, "{}", ours.len());
    // The superuser in the user's own database is no user either.
    let within = host.inside(&spec, "a_1").await;
    let mut all: Vec<i32> = ours.iter().map(|row| row.get(0)).collect();
    all.push(pid(&within).await);
    for pid in all {
        for signal in [Signal::Cancel, Signal::Terminate] {
            assert_eq!(host.engine.signal(&spec, signal, pid, None).await.unwrap(), Signalled::Gone, "{pid}");
        }
    }
    pid(&inside).await;
    pid(&within).await;
    // A session of another server is not of this one.
    let other = host.spec("b_1").await;
    host.up(&other).await;
    let seen = host.engine.signal(&other, Signal::Terminate, pid(&client).await, None).await.unwrap();
    assert_eq!(seen, Signalled::Gone);
    pid(&client).await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_stay_texts_and_traps_are_never_sprung() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let client = host.connect(&spec, "a_1").await.unwrap();
    client
        .batch_execute(
            r#"CREATE TABLE canary (who text);
               CREATE FUNCTION spring() RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO canary VALUES (session_user); RETURN 1; END$$;
               CREATE SCHEMA evil;
               CREATE FUNCTION evil.left(text, int) RETURNS text LANGUAGE sql AS 'SELECT spring()::text';
               CREATE FUNCTION evil.same(name, text) RETURNS boolean LANGUAGE sql AS 'SELECT spring() = 1';
               CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.same);
               CREATE VIEW evil.pg_locks AS SELECT spring() AS pid;
               CREATE VIEW evil.pg_stat_activity AS SELECT spring() AS pid;
               CREATE TABLE stock (n int);
               ALTER DATABASE a_1 SET search_path = evil, public, pg_catalog;
               SET application_name = '<img src=x onerror=alert(1)>'"#,
        )
        .await
        .unwrap();
    client.batch_execute("BEGIN; LOCK TABLE stock").await.unwrap();
    let waiter = host.connect(&spec, "a_1").await.unwrap();
    let text = "SELECT '<script>\u{202e}' FROM stock -- PASSWORD 'sesame'";
    let looking = async {
        let seen = until(&host, &spec, blocked).await;
        host.engine.prepare_statements(&spec).await.unwrap();
        client.batch_execute("COMMIT").await.unwrap();
        seen
    };
    let (waited, seen) = tokio::join!(waiter.batch_execute(text), looking);
    waited.unwrap();
    let blocked = seen.sessions.iter().find(|one| !one.blocked_by.is_empty()).unwrap();
    assert_eq!(blocked.query, text.replace("sesame", "•••"), "as it is, but for the password");
    let holder = find(&seen, blocked.blocked_by[0]);
    assert_eq!(holder.application, "<img src=x onerror=alert(1)>");
    assert!(holder.holds.iter().any(|held| held.ends_with(" on public.stock")), "{holder:?}");
    let sprung = host.ask(&spec, "SELECT who FROM public.canary").await.unwrap();
    assert_eq!(sprung, [] as [String; 0]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_sessions_and_a_long_text_are_listed_fast() {
    let host = Host::new().await;
    let mut spec = host.spec("a_1").await;
    spec.plan.memory_mib = 17 * 1024;
    let most = spec.plan.connections() as usize;
    host.up(&spec).await;
    let mut clients = Vec::new();
    while clients.len() < most {
        let some = (clients.len()..most).take(16).map(|_| host.connect(&spec, "a_1"));
        clients.extend(futures::future::try_join_all(some).await.unwrap());
    }
    let long = format!("SELECT 1 -- {}", "x".repeat(1 << 20));
    clients[0].batch_execute(&long).await.unwrap();
    host.engine.sessions(&spec, true).await.unwrap();
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let seen = host.engine.sessions(&spec, true).await.unwrap();
        best = best.min(begun.elapsed());
        assert_eq!(seen.sessions.len(), most);
        assert!(seen.sessions.iter().all(|one| one.query.chars().count() <= 4_000));
    }
    assert!(most >= 1000, "{most}");
    // Many times what it takes: that it does not grow with the texts or the square of the sessions. The best of some: on
    // a busy machine any one of them may be slow.
    assert!(best < Duration::from_secs(2), "{best:?}");
    host.end().await;
}
