//! An operation that goes well: its steps, its events, what it notes and says.

use crate::support::{Act, Site, Step};
use chrono::Duration;
use durable::Status;
use serde_json::json;
use std::time::Duration as Pause;

#[tokio::test]
async fn an_operation_runs_its_steps_in_order_and_tells_each() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    let asked = site.store.load(id).await;
    assert_eq!(
        (asked.status, asked.started_at, asked.params),
        (Status::Pending, None, json!({ "floors": 2 }))
    );

    let row = site.finish(id).await;

    assert_eq!(row.status, Status::Succeeded);
    assert_eq!(row.finished_at, Some(asked.created_at));
    assert_eq!((row.lease_token, row.lease_until, row.error.is_none()), (None, None, true));
    assert_eq!(site.world.done(id), Step::FORWARD);
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
    assert_eq!(row.memo, json!({ "steps": ["dig", "pour", "raise"] }));
    assert_eq!(
        site.store.history(id).await,
        [
            "dig requested",
            "dig started",
            "dig log",
            "dig step_done",
            "pour started",
            "pour log",
            "pour step_done",
            "raise started",
            "raise log",
            "raise step_done",
            "raise finished",
        ]
    );
    assert_eq!(site.store.told(id, "requested").await, [json!({ "actor": { "user": "ada" } })]);
    assert_eq!(site.store.told(id, "log").await[0], json!({ "text": "dig is done" }));
    assert_eq!(site.store.told(id, "finished").await, [json!({ "status": "succeeded" })]);
}

#[tokio::test]
async fn a_step_that_must_wait_looks_again_and_says_why_once() {
    let site = Site::new().await;
    site.world.plan(Step::Pour, [Act::Again(Pause::from_secs(5)), Act::Again(Pause::from_secs(5))]);
    let id = site.ask("plot:1").await;
    let worker = site.worker();

    assert!(worker.run_once().await.unwrap(), "dig");
    assert!(worker.run_once().await.unwrap(), "pour, waiting");
    assert_eq!(site.store.load(id).await.status, Status::Waiting);
    assert!(!worker.run_once().await.unwrap(), "not due yet");
    site.clock.advance(Duration::seconds(5));
    assert!(worker.run_once().await.unwrap(), "pour, waiting");
    site.clock.advance(Duration::seconds(5));

    let row = site.finish(id).await;
    assert_eq!(row.status, Status::Succeeded);
    assert_eq!(site.store.told(id, "progress").await, [json!({ "detail": "The ground is frozen" })]);
    let elapsed = site.store.told(id, "step_done").await;
    assert_eq!(elapsed[1], json!({ "elapsed_ms": 10_000 }), "waiting counts as time of the step");
    let starts = site.store.history(id).await.iter().filter(|e| *e == "pour started").count();
    assert_eq!(starts, 1);
}

#[tokio::test]
async fn the_expected_time_is_the_median_once_three_have_succeeded() {
    let site = Site::new().await;
    for minutes in [4, 1, 2] {
        assert_eq!(durable::median_ms(&site.store.pool, "house").await.unwrap(), None);
        let id = site.ask("plot:1").await;
        site.world.plan(Step::Raise, [Act::Again(Pause::from_secs(60 * minutes))]);
        let worker = site.worker();
        for _ in 0..3 {
            assert!(worker.run_once().await.unwrap());
        }
        site.clock.advance(Duration::minutes(minutes as i64));
        assert!(worker.run_once().await.unwrap());
        assert_eq!(site.store.load(id).await.status, Status::Succeeded);
    }
    assert_eq!(durable::median_ms(&site.store.pool, "house").await.unwrap(), Some(120_000));
}

#[tokio::test]
async fn lists_are_newest_first_and_by_subject() {
    let site = Site::new().await;
    let first = site.ask("plot:1").await;
    site.finish(first).await;
    site.clock.advance(Duration::seconds(1));
    let second = site.ask("plot:1").await;
    let other = site.ask("plot:2").await;
    let list = async |subjects: Option<Vec<String>>, live| {
        let filter = durable::Filter { subjects, live, limit: 10 };
        let rows = durable::list(&site.store.pool, &filter).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, false).await, [other, second, first]);
    assert_eq!(list(Some(vec!["plot:1".into()]), false).await, [second, first]);
    assert_eq!(list(Some(vec!["plot:1".into(), "plot:2".into()]), true).await, [other, second]);
    assert_eq!(durable::live_for(&site.store.pool, "plot:1").await.unwrap().unwrap().id, second);
}

#[test]
fn the_stored_labels_never_change() {
    let labels: Vec<_> = Step::FORWARD.map(durable::typed::label).into();
    assert_eq!(labels, ["dig", "pour", "raise"]);
    assert_eq!(durable::typed::step::<Step>("pour"), Some(Step::Pour));
    assert_eq!(durable::typed::step::<Step>("paint"), None);
}
