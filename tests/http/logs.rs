//! Logs as public clients fetch them: a link without a token, lines in five fields and a text, and archives.

use crate::house::Server;
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};

fn local(url: &str) -> String {
    url.strip_prefix("http://paddock.test").unwrap().to_owned()
}

#[tokio::test]
async fn a_link_opens_the_log_without_a_token_for_ten_minutes() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let link = async || {
        server.get(&ada, &format!("/api/databases/{addon}/logs")).await.json()["url"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let empty = server.ask(Method::GET, &local(&link().await), &[], "").await;
    assert_eq!(empty.status, StatusCode::NO_CONTENT);
    let id = server.plane().node_id(&ada.actor, addon).await.unwrap();
    for n in 0..3 {
        let line = json!({"timestamp": "2026-11-28 04:19:03.123 UTC", "user": "u", "dbname": "d",
            "error_severity": "ERROR", "message": format!("number {n}\nmore")});
        server.house.engine.logs(id, &line.to_string());
    }
    let url = link().await;
    let all = server.ask(Method::GET, &format!("{}&n=2", local(&url)), &[], "").await;
    assert_eq!((all.status, all.header("content-type")), (StatusCode::OK, "text/plain; charset=utf-8"));
    assert_eq!(
        all.text,
        "2026-11-28 04:19:03.123 +0000 UTC [postgresql] u@d ERROR: number 1\n\tmore\n\
         2026-11-28 04:19:03.123 +0000 UTC [postgresql] u@d ERROR: number 2\n\tmore\n"
    );
    assert_eq!(server.ask(Method::GET, "/api/logs", &[], "").await.status, StatusCode::UNAUTHORIZED);
    for forged in ["/api/logs?token=", "/api/logs?token=AAAA", &local(&url).replace("token=", "token=A")] {
        assert_eq!(server.ask(Method::GET, forged, &[], "").await.status, StatusCode::NOT_FOUND, "{forged}");
    }
    server.house.clock.advance(TimeDelta::minutes(11));
    assert_eq!(server.ask(Method::GET, &local(&url), &[], "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn archives_are_the_files_that_are_kept() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let id = server.plane().node_id(&ada.actor, addon).await.unwrap();
    server.house.engine.logs(id, r#"{"error_severity":"LOG","message":"hello"}"#);
    let told = server.get(&ada, &format!("/api/databases/{addon}/logs_archives?page=1")).await.json();
    assert_eq!((&told["next_cursor"], &told["has_more"]), (&json!(""), &json!(false)));
    let archive = &told["archives"][0];
    assert!(archive["from"].is_string() && archive["to"].is_string() && archive["size"].is_u64(), "{told}");
    let text = server.ask(Method::GET, &local(archive["url"].as_str().unwrap()), &[], "").await;
    assert_eq!((text.status, text.text.as_str()), (StatusCode::OK, "LOG:  hello\n"));
}

#[tokio::test]
async fn the_slow_query_log_has_few_thresholds() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let path = format!("/api/databases/{addon}/slow_queries");
    for ms in [json!(500), Value::Null] {
        let answer = server.api(&ada, Method::PUT, &path, json!({"threshold_ms": ms})).await;
        assert_eq!((answer.status, &answer.json()["threshold_ms"]), (StatusCode::OK, &ms), "{}", answer.text);
        let id = server.plane().node_id(&ada.actor, addon).await.unwrap();
        let spec = server.house.engine.node(id).unwrap().spec;
        assert_eq!(json!(spec.slow_query_ms), ms);
    }
    let answer = server.api(&ada, Method::PUT, &path, json!({"threshold_ms": 7})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.json()["errors"]["threshold_ms"][0].is_string(), "{}", answer.text);
}
