//! A worker that dies, hangs or comes late: the work is done once all the same, and a stale worker changes nothing.

use crate::support::{self, Act, Site, Step};
use chrono::Duration;
use durable::{Clock as _, Status, Worker, WorkerConfig};
use std::sync::atomic::Ordering;
use std::time::Duration as Pause;

/// Runs one step until it hangs, then drops the worker where it stands: what a kill looks like to the store.
async fn kill_while_hanging(site: &Site, worker: &Worker) {
    tokio::select! {
        ran = worker.run_once() => panic!("the step was to hang, it gave {ran:?}"),
        () = site.world.hanging.notified() => {}
    }
}

/// Runs single steps until the operation is due at `step`.
async fn run_up_to(site: &Site, id: uuid::Uuid, step: Step) {
    while site.store.load(id).await.step != step.label() {
        assert!(site.worker().run_once().await.unwrap());
    }
}

#[tokio::test]
async fn killed_at_any_point_of_any_step_the_work_is_done_once() {
    for act in [Act::HangBeforeActing, Act::HangAfterActing, Act::HangInTransaction] {
        for step in Step::FORWARD {
            let site = Site::new().await;
            let id = site.ask("plot:1").await;
            run_up_to(&site, id, step).await;
            site.world.plan(step, [act.clone()]);
            kill_while_hanging(&site, &site.worker()).await;

            assert!(!site.worker().run_once().await.unwrap(), "the dead worker's lease holds");
            site.clock.advance(Duration::seconds(61));
            let row = site.finish(id).await;

            assert_eq!(row.status, Status::Succeeded, "{act:?} in {step:?}");
            assert_eq!(site.world.runs(id, step), 2, "{act:?} in {step:?}");
            assert_eq!(site.world.done(id), Step::FORWARD, "{act:?} in {step:?}");
            assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"], "{act:?} in {step:?}");
        }
    }
}

#[tokio::test]
async fn killed_while_unwinding_the_unwinding_goes_on() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Pour, [Act::GiveUp]);
    run_up_to(&site, id, Step::Demolish).await;
    site.world.plan(Step::Demolish, [Act::HangAfterActing]);
    kill_while_hanging(&site, &site.worker()).await;
    site.clock.advance(Duration::seconds(61));

    let row = site.finish(id).await;
    assert_eq!(row.status, Status::Failed);
    assert_eq!(site.world.runs(id, Step::Demolish), 2);
    assert_eq!(site.store.effects(id).await, ["demolish", "dig"]);
}

#[tokio::test]
async fn killed_twice_it_still_comes_to_its_end() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::HangAfterActing, Act::HangInTransaction]);
    for _ in 0..2 {
        kill_while_hanging(&site, &site.worker()).await;
        site.clock.advance(Duration::seconds(61));
    }
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
}

#[tokio::test]
async fn a_stale_worker_that_comes_late_changes_nothing() {
    let wait = Act::HangThenWait(Pause::from_secs(3600));
    for act in [Act::HangAfterActing, Act::HangThenIgnoreTheLease, wait] {
        let site = Site::new().await;
        let id = site.ask("plot:1").await;
        site.world.plan(Step::Dig, [act.clone()]);
        let (stale, fresh) = (site.worker(), site.worker());
        let late = stale.run_once();
        let meanwhile = async {
            site.world.hanging.notified().await;
            site.clock.advance(Duration::seconds(61));
            assert!(fresh.run_once().await.unwrap(), "the lease ran out");
            let history = site.store.history(id).await;
            site.world.gate.notify_one();
            history
        };
        let (_, history) = tokio::join!(late, meanwhile);

        assert_eq!(site.store.history(id).await, history, "{act:?}");
        assert_eq!(site.store.load(id).await.step, "pour", "{act:?}");
        assert_eq!(site.store.effects(id).await, ["dig"], "{act:?}");
        assert_eq!(site.finish(id).await.status, Status::Succeeded, "{act:?}");
    }
}

#[tokio::test]
async fn a_worker_that_sees_its_lease_lost_drops_the_step() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let watchful = WorkerConfig { renew: Pause::from_millis(200), ..support::config() };
    let (stale, fresh) = (site.worker_with(watchful), site.worker());
    let meanwhile = async {
        site.world.hanging.notified().await;
        for _ in 0..20 {
            site.clock.advance(Duration::seconds(61));
            // Between the two the stale one may renew its lease, by the clock on the wall.
            if fresh.run_once().await.unwrap() {
                return;
            }
        }
        panic!("the lease never ran out");
    };
    let (ran, ()) = tokio::join!(stale.run_once(), meanwhile);
    assert!(ran.unwrap());
    assert_eq!(site.world.dropped.load(Ordering::SeqCst), 1, "nobody opened the gate");
    assert_eq!(site.store.effects(id).await, ["dig"]);
}

#[tokio::test]
async fn a_renewed_lease_keeps_others_away() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let watchful = WorkerConfig { renew: Pause::from_millis(20), ..support::config() };
    let (holder, other) = (site.worker_with(watchful), site.worker());
    let meanwhile = async {
        site.world.hanging.notified().await;
        for _ in 0..4 {
            // Read before time goes on: while it stands, a renewal changes nothing.
            let until = site.store.load(id).await.lease_until;
            site.clock.advance(Duration::seconds(40));
            while site.store.load(id).await.lease_until == until {
                tokio::time::sleep(Pause::from_millis(5)).await;
            }
            assert!(!other.run_once().await.unwrap());
        }
        site.world.gate.notify_one();
    };
    let (ran, ()) = tokio::join!(holder.run_once(), meanwhile);
    assert!(ran.unwrap());
    assert_eq!(site.store.load(id).await.step, "pour");
}

#[tokio::test]
async fn a_panic_is_a_failure_of_the_step_and_not_of_the_worker() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::Panic]);
    assert!(site.worker().run_once().await.unwrap());
    let retrying = site.store.told(id, "retrying").await;
    assert_eq!(retrying[0]["message"], "Paddock made a mistake in this step; its own log has the details.");
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn time_without_a_worker_does_not_count_against_the_deadline() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Pour, [Act::HangAfterActing]);
    run_up_to(&site, id, Step::Pour).await;
    kill_while_hanging(&site, &site.worker()).await;
    site.clock.advance(Duration::hours(8));
    assert_eq!(site.finish(id).await.status, Status::Succeeded);
}

#[tokio::test]
async fn the_only_control_plane_goes_on_at_once_after_a_kill() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    kill_while_hanging(&site, &site.worker()).await;
    assert_eq!(durable::end_all_leases(&site.store.pool, site.clock.now()).await.unwrap(), 1);
    assert!(site.worker().run_once().await.unwrap());
    assert_eq!(site.store.load(id).await.step, "pour");
}

#[tokio::test]
async fn every_step_bears_being_run_twice() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    while !site.store.load(id).await.status.ended() {
        assert!(site.worker().run_once_and_die().await.unwrap());
        site.clock.advance(Duration::seconds(61));
        assert!(site.worker().run_once().await.unwrap());
    }
    assert_eq!(site.world.done(id), Step::FORWARD);
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
    let retrying = site.store.told(id, "retrying").await;
    assert_eq!(retrying.len(), 3);
    assert_eq!(retrying[0]["message"], "Paddock stopped in the middle of this step; running it again.");
}

#[tokio::test]
async fn a_step_that_takes_the_process_with_it_each_time_is_given_up() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    for _ in 0..9 {
        assert!(site.worker().run_once_and_die().await.unwrap());
        durable::end_all_leases(&site.store.pool, site.clock.now()).await.unwrap();
    }
    let row = site.finish(id).await;
    assert_eq!(row.status, Status::Failed);
    assert_eq!(row.error.unwrap().0.message, "Paddock stopped 9 times in the middle of this step.");
    assert_eq!(site.world.runs(id, Step::Dig), 9);
    assert_eq!(site.store.effects(id).await, ["demolish"]);
}
