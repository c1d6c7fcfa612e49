//! Steps that fail: tried again, taken back, pushed forward, or left to a person; late ones and cancelled ones.

use crate::support::{self, Act, Plan, Site, Step};
use chrono::Duration;
use durable::{Clock as _, OnFailure, Status};
use serde_json::json;
use std::time::Duration as Pause;

#[tokio::test]
async fn a_failure_at_any_step_is_tried_again_and_then_goes_well() {
    for step in Step::FORWARD {
        let site = Site::new().await;
        let id = site.ask("plot:1").await;
        site.world.plan(step, [Act::Retry, Act::Retry]);
        let row = site.finish(id).await;
        assert_eq!((row.status, row.attempt), (Status::Succeeded, 0), "{step:?}");
        assert_eq!(site.world.runs(id, step), 3, "{step:?}");
        assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"], "{step:?}");
        let retrying = site.store.told(id, "retrying").await;
        assert_eq!(
            retrying[0],
            json!({ "message": "It rained.", "log": ["drip"], "attempt": 1, "after_ms": 500 }),
            "{step:?}"
        );
        assert_eq!(retrying[1]["after_ms"], 2000, "{step:?}");
    }
}

#[tokio::test]
async fn the_pause_before_another_try_is_kept() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::Retry]);
    let worker = site.worker();
    assert!(worker.run_once().await.unwrap());
    let row = site.store.load(id).await;
    assert_eq!((row.status, row.attempt), (Status::Waiting, 1));
    site.clock.advance(Duration::milliseconds(499));
    assert!(!worker.run_once().await.unwrap());
    site.clock.advance(Duration::milliseconds(1));
    assert!(worker.run_once().await.unwrap());
}

#[tokio::test]
async fn a_step_that_gives_up_is_unwound() {
    for (step, effects) in [(Step::Dig, vec!["demolish"]), (Step::Pour, vec!["demolish", "dig"])] {
        let site = Site::new().await;
        let id = site.ask("plot:1").await;
        site.world.plan(step, [Act::GiveUp]);
        let row = site.finish(id).await;
        assert_eq!((row.status, row.needs_attention), (Status::Failed, false));
        let error = row.error.unwrap().0;
        assert_eq!((error.message.as_str(), error.step), ("There is rock.", step.label()));
        assert_eq!(site.store.effects(id).await, effects);
        assert_eq!(site.store.told(id, "unwinding").await, [json!({ "to": "demolish" })]);
        assert_eq!(site.store.told(id, "finished").await, [json!({ "status": "failed" })]);
    }
}

#[tokio::test]
async fn a_step_that_fails_nine_times_is_unwound() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Pour, vec![Act::Retry; 9]);
    let row = site.finish(id).await;
    assert_eq!(row.status, Status::Failed);
    assert_eq!(site.world.runs(id, Step::Pour), 9);
    assert_eq!(row.error.unwrap().0.log, ["drip"]);
}

#[tokio::test]
async fn a_step_with_no_way_back_keeps_trying() {
    let mut site = Site::new().await;
    site.plan = Plan { on_failure: |_| OnFailure::Forward, ..Plan::default() };
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Raise, vec![Act::Retry; 12]);
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention), (Status::Succeeded, false));
    let pauses = site.store.told(id, "retrying").await;
    assert_eq!(pauses[11]["after_ms"], 60_000);
}

#[tokio::test]
async fn a_hopeless_step_with_no_way_back_calls_a_person_and_keeps_trying() {
    let mut site = Site::new().await;
    site.plan = Plan { on_failure: |_| OnFailure::Forward, ..Plan::default() };
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::GiveUp]);
    assert!(site.worker().run_once().await.unwrap());
    let row = site.store.load(id).await;
    assert_eq!((row.status, row.needs_attention), (Status::Waiting, true));
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention), (Status::Succeeded, false));
}

#[tokio::test]
async fn a_step_left_to_a_person_stops_and_goes_on_when_told_to() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Raise, [Act::GiveUp]);
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention, row.step.as_str()), (Status::Failed, true, "raise"));

    let mut conn = site.store.pool.acquire().await.unwrap();
    assert!(durable::retry(&mut conn, site.clock.now(), id).await.unwrap());
    assert!(!durable::retry(&mut conn, site.clock.now(), id).await.unwrap(), "it runs already");
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention, row.error.is_none()), (Status::Succeeded, false, true));
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
}

#[tokio::test]
async fn a_retry_waits_for_nobody_else_on_the_subject() {
    let site = Site::new().await;
    let failed = site.ask("plot:1").await;
    site.world.plan(Step::Raise, [Act::GiveUp]);
    site.finish(failed).await;
    let live = site.ask("plot:1").await;
    let mut conn = site.store.pool.acquire().await.unwrap();
    match durable::retry(&mut conn, site.clock.now(), failed).await {
        Err(durable::EnqueueError::Busy { operation, kind }) => {
            assert_eq!((operation, kind.as_str()), (live, "house"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_unwinding_that_fails_is_left_to_a_person_with_both_reasons() {
    let mut site = Site::new().await;
    site.plan.on_failure = |_| OnFailure::Unwind(Step::Demolish);
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Pour, [Act::GiveUp]);
    site.world.plan(Step::Demolish, [Act::GiveUp]);
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention, row.step.as_str()), (Status::Failed, true, "demolish"));
    assert_eq!(row.error.unwrap().0.cause.unwrap().step, "pour");

    let mut conn = site.store.pool.acquire().await.unwrap();
    assert!(durable::retry(&mut conn, site.clock.now(), id).await.unwrap());
    assert_eq!(site.store.load(id).await.status, Status::RollingBack);
    let row = site.finish(id).await;
    assert_eq!((row.status, row.needs_attention), (Status::Failed, false));
    assert_eq!(row.error.unwrap().0.step, "pour");
}

#[tokio::test]
async fn an_operation_past_its_deadline_is_unwound() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Pour, [Act::TakeAnHourAndFail]);
    let row = site.finish(id).await;
    assert_eq!(row.status, Status::Failed);
    assert_eq!(row.error.unwrap().0.message, "It took longer than its limit of 30 minutes.");
    assert_eq!(site.world.runs(id, Step::Pour), 1, "it is not tried again");
    assert_eq!(site.store.effects(id).await, ["demolish", "dig"]);
}

#[tokio::test]
async fn an_operation_past_its_deadline_with_no_way_back_calls_a_person_and_goes_on() {
    let mut site = Site::new().await;
    site.plan = Plan { on_failure: |_| OnFailure::Forward, ..Plan::default() };
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::TakeAnHourAndFail]);
    assert!(site.worker().run_once().await.unwrap(), "fails after an hour");
    site.clock.advance(Duration::seconds(1));
    assert!(site.worker().run_once().await.unwrap(), "is late");
    assert!(site.store.load(id).await.needs_attention);
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_step_that_never_ends_is_dropped_at_the_deadline() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let watchful = durable::WorkerConfig { renew: Pause::from_millis(20), ..support::config() };
    let worker = site.worker_with(watchful);
    let meanwhile = async {
        site.world.hanging.notified().await;
        site.clock.advance(Duration::minutes(31));
    };
    let (ran, ()) = tokio::join!(worker.run_once(), meanwhile);
    assert!(ran.unwrap());
    assert_eq!(site.store.load(id).await.status, Status::RollingBack);
    assert_eq!(site.finish(id).await.status, Status::Failed);
}

#[tokio::test]
async fn a_cancel_before_the_point_of_no_return_unwinds() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    assert!(site.worker().run_once().await.unwrap(), "dig");
    for _ in 0..2 {
        assert!(durable::request_cancel(&site.store.pool, site.clock.now(), id).await.unwrap());
    }
    let row = site.finish(id).await;
    assert_eq!((row.status, row.error.is_none()), (Status::Cancelled, true));
    assert_eq!(site.store.effects(id).await, ["demolish", "dig"]);
    assert_eq!(site.store.told(id, "cancel_requested").await.len(), 1, "told once");
    assert!(!durable::request_cancel(&site.store.pool, site.clock.now(), id).await.unwrap(), "it has ended");
}

#[tokio::test]
async fn a_cancel_past_the_point_of_no_return_changes_nothing() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    for _ in 0..2 {
        assert!(site.worker().run_once().await.unwrap());
    }
    assert!(durable::request_cancel(&site.store.pool, site.clock.now(), id).await.unwrap());
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn a_cancel_in_the_middle_of_a_waiting_step_is_not_lost() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::Again(Pause::from_secs(3600))]);
    let worker = site.worker();
    assert!(worker.run_once().await.unwrap());
    assert!(!worker.run_once().await.unwrap(), "not due for an hour");
    assert!(durable::request_cancel(&site.store.pool, site.clock.now(), id).await.unwrap());
    assert!(worker.run_once().await.unwrap(), "due at once");
    assert_eq!(site.store.load(id).await.status, Status::RollingBack);
}

#[tokio::test]
async fn a_step_whose_writes_cannot_be_committed_has_failed() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::BreakTransaction]);
    assert!(site.worker().run_once().await.unwrap());
    let row = site.store.load(id).await;
    assert_eq!((row.status, row.attempt, row.lease_token), (Status::Waiting, 1, None));
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
}

#[tokio::test]
async fn words_that_postgresql_cannot_keep_do_not_stop_the_log() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::GiveUpWithNul]);
    let error = site.finish(id).await.error.unwrap().0;
    assert_eq!((error.message.as_str(), error.log), ("There is  rock.", vec![String::new()]));
}
