//! Creating a database when the world is not as expected: strangers on ports, vanished versions, full disks.

use control::{
    Actor,
    engine::{EngineError, Volume},
};
use testkit::{Fault, House, Method, broken};
use types::operation::OperationStatus as Status;

async fn assert_whole(house: &House, what: &str) {
    let broken = broken(house).await;
    assert!(broken.is_empty(), "{what}: {broken:#?}");
}

#[tokio::test]
async fn cancelling_takes_back_until_the_login_is_proven() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    for steps in 0..5 {
        let operation = house.order(&owner, "my-app").await.operation;
        for _ in 0..steps {
            assert!(house.worker().run_once().await.unwrap());
        }
        assert!(house.plane.operation(&owner, operation).await.unwrap().can_cancel, "after {steps} steps");
        house.plane.cancel_operation(&owner, operation).await.unwrap();
        assert_eq!(house.finish(operation).await, Status::Cancelled, "after {steps} steps");
        assert_whole(&house, &format!("after {steps} steps")).await;
    }
    let operation = house.order(&owner, "my-app").await.operation;
    for _ in 0..5 {
        assert!(house.worker().run_once().await.unwrap());
    }
    let view = house.plane.operation(&owner, operation).await.unwrap();
    assert!(!view.can_cancel, "{view:#?}");
    assert!(house.plane.cancel_operation(&owner, operation).await.is_err());
    assert_eq!(house.finish(operation).await, Status::Succeeded);
}

#[tokio::test]
async fn a_stranger_on_the_port_means_another_port() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    house.engine.take_port(31000);
    house.engine.take_port(31001);
    let accepted = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    assert!(house.engine.calls(Method::Start) >= 3, "the stranger was met");
    let connection = house.plane.connection(&owner, accepted.addon.id).await.unwrap();
    assert_eq!(connection.port, 31002);
    let url = &house.plane.variables(&owner, "my-app", true).await.unwrap()[0].value;
    assert!(url.contains(":31002/"), "{url}");
    assert_whole(&house, "moved").await;
    // The strangers' ports rest: the next order does not try them.
    let starts = house.engine.calls(Method::Start);
    let next = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(next.operation).await, Status::Succeeded);
    assert_eq!(house.engine.calls(Method::Start), starts + 1);
}

#[tokio::test]
async fn nothing_but_strangers_means_giving_up() {
    let house = House::with(control::Config::default(), 31000..=31004).await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    (31000..=31004).for_each(|port| house.engine.take_port(port));
    let operation = house.order(&owner, "my-app").await.operation;
    assert_eq!(house.finish(operation).await, Status::Failed);
    assert_whole(&house, "given up").await;
    // Strangers' ports are looked at again a day later, at last.
    (31000..=31004).for_each(|port| house.engine.free_port(port));
    assert!(house.plane.provision(&owner, "my-app", new(), None).await.is_err(), "every port rests");
    house.clock.advance(chrono::TimeDelta::days(31));
    let operation = house.order(&owner, "my-app").await.operation;
    assert_eq!(house.finish(operation).await, Status::Succeeded);
}

fn new() -> control::NewAddon {
    control::NewAddon { plan: "postgresql-starter-512".into(), version: None }
}

#[tokio::test]
async fn a_version_that_vanishes_is_told_and_taken_back() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let accepted = house.order(&owner, "my-app").await;
    house.engine.uninstall(accepted.addon.version);
    assert_eq!(house.finish(accepted.operation).await, Status::Failed);
    let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
    let error = view.error.unwrap();
    assert!(error.contains("PostgreSQL 18.6 is not installed"), "{error}");
    assert_whole(&house, "vanished").await;
    house.engine.install(accepted.addon.version, false);
    let again = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(again.operation).await, Status::Succeeded);
}

#[tokio::test]
async fn what_postgresql_says_reaches_people() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let operation = house.order(&owner, "my-app").await.operation;
    let fired = house.engine.inject(
        Fault::before(Method::Start, || EngineError::Postgres {
            message: "PostgreSQL did not start".into(),
            log: vec!["FATAL:  could not map anonymous shared memory".into()],
        })
        .always(),
    );
    assert_eq!(house.finish(operation).await, Status::Failed);
    assert_eq!(fired.times(), 3, "tried a few times, not for ever");
    let view = house.plane.operation(&owner, operation).await.unwrap();
    assert_eq!(view.error.as_deref(), Some("PostgreSQL did not start"));
    assert_eq!(view.error_log, ["FATAL:  could not map anonymous shared memory"]);
    let failed: Vec<_> = view.steps.iter().map(|step| (step.key.as_str(), step.state)).collect();
    use types::operation::StepState::{Done, Failed, Skipped};
    let expected = [
        ("place", Done),
        ("configure", Done),
        ("start", Failed),
        ("create_database", Skipped),
        ("verify", Skipped),
        ("publish", Skipped),
        ("call_hook", Skipped),
        ("clean_up", Done),
    ];
    assert_eq!(failed, expected);
    assert_whole(&house, "told").await;
}

#[tokio::test]
async fn a_full_disk_is_told_in_words() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let operation = house.order(&owner, "my-app").await.operation;
    let full = || EngineError::DiskFull { volume: Volume::Data, free_bytes: 12_000_000 };
    let fired = house.engine.inject(Fault::before(Method::Place, full).always());
    assert_eq!(house.finish(operation).await, Status::Failed);
    assert_eq!(fired.times(), 3);
    let error = house.plane.operation(&owner, operation).await.unwrap().error.unwrap();
    assert!(error.starts_with("The data volume of the host is full: 12 MB are free."), "{error}");
    assert_whole(&house, "full").await;
}

#[tokio::test]
async fn an_operation_is_told_while_it_runs_and_afterwards() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let operation = house.order(&owner, "my-app").await.operation;
    let pending = house.plane.operation(&owner, operation).await.unwrap();
    assert_eq!((pending.status, pending.percent()), (Status::Pending, 0));
    house.worker().run_once().await.unwrap();
    let running = house.plane.operation(&owner, operation).await.unwrap();
    assert_eq!(running.steps[0].detail, "from the pool");
    assert!(running.percent() > 0 && running.percent() < 100);
    assert!(running.title.starts_with("Create database my_app_"), "{}", running.title);
    house.settle().await;
    let done = house.plane.operation(&owner, operation).await.unwrap();
    assert_eq!(
        (done.percent(), done.actor.as_str(), done.can_cancel, done.can_retry),
        (100, "ada", false, false)
    );
    assert!(done.log.iter().any(|line| line.text.contains("TLSv1.3")), "{:#?}", done.log);
    assert!(done.log.is_sorted_by_key(|line| line.seq));
    let all = house.plane.operations(&owner, control::OperationFilter::default()).await.unwrap();
    assert_eq!(all.len(), 1);
    let system =
        house.plane.operations(&Actor::System, control::OperationFilter { live: true, ..Default::default() });
    assert!(system.await.unwrap().is_empty());
}
