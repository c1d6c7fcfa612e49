//! Live streams of operations.

use crate::house::{Server, order};
use axum::{
    body::{Body, BodyDataStream},
    http::{Method, Request, StatusCode},
};
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;
use tower::ServiceExt;

/// One event of a stream.
struct Event {
    id: String,
    data: Value,
}

async fn open(server: &Server, jwt: &str, operation: &str, last: Option<&str>) -> axum::response::Response {
    let mut request = Request::get(format!("/v1/operations/{operation}/events"))
        .header("authorization", format!("Bearer {jwt}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    server.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

/// What comes next of a stream.
async fn piece(stream: &mut BodyDataStream) -> Option<String> {
    let piece = timeout(Duration::from_secs(20), stream.next()).await.expect("the stream goes on")?;
    Some(String::from_utf8(piece.unwrap().to_vec()).unwrap())
}

/// Reads events until the stream ends; its beginning may have been read already.
async fn read(begun: String, mut stream: BodyDataStream) -> Vec<Event> {
    let mut text = begun;
    while let Some(piece) = piece(&mut stream).await {
        text.push_str(&piece);
    }
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| block.contains("data:")) {
        let field =
            |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        assert_eq!(field("event:"), "operation");
        events.push(Event { id: field("id:").into(), data: serde_json::from_str(field("data:")).unwrap() });
    }
    events
}

#[tokio::test]
async fn an_operation_is_followed_to_its_end() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let made = server.post(&ada, "/v1/apps/my-app/addons", order("postgresql-starter-512")).await.json();
    let operation = made["operation_id"].as_str().unwrap();

    let response = open(&server, &ada.jwt, operation, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    // Nobody works on it yet.
    let first = piece(&mut stream).await.expect("an event");
    let (events, ()) = tokio::join!(read(first, stream), server.house.settle());
    assert_eq!(events[0].data["status"], "pending");
    assert!(events.len() >= 2, "it was seen on its way: {}", events.len());
    let last = events.last().unwrap();
    assert_eq!((&last.data["status"], &last.data["id"]), (&"succeeded".into(), &operation.into()));
    assert!(events.iter().all(|event| !event.data.to_string().contains("password")));

    // Who has seen the end is not told again, and a browser stops asking.
    assert_eq!(open(&server, &ada.jwt, operation, Some(&last.id)).await.status(), StatusCode::NO_CONTENT);
    // Who has not is told the end and nothing else.
    let rest = open(&server, &ada.jwt, operation, Some(&events[0].id)).await;
    let rest = read(String::new(), rest.into_body().into_data_stream()).await;
    assert_eq!((rest.len(), &rest[0].id), (1, &last.id));
    let shown = server.get(&ada, &format!("/v1/operations/{operation}")).await;
    assert_eq!(shown.json()["operation"]["status"], "succeeded");
}

/// A stream ends with the token that opened it.
#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    server.app(&ada, "my-app").await;
    let made = server.post(&ada, "/v1/apps/my-app/addons", order("postgresql-starter-512")).await.json();
    let operation = made["operation_id"].as_str().unwrap();
    let response = open(&server, &ada.jwt, operation, None).await;
    let token = server.plane().tokens(&ada.actor).await.unwrap()[0].id;
    let revoke = async { server.plane().revoke_token(&ada.actor, token).await.unwrap() };
    let (events, ()) = tokio::join!(read(String::new(), response.into_body().into_data_stream()), revoke);
    assert!(events.len() <= 1, "nothing is told afterwards");
}

#[tokio::test]
async fn the_pages_stream_needs_a_session() {
    let server = Server::new().await;
    let ada = server.person("ada").await;
    let ready = server.ready(&ada, "my-app").await;
    let path = format!("/events/operations/{}", ready.operation);
    let bearer = format!("Bearer {}", ada.jwt);
    let answer = server.ask(Method::GET, &path, &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
