//! Asking for operations: one at a time per subject, the same twice is one, keys are for one request.

use crate::support::{Site, Store};
use durable::{Clock as _, EnqueueError, Enqueued, Idempotency, NewOperation};
use serde_json::json;

async fn ask(site: &Site, new: NewOperation) -> Result<Enqueued, EnqueueError> {
    let mut tx = site.store.pool.begin().await.unwrap();
    let enqueued = durable::enqueue(&mut tx, site.clock.now(), new).await?;
    tx.commit().await.unwrap();
    Ok(enqueued)
}

fn with_key(subject: &str, principal: &str, key: &str, body: &str) -> NewOperation {
    let idempotency =
        Idempotency { principal: principal.into(), key: key.into(), fingerprint: body.as_bytes().to_vec() };
    NewOperation { idempotency: Some(idempotency), ..Store::house(subject) }
}

#[tokio::test]
async fn asking_twice_for_the_same_gives_the_same_operation() {
    let site = Site::new().await;
    let first = ask(&site, Store::house("plot:1")).await.unwrap();
    let again = ask(&site, Store::house("plot:1")).await.unwrap();
    assert_eq!(again, Enqueued::Existing(first.id()));
    site.finish(first.id()).await;
    let later = ask(&site, Store::house("plot:1")).await.unwrap();
    assert!(matches!(later, Enqueued::New(_)), "the first has ended");
}

#[tokio::test]
async fn another_operation_on_the_subject_is_refused_with_the_one_in_the_way() {
    let site = Site::new().await;
    let first = ask(&site, Store::house("plot:1")).await.unwrap();
    for other in [
        NewOperation { params: json!({ "floors": 3 }), ..Store::house("plot:1") },
        NewOperation { kind: "garden", ..Store::house("plot:1") },
    ] {
        match ask(&site, other).await {
            Err(EnqueueError::Busy { operation, kind }) => {
                assert_eq!((operation, kind.as_str()), (first.id(), "house"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(ask(&site, Store::house("plot:2")).await, Ok(Enqueued::New(_))));
}

#[tokio::test]
async fn of_many_that_ask_at_once_one_wins() {
    let site = Site::new().await;
    let asks = (0..20).map(|_| ask(&site, Store::house("plot:1")));
    let answers = futures::future::join_all(asks).await;
    let new = answers.iter().filter(|a| matches!(a, Ok(Enqueued::New(_)))).count();
    let ids: std::collections::HashSet<_> = answers.iter().map(|a| a.as_ref().unwrap().id()).collect();
    assert_eq!((new, ids.len()), (1, 1));
}

#[tokio::test]
async fn the_same_key_and_body_gives_the_same_operation_even_when_it_has_ended() {
    let site = Site::new().await;
    let first = ask(&site, with_key("plot:1", "ada", "k1", "a house")).await.unwrap();
    site.finish(first.id()).await;
    // A client that asks again would make up another subject: its first answer was lost.
    let again = ask(&site, with_key("plot:2", "ada", "k1", "a house")).await.unwrap();
    assert_eq!(again, Enqueued::Existing(first.id()));
    let other = ask(&site, with_key("plot:2", "bob", "k1", "a house")).await.unwrap();
    assert!(matches!(other, Enqueued::New(_)), "keys of different principals never meet");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let site = Site::new().await;
    ask(&site, with_key("plot:1", "ada", "k1", "a house")).await.unwrap();
    let reused = ask(&site, with_key("plot:2", "ada", "k1", "a castle")).await;
    assert!(matches!(reused, Err(EnqueueError::KeyReused)), "{reused:?}");
}

#[tokio::test]
async fn the_same_key_at_the_same_instant_gives_one_operation() {
    let site = Site::new().await;
    let asks = (0..10).map(|n| {
        let new = with_key(&format!("plot:{n}"), "ada", "k1", "a house");
        ask(&site, new)
    });
    let answers = futures::future::join_all(asks).await;
    let new = answers.iter().filter(|a| matches!(a, Ok(Enqueued::New(_)))).count();
    let ids: std::collections::HashSet<_> = answers.iter().map(|a| a.as_ref().unwrap().id()).collect();
    assert_eq!((new, ids.len()), (1, 1));
}

#[tokio::test]
async fn forgotten_keys_may_be_used_again() {
    let site = Site::new().await;
    ask(&site, with_key("plot:1", "ada", "k1", "a house")).await.unwrap();
    site.clock.advance(chrono::Duration::hours(25));
    let before = site.clock.now() - chrono::Duration::hours(24);
    assert_eq!(durable::forget_keys(&site.store.pool, before).await.unwrap(), 1);
    assert!(matches!(ask(&site, with_key("plot:2", "ada", "k1", "a castle")).await, Ok(Enqueued::New(_))));
}

#[tokio::test]
async fn a_request_that_is_rolled_back_leaves_nothing() {
    let site = Site::new().await;
    let mut tx = site.store.pool.begin().await.unwrap();
    durable::enqueue(&mut tx, site.clock.now(), with_key("plot:1", "ada", "k1", "a house")).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(durable::live_for(&site.store.pool, "plot:1").await.unwrap().is_none());
    assert!(matches!(ask(&site, with_key("plot:1", "ada", "k1", "a castle")).await, Ok(Enqueued::New(_))));
}

#[tokio::test]
async fn an_operation_that_is_being_taken_back_is_not_the_same() {
    let site = Site::new().await;
    let first = ask(&site, Store::house("plot:1")).await.unwrap();
    assert!(durable::request_cancel(&site.store.pool, site.clock.now(), first.id()).await.unwrap());
    let again = ask(&site, Store::house("plot:1")).await;
    assert!(matches!(again, Err(EnqueueError::Busy { .. })), "{again:?}");
}
