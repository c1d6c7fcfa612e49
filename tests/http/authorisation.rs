//! Who may call what: the route table × nobody, the owner, somebody else (A01, A02).

use crate::{house::Server, openapi::routes};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::House;
use types::audit::AuditFilter;

/// Open to everybody, as public clients ask without a token.
const PUBLIC: [&str; 5] = [
    "/v1/regions",
    "/v1/addon_providers",
    "/v1/addon_providers/{provider}/plans",
    "/v1/addon_categories",
    "/api/ca_certificate",
];

/// The same for everybody who is signed in.
const SHARED: [&str; 1] = ["/api/plans/{plan}"];

/// A body that the route would take, so that a refusal is about the person.
fn body(method: &Method, path: &str) -> Value {
    match (method.as_str(), path) {
        ("POST", "/v1/tokens") => json!({"token": {"name": "x"}}),
        ("POST", "/v1/apps") => json!({"app": {"name": "new-app"}}),
        ("PUT", "/v1/apps/{app}") => json!({"force_https": false}),
        ("PATCH", "/v1/apps/{app}") => json!({"app": {"force_https": false}}),
        ("POST", "/v1/apps/{app}/rename") => json!({"current_name": "hers", "new_name": "taken-over"}),
        ("POST", "/v1/apps/{app}/addons") => crate::house::order("postgresql-starter-512"),
        ("POST", "/v1/apps/{app}/variables") => json!({"variable": {"name": "X", "value": "1"}}),
        ("PUT", "/v1/apps/{app}/variables") => json!({"variables": [{"name": "X", "value": "1"}]}),
        ("PATCH", "/v1/apps/{app}/variables/{variable}") => json!({"variable": {"value": "1"}}),
        ("DELETE", "/v1/apps/{app}/variables") => json!({"variable_ids": []}),
        ("PATCH", "/v1/apps/{app}/addons/{addon}") => {
            json!({"addon": {"plan_id": "postgresql-starter-1024"}})
        }
        ("POST", "/api/databases/{database}/users") => json!({"database_user": {"name": "intruder"}}),
        ("PATCH", "/api/databases/{database}/users/{name}") => {
            json!({"database_user": {"password": "a good password 1"}})
        }
        ("POST", "/api/databases/{database}/features") => {
            json!({"feature": {"name": "force-ssl", "status": ""}})
        }
        ("POST", "/api/databases/{database}/firewall_rules") => {
            json!({"type": "custom_range", "cidr": "10.0.0.0/8", "label": "x"})
        }
        ("PATCH" | "PUT", "/api/databases/{database}") => {
            json!({"database": {"periodic_backups_enabled": false}})
        }
        ("POST", "/api/databases/{database}/pitr/restore" | "/api/databases/{database}/pitr/beside") => {
            json!({"restore_time": "2026-11-21T10:00:00Z"})
        }
        ("PUT", "/api/databases/{database}/slow_queries") => json!({"threshold_ms": 500}),
        ("POST", "/api/databases/{database}/action") => json!({"action_name": "pg-list-queries"}),
        ("POST" | "PUT" | "PATCH", _) => json!({}),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_not_there() {
    let server = Server::new().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let ready = server.ready(&ada, "hers").await;
    let instance = server.plane().database_id(&ada.actor, ready.addon.id).await.unwrap().to_string();
    let variable = server.plane().set_variable(&ada.actor, "hers", "SECRET", "1").await.unwrap();
    let token = server.plane().tokens(&ada.actor).await.unwrap()[0].id;
    let app = server.plane().app(&ada.actor, "hers").await.unwrap();
    let backup = server.plane().back_up(&ada.actor, ready.addon.id, None).await.unwrap();
    server.house.settle().await;
    let resource = &ready.addon.resource_id;
    let restore =
        server.plane().restore_backup(&ada.actor, ready.addon.id, backup.id, resource, None).await.unwrap();
    server.house.settle().await;
    let before = server.get(&ada, "/v1/apps/hers/variables").await.text;

    for (method, path) in routes() {
        let concrete = path
            .replace("{app}", "hers")
            .replace("{addon}", &ready.addon.id.to_string())
            .replace("{database}", &ready.addon.id.to_string())
            .replace("{instance}", &instance)
            .replace("{backup}", &backup.id.to_string())
            .replace("{restoration}", &restore.operation.to_string())
            .replace("{name}", &ready.addon.resource_id)
            .replace("{type}", "cpu")
            .replace("{operation}", &ready.operation.to_string())
            .replace("{variable}", &variable.id.to_string())
            .replace("{token}", &token.to_string())
            .replace("{plan}", "postgresql-starter-512")
            .replace("{provider}", "postgresql");
        let body = body(&method, &path);
        let nobody = server.api_with("", method.clone(), &concrete, &[], body.clone()).await;
        if PUBLIC.contains(&path.as_str()) {
            assert_eq!(nobody.status, StatusCode::OK, "{method} {path}");
            continue;
        }
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "nobody: {method} {path}");
        if SHARED.contains(&path.as_str()) {
            let other = server.api(&eve, method.clone(), &concrete, body).await;
            assert_eq!(other.status, StatusCode::OK, "{method} {path}");
            continue;
        }
        // Of the routes without an id only the exchange of tokens refuses a bearer token.
        if !path.contains('{') {
            continue;
        }
        for concrete in [concrete.clone(), concrete.replace("/hers", &format!("/{}", app.id))] {
            let confirmed =
                if concrete.contains('?') { concrete } else { format!("{concrete}?current_name=hers") };
            let other = server.api(&eve, method.clone(), &confirmed, body.clone()).await;
            assert_eq!(other.status, StatusCode::NOT_FOUND, "somebody else: {method} {path}: {}", other.text);
            assert_eq!(other.json()["error"], "not found", "{method} {path}");
        }
        if method == Method::GET && !path.ends_with("/events") {
            let owner = server.get(&ada, &concrete).await;
            assert_eq!(owner.status, StatusCode::OK, "owner: {method} {path}: {}", owner.text);
        }
    }
    assert_eq!(server.get(&ada, "/v1/apps/hers/variables").await.text, before, "nothing was changed");
    for list in ["/v1/apps", "/v1/operations"] {
        let text = server.get(&eve, list).await.text;
        assert!(!text.contains("hers"), "{list}: {text}");
    }
}

/// What is not there and what is somebody else's cannot be told apart.
#[tokio::test]
async fn a_stranger_learns_nothing_about_what_exists() {
    let server = Server::new().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let ready = server.ready(&ada, "hers").await;
    let made_up = "00000000-0000-0000-0000-000000000000";
    for (hers, nobodys) in [
        ("/v1/apps/hers".to_owned(), "/v1/apps/nobodys".to_owned()),
        (format!("/api/databases/{}", ready.addon.id), format!("/api/databases/ad-{made_up}")),
        (format!("/api/databases/{}", ready.addon.resource_id), "/api/databases/nobodys_1234".into()),
        (format!("/v1/operations/{}", ready.operation), format!("/v1/operations/op-{made_up}")),
    ] {
        let (one, two) = (server.get(&eve, &hers).await, server.get(&eve, &nobodys).await);
        assert_eq!((one.status, &one.text), (StatusCode::NOT_FOUND, &two.text), "{hers}");
        assert_eq!(two.status, StatusCode::NOT_FOUND);
    }
}

/// An add-on is found under its own app only.
#[tokio::test]
async fn an_addon_is_not_found_under_another_app() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "one").await.addon.id;
    server.app(&ada, "two").await;
    for (method, tail) in [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/token")] {
        let answer =
            server.api(&ada, method, &format!("/v1/apps/two/addons/{addon}{tail}"), Value::Null).await;
        assert_eq!((answer.status, &answer.json()["resource"]), (StatusCode::NOT_FOUND, &json!("addon")));
    }
}

/// Refused with a reason, since it is no secret that there is a log; and the try is in it.
#[tokio::test]
async fn the_audit_log_is_for_operators() {
    let server = Server::new().await;
    let (ada, eve) = (server.person("ada").await, server.person("eve").await);
    let root = server.with_token(server.house.person("root", true).await).await;
    let ready = server.ready(&ada, "hers").await;
    let of_database = House::token_for(&root.actor, ready.addon.id);
    for (who, status) in
        [(&eve, StatusCode::FORBIDDEN), (&ada, StatusCode::FORBIDDEN), (&root, StatusCode::OK)]
    {
        assert_eq!(server.get(who, "/v1/audit").await.status, status, "{}", who.actor.name());
    }
    let filter = AuditFilter::default();
    assert!(matches!(server.plane().audit(&of_database, &filter).await, Err(control::Error::Forbidden(_))));
    let tries = server.get(&root, "/v1/audit?action=audit.read&user=eve&limit=1").await.json();
    assert_eq!(tries["audit"][0]["allowed"], json!(false), "{tries}");
    assert_eq!((tries["audit"].as_array().map(Vec::len), &tries["older"]), (Some(1), &Value::Null));
    let of_app = server.get(&root, "/v1/audit?action=database.provision").await.json();
    assert_eq!(of_app["audit"][0]["app"], "hers", "{of_app}");
    assert_eq!(of_app["audit"][0]["database"][1], json!(ready.addon.resource_id), "{of_app}");
}
