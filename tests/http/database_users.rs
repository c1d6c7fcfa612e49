//! Users of a database as public clients manage them.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::json;

/// Traps: a hyphen in the list's root and an underscore in one's; 201, 200 with a body, 204.
#[tokio::test]
async fn a_client_makes_changes_and_deletes_a_user() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon;
    let path = format!("/api/databases/{}/users", addon.id);
    let new = json!({"database_user": {
        "database_id": addon.id, "name": "analyst", "read_only": true,
        "password": "a good password 1", "password_confirmation": "a good password 1",
    }});
    let made = server.api(&ada, Method::POST, &path, new.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let user = &made.json()["database_user"];
    assert_eq!(
        (&user["name"], &user["read_only"], &user["protected"]),
        (&json!("analyst"), &json!(true), &json!(false))
    );
    assert_eq!(user["dbms_attributes"]["password_encryption"], "SCRAM-SHA-256");

    let listed = server.get(&ada, &path).await.json();
    let names: Vec<_> =
        listed["database-users"].as_array().unwrap().iter().map(|user| &user["name"]).collect();
    assert_eq!(names, [&json!(addon.resource_id), &json!("analyst")]);
    assert!(listed["database-users"][0].get("password").is_none(), "told once only");

    let twice = server.api(&ada, Method::POST, &path, new).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twice.json()["errors"]["name"][0].is_string(), "{}", twice.text);

    let one = format!("{path}/analyst");
    let change = json!({"database_user": {"database_id": addon.id, "password": "another one 2", "password_confirmation": "another one 2"}});
    let changed = server.api(&ada, Method::PATCH, &one, change).await;
    assert_eq!(
        (changed.status, &changed.json()["database_user"]["name"]),
        (StatusCode::OK, &json!("analyst"))
    );
    let reset = server.api(&ada, Method::POST, &format!("{one}/reset_password"), json!({})).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    assert_eq!(reset.json()["database_user"]["password"].as_str().unwrap().len(), 64);
    let deleted = server.api(&ada, Method::DELETE, &one, json!(null)).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(server.api(&ada, Method::DELETE, &one, json!(null)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_protected_user_is_kept_and_its_password_is_an_operation() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon;
    let one = format!("/api/databases/{}/users/{}", addon.id, addon.resource_id);
    let kept = server.api(&ada, Method::DELETE, &one, json!(null)).await;
    assert_eq!(kept.status, StatusCode::CONFLICT, "{}", kept.text);
    let reset = server.api(&ada, Method::POST, &format!("{one}/reset_password"), json!({})).await;
    assert_eq!(reset.status, StatusCode::OK, "{}", reset.text);
    let user = &reset.json()["database_user"];
    assert!(user["operation_id"].as_str().unwrap().starts_with("op-"), "{user}");
    assert_eq!(user["name"], format!("{}_b", addon.resource_id));
    server.house.settle().await;
    let listed = server.get(&ada, &format!("/api/databases/{}/users", addon.id)).await.json();
    assert_eq!(
        (&listed["database-users"][0]["name"], &listed["database-users"][0]["protected"]),
        (&user["name"], &json!(true))
    );
}

/// Attack: somebody else's token, for every route and a body that says whose it is.
#[tokio::test]
async fn somebody_elses_users_are_not_found() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let addon = server.ready(&ada, "my-app").await.addon;
    let path = format!("/api/databases/{}/users", addon.id);
    let new = json!({"database_user": {"name": "intruder"}});
    let password = json!({"database_user": {"password": "a good password 1"}});
    for (method, path, body) in [
        (Method::GET, path.clone(), json!(null)),
        (Method::POST, path.clone(), new),
        (Method::PATCH, format!("{path}/{}", addon.resource_id), password),
        (Method::POST, format!("{path}/{}/reset_password", addon.resource_id), json!({})),
        (Method::DELETE, format!("{path}/{}", addon.resource_id), json!(null)),
    ] {
        let answer = server.api(&bob, method.clone(), &path, body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {}", answer.text);
    }
    let odd = json!({"database_user": {"name": "analyst", "protected": true}});
    let refused = server.api(&ada, Method::POST, &path, odd).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
}
