//! Numbers at the doors: the contract's shape, series over time, CSV, Prometheus, live figures.

use crate::house::{PASSWORD, Person, Server, basic};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use chrono::TimeDelta;
use control::metrics::{Collector, Keeper};
use futures::StreamExt;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;
use types::{AddonId, NodeId};

/// A server with a database that was watched for five minutes.
async fn watched() -> (Server, Person, AddonId, NodeId) {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let addon = server.ready(&ada, "my-app").await.addon.id;
    let id = *server.house.engine.nodes().keys().next().unwrap();
    let mut collector = Collector::new(server.plane().clone());
    let mut keeper = Keeper::new(server.plane().clone());
    for _ in 0..30 {
        server.house.engine.measures(id, |sample| {
            sample.cpu_us += 2_500_000;
            sample.container.memory_bytes = 100 << 20;
            sample.written_bytes += 40_960;
            sample.server.get_or_insert_default().connections = 7;
        });
        collector.round().await;
        keeper.round().await;
        server.house.clock.advance(TimeDelta::seconds(10));
    }
    (server, ada, addon, id)
}

#[tokio::test]
async fn what_it_takes_now_has_the_shape_of_the_contract() {
    let (server, ada, addon, id) = watched().await;
    let path = format!("/api/databases/{addon}/metrics");
    let answer = server.get(&ada, &path).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let told = answer.json();
    assert_eq!(told["cpu_usage"], 3.0);
    let memory = &told["memory"];
    assert_eq!((&memory["memory"], &memory["memory_max"]), (&(100 << 20).into(), &(100 << 20).into()));
    assert_eq!((&memory["memory_limit"], &memory["swap"]), (&(512 << 20).into(), &0.into()));
    assert!(memory["swap_max"].is_u64() && memory["swap_limit"].is_u64());
    assert!(told["database_size"].is_u64() && told["real_disk_size"].is_u64());
    let stats = &told["database_stats"];
    assert_eq!((&stats["current_connections"], &stats["max_connections"]), (&2.into(), &30.into()));
    assert_eq!(stats["data_size"], told["database_size"]);
    let instance = &told["instances_metrics"][id.to_string()];
    assert_eq!(
        (&instance["instance_id"], &instance["cpu"]["usage_in_percents"]),
        (&id.to_string().into(), &3.0.into())
    );
    assert!(instance["instance_address"].as_str().unwrap().contains(':'));
    assert_eq!(instance["memory"]["max_memory_usage"], 100 << 20);

    // What does not run takes nothing that could be read; its limits are known.
    server.house.engine.crash(id);
    let told = server.get(&ada, &path).await.json();
    assert_eq!((&told["memory"]["memory"], &told["cpu_usage"]), (&Value::Null, &Value::Null));
    assert_eq!(told["memory"]["memory_limit"], 512 << 20);
}

#[tokio::test]
async fn series_are_told_over_time() {
    let (server, ada, addon, id) = watched().await;
    for path in [
        format!("/api/databases/{addon}/metrics/cpu"),
        format!("/api/databases/{addon}/instances/{id}/metrics/cpu"),
    ] {
        let told = server.get(&ada, &format!("{path}?since=1&last=false")).await.json();
        assert_eq!(
            (&told["metric"], &told["unit"], &told["step"]),
            (&"cpu".into(), &"percent".into(), &10.into())
        );
        let points = told["series"][0]["points"].as_array().unwrap();
        // The first of the thirty has no rate; what was not seen is left out.
        assert_eq!(points.len(), 29);
        let last = server.plane().now().timestamp().div_euclid(10) * 10 - 10;
        assert_eq!(points[28], json!([last, 25.0, 25.0, 25.0]));
        let last = server.get(&ada, &format!("{path}?since=1&last=true")).await.json();
        assert_eq!(last["series"][0]["points"].as_array().unwrap().len(), 1);
    }
    let io = server.get(&ada, &format!("/api/databases/{addon}/metrics/diskio?since=24")).await.json();
    assert_eq!(
        (&io["series"][0]["metric"], &io["series"][1]["metric"]),
        (&"disk_reads".into(), &"disk_writes".into())
    );
    assert_eq!(io["series"][1]["points"][0][1], 4096.0);
    for (name, metric) in
        [("disk", "disk_size"), ("memory", "memory"), ("swap", "swap"), ("connections", "connections")]
    {
        let told = server.get(&ada, &format!("/api/databases/{addon}/metrics/{name}")).await.json();
        assert_eq!(told["series"][0]["metric"], metric, "{name}");
        assert!(!told["series"][0]["points"].as_array().unwrap().is_empty(), "{name}");
    }

    // The document tells what a point is: nobody else shapes it.
    let document = serde_json::to_value(server::api::openapi::document()).unwrap();
    let schemas = &document["components"]["schemas"];
    let point = &schemas["Series"]["properties"]["points"];
    assert_eq!((&point["type"], &point["items"]["type"]), (&"array".into(), &"array".into()));
    assert_eq!(point["items"]["items"]["type"], "number");
    for word in ["when it begins (seconds since the epoch)", "mean", "least", "most"] {
        assert!(point["description"].as_str().unwrap().contains(word), "{word}: {point}");
    }
    let required = |name: &str| schemas[name]["required"].as_array().unwrap().clone();
    assert_eq!(required("History"), ["metric", "unit", "step", "from", "to", "series"]);
    assert_eq!(required("Series"), ["metric", "points"]);
    assert!(io.as_object().unwrap().keys().all(|key| required("History").contains(&json!(key))));

    for since in ["0", "-1", "9601", "x", "1.5"] {
        let answer = server.get(&ada, &format!("/api/databases/{addon}/metrics/cpu?since={since}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{since}");
        assert!(answer.json()["errors"]["since"][0].is_string());
    }
    let eve = server.person("eve").await;
    for (who, path, resource) in [
        (&ada, format!("/api/databases/{addon}/metrics/weather"), "metric"),
        (&ada, format!("/api/databases/{addon}/instances/db-1/metrics/cpu"), "instance"),
        (&eve, format!("/api/databases/{addon}/metrics/cpu"), "addon"),
        (&eve, format!("/api/databases/{addon}/metrics"), "addon"),
    ] {
        let answer = server.get(who, &path).await;
        assert_eq!(
            (answer.status, &answer.json()["resource"]),
            (StatusCode::NOT_FOUND, &resource.into()),
            "{path}"
        );
    }
}

/// Signs in as the operator `ada`; answers the cookie.
async fn signed_in(server: &Server) -> String {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("sec-fetch-site", "same-origin"),
    ];
    let body = format!("identifier=root&password={}&next=%2Fapps", PASSWORD.replace(' ', "+"));
    let answer = server.ask(Method::POST, "/do/sign_in", &headers, &body).await;
    assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text);
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_table_can_be_taken_along() {
    let (server, _, addon, _) = watched().await;
    server.operator("root").await;
    let cookie = signed_in(&server).await;
    let get = |query: &str| {
        let path = format!("/databases/{addon}/metrics.csv{query}");
        let (server, cookie) = (&server, &cookie);
        async move { server.ask(Method::GET, &path, &[("cookie", cookie)], "").await }
    };
    let answer = get("?range=1h").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
    let file = answer.header("content-disposition");
    assert!(file.starts_with("attachment; filename=\"my_app_") && file.ends_with("-1h.csv\""), "{file}");
    assert!(answer.text.starts_with("time,cpu,"));
    assert_eq!(answer.text.lines().count(), 361);
    assert_eq!(answer.text.lines().filter(|line| line.contains("Z,25,104857600,")).count(), 29);
    assert_eq!(get("?range=custom&from=2026-01-01T00:00&to=2026-01-01T00:05").await.status, StatusCode::OK);
    assert_eq!(get("?range=2h").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nobody = server.ask(Method::GET, &format!("/databases/{addon}/metrics.csv"), &[], "").await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let unknown = "/databases/ad-00000000-0000-0000-0000-000000000000/metrics.csv";
    assert_eq!(
        server.ask(Method::GET, unknown, &[("cookie", &cookie)], "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn prometheus_reads_with_an_operators_token_and_nothing_else() {
    let (server, ada, _, _) = watched().await;
    let operator = server.house.person("olga", true).await;
    let (_, token) = server.plane().create_token(&operator, "prometheus").await.unwrap();
    let token = token.expose_secret();
    let (_, hers) = server.plane().create_token(&ada.actor, "hers").await.unwrap();
    let hers = hers.expose_secret();
    let jwt = server.plane().exchange_token(token, "192.0.2.1").await.unwrap();
    let scrape = |auth: String| {
        let server = &server;
        async move { server.ask(Method::GET, "/metrics", &[("authorization", &auth)], "").await }
    };
    for auth in [format!("Bearer {token}"), basic("", token)] {
        let answer = scrape(auth).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    }
    let text = scrape(format!("Bearer {token}")).await.text;
    let value = |name: &str, label: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")) && line.contains(label));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
    };
    assert_eq!(value("paddock_build_info", "version="), Some(1.0));
    assert_eq!(value("paddock_databases", "status=\"running\""), Some(1.0));
    assert_eq!(value("paddock_operations", "status=\"succeeded\""), Some(1.0));
    let mine = "app=\"my-app\",plan=\"postgresql-starter-512\"";
    assert_eq!(value("paddock_database_cpu", mine), Some(0.25), "a ratio of one core");
    assert_eq!(value("paddock_database_memory", mine), Some(f64::from(100 << 20)));
    assert_eq!(value("paddock_database_connections", mine), Some(7.0));
    assert_eq!(value("paddock_database_connections_limit", mine), Some(30.0));
    assert_eq!(value("paddock_database_cpu_limit", mine), Some(0.5));
    assert_eq!(value("paddock_database_cache_hit", mine), None, "nothing was read");
    assert!(text.contains("\npaddock_collector_samples_total 30\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(number.parse::<f64>().is_ok() && name.starts_with("paddock_"), "{line}");
        let name = name.split('{').next().unwrap();
        assert!(text.contains(&format!("# TYPE {name} ")), "{line}");
    }

    for auth in [
        String::new(),
        format!("Bearer {hers}"),
        format!("Bearer {jwt}"),
        basic("olga", token),
        basic("", "tk-us-wrong"),
    ] {
        let answer = scrape(auth).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"));
        assert!(!answer.text.contains("paddock_"), "{}", answer.text);
    }
    server.operator("root").await;
    let cookie = signed_in(&server).await;
    assert_eq!(
        server.ask(Method::GET, "/metrics", &[("cookie", &cookie)], "").await.status,
        StatusCode::UNAUTHORIZED
    );

    // What is old is not told as the present.
    server.house.clock.advance(TimeDelta::seconds(31));
    let text = scrape(format!("Bearer {token}")).await.text;
    assert!(!text.lines().any(|line| line.starts_with("paddock_database_cpu{")), "{text}");
    assert!(text.lines().any(|line| line.starts_with("paddock_database_cpu_limit{")));
}

/// Opens a stream and reads its first event: name and data.
async fn first_event(server: &Server, path: &str, cookie: &str) -> (String, String) {
    let request = Request::get(path).header("cookie", cookie).body(Body::empty()).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut body = response.into_body().into_data_stream();
    let chunk = timeout(Duration::from_secs(10), body.next()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    (field("event:"), field("data:"))
}

#[tokio::test]
async fn figures_are_told_live() {
    let (server, _, addon, id) = watched().await;
    server.operator("root").await;
    let cookie = signed_in(&server).await;
    let path = format!("/events/databases/{addon}");
    let (name, data) = first_event(&server, &path, &cookie).await;
    let figures: types::view::Figures = serde_json::from_str(&data).unwrap();
    assert_eq!(
        (name.as_str(), figures.connections, figures.container.memory_bytes),
        ("figures", 2, 100 << 20)
    );

    server.house.clock.advance(TimeDelta::seconds(1));
    server.house.engine.crash(id);
    assert_eq!(first_event(&server, &path, &cookie).await.0, "down");

    let status = |path: String, cookie: &'static str| {
        let server = &server;
        async move { server.ask(Method::GET, &path, &[("cookie", cookie)], "").await.status }
    };
    assert_eq!(status(path, "").await, StatusCode::UNAUTHORIZED);
    let nothing = "/events/databases/ad-00000000-0000-0000-0000-000000000000";
    assert_eq!(
        server.ask(Method::GET, nothing, &[("cookie", &cookie)], "").await.status,
        StatusCode::NOT_FOUND
    );
}

/// It goes on once a second, tells each change once, and ends with the session that opened it.
#[tokio::test]
async fn a_live_page_follows_and_ends_with_its_session() {
    let (server, _, addon, id) = watched().await;
    server.operator("root").await;
    let cookie = signed_in(&server).await;
    let request = Request::get(format!("/events/databases/{addon}")).header("cookie", &cookie);
    let response = server.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    let mut next = async || {
        let chunk = timeout(Duration::from_secs(10), body.next()).await.expect("the stream goes on");
        chunk.map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
    };
    assert!(next().await.unwrap().contains("event: figures"));
    assert!(next().await.unwrap().contains("event: figures"));
    server.house.engine.crash(id);
    server.house.clock.advance(TimeDelta::seconds(1));
    let mut told = next().await.unwrap();
    // One look may have been under way.
    if told.contains("event: figures") {
        told = next().await.unwrap();
    }
    assert!(told.contains("event: down"), "{told}");
    sqlx::query("DELETE FROM session").execute(&server.house.store.pool).await.unwrap();
    assert_eq!(next().await, None);
}
