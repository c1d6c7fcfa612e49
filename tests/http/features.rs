//! Features as public clients turn them on and off.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

fn feature(name: &str) -> Value {
    json!({"feature": {"name": name, "status": ""}})
}

/// Trap: clients wait while exactly `PENDING` is told, then look at the database; the order is the one of enabling.
#[tokio::test]
async fn features_are_pending_when_asked_and_activated_in_their_order() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/features");
    for name in ["force-ssl", "publicly-available"] {
        server.house.clock.advance(TimeDelta::seconds(1));
        let asked = server.post(&ada, &path, feature(name)).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
        let asked = asked.json();
        assert_eq!((&asked["name"], &asked["status"]), (&json!(name), &json!("PENDING")));
        assert!(asked["message"].is_string());
    }
    let features = async || {
        server.get(&ada, &format!("/api/databases/{addon}")).await.json()["database"]["features"].clone()
    };
    assert_eq!(
        features().await,
        json!([
            {"name": "force-ssl", "status": "ACTIVATED"},
            {"name": "publicly-available", "status": "ACTIVATED"},
        ])
    );
    // force-ssl stays while the database is public.
    let kept = server.api(&ada, Method::DELETE, &format!("{path}?feature=force-ssl"), Value::Null).await;
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", kept.text);
    assert!(kept.json()["errors"]["feature"][0].is_string(), "{}", kept.text);
    for name in ["publicly-available", "force-ssl"] {
        let off = server.api(&ada, Method::DELETE, &format!("{path}?feature={name}"), Value::Null).await;
        assert_eq!((off.status, off.json()["message"].is_string()), (StatusCode::OK, true), "{}", off.text);
    }
    assert_eq!(features().await, json!([]));
}

#[tokio::test]
async fn what_cannot_be_turned_on_is_refused_at_its_field() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/features");
    for (body, field) in [
        (feature("publicly-available"), "feature"),
        (feature("redis-rdb"), "feature"),
        (feature(""), "feature"),
        (json!({"feature": {"status": ""}}), "name"),
        (json!({"feature": {"name": "force-ssl", "more": 1}}), "more"),
    ] {
        let answer = server.post(&ada, &path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{body}: {}", answer.text);
    }
    let none = server.api(&ada, Method::DELETE, &path, Value::Null).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", none.text);
    // While something runs, it is named.
    let operation = server.plane().restart_database(&ada.actor, addon, None).await.unwrap().operation;
    let busy = server.post(&ada, &path, feature("force-ssl")).await;
    assert_eq!((busy.status, &busy.json()["operation_id"]), (StatusCode::CONFLICT, &json!(operation)));
}
