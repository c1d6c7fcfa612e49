//! Acts by name, as public clients send them.

use crate::house::{Answer, Person, Server};
use axum::http::StatusCode;
use serde_json::{Value, json};
use types::{
    AddonId, DatabaseId,
    query::{SessionState, SessionView},
    statement::{Counters, Spread, StatementView},
};

fn session(pid: i32, state: SessionState) -> SessionView {
    SessionView {
        pid,
        started_us: 7,
        user: "my_app".into(),
        application: "web".into(),
        client: None,
        state,
        query_start: chrono::DateTime::from_timestamp(1_790_000_000, 0),
        duration_us: 1_500_000,
        waits: None,
        query: "SELECT 1".into(),
        cut: false,
        blocked_by: Vec::new(),
        blocks: 0,
        depth: 0,
        holds: Vec::new(),
    }
}

async fn ready() -> (Server, Person, AddonId, DatabaseId) {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let id = server.plane().database_id(&ada.actor, addon).await.unwrap();
    (server, ada, addon, id)
}

async fn act(server: &Server, who: &Person, addon: AddonId, body: Value) -> Answer {
    server.post(who, &format!("/api/databases/{addon}/action"), body).await
}

#[tokio::test]
async fn queries_are_listed_cancelled_and_terminated() {
    let (server, ada, addon, id) = ready().await;
    server.house.engine.talks(id, |talk| {
        talk.sessions = vec![session(11, SessionState::Active), session(12, SessionState::InTransaction)];
    });
    for params in [
        json!({"action_name": "pg-list-queries"}),
        json!({"action_name": "pg-list-queries", "params": null}),
        json!({"action_name": "pg-list-queries", "params": {}}),
    ] {
        let told = act(&server, &ada, addon, params).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.text);
        let told = told.json();
        assert_eq!(told["ok"], 1);
        assert_eq!(
            told["result"][0],
            json!({
                "pid": 11, "username": "my_app", "state": "active", "query": "SELECT 1",
                "query_start": "2026-09-21T14:13:20Z", "query_duration": 1_500_000_000_u64,
            })
        );
    }
    let ask = |name: &str, pid: i32| json!({"action_name": name, "params": {"pid": pid}});
    let idle = act(&server, &ada, addon, ask("pg-cancel-query", 12)).await.json();
    assert_eq!((&idle["ok"], &idle["error"]), (&json!(0), &json!("Process 12 runs no query.")));
    for (name, pid) in [("pg-cancel-query", 11), ("pg-terminate-query", 12)] {
        let done = act(&server, &ada, addon, ask(name, pid)).await.json();
        assert_eq!(done, json!({"ok": 1, "result": null}), "{name}");
    }
    let gone = act(&server, &ada, addon, ask("pg-terminate-query", 12)).await.json();
    assert_eq!(gone["ok"], 0, "{gone}");
    assert_eq!(server.house.engine.talk(id).signals.len(), 2);
}

#[tokio::test]
async fn statements_are_counted_listed_and_reset() {
    let (server, ada, addon, id) = ready().await;
    let ask = |name: &str| json!({"action_name": name});
    let off = act(&server, &ada, addon, ask("pg-stat-statements-list")).await.json();
    assert_eq!(off["ok"], 0, "{off}");
    assert_eq!(act(&server, &ada, addon, ask("pg-stat-statements-enable")).await.json()["ok"], 1);
    let node = server.house.engine.node(id).unwrap();
    assert!(node.spec.statements && server.house.engine.talk(id).prepared);
    let counters = Counters { user_id: 9, id: 4, calls: 2, rows: 6, total_ms: 5.0, ..Counters::default() };
    let spread = Some(Spread { min_ms: 1.0, max_ms: 4.0, deviation_ms: 1.5 });
    server.house.engine.talks(id, |talk| {
        talk.statements =
            vec![StatementView { counters, spread, query: "SELECT $1".into(), ..StatementView::default() }];
    });
    let told = act(&server, &ada, addon, ask("pg-stat-statements-list")).await.json();
    assert_eq!(
        told["result"],
        json!([{
            "user_id": 9, "query": "SELECT $1", "calls": 2, "rows": 6, "total_time": 5.0, "min_time": 1.0,
            "max_time": 4.0, "mean_time": 2.5, "std_dev": 1.5,
        }])
    );
    assert_eq!(act(&server, &ada, addon, ask("pg-stat-statements-reset")).await.json()["ok"], 1);
    assert_eq!(act(&server, &ada, addon, ask("pg-stat-statements-list")).await.json()["result"], json!([]));
}

#[tokio::test]
async fn what_is_asked_wrongly_or_by_somebody_else_is_refused() {
    let (server, ada, addon, id) = ready().await;
    let eve = server.person("eve").await;
    server.house.engine.talks(id, |talk| talk.sessions = vec![session(11, SessionState::Active)]);
    for body in [
        json!({"action_name": "nonsense"}),
        json!({"action_name": "pg-cancel-query"}),
        json!({"action_name": "pg-cancel-query", "params": {"pid": "11"}}),
        json!({"action_name": "pg-terminate-query", "params": {"pid": 11, "force": true}}),
        json!({"action_name": "pg-list-queries", "as": "paddock"}),
    ] {
        let answer = act(&server, &ada, addon, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
    }
    for name in ["pg-list-queries", "pg-terminate-query", "pg-stat-statements-enable", "nonsense"] {
        let body = json!({"action_name": name, "params": {"pid": 11}});
        assert_eq!(act(&server, &eve, addon, body).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    assert!(server.house.engine.talk(id).signals.is_empty());
    server.house.engine.crash(id);
    let down = act(&server, &ada, addon, json!({"action_name": "pg-list-queries"})).await.json();
    assert_eq!((&down["ok"], &down["error"]), (&json!(0), &json!("The server does not answer.")));
}
