//! The way out of a disk that is nearly full: a button that allows writes for a while.

use crate::{
    house::Server,
    sessions::{FORM, HTML, OURS, signed_in},
};
use axum::http::{Method, StatusCode};
use control::engine::{Engine as _, NodeSpec};

#[tokio::test]
async fn a_button_allows_writes_for_a_while() {
    let server = Server::new().await;
    server.operator("ada").await;
    let bob = server.person("bob").await;
    let id = server.ready(&bob, "my-app").await.addon.id;
    let node = server.plane().node_id(&bob.actor, id).await.unwrap();
    let cookie = signed_in(&server).await;
    let press = async |cookie: &str, id: &str| {
        let headers = [FORM, HTML, OURS, ("cookie", cookie)];
        server.ask(Method::POST, "/do/allow_writes", &headers, &format!("id={id}")).await
    };
    let path = format!("/databases/{id}");
    let shown = async || server.ask(Method::GET, &path, &[HTML, ("cookie", &cookie)], "").await.text;
    let spec = || server.house.engine.node(node).unwrap().spec;

    // There is room: no button, and whoever presses it all the same is told.
    assert!(!shown().await.contains("Allow writes for 15 minutes"));
    let refused = press(&cookie, &id.to_string()).await;
    assert!(
        refused.text.contains("Writes are allowed: the disk has room."),
        "{} {}",
        refused.status,
        refused.text
    );

    // As the guard leaves it (its own tests are the core's).
    let sql = "UPDATE database SET read_only = true, disk_level = 95";
    let done = sqlx::query(sql).execute(&server.house.store.pool).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    server.house.engine.configure(&NodeSpec { read_only: true, ..spec() }).await.unwrap();
    assert!(spec().read_only);
    assert!(shown().await.contains("New transactions are read-only."));

    let stranger = press("", &id.to_string()).await;
    assert!(stranger.header("location").starts_with("/login"), "{} {}", stranger.status, stranger.text);
    assert!(shown().await.contains("New transactions are read-only."));

    let pressed = press(&cookie, &id.to_string()).await;
    assert_eq!(pressed.status, StatusCode::FOUND, "{}", pressed.text);
    assert_eq!(pressed.header("location"), path);
    let open = shown().await;
    assert!(open.contains("Writes are allowed until") && !open.contains("Allow writes for 15 minutes"));
    assert!(!spec().read_only, "the server was told");
}
