//! Regions, providers and apps.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

/// Traps 2 and 3: a list with a default region named `osc-fr1`, and one origin for all services.
#[tokio::test]
async fn there_is_one_region() {
    let server = Server::at("https://paddock.example.org").await;
    let answer = server.ask(Method::GET, "/v1/regions?", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let regions = &answer.json()["regions"];
    assert_eq!(regions.as_array().unwrap().len(), 1);
    let region = &regions[0];
    assert_eq!((&region["name"], &region["default"]), (&json!("osc-fr1"), &json!(true)));
    for service in ["api", "database_api", "dashboard"] {
        assert_eq!(region[service], "https://paddock.example.org");
    }
    assert!(region["ssh"].is_string() && region["display_name"].is_string());
}

/// Trap 5: names that public clients compare.
#[tokio::test]
async fn there_is_one_provider_with_plans() {
    let server = Server::new().await;
    let answer = server.ask(Method::GET, "/v1/addon_providers?", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let provider = &answer.json()["addon_providers"][0];
    assert_eq!((&provider["id"], &provider["name"]), (&json!("postgresql"), &json!("PostgreSQL")));
    assert!(provider["category"]["name"].as_str().unwrap().to_lowercase().starts_with("database"));
    for id in ["postgresql", "scalingo-postgresql"] {
        let answer =
            server.ask(Method::GET, &format!("/v1/addon_providers/{id}/plans?show_all=false"), &[], "").await;
        assert_eq!(answer.status, StatusCode::OK);
        let plans = answer.json()["plans"].as_array().unwrap().clone();
        assert_eq!(plans.len(), server.plane().plans().len());
        assert!(
            plans.iter().any(|plan| plan["name"] == "postgresql-starter-512" && plan["id"] == plan["name"])
        );
    }
    let answer = server.ask(Method::GET, "/v1/addon_providers/redis/plans?", &[], "").await;
    assert_eq!(
        (answer.status, answer.json()["resource"].as_str()),
        (StatusCode::NOT_FOUND, Some("addon_provider"))
    );
}

/// Traps 6, 12, 13 and 18.
#[tokio::test]
async fn the_life_of_an_app() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let new =
        json!({"app": {"name": "my-app", "stack_id": "scalingo-24", "project_id": "", "parent_id": ""}});
    let made = server.post(&ada, "/v1/apps", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let app = &made.json()["app"];
    assert_eq!((&app["name"], &app["region"]), (&json!("my-app"), &json!("osc-fr1")));
    assert_eq!(app["project"]["id"], "");
    assert_eq!((&app["owner"]["username"], &app["last_deployed_at"]), (&json!("ada"), &Value::Null));
    let id = app["id"].as_str().unwrap();

    for name in ["my-app", id] {
        let shown = server.get(&ada, &format!("/v1/apps/{name}")).await;
        assert_eq!((shown.status, &shown.json()["app"]), (StatusCode::OK, app));
    }
    assert_eq!(server.get(&ada, "/v1/apps").await.json()["apps"], json!([app]));

    let off = json!({"force_https": false, "router_logs": false, "sticky_session": false});
    assert_eq!(server.api(&ada, Method::PUT, "/v1/apps/my-app", off.clone()).await.status, StatusCode::OK);
    assert_eq!(
        server.api(&ada, Method::PATCH, "/v1/apps/my-app", json!({"app": off})).await.status,
        StatusCode::OK
    );
    let on = server.api(&ada, Method::PUT, "/v1/apps/my-app", json!({"force_https": true})).await;
    assert_eq!(on.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(on.json()["errors"]["force_https"][0].is_string());

    let rename = json!({"current_name": "my-app", "new_name": "other"});
    let renamed = server.post(&ada, &format!("/v1/apps/{id}/rename"), rename).await;
    assert_eq!((renamed.status, renamed.json()["app"]["name"].as_str()), (StatusCode::OK, Some("other")));

    let wrong = server.api(&ada, Method::DELETE, "/v1/apps/other?current_name=my-app", Value::Null).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.json()["errors"]["current_name"].is_array());
    let gone =
        server.api(&ada, Method::DELETE, &format!("/v1/apps/{id}?current_name=other"), Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (StatusCode::NO_CONTENT, ""));
    let missing = server.get(&ada, "/v1/apps/other").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.json(), json!({"resource": "app", "error": "not found"}));
}

/// Trap 9: 422 has a map of lists, whatever broke the rule.
#[tokio::test]
async fn refusals_name_the_field() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "taken").await;
    for (body, field) in [
        (json!({"app": {"name": "Bad Name"}}), "name"),
        (json!({"app": {"name": "taken"}}), "name"),
        (json!({"app": {"name": "x", "owner": "eve"}}), "owner"),
        (json!({"app": {"name": "x", "parent_id": "ap-1"}}), "parent_id"),
        (json!({"app": {}}), "name"),
        (json!({}), "app"),
        (json!({"app": {"name": 7}}), "name"),
    ] {
        let answer = server.post(&ada, "/v1/apps", body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{body}: {}", answer.text);
    }
}

/// A07 and A55: what is no JSON, or says that it is none.
#[tokio::test]
async fn bodies_are_json_and_say_so() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let auth = format!("Bearer {}", ada.jwt);
    let body = r#"{"app":{"name":"x"}}"#;
    for kinds in [
        &[][..],
        &["text/plain"],
        &["application/x-www-form-urlencoded"],
        &["multipart/form-data; boundary=x"],
        &["application/json", "text/plain"],
    ] {
        let mut headers = vec![("authorization", auth.as_str())];
        headers.extend(kinds.iter().map(|kind| ("content-type", *kind)));
        let answer = server.ask(Method::POST, "/v1/apps", &headers, body).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kinds:?}");
        assert!(answer.json()["error"].is_string());
    }
    let headers = [("authorization", auth.as_str()), ("content-type", "application/json")];
    for bad in ["", "{", "\u{0}", "{\"app\":{\"name\":\"x\"}}}", "nonsense"] {
        let answer = server.ask(Method::POST, "/v1/apps", &headers, bad).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}: {}", answer.text);
        assert_eq!(answer.json()["code"], "bad_json");
    }
    assert_eq!(server.get(&ada, "/v1/apps").await.json()["apps"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_is_told_in_json() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    for path in ["/v1", "/v1/", "/v1/nothing", "/api/nothing", "/api", "/v1/apps/x/addons/y/z"] {
        let answer = server.get(&ada, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json()["code"], "no_such_route", "{path}");
    }
    let answer = server.api(&ada, Method::PATCH, "/v1/regions", json!({})).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.json()["code"], "method_not_allowed");
}
