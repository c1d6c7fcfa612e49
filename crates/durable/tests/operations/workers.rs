//! Workers that run by themselves: woken at once, several on one store, stopped with grace.

use crate::support::{self, Act, House, Plan, Site, Step, TestClock};
use durable::{Clock, Status, SystemClock, Wake, Worker, WorkerConfig, background};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Starts a worker on the machine's clock.
fn start(site: &Site, wake: &Wake, config: WorkerConfig) -> (watch::Sender<bool>, JoinHandle<()>) {
    let house = House { world: Arc::clone(&site.world), plan: Plan::default(), clock: TestClock::new() };
    let worker =
        Worker::new(site.store.pool.clone(), Arc::new(SystemClock), vec![durable::typed(house)], config);
    let (stop, stopped) = watch::channel(false);
    let wake = wake.subscribe();
    (stop, background::spawn("worker", async move { worker.run(wake, stopped).await }))
}

/// Waits until an operation has a status.
async fn until(site: &Site, id: uuid::Uuid, status: Status) {
    let began = Instant::now();
    while site.store.load(id).await.status != status {
        assert!(began.elapsed() < Duration::from_secs(20), "{:#?}", site.store.load(id).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the listener listens.
async fn listening(wake: &Wake) {
    wake.subscribe().wait_for(|ticks| *ticks > 0).await.unwrap();
}

#[tokio::test]
async fn a_new_operation_wakes_an_idle_worker_without_polling() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    let (_stop, _worker) = start(&site, &wake, support::config());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    // It polls once an hour: that it ends within the time of `until` is the wake-up's work.
    until(&site, id, Status::Succeeded).await;
}

#[tokio::test]
async fn polling_is_the_net_when_nobody_listens() {
    let site = Site::new().await;
    let deaf = watch::channel(0).1;
    let worker = {
        let house = House { world: Arc::clone(&site.world), plan: Plan::default(), clock: TestClock::new() };
        let config = WorkerConfig { poll: Duration::from_millis(50), ..support::config() };
        Worker::new(site.store.pool.clone(), Arc::new(SystemClock), vec![durable::typed(house)], config)
    };
    let (_stop, stopped) = watch::channel(false);
    background::spawn("worker", async move { worker.run(deaf, stopped).await });
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    until(&site, id, Status::Succeeded).await;
}

#[tokio::test]
async fn a_wake_up_in_the_middle_of_a_step_is_not_lost() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    let worker = site.worker();
    site.world.plan(Step::Dig, [Act::HangThenWait(Duration::from_secs(3600))]);
    let meanwhile = async {
        site.world.hanging.notified().await;
        assert!(durable::nudge(&site.store.pool, site.clock.now(), id).await.unwrap());
        site.world.gate.notify_one();
    };
    let (ran, ()) = tokio::join!(worker.run_once(), meanwhile);
    assert!(ran.unwrap());
    let row = site.store.load(id).await;
    assert!(row.run_at <= site.clock.now(), "due at once, not in an hour");
    assert!(worker.run_once().await.unwrap());
}

#[tokio::test]
async fn fifty_operations_over_three_workers_are_done_once_each() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    let workers: Vec<_> = (0..3).map(|_| start(&site, &wake, support::config())).collect();
    let mut ids = vec![];
    for n in 0..50 {
        ids.push(site.store.ask(SystemClock.now(), &format!("plot:{n}")).await);
    }
    for id in &ids {
        until(&site, *id, Status::Succeeded).await;
        assert_eq!(site.store.effects(*id).await, ["dig", "pour", "raise"]);
        for step in Step::FORWARD {
            assert_eq!(site.world.runs(*id, step), 1);
        }
        assert!(
            site.store.told(*id, "retrying").await.is_empty(),
            "two workers in one operation would panic"
        );
    }
    for (stop, worker) in workers {
        stop.send(true).unwrap();
        worker.await.unwrap();
    }
}

#[tokio::test]
async fn two_workers_that_look_at_once_never_take_the_same_operation() {
    let site = Site::new().await;
    for round in 0..20 {
        let id = site.ask(&format!("plot:{round}")).await;
        let (one, two) = (site.worker(), site.worker());
        let (one, two) = tokio::join!(one.run_once(), two.run_once());
        assert!(one.unwrap() | two.unwrap());
        site.finish(id).await;
        assert_eq!(site.world.runs(id, Step::Dig), 1);
    }
}

/// The leases under which the steps of an operation are run, by a worker with room for so many.
async fn leases(concurrency: usize) -> Vec<Option<uuid::Uuid>> {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    for step in Step::FORWARD {
        site.world.plan(step, [Act::HangAfterActing]);
    }
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    let (stop, worker) = start(&site, &wake, WorkerConfig { concurrency, ..support::config() });
    let mut leases = vec![];
    for step in Step::FORWARD {
        site.world.hanging.notified().await;
        let row = site.store.load(id).await;
        assert_eq!(row.step, step.label());
        leases.push(row.lease_token);
        site.world.gate.notify_one();
    }
    until(&site, id, Status::Succeeded).await;
    // Whoever begins a step tells it once.
    assert_eq!(site.store.told(id, "started").await.len(), Step::FORWARD.len());
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
    stop.send(true).unwrap();
    worker.await.unwrap();
    leases
}

#[tokio::test]
async fn a_worker_with_room_keeps_an_operation_and_a_full_one_chooses_anew() {
    // It knows that it has room when a look has found nothing, which on a busy machine may come later than the first step.
    let mut tries = 0;
    loop {
        let mut kept = leases(2).await;
        kept.dedup();
        if kept.len() == 1 {
            break;
        }
        tries += 1;
        assert!(tries < 5, "{kept:?}");
    }
    let mut anew = leases(1).await;
    anew.dedup();
    assert_eq!(anew.len(), 3, "{anew:?}");
}

#[tokio::test]
async fn a_step_whose_commit_arrived_unheard_does_not_undo_it() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    let worker = site.worker();
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let meanwhile = async {
        site.world.hanging.notified().await;
        // What its commit leaves when the lease is kept.
        let gone_on = "UPDATE operation SET step = 'pour', step_started_at = step_started_at + interval '1 s' WHERE id = $1";
        sqlx::query(gone_on).bind(id).execute(&site.store.pool).await.unwrap();
        site.world.gate.notify_one();
    };
    let (ran, ()) = tokio::join!(worker.run_once(), meanwhile);
    assert!(ran.unwrap());
    let row = site.store.load(id).await;
    assert_eq!((row.step.as_str(), row.status, row.attempt), ("pour", Status::Running, 0));
    assert!(row.lease_token.is_some() && site.store.told(id, "step_done").await.is_empty());
}

#[tokio::test]
async fn a_worker_that_keeps_an_operation_hears_a_cancel_between_two_steps() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    let (_stop, _worker) = start(&site, &wake, WorkerConfig { concurrency: 2, ..support::config() });
    site.world.hanging.notified().await;
    assert!(durable::request_cancel(&site.store.pool, SystemClock.now(), id).await.unwrap());
    site.world.gate.notify_one();
    until(&site, id, Status::Cancelled).await;
    assert_eq!(site.world.runs(id, Step::Pour), 0);
}

#[tokio::test]
async fn a_worker_that_is_stopped_does_not_begin_another_step() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    site.world.plan(Step::Dig, [Act::HangAfterActing]);
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    let (stop, worker) = start(&site, &wake, WorkerConfig { concurrency: 2, ..support::config() });
    site.world.hanging.notified().await;
    stop.send(true).unwrap();
    site.world.gate.notify_one();
    worker.await.unwrap();
    let row = site.store.load(id).await;
    assert_eq!((row.lease_token, row.step.as_str()), (None, "pour"));
    assert_eq!(site.world.runs(id, Step::Pour), 0);
}

#[tokio::test]
async fn a_worker_that_is_stopped_gives_back_the_steps_that_do_not_end() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    site.world.plan(Step::Dig, [Act::HangInTransaction]);
    let id = site.store.ask(SystemClock.now(), "plot:1").await;
    let config = WorkerConfig { grace: Duration::from_millis(100), ..support::config() };
    let (stop, worker) = start(&site, &wake, config);
    site.world.hanging.notified().await;
    stop.send(true).unwrap();
    worker.await.unwrap();
    let row = site.store.load(id).await;
    assert_eq!((row.lease_token, row.step.as_str()), (None, "dig"));
    let (_stop, _worker) = start(&site, &wake, support::config());
    until(&site, id, Status::Succeeded).await;
    assert_eq!(site.store.effects(id).await, ["dig", "pour", "raise"]);
}

#[tokio::test]
async fn operations_of_kinds_that_a_worker_does_not_know_are_left_alone() {
    let site = Site::new().await;
    let id = site.ask("plot:1").await;
    let clock: Arc<dyn Clock> = site.clock.clone();
    let ignorant = Worker::new(site.store.pool.clone(), clock, vec![], support::config());
    assert!(!ignorant.run_once().await.unwrap());
    assert_eq!(site.store.load(id).await.status, Status::Pending);
}

#[tokio::test]
async fn looking_for_work_wakes_nobody() {
    let site = Site::new().await;
    let wake = Wake::start(site.store.pool.clone());
    listening(&wake).await;
    let mut ticks = wake.subscribe();
    ticks.mark_unchanged();
    for _ in 0..5 {
        assert!(!site.worker().run_once().await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!ticks.has_changed().unwrap());
}
