//! Deleting, bringing back, and removing for good: of databases and of apps.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{Actor, connection::SslMode};
use secrecy::ExposeSecret;
use testkit::{Fault, House, Method, broken};
use types::{ProblemKind, operation::OperationStatus as Status, status::DatabaseStatus, view::AddonView};

async fn whole(house: &House) {
    assert_eq!(broken(house).await, Vec::<String>::new());
}

async fn variables(house: &House, actor: &Actor, app: &str) -> Vec<(String, String)> {
    let all = house.plane.variables(actor, app, false).await.unwrap();
    all.into_iter().map(|variable| (variable.name, variable.value)).collect()
}

async fn delete(house: &House, owner: &Actor, addon: &AddonView) {
    let deleted = house.plane.delete_addon(owner, addon.id, &addon.resource_id, None).await.unwrap();
    assert_eq!(house.finish(deleted.operation).await, Status::Succeeded);
}

#[tokio::test]
async fn there_and_back_again() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let before = variables(&house, &owner, "my-app").await;
    let node = house.engine.nodes().into_values().next().unwrap();
    let url = house.plane.connection_url(&owner, addon.id, SslMode::VerifyFull).await.unwrap();

    let typo = house.plane.delete_addon(&owner, addon.id, "my_app", None).await.unwrap_err().problem();
    assert!(typo.field("confirm").is_some());
    delete(&house, &owner, &addon).await;
    whole(&house).await;
    assert!(variables(&house, &owner, "my-app").await.is_empty());
    assert!(house.plane.addons(&owner, "my-app").await.unwrap().is_empty());
    assert!(house.plane.databases(&owner).await.unwrap().is_empty());
    let trashed = house.plane.deleted_addons(&owner, "my-app").await.unwrap();
    assert_eq!(trashed.len(), 1);
    assert_eq!(trashed[0].database_status, DatabaseStatus::Deleted);
    let page = house.plane.database(&owner, addon.id).await.unwrap();
    assert!(page.sentence.starts_with("Deleted. Its data can be brought back until "), "{}", page.sentence);
    assert!(house.plane.start_database(&owner, addon.id, None).await.is_err());

    // Somebody else's database does not get its port meanwhile.
    let grace = house.person("grace", false).await;
    let other = house.ready(&grace, "other-app").await.addon;
    assert_ne!(house.plane.connection(&grace, other.id).await.unwrap().port, node.spec.port);

    house.clock.advance(TimeDelta::hours(71));
    let restored = house.plane.restore_addon(&owner, addon.id).await.unwrap();
    assert_eq!(house.finish(restored.operation).await, Status::Succeeded);
    whole(&house).await;
    assert_eq!(variables(&house, &owner, "my-app").await, before);
    let back = house.engine.node(node.spec.id).unwrap();
    assert_eq!((back.cluster, back.spec.port, back.trashed), (node.cluster, node.spec.port, false));
    let url_after = house.plane.connection_url(&owner, addon.id, SslMode::VerifyFull).await.unwrap();
    assert_eq!(url.expose_secret(), url_after.expose_secret());
    assert_eq!(house.engine.passwords(node.spec.id).len(), 1, "one password, from the first day");
    assert!(house.plane.restore_addon(&owner, addon.id).await.is_err(), "it is not deleted any more");
}

#[tokio::test]
async fn after_its_time_it_is_gone_and_its_port_rests() {
    let house = House::with(control::Config::default(), 31000..=31000).await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    delete(&house, &owner, &addon).await;
    house.clock.advance(TimeDelta::hours(71));
    assert_eq!(house.plane.sweep().await.unwrap().databases, 0);
    assert_eq!(house.engine.nodes().len(), 1);

    house.clock.advance(TimeDelta::hours(2));
    let fired = house.engine.inject(Fault::before(Method::Purge, || {
        control::engine::EngineError::Foreign("another identity".into())
    }));
    assert_eq!(house.plane.sweep().await.unwrap().databases, 0, "the engine says no");
    assert_eq!(fired.times(), 1);
    assert!(house.plane.restore_addon(&owner, addon.id).await.is_err(), "its time is over");
    assert_eq!(house.plane.sweep().await.unwrap().databases, 1);
    assert_eq!(house.plane.sweep().await.unwrap().databases, 0);
    whole(&house).await;
    assert!(house.engine.nodes().is_empty());
    let gone = house.plane.addon(&owner, addon.id).await.unwrap_err().problem();
    assert_eq!(gone.kind, ProblemKind::NotFound);

    let order = || control::NewAddon { plan: "postgresql-starter-512".into(), version: None };
    assert!(house.plane.provision(&owner, "my-app", order(), None).await.is_err(), "the only port rests");
    house.clock.advance(TimeDelta::days(31));
    let next = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(next.operation).await, Status::Succeeded);
    assert_ne!(next.addon.resource_id, addon.resource_id);
    whole(&house).await;
}

#[tokio::test]
async fn a_restore_and_the_sweeper_never_meet() {
    for round in 0..5 {
        let house = House::new().await;
        let owner = house.person("ada", false).await;
        let addon = house.ready(&owner, "my-app").await.addon;
        delete(&house, &owner, &addon).await;
        // The restore is asked for in time; the sweeper comes a moment after the time.
        house.clock.advance(TimeDelta::hours(72) - TimeDelta::minutes(1));
        let restored = house.plane.restore_addon(&owner, addon.id).await.unwrap();
        house.clock.advance(TimeDelta::minutes(2));
        let worker = house.worker();
        let (swept, _) = tokio::join!(house.plane.sweep(), worker.run_once());
        assert_eq!(swept.unwrap().databases, 0, "round {round}");
        assert_eq!(house.finish(restored.operation).await, Status::Succeeded);
        whole(&house).await;
    }
}

#[tokio::test]
async fn a_restore_that_fails_leaves_it_in_the_trash_a_day_longer() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    delete(&house, &owner, &addon).await;
    house.clock.advance(TimeDelta::hours(71));
    let port = house.engine.nodes().into_values().next().unwrap().spec.port;
    house.engine.take_port(port);
    let restored = house.plane.restore_addon(&owner, addon.id).await.unwrap();
    assert_eq!(house.finish(restored.operation).await, Status::Failed, "the URL is published: no other port");
    whole(&house).await;
    house.clock.advance(TimeDelta::hours(20));
    assert_eq!(house.plane.sweep().await.unwrap().databases, 0);
    house.engine.free_port(port);
    let again = house.plane.restore_addon(&owner, addon.id).await.unwrap();
    assert_eq!(house.finish(again.operation).await, Status::Succeeded);
    whole(&house).await;
}

#[tokio::test]
async fn an_app_with_databases_is_not_deleted_and_comes_back_with_one() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.plane.set_variable(&owner, "my-app", "MINE", "1").await.unwrap();
    let refused = house.plane.delete_app(&owner, "my-app", "my-app").await.unwrap_err().problem();
    assert_eq!(refused.kind, ProblemKind::Conflict);
    assert!(refused.message.contains(&addon.resource_id), "{}", refused.message);
    delete(&house, &owner, &addon).await;
    let typo = house.plane.delete_app(&owner, "my-app", "my-ap").await.unwrap_err().problem();
    assert!(typo.field("confirm").is_some());
    house.plane.delete_app(&owner, "my-app", "my-app").await.unwrap();
    assert!(house.plane.apps(&owner).await.unwrap().is_empty());
    assert_eq!(house.plane.app(&owner, "my-app").await.unwrap_err().problem().kind, ProblemKind::NotFound);

    // Its name is free at once; the database in the trash is still its owner's, and can come back with the app.
    let other = house.plane.create_app(&owner, "my-app").await.unwrap();
    assert_eq!(house.plane.deleted_databases(&owner).await.unwrap().len(), 1);
    let in_the_way = house.plane.restore_addon(&owner, addon.id).await.unwrap_err().problem();
    assert_eq!(in_the_way.kind, ProblemKind::Conflict);
    house.plane.rename_app(&owner, &other.id.to_string(), "renamed").await.unwrap();
    let restored = house.plane.restore_addon(&owner, addon.id).await.unwrap();
    assert_eq!(house.finish(restored.operation).await, Status::Succeeded);
    assert!(variables(&house, &owner, "my-app").await.contains(&("MINE".into(), "1".into())));
    whole(&house).await;
}

#[tokio::test]
async fn what_a_deleted_app_held_goes_with_its_last_database() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.plane.set_variable(&owner, "my-app", "MINE", "1").await.unwrap();
    delete(&house, &owner, &addon).await;
    house.plane.delete_app(&owner, "my-app", "my-app").await.unwrap();
    house.plane.sweep().await.unwrap();
    let left = || async {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM variable");
        count.fetch_one(&house.store.pool).await.unwrap()
    };
    assert_eq!(left().await, 1, "its database can still come back");
    house.clock.advance(TimeDelta::hours(73));
    house.plane.sweep().await.unwrap();
    assert_eq!(left().await, 0);
    whole(&house).await;
    // An app that never had a database is gone at once.
    house.plane.create_app(&owner, "empty").await.unwrap();
    house.plane.delete_app_api(&owner, "empty").await.unwrap();
    let rows = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM app WHERE name = 'empty'");
    assert_eq!(rows.fetch_one(&house.store.pool).await.unwrap(), 0);
}

#[tokio::test]
async fn a_database_whose_directory_is_lost_can_still_be_deleted() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.engine.lose(*house.engine.nodes().keys().next().unwrap());
    delete(&house, &owner, &addon).await;
    house.clock.advance(TimeDelta::hours(73));
    assert_eq!(house.plane.sweep().await.unwrap().databases, 1);
    whole(&house).await;
}

#[tokio::test]
async fn an_app_is_not_deleted_while_a_database_of_it_is_coming_back() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    delete(&house, &owner, &addon).await;
    let restored = house.plane.restore_addon(&owner, addon.id).await.unwrap();
    house.worker().run_once().await.unwrap();
    let refused = house.plane.delete_app(&owner, "my-app", "my-app").await.unwrap_err().problem();
    assert_eq!((refused.kind, refused.operation), (ProblemKind::Conflict, Some(restored.operation)));
    assert_eq!(house.finish(restored.operation).await, Status::Succeeded);
    whole(&house).await;
}
