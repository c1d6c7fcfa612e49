//! Databases and the tokens for one of them.

use crate::house::{Person, Server};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use types::AddonId;

async fn token(server: &Server, person: &Person, app: &str, addon: AddonId) -> String {
    let answer = server.post(person, &format!("/v1/apps/{app}/addons/{addon}/token"), json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["addon"]["id"], addon.to_string());
    answer.json()["addon"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_database_is_shown_to_its_own_token() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let view = server.ready(&ada, "my-app").await.addon;
    let token = token(&server, &ada, "my-app", view.id).await;
    for name in [view.id.to_string(), view.resource_id.clone()] {
        for jwt in [&token, &ada.jwt] {
            let path = format!("/api/databases/{name}");
            let answer = server.api_with(jwt, Method::GET, &path, &[], Value::Null).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            let database = &answer.json()["database"];
            assert_eq!(database["status"], "running");
            assert_eq!(
                (&database["app_name"], &database["plan"]),
                (&json!("my-app"), &json!("postgresql-starter-512"))
            );
            assert_eq!(
                (&database["next_version_id"], &database["current_operation_id"]),
                (&Value::Null, &Value::Null)
            );
            assert!(database["hostname"].as_str().unwrap().contains(':'));
            assert_eq!(database["instances"][0]["type"], "db-node");
            assert!(database["instances"][0]["port"].as_u64().unwrap() > 0);
            assert!(!answer.text.contains("password"));
        }
    }
}

/// A token for one database opens that one and nothing else.
#[tokio::test]
async fn a_token_for_one_database_opens_nothing_else() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let one = server.ready(&ada, "my-app").await.addon.id;
    let two = server.ready(&ada, "other-app").await.addon.id;
    let token = token(&server, &ada, "my-app", one).await;
    for (method, path, body) in [
        (Method::GET, format!("/api/databases/{two}"), Value::Null),
        (Method::GET, "/v1/users/self".into(), Value::Null),
        (Method::GET, "/v1/apps".into(), Value::Null),
        (Method::GET, "/v1/apps/my-app".into(), Value::Null),
        (Method::GET, "/v1/apps/my-app/variables".into(), Value::Null),
        (Method::GET, "/v1/tokens".into(), Value::Null),
        (Method::POST, "/v1/tokens".into(), json!({"token": {"name": "more"}})),
        (Method::POST, "/v1/apps".into(), json!({"app": {"name": "more"}})),
        (Method::DELETE, format!("/v1/apps/my-app/addons/{one}"), Value::Null),
        (Method::POST, format!("/v1/apps/other-app/addons/{two}/token"), json!({})),
    ] {
        let answer = server.api_with(&token, method.clone(), &path, &[], body).await;
        let refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        assert!(refused, "{method} {path}: {} {}", answer.status, answer.text);
    }
}

#[tokio::test]
async fn the_ca_certificate_is_public() {
    let server = Server::new().await;
    let answer = server.ask(Method::GET, "/api/ca_certificate?", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text.starts_with("-----BEGIN CERTIFICATE-----"), "{}", answer.text);
    assert!(answer.header("content-disposition").starts_with("attachment"));
}
