//! Changing a plan as public clients do it, and the plan in the words of the database routes.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

fn to(plan: &str) -> Value {
    json!({"addon": {"plan_id": plan}})
}

/// Trap 16, and two more: the provider reads app and plan from the answer, and waits while the status is not `running`.
#[tokio::test]
async fn a_change_answers_with_the_new_plan_and_provisions_meanwhile() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/v1/apps/my-app/addons/{addon}");
    let asked = server.api(&ada, Method::PATCH, &path, to("postgresql-starter-1024")).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let asked = asked.json();
    assert_eq!(asked["addon"]["plan"]["id"], "postgresql-starter-1024");
    let app = server.plane().app(&ada.actor, "my-app").await.unwrap();
    assert_eq!(asked["addon"]["app_id"], app.id.to_string());
    assert_eq!(asked["addon"]["status"], "provisioning");
    assert_eq!((&asked["addon"]["id"], asked["message"].is_string()), (&json!(addon), true));
    // Asked again while it runs: the same operation.
    let again = server.api(&ada, Method::PATCH, &path, to("postgresql-starter-1024")).await.json();
    assert_eq!(again["operation_id"], asked["operation_id"]);
    let other = server.api(&ada, Method::PATCH, &path, to("postgresql-starter-2048")).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "{}", other.text);

    let database = server.get(&ada, &format!("/api/databases/{addon}")).await.json();
    assert_eq!(database["database"]["status"], "updating");
    let operation = asked["operation_id"].as_str().unwrap();
    assert_eq!(database["database"]["current_operation_id"], operation);
    let instances = server.get(&ada, &format!("/api/databases/{addon}/instances_status")).await.json();
    assert_eq!(
        (&instances[0]["type"], &instances[0]["status"], &instances[0]["role"]),
        (&json!("db-node"), &json!("restarting"), &json!("leader"))
    );

    server.house.settle().await;
    let shown = server.get(&ada, &path).await.json();
    assert_eq!(
        (&shown["addon"]["status"], &shown["addon"]["plan"]["name"]),
        (&json!("running"), &json!("postgresql-starter-1024"))
    );
    let told = server.get(&ada, &format!("/api/databases/{addon}/operations/{operation}")).await.json();
    let told = &told["operation"];
    assert_eq!(
        (&told["type"], &told["status"], &told["error"]),
        (&json!("change_plan"), &json!("finished"), &Value::Null)
    );
    assert!(told["finished_at"].is_string(), "{told}");
    let instances = server.get(&ada, &format!("/api/databases/{addon}/instances_status")).await.json();
    assert_eq!(instances[0]["status"], "running");
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_its_field() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon;
    let path = format!("/v1/apps/my-app/addons/{}", addon.id);
    let id = server.plane().node_id(&ada.actor, addon.id).await.unwrap();
    server.house.engine.fill(id, 9 << 30);
    for (body, field) in [
        (to("nonsense"), "plan_id"),
        (to("postgresql-starter-512"), "plan_id"),
        // 9 GiB do not fit into 512 MiB of disk.
        (to("postgresql-sandbox"), "plan_id"),
        (json!({"addon": {"plan_id": null}}), "plan_id"),
        (json!({"addon": {"plan_id": "postgresql-starter-1024", "memory": 1}}), "memory"),
    ] {
        let answer = server.api(&ada, Method::PATCH, &path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{body}: {}", answer.text);
    }
    let shown = server.get(&ada, &path).await.json();
    assert_eq!(
        (&shown["addon"]["status"], &shown["addon"]["operation_id"]),
        (&json!("running"), &Value::Null)
    );
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_not_there() {
    let server = Server::new().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let addon = server.ready(&ada, "my-app").await.addon.id;
    server.app(&bob, "his-app").await;
    for app in ["my-app", "his-app"] {
        let path = format!("/v1/apps/{app}/addons/{addon}");
        let answer = server.api(&bob, Method::PATCH, &path, to("postgresql-starter-1024")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
    }
    let operation = server.plane().restart_database(&ada.actor, addon, None).await.unwrap().operation;
    server.house.settle().await;
    for path in ["plan", "instances_status", &format!("operations/{operation}")] {
        let answer = server.get(&bob, &format!("/api/databases/{addon}/{path}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text);
        assert_eq!(server.get(&ada, &format!("/api/databases/{addon}/{path}")).await.status, StatusCode::OK);
    }
    // An operation of another database of the same owner is not this one's.
    let other = server.ready(&ada, "other-app").await.addon.id;
    let answer = server.get(&ada, &format!("/api/databases/{other}/operations/{operation}")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
}

#[tokio::test]
async fn a_plan_is_told_in_the_words_of_the_contract() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let plan = server.get(&ada, &format!("/api/databases/{addon}/plan")).await.json();
    assert_eq!(
        plan["plan"],
        json!({
            "id": "postgresql-starter-512", "name": "postgresql-starter-512", "backup": true,
            "disk": 10240, "memory": 512, "manual_backups_count": 10, "daily_scheduled_backups": 7,
            "weekly_scheduled_backups": 4, "monthly_scheduled_backups": 0, "pitr_backup_days": 7, "gateway_nodes": 0,
        })
    );
    let same = server.get(&ada, "/api/plans/postgresql-starter-512?type=postgresql").await.json();
    assert_eq!(same, plan);
    assert_eq!(server.get(&ada, "/api/plans/nonsense").await.status, StatusCode::NOT_FOUND);
}
