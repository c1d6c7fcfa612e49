//! Point-in-time recovery, as public clients ask for it.

use crate::house::{Person, Server};
use axum::http::{Method, StatusCode};
use chrono::{SecondsFormat, TimeDelta};
use control::pitr::keeper::Keeper;
use serde_json::json;
use types::AddonId;

struct Yard {
    server: Server,
    ada: Person,
    addon: AddonId,
    path: String,
}

impl Yard {
    /// A database with an archive that is ten minutes old.
    async fn new() -> Self {
        let server = Server::new().await;
        let ada = server.person("ada").await;
        let addon = server.ready(&ada, "my-app").await.addon.id;
        let mut keeper = Keeper::new(server.plane().clone());
        keeper.round().await.unwrap();
        server.house.settle().await;
        server.house.clock.advance(TimeDelta::minutes(10));
        keeper.round().await.unwrap();
        Self { server, ada, addon, path: format!("/api/databases/{addon}/pitr") }
    }

    fn ago(&self, minutes: i64) -> serde_json::Value {
        let at = self.server.plane().now() - TimeDelta::minutes(minutes);
        json!({"restore_time": at.to_rfc3339_opts(SecondsFormat::Secs, true)})
    }
}

/// Traps: both bounds are `null` before the first base backup; the root.
#[tokio::test]
async fn a_client_reads_the_window() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/pitr/recovery_window");
    let none = server.get(&ada, &path).await;
    assert_eq!(none.status, StatusCode::OK, "{}", none.text);
    let nothing =
        json!({"recovery_window": {"earliest_recoverable_at": null, "latest_recoverable_at": null}});
    assert_eq!(none.json(), nothing);
    let yard = Yard::new().await;
    let window = yard.server.get(&yard.ada, &format!("{}/recovery_window", yard.path)).await.json();
    let [from, to] = ["earliest_recoverable_at", "latest_recoverable_at"]
        .map(|bound| window["recovery_window"][bound].as_str().unwrap().to_owned());
    assert!(from < to, "{from} {to}");
    let database = yard.server.get(&yard.ada, &format!("/api/databases/{}", yard.addon)).await.json();
    assert_eq!(database["database"]["first_pitr_backup"], json!(from));
}

/// Traps: 201; the documents read `operation_id`, the clients `operation.id`; the type is `pitr_restore`.
#[tokio::test]
async fn a_client_takes_a_database_back() {
    let yard = Yard::new().await;
    let begun = yard.server.post(&yard.ada, &format!("{}/restore", yard.path), yard.ago(5)).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    let begun = begun.json();
    assert_eq!(begun["operation_id"], begun["operation"]["id"]);
    assert_eq!(
        (&begun["operation"]["type"], &begun["operation"]["status"]),
        (&json!("pitr_restore"), &json!("pending"))
    );
    yard.server.house.settle().await;
    let id = begun["operation_id"].as_str().unwrap();
    let path = format!("/api/databases/{}/operations/{id}", yard.addon);
    assert_eq!(yard.server.get(&yard.ada, &path).await.json()["operation"]["status"], "finished");
    let points = yard.server.get(&yard.ada, &yard.path).await.json()["pitr"]["points"].clone();
    assert_eq!(points.as_array().unwrap().len(), 1, "what was left is a moment: {points}");
}

#[tokio::test]
async fn a_client_looks_beside_moves_and_discards() {
    let yard = Yard::new().await;
    let beside = format!("{}/beside", yard.path);
    for minutes in [6, 3] {
        let begun = yard.server.post(&yard.ada, &beside, yard.ago(minutes)).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
        yard.server.house.settle().await;
        let standing = yard.server.get(&yard.ada, &yard.path).await.json()["pitr"]["standing"].clone();
        assert_eq!(standing["status"], "ready");
    }
    let gone = yard.server.api(&yard.ada, Method::DELETE, &beside, json!(null)).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    for (method, path) in [(Method::DELETE, beside.clone()), (Method::POST, format!("{beside}/switch"))] {
        let none = yard.server.api(&yard.ada, method, &path, json!(null)).await;
        assert_eq!(none.status, StatusCode::CONFLICT, "{}", none.text);
    }
    yard.server.post(&yard.ada, &beside, yard.ago(2)).await;
    yard.server.house.settle().await;
    let switched = yard.server.api(&yard.ada, Method::POST, &format!("{beside}/switch"), json!(null)).await;
    assert_eq!(switched.status, StatusCode::CREATED, "{}", switched.text);
    yard.server.house.settle().await;
    assert_eq!(testkit::broken(&yard.server.house).await, [""; 0]);
}

/// A client that lost the answer asks again, and hears the same also when all is over.
#[tokio::test]
async fn the_same_request_is_answered_the_same() {
    let yard = Yard::new().await;
    yard.server.post(&yard.ada, &format!("{}/beside", yard.path), yard.ago(2)).await;
    yard.server.house.settle().await;
    for path in ["beside/switch", "base_backups"] {
        let mut told = Vec::new();
        for _ in 0..2 {
            let (key, path) = ([("Idempotency-Key", path)], format!("{}/{path}", yard.path));
            let begun = yard.server.api_with(&yard.ada.jwt, Method::POST, &path, &key, json!(null)).await;
            assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
            told.push(begun.json()["operation_id"].clone());
            yard.server.house.settle().await;
        }
        assert_eq!(told[0], told[1], "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_had_is_refused_at_its_field() {
    let yard = Yard::new().await;
    let path = format!("{}/restore", yard.path);
    for minutes in [-1, 60] {
        let refused = yard.server.post(&yard.ada, &path, yard.ago(minutes)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
        assert!(refused.json()["errors"]["restore_time"][0].is_string(), "{}", refused.text);
    }
    for bad in [json!({}), json!({"restore_time": "yesterday"}), json!({"restore_time": null, "x": 1})] {
        let refused = yard.server.post(&yard.ada, &path, bad).await;
        assert!(refused.status.is_client_error(), "{}", refused.text);
    }
    let begun = yard.server.post(&yard.ada, &format!("{}/base_backups", yard.path), json!({})).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    assert_eq!(begun.json()["operation"]["type"], "base_backup");
}
