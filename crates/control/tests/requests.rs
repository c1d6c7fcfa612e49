//! Orders: what may be asked for, twice, by many at once, and when there is no room.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use control::{Config, Error, NewAddon};
use std::{collections::BTreeSet, time::Duration};
use testkit::{Fault, House, Method, broken};
use types::{PgVersion, ProblemKind, operation::OperationStatus, status::DatabaseStatus};

fn new(plan: &str, version: Option<&str>) -> NewAddon {
    NewAddon { plan: plan.into(), version: version.map(str::to_owned) }
}

fn starter() -> NewAddon {
    new("postgresql-starter-512", None)
}

#[tokio::test]
async fn the_same_key_is_the_same_order() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let app = house.plane.create_app(&owner, "my-app").await.unwrap();
    let key = || Some("8e03978e".to_owned());
    let first = house.plane.provision(&owner, "my-app", starter(), key()).await.unwrap();
    let second = house.plane.provision(&owner, "my-app", starter(), key()).await.unwrap();
    // By another name of the same app, and after it is done, too.
    house.settle().await;
    let third = house.plane.provision(&owner, &app.id.to_string(), starter(), key()).await.unwrap();
    assert_eq!((first.operation, first.addon.id), (second.operation, second.addon.id));
    assert_eq!((first.operation, first.addon.id), (third.operation, third.addon.id));
    assert_eq!(house.engine.nodes().len(), 1);

    let other = house.plane.provision(&owner, "my-app", new("postgresql-sandbox", None), key()).await;
    let problem = other.unwrap_err().problem();
    assert!(problem.field("idempotency_key").is_some(), "{problem:?}");
    // Another person's keys are another person's.
    let grace = house.person("grace", false).await;
    house.plane.create_app(&grace, "other-app").await.unwrap();
    let hers = house.plane.provision(&grace, "other-app", starter(), key()).await.unwrap();
    assert_ne!(hers.addon.id, first.addon.id);
    // Without a key, twice is two.
    house.order(&owner, "my-app").await;
    house.settle().await;
    assert_eq!(house.engine.nodes().len(), 3);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_same_key_at_the_same_instant_is_one_order() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let asks = (0..10).map(|_| house.plane.provision(&owner, "my-app", starter(), Some("k".into())));
    let answers: BTreeSet<_> =
        futures::future::join_all(asks).await.into_iter().map(|answer| answer.unwrap().operation).collect();
    assert_eq!(answers.len(), 1);
    house.settle().await;
    assert_eq!(house.engine.nodes().len(), 1);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn fifty_at_once_share_nothing() {
    let house = House::with(Config { max_addons_per_app: 100, ..Config::default() }, 31000..=31049).await;
    let owner = house.person("ada", false).await;
    for n in 0..5 {
        house.plane.create_app(&owner, &format!("app-{n}")).await.unwrap();
    }
    let asks = (0..50).map(|n| {
        let (plane, owner) = (house.plane.clone(), owner.clone());
        async move { plane.provision(&owner, &format!("app-{}", n % 5), starter(), None).await }
    });
    let answers = futures::future::join_all(asks).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    house.settle().await;
    let ports: BTreeSet<_> = house.engine.nodes().values().map(|node| node.spec.port).collect();
    let names: BTreeSet<_> = house.engine.nodes().values().map(|node| node.spec.name.clone()).collect();
    assert_eq!((ports.len(), names.len()), (50, 50));
    assert_eq!(broken(&house).await, Vec::<String>::new());
    // Now the host is full, and says so without leaving anything.
    let full = house.plane.provision(&owner, "app-0", starter(), None).await.unwrap_err();
    assert_eq!(full.problem().kind, ProblemKind::Unavailable);
    assert_eq!(house.plane.addons(&owner, "app-0").await.unwrap().len(), 10);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_limit_of_an_app_holds_however_many_ask() {
    let house = House::with(Config { max_addons_per_app: 3, ..Config::default() }, 31000..=31099).await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    house.order(&owner, "my-app").await;
    house.order(&owner, "my-app").await;
    let asks = (0..20).map(|_| house.plane.provision(&owner, "my-app", starter(), None));
    let answers = futures::future::join_all(asks).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 1, "{answers:?}");
    let refused = answers.into_iter().find_map(Result::err).unwrap().problem();
    assert_eq!(refused.kind, ProblemKind::Conflict);
    house.settle().await;
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn plans_and_versions_are_those_that_are_offered() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let field = async |order: NewAddon| {
        let problem = house.plane.provision(&owner, "my-app", order, None).await.unwrap_err().problem();
        problem.fields.first().map(|field| field.field.clone())
    };
    assert_eq!(field(new("postgresql-starter-513", None)).await.as_deref(), Some("plan"));
    for version in ["16", "17.9", "eighteen"] {
        let order = new("postgresql-starter-512", Some(version));
        assert_eq!(field(order).await.as_deref(), Some("version"), "{version}");
    }
    let order = new("postgresql-starter-512", Some("17"));
    let accepted = house.plane.provision(&owner, "my-app", order, None).await.unwrap();
    assert_eq!(accepted.addon.version, PgVersion::new(17, 11));
    let default = house.order(&owner, "my-app").await;
    assert_eq!(default.addon.version, PgVersion::new(18, 6));
    assert_eq!(default.addon.database_status, DatabaseStatus::Creating);
}

#[tokio::test]
async fn one_change_at_a_time() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let restart = house.plane.restart_database(&owner, addon.id, None).await.unwrap();
    let again = house.plane.restart_database(&owner, addon.id, None).await.unwrap();
    assert_eq!(restart.operation, again.operation, "asking twice is asking once");
    for refused in [
        house.plane.stop_database(&owner, addon.id, None).await,
        house.plane.delete_addon_api(&owner, addon.id).await,
        house.plane.restore_addon(&owner, addon.id).await,
    ] {
        let problem = refused.unwrap_err().problem();
        assert_eq!((problem.kind, problem.operation), (ProblemKind::Conflict, Some(restart.operation)));
    }
    assert_eq!(house.finish(restart.operation).await, OperationStatus::Succeeded);
    // What was refused changed nothing.
    assert_eq!(broken(&house).await, Vec::<String>::new());
    let view = house.plane.addon(&owner, addon.id).await.unwrap();
    assert_eq!(view.database_status, DatabaseStatus::Running);
}

#[tokio::test]
async fn eight_at_once_leave_one_change() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let plane = &house.plane;
    let (a, b, c, d, e, f, g, h) = tokio::join!(
        plane.stop_database(&owner, addon.id, None),
        plane.restart_database(&owner, addon.id, None),
        plane.delete_addon_api(&owner, addon.id),
        plane.start_database(&owner, addon.id, None),
        plane.stop_database(&owner, addon.id, None),
        plane.restart_database(&owner, addon.id, None),
        plane.delete_addon_api(&owner, addon.id),
        plane.start_database(&owner, addon.id, None),
    );
    let answers = [a, b, c, d, e, f, g, h];
    let taken: BTreeSet<_> = answers.iter().flatten().map(|accepted| accepted.operation).collect();
    assert_eq!(taken.len(), 1, "{answers:?}");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, Error::Conflict { operation: Some(_), .. }), "{refused:?}");
    }
    house.settle().await;
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn deleting_what_is_being_created_cancels_it() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let accepted = house.order(&owner, "my-app").await;
    house.worker().run_once().await.unwrap();
    let deleted =
        house.plane.delete_addon(&owner, accepted.addon.id, &accepted.addon.resource_id, None).await.unwrap();
    assert_eq!(deleted.operation, accepted.operation);
    let again = house.plane.delete_addon_api(&owner, accepted.addon.id).await.unwrap();
    assert_eq!(again.operation, accepted.operation);
    assert_eq!(house.finish(accepted.operation).await, OperationStatus::Cancelled);
    assert!(house.plane.addons(&owner, "my-app").await.unwrap().is_empty());
    assert_eq!(broken(&house).await, Vec::<String>::new());

    // Past the point of no return it is a database: the creation ends first.
    let accepted = house.order(&owner, "my-app").await;
    for _ in 0..5 {
        house.worker().run_once().await.unwrap();
    }
    let problem = house.plane.delete_addon_api(&owner, accepted.addon.id).await.unwrap_err().problem();
    assert_eq!(problem.operation, Some(accepted.operation));
    assert_eq!(house.finish(accepted.operation).await, OperationStatus::Succeeded);
}

#[tokio::test]
async fn a_list_does_not_wait_for_a_slow_engine() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.ready(&owner, "my-app").await;
    for _ in 0..11 {
        house.order(&owner, "my-app").await;
    }
    house.settle().await;
    let fired = house.engine.inject(Fault::hang_before(Method::Observe).always());
    // One after the other, the first would be waited for alone.
    let begun = async {
        loop {
            match fired.times() {
                0 => tokio::time::sleep(Duration::from_millis(1)).await,
                times => break times,
            }
        }
    };
    let both = async { tokio::join!(house.plane.addons(&owner, "my-app"), begun) };
    let (addons, begun) = tokio::time::timeout(Duration::from_secs(30), both).await.unwrap();
    let addons = addons.unwrap();
    assert_eq!((begun, fired.times()), (12, 12), "all are looked at at the same time");
    assert_eq!(addons.len(), 12);
    assert!(
        addons.iter().all(|addon| addon.database_status == DatabaseStatus::Down),
        "unknown is not running"
    );
}

#[tokio::test]
async fn a_page_says_what_was_seen() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let page = house.plane.database(&owner, addon.id).await.unwrap();
    assert_eq!(page.sentence, "Healthy. 2 of 30 connections, 38 MB of 10 GB, no backup yet.");
    assert_eq!(
        (page.tone.as_str(), page.node.as_str(), page.address.as_str()),
        ("ok", "host-1", "db.example.org:31000")
    );
    assert_eq!(page.activity[0].title, "Database created");
    let fired =
        house.engine.inject(Fault::before(Method::Figures, || control::engine::EngineError::Absent).always());
    let page = house.plane.database(&owner, addon.id).await.unwrap();
    assert_eq!((fired.times(), page.figures), (1, None));
    house.engine.crash(addon_database(&house));
    let page = house.plane.database(&owner, addon.id).await.unwrap();
    assert_eq!(page.sentence, "Down. The server does not run; Paddock is starting it.");
}

fn addon_database(house: &House) -> types::NodeId {
    *house.engine.nodes().keys().next().unwrap()
}
