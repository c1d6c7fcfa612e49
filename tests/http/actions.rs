//! Acts by name, as public clients send them.

use crate::house::{Answer, Person, Server};
use axum::http::StatusCode;
use serde_json::{Value, json};
use types::{
    AddonId, NodeId,
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

async fn ready() -> (Server, Person, AddonId, NodeId) {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let id = server.plane().node_id(&ada.actor, addon).await.unwrap();
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
                "backend_start": "1970-01-01T00:00:00.000007Z",
            })
        );
        assert_eq!(told["left_out"], 0);
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

/// A process number is used again; the moment of connecting is not.
#[tokio::test]
async fn a_session_is_addressed_by_the_moment_of_connecting_too() {
    let (server, ada, addon, id) = ready().await;
    let listed = session(11, SessionState::Active);
    server.house.engine.talks(id, |talk| talk.sessions = vec![listed.clone()]);
    let told = act(&server, &ada, addon, json!({"action_name": "pg-list-queries"})).await.json();
    let params = json!({"pid": 11, "backend_start": told["result"][0]["backend_start"]});
    // It ended, and another one has its number.
    server.house.engine.talks(id, |talk| talk.sessions[0].started_us = 8);
    for name in ["pg-cancel-query", "pg-terminate-query"] {
        let body = json!({"action_name": name, "params": params});
        let other = act(&server, &ada, addon, body).await;
        assert_eq!((other.status, &other.json()["ok"]), (StatusCode::OK, &json!(0)), "{}", other.text);
        assert!(other.json()["error"].as_str().unwrap().contains("another session"), "{}", other.text);
    }
    assert!(server.house.engine.talk(id).signals.is_empty());
    server.house.engine.talks(id, |talk| talk.sessions = vec![listed]);
    let body = json!({"action_name": "pg-terminate-query", "params": params});
    assert_eq!(act(&server, &ada, addon, body).await.json(), json!({"ok": 1, "result": null}));
    let bad = json!({"action_name": "pg-cancel-query", "params": {"pid": 11, "backend_start": "noon"}});
    let bad = act(&server, &ada, addon, bad).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.json()["errors"]["backend_start"][0].is_string(), "{}", bad.text);
}

#[tokio::test]
async fn what_is_not_listed_is_counted() {
    let (server, ada, addon, id) = ready().await;
    server.house.engine.talks(id, |talk| {
        talk.sessions = (1..=503).map(|pid| session(pid, SessionState::Idle)).collect();
    });
    let told = act(&server, &ada, addon, json!({"action_name": "pg-list-queries"})).await.json();
    assert_eq!((told["result"].as_array().unwrap().len(), &told["left_out"]), (500, &json!(3)));
}

#[tokio::test]
async fn extensions_are_listed_made_and_dropped() {
    let (server, ada, addon, id) = ready().await;
    let list = async || act(&server, &ada, addon, json!({"action_name": "list-extensions"})).await.json();
    let ask = |name: &str, extension: &str| json!({"action_name": name, "params": {"name": extension}});
    let built_in = json!({"name": "plpgsql", "version": "v1.0"});
    assert_eq!(list().await, json!({"ok": 1, "result": [built_in]}));
    let made = json!({"name": "hstore", "version": "v1.0"});
    // Asking again changes nothing.
    for _ in 0..2 {
        let answer = act(&server, &ada, addon, ask("create-extension", "hstore")).await.json();
        assert_eq!(answer, json!({"ok": 1, "result": made}));
    }
    assert_eq!(list().await["result"], json!([made, built_in]));
    // Not offered, not there, not named, not to be dropped.
    for body in [
        ask("create-extension", "file_fdw"),
        ask("create-extension", "nonsense"),
        ask("drop-extension", "plpgsql"),
        ask("drop-extension", "file_fdw"),
        json!({"action_name": "create-extension"}),
        json!({"action_name": "drop-extension", "params": {"name": 7}}),
    ] {
        let refused = act(&server, &ada, addon, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.text);
        assert!(refused.json()["errors"]["name"][0].is_string(), "{body}: {}", refused.text);
    }
    assert_eq!(list().await["result"], json!([made, built_in]));
    let dropped = act(&server, &ada, addon, ask("drop-extension", "hstore")).await.json();
    assert_eq!(dropped, json!({"ok": 1, "result": null}));
    assert_eq!(list().await["result"], json!([built_in]));
    // What cannot be done now is said, not refused.
    server.plane().stop_database(&ada.actor, addon, None).await.unwrap();
    server.house.settle().await;
    assert!(server.house.engine.node(id).unwrap().running.is_none());
    for name in ["list-extensions", "create-extension", "drop-extension"] {
        let stopped = act(&server, &ada, addon, ask(name, "hstore")).await;
        assert_eq!((stopped.status, &stopped.json()["ok"]), (StatusCode::OK, &json!(0)), "{}", stopped.text);
        assert_eq!(stopped.json()["error"], "This database is stopped. Start it first.");
    }
}

#[tokio::test]
async fn refused_sessions_are_ended_and_rights_mended() {
    let (server, ada, addon, id) = ready().await;
    server.house.engine.connect(id, "127.0.0.1", true);
    server.house.engine.connect(id, "203.0.113.9", true);
    let ended = act(&server, &ada, addon, json!({"action_name": "end-refused-sessions"})).await.json();
    assert_eq!(ended, json!({"ok": 1, "result": {"ended": 1}}));
    assert_eq!(server.house.engine.node(id).unwrap().sessions.len(), 1, "who is let in stays");
    let name = server.plane().database_users(&ada.actor, addon).await.unwrap().users[0].name.clone();
    let mend = |name: &str| json!({"action_name": "mend-rights", "params": {"name": name}});
    assert_eq!(act(&server, &ada, addon, mend(&name)).await.json(), json!({"ok": 1, "result": {"gaps": 0}}));
    assert_eq!(server.house.engine.calls(testkit::Method::MendRights), 1);
    assert_eq!(act(&server, &ada, addon, mend("nobody")).await.status, StatusCode::NOT_FOUND);
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
    // A server that was started without the module, and one that is stopped, say so.
    server.house.engine.talks(id, |talk| talk.without_module = true);
    let later = act(&server, &ada, addon, ask("pg-stat-statements-list")).await.json();
    assert_eq!(
        (&later["ok"], &later["error"]),
        (&json!(0), &json!("Counting begins with the next restart."))
    );
    assert_eq!(act(&server, &ada, addon, ask("pg-stat-statements-disable")).await.json()["ok"], 1);
    assert!(!server.house.engine.node(id).unwrap().spec.statements);
    let off = act(&server, &ada, addon, ask("pg-stat-statements-reset")).await.json();
    assert_eq!(off["ok"], 0, "{off}");
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
    for name in [
        "list-extensions",
        "create-extension",
        "drop-extension",
        "pg-list-queries",
        "pg-cancel-query",
        "pg-terminate-query",
        "pg-stat-statements-enable",
        "pg-stat-statements-disable",
        "pg-stat-statements-reset",
        "pg-stat-statements-list",
        "end-refused-sessions",
        "mend-rights",
        "nonsense",
    ] {
        let body = json!({"action_name": name, "params": {"pid": 11, "name": "hstore"}});
        assert_eq!(act(&server, &eve, addon, body).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    assert!(server.house.engine.talk(id).signals.is_empty());
    server.house.engine.crash(id);
    let down = act(&server, &ada, addon, json!({"action_name": "pg-list-queries"})).await.json();
    assert_eq!((&down["ok"], &down["error"]), (&json!(0), &json!("The server does not answer.")));
}
