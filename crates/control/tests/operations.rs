//! Every operation, killed, repeated and broken at every step: it ends, and store and host tell the same story.

mod common;

use common::Kind;
use control::engine::EngineError;
use testkit::{Fault, House, Method, broken};
use types::operation::OperationStatus as Status;

fn hopeless() -> EngineError {
    EngineError::Foreign("the fault of a test".into())
}

fn passing() -> EngineError {
    EngineError::Other {
        message: "the reply was lost".into(),
        source: anyhow::anyhow!("a test"),
        retry: true,
    }
}

async fn assert_whole(house: &House, what: &str) {
    let broken = broken(house).await;
    assert!(broken.is_empty(), "{what}: {broken:#?}");
}

#[tokio::test]
async fn killed_before_and_after_every_call_it_goes_on() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let mut kills = 0;
    for kind in Kind::ALL {
        for &method in kind.calls() {
            for after in [false, true] {
                kills += 1;
                let (app, what) = (format!("app-{kills}"), format!("{kind:?} {method:?} after: {after}"));
                let addon = kind.prepare(&house, &owner, &app).await;
                let clusters = house.engine.calls(Method::Place);
                let operation = kind.ask(&house, &owner, &app, addon).await;
                let fault = if after { Fault::hang_after(method) } else { Fault::hang_before(method) };
                let fired = house.engine.inject(fault);
                house.work_until_it_hangs(&fired).await;
                assert_eq!(fired.times(), 1, "{what}");
                house.leases_end();
                assert_eq!(house.finish(operation).await, Status::Succeeded, "{what}");
                assert_whole(&house, &what).await;
                let places = house.engine.calls(Method::Place) - clusters;
                assert!(places <= 2, "{what}: placed {places} times");
            }
        }
    }
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        for &method in kind.calls() {
            let (app, what) = (format!("app-{n}-{method:?}").to_lowercase(), format!("{kind:?} {method:?}"));
            let addon = kind.prepare(&house, &owner, &app).await;
            let operation = kind.ask(&house, &owner, &app, addon).await;
            let fired = house.engine.inject(Fault::after(method, passing).times(2));
            assert_eq!(house.finish(operation).await, Status::Succeeded, "{what}");
            assert_eq!(fired.times(), 2, "{what}");
            assert_whole(&house, &what).await;
        }
    }
}

/// Killed between the work of a step and its record, at every step of every kind, the steps inside Paddock too.
#[tokio::test]
async fn every_step_may_run_twice() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        let app = format!("app-{n}");
        let addon = kind.prepare(&house, &owner, &app).await;
        let operation = kind.ask(&house, &owner, &app, addon).await;
        let mut deaths = 0;
        while !house.status(operation).await.ended() {
            assert!(house.worker().run_once_and_die().await.unwrap(), "{kind:?}");
            deaths += 1;
            house.leases_end();
            assert!(house.worker().run_once().await.unwrap(), "{kind:?}");
        }
        let view = house.plane.operation(&owner, operation).await.unwrap();
        assert_eq!((view.status, view.steps.len()), (Status::Succeeded, deaths), "{kind:?}");
        assert_whole(&house, &format!("{kind:?}")).await;
    }
}

/// What a kind does when one of its calls fails for good.
fn outcome(kind: Kind, method: Method) -> Option<Status> {
    match (kind, method) {
        // People may have closed the door themselves: told, and no reason to fail.
        (
            Kind::Start | Kind::Restart | Kind::Restore | Kind::ChangePlan | Kind::PitrRestore,
            Method::VerifyLogin,
        ) => Some(Status::Succeeded),
        // Forward only: it goes on trying.
        (Kind::Delete, _) => None,
        // After the switch there is no way back.
        (
            Kind::PitrRestore,
            Method::Start | Method::OpenLogin | Method::CloseOtherLogins | Method::Limit | Method::Trash,
        ) => None,
        _ => Some(Status::Failed),
    }
}

#[tokio::test]
async fn broken_at_every_call_it_is_taken_back_or_waits_and_the_next_attempt_works() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        for &method in kind.calls() {
            let (app, what) = (format!("app-{n}-{method:?}").to_lowercase(), format!("{kind:?} {method:?}"));
            let addon = kind.prepare(&house, &owner, &app).await;
            let operation = kind.ask(&house, &owner, &app, addon).await;
            // Taking back needs some of the same calls, so the fault must end; skipped calls are the way forward's.
            let fired = house.engine.inject(Fault::before(method, hopeless).times(3));
            let ended = house.work(2).await;
            assert!(fired.times() >= 1, "{what}");
            match outcome(kind, method) {
                None => {
                    assert!(!ended, "{what}: forward only");
                    house.settle().await;
                    assert_eq!(house.status(operation).await, Status::Succeeded, "{what}");
                }
                Some(expected) => {
                    house.settle().await;
                    let view = house.plane.operation(&owner, operation).await.unwrap();
                    assert_eq!(view.status, expected, "{what}: {view:#?}");
                    if expected == Status::Failed {
                        assert!(
                            view.error.as_deref().is_some_and(|e| e.contains("The fault of a test")),
                            "{what}: {view:#?}"
                        );
                    }
                    if view.can_retry {
                        house.engine.heal();
                        house.plane.retry_operation(&owner, operation).await.unwrap();
                        assert_eq!(house.finish(operation).await, Status::Succeeded, "{what}");
                    }
                }
            }
            house.engine.heal();
            assert_whole(&house, &what).await;
            let again = house.status(operation).await == Status::Failed;
            if again {
                let operation = kind.ask(&house, &owner, &app, addon).await;
                assert_eq!(house.finish(operation).await, Status::Succeeded, "{what}: second attempt");
                assert_whole(&house, &format!("{what}: second attempt")).await;
            }
        }
    }
}

#[tokio::test]
async fn taking_back_survives_kills_and_failures_too() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    for (n, method) in [Method::Stop, Method::Purge].into_iter().enumerate() {
        let app = format!("app-{n}");
        house.plane.create_app(&owner, &app).await.unwrap();
        let operation = house.order(&owner, &app).await.operation;
        let first = house.engine.inject(Fault::before(Method::CreateDatabase, hopeless));
        let killed = house.engine.inject(Fault::hang_after(method));
        house.work_until_it_hangs(&killed).await;
        house.leases_end();
        let failing = house.engine.inject(Fault::before(method, passing).times(3));
        assert_eq!(house.finish(operation).await, Status::Failed);
        assert_eq!((first.times(), killed.times(), failing.times()), (1, 1, 3), "{method:?}");
        assert_whole(&house, &format!("{method:?}")).await;
    }
}

#[tokio::test]
async fn nothing_is_stopped_that_could_not_be_started_again() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.engine.uninstall(addon.version);
    let stops = house.engine.calls(Method::Stop);
    let restart = house.plane.restart_database(&owner, addon.id, None).await.unwrap();
    assert_eq!(house.finish(restart.operation).await, Status::Failed);
    let view = house.plane.operation(&owner, restart.operation).await.unwrap();
    assert!(view.error.unwrap().contains("is not installed"));
    assert!(view.safety.contains("still runs"), "{}", view.safety);
    assert_eq!(house.engine.calls(Method::Stop), stops);
    house.engine.install(addon.version, false);

    // A plan that left the configuration: its limits are unknown, and none are made up.
    let plans = vec![types::Plan::defaults().remove(0)];
    let config = control::Config { plans, ..control::Config::default() };
    let key = control::MasterKey::from_bytes([7; 32]);
    let (pool, clock) = (house.store.pool.clone(), house.clock.clone());
    let poorer = control::ControlPlane::start(config, pool, house.rooms(), clock, key).await.unwrap();
    let refused = poorer.restart_database(&owner, addon.id, None).await.unwrap_err().problem();
    assert!(refused.message.contains("postgresql-starter-512"), "{}", refused.message);
    assert_eq!(poorer.addon(&owner, addon.id).await.unwrap().plan.name, "postgresql-starter-512");
    let stop = poorer.stop_database(&owner, addon.id, None).await.unwrap();
    assert_eq!(house.finish(stop.operation).await, Status::Succeeded);
}

#[tokio::test]
async fn an_old_wish_tried_again_does_not_outrank_a_newer_one() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let fired = house.engine.inject(Fault::before(Method::Stop, hopeless));
    let stop = house.plane.stop_database(&owner, addon.id, None).await.unwrap();
    assert_eq!(house.finish(stop.operation).await, Status::Failed);
    assert_eq!(fired.times(), 1);
    let start = house.plane.start_database(&owner, addon.id, None).await.unwrap();
    assert_eq!(house.finish(start.operation).await, Status::Succeeded);
    house.plane.retry_operation(&owner, stop.operation).await.unwrap();
    assert_eq!(house.finish(stop.operation).await, Status::Succeeded);
    assert_whole(&house, "it runs").await;
}

#[tokio::test]
async fn two_control_planes_share_the_work() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    for _ in 0..10 {
        house.order(&owner, "my-app").await;
    }
    let (one, two) = (house.worker(), house.worker());
    let (a, b) = tokio::join!(one.run_once(), two.run_once());
    assert!(a.unwrap() && b.unwrap(), "there is work for both");
    let work = async |worker: &durable::Worker| while worker.run_once().await.unwrap() {};
    tokio::join!(work(&one), work(&two));
    house.settle().await;
    for method in [Method::Place, Method::Start, Method::CreateDatabase] {
        assert_eq!(house.engine.calls(method), 10, "{method:?}: nothing was done twice");
    }
    assert_whole(&house, "shared").await;
}
