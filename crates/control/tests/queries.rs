//! Sessions and statistics of statements in the core: who may, what is remembered, and how a range is told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{Error, engine::EngineError, statements::Snapshots};
use testkit::{Fault, House, Method};
use types::{
    query::{SessionFilter, SessionState, SessionView, Signalled},
    statement::{Counters, Counting, StatementOrder, StatementRange, StatementView},
};

fn session(pid: i32) -> SessionView {
    SessionView {
        pid,
        started_us: 7,
        user: "my_app".into(),
        application: String::new(),
        client: None,
        state: SessionState::Active,
        query_start: None,
        duration_us: 5,
        waits: None,
        query: "SELECT 1".into(),
        cut: false,
        blocked_by: Vec::new(),
        blocks: 0,
        depth: 0,
        holds: Vec::new(),
    }
}

fn counted(calls: i64) -> StatementView {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let total_ms = calls as f64;
    let counters = Counters { user_id: 1, id: 9, calls, total_ms, ..Counters::default() };
    StatementView { counters, query: "SELECT $1".into(), ..StatementView::default() }
}

async fn audited(house: &House, action: &str) -> Vec<bool> {
    sqlx::query_scalar("SELECT allowed FROM audit_event WHERE action = $1 ORDER BY seq")
        .bind(action)
        .fetch_all(&house.store.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_that_ended_is_said_and_everything_is_remembered() {
    let house = House::new().await;
    let (owner, eve) = (house.person("ada", false).await, house.person("eve", false).await);
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = house.plane.node_id(&owner, addon).await.unwrap();
    house.engine.talks(id, |talk| (talk.sessions, talk.platform) = (vec![session(11), session(12)], 2));
    let view = house.plane.queries(&owner, addon, &SessionFilter::default()).await.unwrap();
    assert_eq!((view.running, view.sessions.len(), view.platform), (true, 2, 2));
    let stale = house.plane.terminate_query(&owner, addon, 11, Some(6)).await.unwrap();
    assert_eq!(stale, Signalled::Gone, "another session had this number");
    assert_eq!(house.plane.terminate_query(&owner, addon, 11, Some(7)).await.unwrap(), Signalled::Sent);
    assert_eq!(audited(&house, "query.terminate").await, [false, true]);

    let before = house.engine.calls(Method::Signal);
    let refused = house.plane.cancel_query(&eve, addon, 12, Some(7)).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    let unseen = house.plane.queries(&eve, addon, &SessionFilter::default()).await;
    assert!(matches!(unseen, Err(Error::NotFound(_))), "{unseen:?}");
    assert_eq!(house.engine.calls(Method::Signal), before);

    house.engine.crash(id);
    let down = house.plane.queries(&owner, addon, &SessionFilter::default()).await.unwrap();
    assert!(!down.running && down.sessions.is_empty());
}

#[tokio::test]
async fn a_range_is_the_difference_to_a_snapshot() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = house.plane.node_id(&owner, addon).await.unwrap();
    let told =
        async |range| house.plane.statements(&owner, addon, range, StatementOrder::Time).await.unwrap();
    assert_eq!(told(StatementRange::Reset).await.counting, Counting::Off);

    // What the server did not take is not remembered as taken.
    let fault = Fault::before(Method::Configure, || EngineError::Absent);
    let fired = house.engine.inject(fault);
    assert!(house.plane.count_statements(&owner, addon, true).await.is_err());
    assert_eq!((fired.times(), told(StatementRange::Reset).await.counting), (1, Counting::Off));

    house.plane.count_statements(&owner, addon, true).await.unwrap();
    let snapshots = Snapshots::new(house.plane.clone());
    for calls in 1..=12 {
        house.engine.talks(id, |talk| talk.statements = vec![counted(calls * 10)]);
        snapshots.round().await.unwrap();
        house.clock.advance(TimeDelta::minutes(10));
    }
    let calls = |view: &types::statement::StatementsView| view.statements[0].counters.calls;
    assert_eq!(calls(&told(StatementRange::Reset).await), 120);
    let hour = told(StatementRange::Hour).await;
    assert_eq!((calls(&hour), hour.since), (50, Some(house.plane.now() - TimeDelta::hours(1))));
    // Counters that went down began anew.
    house.engine.talks(id, |talk| talk.statements = vec![counted(3)]);
    assert_eq!(calls(&told(StatementRange::Hour).await), 3);

    // A day later one of each hour is left, nine days later none.
    let kept = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM statement_snapshot")
            .fetch_one(&house.store.pool)
            .await
            .unwrap()
    };
    house.engine.crash(id);
    house.clock.advance(TimeDelta::hours(30));
    snapshots.round().await.unwrap();
    assert!((2..=3).contains(&kept().await), "{}", kept().await);
    house.clock.advance(TimeDelta::days(9));
    snapshots.round().await.unwrap();
    assert_eq!(kept().await, 0);
}

#[tokio::test]
async fn a_server_started_without_the_module_says_so() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = house.plane.node_id(&owner, addon).await.unwrap();
    assert!(house.plane.reset_statements(&owner, addon).await.is_err(), "not counted yet");
    house.engine.talks(id, |talk| talk.without_module = true);
    house.plane.count_statements(&owner, addon, true).await.unwrap();
    let view =
        house.plane.statements(&owner, addon, StatementRange::Reset, StatementOrder::Time).await.unwrap();
    assert_eq!(view.counting, Counting::NeedsRestart);
    house.plane.count_statements(&owner, addon, false).await.unwrap();
    assert_eq!(audited(&house, "database.statements_off").await, [true]);
}
