//! Add-ons: ordered, waited for, deleted.

use crate::house::{Server, order};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

const PATH: &str = "/v1/apps/my-app/addons";

/// Traps 4, 6, 13, 14 and 18: the whole loop of the public clients.
#[tokio::test]
async fn an_order_is_taken_at_once_and_then_runs() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let app = server.app(&ada, "my-app").await;
    let made = server.post(&ada, PATH, order("postgresql-starter-512")).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let addon = &made["addon"];
    let id = addon["id"].as_str().unwrap();
    assert!(id.starts_with("ad-"), "{id}");
    assert_eq!(addon["app_id"], app.id.to_string());
    assert_eq!(addon["status"], "provisioning");
    assert_eq!(addon["plan"]["name"], "postgresql-starter-512");
    assert_eq!(addon["addon_provider"]["name"], "PostgreSQL");
    assert_eq!((&addon["deprovisioned_at"], &addon["provisioned_at"]), (&Value::Null, &Value::Null));
    assert!(addon["resource_id"].as_str().unwrap().starts_with("my_app_"));
    assert!(made["message"].is_string() && made["variables"].is_array());

    server.house.settle().await;
    // By name and by id of the app.
    for app in ["my-app".to_owned(), app.id.to_string()] {
        let shown = server.get(&ada, &format!("/v1/apps/{app}/addons/{id}")).await;
        assert_eq!((shown.status, &shown.json()["addon"]["status"]), (StatusCode::OK, &json!("running")));
        assert!(shown.json()["addon"]["provisioned_at"].is_string());
    }
    assert_eq!(server.get(&ada, PATH).await.json()["addons"][0]["id"], id);
    let variables = server.get(&ada, "/v1/apps/my-app/variables?aliases=false").await.json();
    let url =
        variables["variables"].as_array().unwrap().iter().find(|v| v["name"] == "SCALINGO_POSTGRESQL_URL");
    assert!(url.unwrap()["value"].as_str().unwrap().starts_with("postgresql://"));

    let gone = server.api(&ada, Method::DELETE, &format!("{PATH}/{id}"), Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NO_CONTENT, ""));
    server.house.settle().await;
    let missing = server.get(&ada, &format!("{PATH}/{id}")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json(), json!({"resource": "addon", "error": "not found"}));
    assert_eq!(server.get(&ada, PATH).await.json(), json!({"addons": []}));
}

#[tokio::test]
async fn a_version_may_be_asked_for() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let version = server.plane().versions().await.unwrap().last().unwrap().version;
    let mut body = order("postgresql-starter-512");
    body["addon"]["options"] = json!({"version": version.readable()});
    let made = server.post(&ada, PATH, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["addon"]["id"].as_str().unwrap().to_owned();
    let database = server.get(&ada, &format!("/api/databases/{id}")).await.json();
    assert_eq!(database["database"]["readable_version"], version.readable());
    body["addon"]["options"] = json!({"version": "9.4"});
    let refused = server.post(&ada, PATH, body).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.json()["errors"]["version"][0].is_string(), "{}", refused.text);
}

#[tokio::test]
async fn wrong_orders_name_the_field() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let with = |field: &str, value: Value| {
        let mut body = order("postgresql-starter-512");
        body["addon"][field] = value;
        body
    };
    for (body, field) in [
        (order("nonsense"), "plan_id"),
        (with("addon_provider_id", json!("redis")), "addon_provider_id"),
        (with("tenant_id", json!("B")), "tenant_id"),
        (with("options", json!({"superuser": "yes"})), "superuser"),
        (with("plan_id", json!(null)), "plan_id"),
    ] {
        let answer = server.post(&ada, PATH, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{body}: {}", answer.text);
    }
    assert_eq!(server.get(&ada, PATH).await.json(), json!({"addons": []}));
}

/// A46: the same key and body are one order, another body is refused, another person's key is their own.
#[tokio::test]
async fn an_idempotency_key_makes_one_order_of_two() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    server.app(&ada, "my-app").await;
    server.app(&bob, "his-app").await;
    let (jwt, key) = (&ada.jwt, [("idempotency-key", "one")]);
    let starter = || order("postgresql-starter-512");
    let first = server.api_with(jwt, Method::POST, PATH, &key, starter()).await;
    let second = server.api_with(jwt, Method::POST, PATH, &key, starter()).await;
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!(first.json()["addon"]["id"], second.json()["addon"]["id"]);
    let other = server.api_with(jwt, Method::POST, PATH, &key, order("postgresql-starter-1024")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let his = server.api_with(&bob.jwt, Method::POST, "/v1/apps/his-app/addons", &key, starter()).await;
    assert_eq!(his.status, StatusCode::CREATED);
    assert_ne!(his.json()["addon"]["id"], first.json()["addon"]["id"]);
    for bad in ["", &"k".repeat(256)] {
        let answer = server.api_with(jwt, Method::POST, PATH, &[("idempotency-key", bad)], starter()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::BAD_REQUEST, &json!("bad_idempotency_key"))
        );
    }
    assert_eq!(server.get(&ada, PATH).await.json()["addons"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_change_meets_a_conflict_that_names_the_first() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let stop = server.plane().stop_database(&ada.actor, addon, None).await.unwrap();
    let answer = server.api(&ada, Method::DELETE, &format!("{PATH}/{addon}"), Value::Null).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert_eq!(answer.json()["operation_id"], stop.operation.to_string());
}
