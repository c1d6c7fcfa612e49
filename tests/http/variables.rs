//! Environment variables.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn the_life_of_variables() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let path = "/v1/apps/my-app/variables";

    // Trap 13: the Terraform provider sends null when there are none.
    let none = server.api(&ada, Method::PUT, path, json!({"variables": null})).await;
    assert_eq!((none.status, none.json()), (StatusCode::OK, json!({"variables": []})));

    let made = server.post(&ada, path, json!({"variable": {"name": "A", "value": "1"}})).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json()["variable"]["value"], "1");
    let several = json!({"variables": [{"id": "", "name": "B", "value": "2"}, {"name": "C", "value": "$B"}]});
    let put = server.api(&ada, Method::PUT, path, several).await;
    assert_eq!((put.status, put.json()["variables"].as_array().unwrap().len()), (StatusCode::OK, 2));

    let value_of_c = |answer: &Value| {
        let all = answer["variables"].as_array().unwrap().clone();
        all.into_iter().find(|v| v["name"] == "C").unwrap()["value"].clone()
    };
    assert_eq!(value_of_c(&server.get(&ada, &format!("{path}?aliases=true")).await.json()), "$B");
    assert_eq!(value_of_c(&server.get(&ada, &format!("{path}?aliases=false")).await.json()), "2");

    let all = server.get(&ada, path).await.json();
    let id = |name: &str| {
        let all = all["variables"].as_array().unwrap();
        all.iter().find(|v| v["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let change = json!({"variable": {"value": "3"}});
    let patched = server.api(&ada, Method::PATCH, &format!("{path}/{}", id("A")), change).await;
    assert_eq!((patched.status, &patched.json()["variable"]["value"]), (StatusCode::OK, &json!("3")));
    let gone = server.api(&ada, Method::DELETE, &format!("{path}/{}", id("A")), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let rest = json!({"variable_ids": [id("B"), id("C")]});
    assert_eq!(server.api(&ada, Method::DELETE, path, rest).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(&ada, path).await.json(), json!({"variables": []}));

    let missing = server.api(&ada, Method::DELETE, &format!("{path}/nonsense"), Value::Null).await;
    assert_eq!(
        (missing.status, missing.json()["resource"].as_str()),
        (StatusCode::NOT_FOUND, Some("variable"))
    );
}

#[tokio::test]
async fn names_and_values_have_limits() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    for (name, value, field) in
        [("1A", "x".into(), "name"), (&"A".repeat(65), "x".into(), "name"), ("A", "x".repeat(8193), "value")]
    {
        let body = json!({"variable": {"name": name, "value": value}});
        let answer = server.post(&ada, "/v1/apps/my-app/variables", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{}", answer.text);
    }
}
