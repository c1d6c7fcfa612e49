//! The OpenAPI document is the route table.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::Value;

/// Every route as `GET /v1/apps`, from the document.
pub fn routes() -> Vec<(Method, String)> {
    let document = serde_json::to_value(server::api::openapi::document()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            if let Ok(method) = method.to_uppercase().parse::<Method>() {
                routes.push((method, path.clone()));
            }
        }
    }
    routes
}

/// Written out by hand: a route that comes or goes must be changed here, too.
#[test]
fn the_route_table() {
    let mut told: Vec<_> = routes().iter().map(|(method, path)| format!("{method} {path}")).collect();
    told.sort();
    let expected = [
        "DELETE /api/databases/{database}/features",
        "DELETE /api/databases/{database}/firewall_rules/{rule}",
        "DELETE /api/databases/{database}/pitr/beside",
        "DELETE /api/databases/{database}/users/{name}",
        "DELETE /v1/apps/{app}",
        "DELETE /v1/apps/{app}/addons/{addon}",
        "DELETE /v1/apps/{app}/variables",
        "DELETE /v1/apps/{app}/variables/{variable}",
        "DELETE /v1/tokens/{token}",
        "GET /api/backups/{backup}",
        "GET /api/ca_certificate",
        "GET /api/databases/{database}",
        "GET /api/databases/{database}/backup_restorations/{restoration}",
        "GET /api/databases/{database}/backups",
        "GET /api/databases/{database}/backups/{backup}",
        "GET /api/databases/{database}/backups/{backup}/archive",
        "GET /api/databases/{database}/firewall_rules",
        "GET /api/databases/{database}/instances/{instance}/metrics/{type}",
        "GET /api/databases/{database}/instances_status",
        "GET /api/databases/{database}/logs",
        "GET /api/databases/{database}/logs_archives",
        "GET /api/databases/{database}/metrics",
        "GET /api/databases/{database}/metrics/{type}",
        "GET /api/databases/{database}/operations/{operation}",
        "GET /api/databases/{database}/pitr",
        "GET /api/databases/{database}/pitr/recovery_window",
        "GET /api/databases/{database}/plan",
        "GET /api/databases/{database}/users",
        "GET /api/firewall/managed_ranges",
        "GET /api/logs",
        "GET /api/plans/{plan}",
        "GET /v1/addon_categories",
        "GET /v1/addon_providers",
        "GET /v1/addon_providers/{provider}/plans",
        "GET /v1/apps",
        "GET /v1/apps/{app}",
        "GET /v1/apps/{app}/addons",
        "GET /v1/apps/{app}/addons/{addon}",
        "GET /v1/apps/{app}/variables",
        "GET /v1/audit",
        "GET /v1/operations",
        "GET /v1/operations/{operation}",
        "GET /v1/operations/{operation}/events",
        "GET /v1/regions",
        "GET /v1/tokens",
        "GET /v1/users/self",
        "PATCH /api/databases/{database}",
        "PATCH /api/databases/{database}/firewall_rules/{rule}",
        "PATCH /api/databases/{database}/users/{name}",
        "PATCH /v1/apps/{app}",
        "PATCH /v1/apps/{app}/addons/{addon}",
        "PATCH /v1/apps/{app}/variables/{variable}",
        "POST /api/databases/{database}/action",
        "POST /api/databases/{database}/backups",
        "POST /api/databases/{database}/backups/{backup}/restore",
        "POST /api/databases/{database}/features",
        "POST /api/databases/{database}/firewall_rules",
        "POST /api/databases/{database}/pitr/base_backups",
        "POST /api/databases/{database}/pitr/beside",
        "POST /api/databases/{database}/pitr/beside/switch",
        "POST /api/databases/{database}/pitr/restore",
        "POST /api/databases/{database}/users",
        "POST /api/databases/{database}/users/{name}/reset_password",
        "POST /v1/apps",
        "POST /v1/apps/{app}/addons",
        "POST /v1/apps/{app}/addons/{addon}/token",
        "POST /v1/apps/{app}/rename",
        "POST /v1/apps/{app}/variables",
        "POST /v1/tokens",
        "POST /v1/tokens/exchange",
        "PUT /api/databases/{database}",
        "PUT /api/databases/{database}/slow_queries",
        "PUT /v1/apps/{app}",
        "PUT /v1/apps/{app}/variables",
    ];
    assert_eq!(told, expected);
}

/// Each path of the document leads to a route, and each path with a parameter names it.
#[tokio::test]
async fn every_documented_route_answers() {
    let server = Server::new().await;
    let answer = server.ask(Method::GET, "/openapi.json", &[], "").await;
    assert_eq!((answer.status, answer.json()["openapi"].as_str()), (StatusCode::OK, Some("3.1.0")));
    let served: Value = answer.json();
    assert_eq!(served, serde_json::to_value(server::api::openapi::document()).unwrap());
    for (method, path) in routes() {
        let path = path.replace(['{', '}'], "");
        let answer = server.ask(method.clone(), &path, &[], "").await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(!answer.text.contains("no_such_route"), "{method} {path}");
    }
    for (path, item) in served["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let text = operation.to_string();
            for name in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                assert!(
                    text.contains(&format!("\"name\":\"{name}\"")),
                    "{method} {path}: {name} is not described"
                );
            }
            assert!(
                operation["summary"].is_string() || operation["description"].is_string(),
                "{method} {path}"
            );
        }
    }
}
