//! The supervisor: brings back what crashed, leaves alone what is not its business.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{
    Activity,
    engine::{EngineError, NodeSpec},
    supervisor::Supervisor,
};
use testkit::{Fault, House, Method, broken};
use types::{NodeId, PgVersion, Plan, status::DatabaseStatus};
use uuid::Uuid;

fn only(house: &House) -> NodeId {
    *house.engine.nodes().keys().next().unwrap()
}

#[tokio::test]
async fn a_crashed_database_is_brought_back_and_it_is_told() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let mut supervisor = Supervisor::new(house.plane.clone());
    supervisor.round().await.unwrap();
    let starts = house.engine.calls(Method::Start);
    house.engine.crash(only(&house));
    assert_eq!(house.plane.addon(&owner, addon.id).await.unwrap().database_status, DatabaseStatus::Down);
    supervisor.round().await.unwrap();
    assert_eq!(house.engine.calls(Method::Start), starts + 1);
    assert_eq!(house.plane.addon(&owner, addon.id).await.unwrap().database_status, DatabaseStatus::Running);
    let told = house.plane.activity(&owner, Activity::Addon(addon.id), 10).await.unwrap();
    let titles: Vec<_> = told.iter().map(|event| event.title.as_str()).collect();
    assert!(
        titles.contains(&"Database stopped unexpectedly") && titles.contains(&"Database is back"),
        "{titles:?}"
    );
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_database_that_keeps_crashing_is_not_started_in_a_storm() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let mut supervisor = Supervisor::new(house.plane.clone());
    let starts = house.engine.calls(Method::Start);
    let failing = house.engine.inject(
        Fault::before(Method::Start, || EngineError::Postgres {
            message: "PostgreSQL did not start".into(),
            log: vec!["PANIC:  could not locate a valid checkpoint record".into()],
        })
        .always(),
    );
    house.engine.crash(only(&house));
    // Ten minutes, a round each second.
    for _ in 0..600 {
        supervisor.round().await.unwrap();
        house.clock.advance(TimeDelta::seconds(1));
    }
    let tries = house.engine.calls(Method::Start) - starts;
    assert_eq!(u64::from(failing.times()), tries);
    assert!((8..=20).contains(&tries), "{tries} starts in ten minutes");
    let told = house.plane.activity(&owner, Activity::Addon(addon.id), 50).await.unwrap();
    let unreachable: Vec<_> = told.iter().filter(|event| event.title == "Database does not answer").collect();
    assert_eq!(unreachable.len(), 1, "told once, not at each try");
    assert!(unreachable[0].detail.contains("valid checkpoint record"), "{}", unreachable[0].detail);
    house.engine.heal();
    house.clock.advance(TimeDelta::minutes(2));
    supervisor.round().await.unwrap();
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_was_stopped_stays_stopped() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.plane.stop_database(&owner, addon.id, None).await.unwrap();
    let mut supervisor = Supervisor::new(house.plane.clone());
    // The wish counts from the request on, and an operation is not interfered with.
    house.engine.crash(only(&house));
    let starts = house.engine.calls(Method::Start);
    supervisor.round().await.unwrap();
    house.settle().await;
    supervisor.round().await.unwrap();
    assert_eq!(house.engine.calls(Method::Start), starts);
    assert_eq!(house.plane.addon(&owner, addon.id).await.unwrap().database_status, DatabaseStatus::Stopped);
    // Started by hand, behind everybody's back: stopped is what is wanted.
    let spec = house.engine.node(only(&house)).unwrap().spec;
    control::engine::Engine::start(&*house.engine, &spec).await.unwrap();
    supervisor.round().await.unwrap();
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn strangers_are_left_alone() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.ready(&owner, "my-app").await;
    let (id, plan) = (NodeId::new(Uuid::from_u128(42)), Plan::defaults().remove(0));
    let stranger = NodeSpec::new(id, "somebody_else_1", PgVersion::new(17, 11), 40000, plan);
    house.engine.plant(stranger.clone());
    let mut supervisor = Supervisor::new(house.plane.clone());
    assert!(supervisor.adopt().await.unwrap().contains(&stranger.id));
    for _ in 0..3 {
        supervisor.round().await.unwrap();
        house.clock.advance(TimeDelta::days(10));
        house.plane.sweep().await.unwrap();
    }
    let node = house.engine.node(stranger.id).unwrap();
    assert_eq!((node.running, node.trashed), (None, false));
    assert_eq!(broken(&house).await, [format!("{} is on the host and in no row", stranger.id)]);
}

#[tokio::test]
async fn a_row_without_a_directory_is_down_and_nothing_is_made() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.engine.lose(only(&house));
    let mut supervisor = Supervisor::new(house.plane.clone());
    let (starts, places) = (house.engine.calls(Method::Start), house.engine.calls(Method::Place));
    supervisor.adopt().await.unwrap();
    for _ in 0..3 {
        supervisor.round().await.unwrap();
    }
    assert_eq!((house.engine.calls(Method::Start), house.engine.calls(Method::Place)), (starts, places));
    assert!(house.engine.nodes().is_empty());
    let page = house.plane.database(&owner, addon.id).await.unwrap();
    assert_eq!(page.tone, "err");
    let missing: Vec<_> = page.activity.iter().filter(|event| event.title.contains("not found")).collect();
    assert_eq!(missing.len(), 1);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_is_no_crash() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.ready(&owner, "my-app").await;
    let mut supervisor = Supervisor::new(house.plane.clone());
    let starts = house.engine.calls(Method::Start);
    let fired = house.engine.inject(Fault::before(Method::Observe, || EngineError::Absent).always());
    supervisor.round().await.unwrap();
    assert_eq!(fired.times(), 1);
    assert_eq!(house.engine.calls(Method::Start), starts);
}

#[tokio::test]
async fn after_a_reboot_all_of_them_come_back() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.ready(&owner, "my-app").await;
    for _ in 0..11 {
        house.order(&owner, "my-app").await;
    }
    house.settle().await;
    let ids: Vec<_> = house.engine.nodes().into_keys().collect();
    ids.iter().for_each(|id| house.engine.crash(*id));
    let mut supervisor = Supervisor::new(house.plane.clone());
    // Eight at a time: the second round takes the rest.
    supervisor.round().await.unwrap();
    supervisor.round().await.unwrap();
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_start_that_takes_long_keeps_nobody_waiting() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.ready(&owner, "my-app").await;
    let second = house.order(&owner, "my-app").await.addon;
    house.settle().await;
    let (slow, quick) = (only(&house), *house.engine.nodes().keys().nth(1).unwrap());
    let fired = house.engine.inject(Fault::hang_before(Method::Start));
    house.engine.crash(slow);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = Supervisor::new(house.plane.clone()).run(stopped);
    let waiting = async {
        while fired.times() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        house.engine.crash(quick);
        while house.engine.node(quick).unwrap().running.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        stop.send(true).unwrap();
    };
    let all = async { tokio::join!(running, waiting) };
    tokio::time::timeout(std::time::Duration::from_secs(20), all).await.unwrap();
    assert!(house.plane.addon(&owner, second.id).await.is_ok());
    assert_eq!(house.engine.node(slow).unwrap().running, None, "the fault was there all the time");
}
