//! Firewall rules as public clients write them: bare (Go) and under a root (JavaScript).

use crate::house::Server;
use axum::http::{Method, StatusCode};
use durable::Clock as _;
use serde_json::{Value, json};

#[tokio::test]
async fn rules_come_change_and_go() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/firewall_rules");
    let bare = json!({"type": "custom_range", "cidr": "10.0.0.0/8", "label": "office", "range_id": ""});
    let rooted = json!({"firewall_rule": {"type": "custom_range", "cidr": "192.168.1.0/24", "label": ""}});
    let made = server.post(&ada, &path, bare).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let rule = made.json()["rule"].clone();
    let id = rule["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("nw-"));
    let expected = json!({"id": id, "type": "custom_range", "cidr": "10.0.0.0/8", "label": "office",
        "range_id": "", "database_id": addon});
    assert_eq!(rule, expected);
    assert_eq!(server.post(&ada, &path, rooted).await.status, StatusCode::CREATED);
    let all = server.get(&ada, &path).await.json();
    assert_eq!((all["rules"].as_array().unwrap().len(), &all["rules"][0]), (2, &expected));

    let one = format!("{path}/{id}");
    let changed = server.api(&ada, Method::PATCH, &one, json!({"firewall_rule": {"label": "home"}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    let rule = changed.json()["rule"].clone();
    assert_eq!(
        (&rule["label"], &rule["cidr"]),
        (&json!("home"), &json!("10.0.0.0/8")),
        "what is left out stays"
    );
    // An end is told, can be moved, and stays when it is left out.
    let until = |days| json!(server.house.clock.now() + chrono::TimeDelta::days(days));
    let ending = json!({"cidr": "172.16.0.0/12", "expires_at": until(1)});
    let ending = server.post(&ada, &path, ending).await.json()["rule"].clone();
    assert_eq!(ending["expires_at"], until(1), "{ending}");
    let its = format!("{path}/{}", ending["id"].as_str().unwrap());
    for (body, day) in [(json!({"expires_at": until(2)}), 2), (json!({"label": "x"}), 2)] {
        let moved = server.api(&ada, Method::PATCH, &its, body).await;
        assert_eq!(moved.json()["rule"]["expires_at"], until(day), "{}", moved.text);
    }
    assert_eq!(server.api(&ada, Method::DELETE, &one, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.api(&ada, Method::DELETE, &one, Value::Null).await.status, StatusCode::NOT_FOUND);
    let ranges = server.get(&ada, "/api/firewall/managed_ranges").await;
    assert_eq!((ranges.status, ranges.json()), (StatusCode::OK, json!({"ranges": []})));
}

#[tokio::test]
async fn what_is_no_rule_is_refused_at_its_field() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/firewall_rules");
    for (body, field) in [
        (json!({"cidr": "10.0.0.1/8"}), "cidr"),
        (json!({"cidr": "0.0.0.0/0"}), "cidr"),
        (json!({}), "cidr"),
        (json!({"cidr": "10.0.0.0/8", "label": "a\nb"}), "label"),
        (json!({"cidr": "10.0.0.0/8", "type": "managed_range"}), "type"),
        (json!({"cidr": "10.0.0.0/8", "range_id": "x"}), "range_id"),
        (json!({"cidr": "10.0.0.0/8", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        (json!({"cidr": "10.0.0.0/8", "more": 1}), "more"),
    ] {
        let answer = server.post(&ada, &path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.text);
        assert!(answer.json()["errors"][field][0].is_string(), "{body}: {}", answer.text);
    }
    assert_eq!(server.get(&ada, &path).await.json(), json!({"rules": []}));
    // A rule of another database is not this one's.
    let other = server.ready(&ada, "other-app").await.addon.id;
    let made = server
        .post(&ada, &format!("/api/databases/{other}/firewall_rules"), json!({"cidr": "10.0.0.0/8"}))
        .await;
    let id = made.json()["rule"]["id"].as_str().unwrap().to_owned();
    let answer = server.api(&ada, Method::DELETE, &format!("{path}/{id}"), Value::Null).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text);
}
