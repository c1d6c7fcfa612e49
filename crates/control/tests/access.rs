//! Somebody else's app and database do not exist, whichever method is asked; and it is written down that one asked.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use control::{Activity, Actor, Error, NewAddon, OperationFilter, connection::SslMode};
use std::{future::Future, pin::Pin};
use testkit::House;
use types::{ProblemKind, VariableId, audit::AuditFilter};
use uuid::Uuid;

type Asked<'a> = Vec<(&'static str, Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>)>;

macro_rules! ask {
    ($($name:literal: $call:expr;)*) => {
        vec![$(($name, Box::pin(async { $call.await.map(drop) }) as Pin<Box<dyn Future<Output = _>>>)),*]
    };
}

#[tokio::test]
async fn what_is_somebody_elses_does_not_exist() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let accepted = house.ready(&owner, "my-app").await;
    let (addon, operation) = (accepted.addon.id, accepted.operation);
    let app = accepted.addon.app_id.to_string();
    let variable = house.plane.set_variable(&owner, "my-app", "MINE", "1").await.unwrap().id;
    house.plane.create_app(&owner, "another").await.unwrap();
    let second = house.order(&owner, "another").await;
    house.settle().await;

    let grace = house.person("grace", false).await;
    let token = House::token_for(&owner, second.addon.id);
    let plane = &house.plane;
    let order = || NewAddon { plan: "postgresql-starter-512".into(), version: None };
    for (who, actor) in [("somebody else", &grace), ("a token for another database", &token)] {
        for name in ["my-app", app.as_str()] {
            let asked: Asked<'_> = ask! {
                "app": plane.app(actor, name);
                "rename_app": plane.rename_app(actor, name, "mine-now");
                "delete_app": plane.delete_app(actor, name, "my-app");
                "delete_app_api": plane.delete_app_api(actor, name);
                "variables": plane.variables(actor, name, true);
                "set_variable": plane.set_variable(actor, name, "MINE", "2");
                "set_variables": plane.set_variables(actor, name, vec![]);
                "update_variable": plane.update_variable(actor, name, variable, "2");
                "delete_variable": plane.delete_variable(actor, name, variable);
                "hook": plane.hook(actor, name);
                "set_hook": plane.set_hook(actor, name, None, vec![]);
                "addons": plane.addons(actor, name);
                "deleted_addons": plane.deleted_addons(actor, name);
                "provision": plane.provision(actor, name, order(), None);
                "operations of app": plane.operations(actor, OperationFilter { app: Some(name.into()), ..Default::default() });
                "activity of app": plane.activity(actor, Activity::App(name), 10);
            };
            refused(who, asked).await;
        }
        let asked: Asked<'_> = ask! {
            "addon": plane.addon(actor, addon);
            "database": plane.database(actor, addon);
            "connection": plane.connection(actor, addon);
            "connection_url": plane.connection_url(actor, addon, SslMode::Prefer);
            "reveal": plane.reveal(actor, addon);
            "stop": plane.stop_database(actor, addon, None);
            "start": plane.start_database(actor, addon, None);
            "restart": plane.restart_database(actor, addon, None);
            "delete_addon": plane.delete_addon(actor, addon, &accepted.addon.resource_id, None);
            "delete_addon_api": plane.delete_addon_api(actor, addon);
            "restore_addon": plane.restore_addon(actor, addon);
            "operation": plane.operation(actor, operation);
            "cancel_operation": plane.cancel_operation(actor, operation);
            "retry_operation": plane.retry_operation(actor, operation);
            "operations of addon": plane.operations(actor, OperationFilter { addon: Some(addon), ..Default::default() });
            "activity of addon": plane.activity(actor, Activity::Addon(addon), 10);
        };
        refused(who, asked).await;
    }
    // A variable of one app is not reachable through another app of the same person.
    let crossed = plane.update_variable(&owner, "another", variable, "2").await.unwrap_err().problem();
    assert_eq!(crossed.kind, ProblemKind::NotFound);
    let unknown =
        plane.delete_variable(&owner, "my-app", VariableId::new(Uuid::nil())).await.unwrap_err().problem();
    assert_eq!(unknown.kind, ProblemKind::NotFound);

    // Nothing happened, and every try is written down.
    assert_eq!(
        plane
            .variables(&owner, "my-app", false)
            .await
            .unwrap()
            .iter()
            .find(|v| v.id == variable)
            .unwrap()
            .value,
        "1"
    );
    let log = plane.audit(&Actor::System, &AuditFilter::newest(1000)).await.unwrap().records;
    let tries = log.iter().filter(|row| !row.allowed && row.username == "grace").count();
    assert!(tries >= 40, "{tries} tries were written down");
}

async fn refused(who: &str, asked: Asked<'_>) {
    for (what, asking) in asked {
        let problem = asking.await.expect_err(&format!("{what} by {who}")).problem();
        assert_eq!(problem.kind, ProblemKind::NotFound, "{what} by {who}: {problem:?}");
    }
}

#[tokio::test]
async fn lists_show_only_what_is_ones_own_and_all_to_the_operator() {
    let house = House::new().await;
    let (owner, grace) = (house.person("ada", false).await, house.person("grace", false).await);
    let operator = house.person("root", true).await;
    house.ready(&owner, "my-app").await;
    house.ready(&grace, "hers").await;
    let plane = &house.plane;
    let names = async |actor: &Actor| -> Vec<String> {
        plane.apps(actor).await.unwrap().into_iter().map(|app| app.name).collect()
    };
    assert_eq!(names(&owner).await, ["my-app"]);
    assert_eq!(names(&operator).await, ["hers", "my-app"]);
    // An app and its database, "my_app_…", for who may see them.
    for (who, found) in [(&owner, 2), (&operator, 2), (&grace, 0)] {
        let all =
            [plane.search(who, "MY-APP").await.unwrap(), plane.search(who, "my_app").await.unwrap()].concat();
        assert_eq!(all.len(), found, "{all:#?}");
    }
    assert_eq!(plane.databases(&grace).await.unwrap().len(), 1);
    assert_eq!(plane.databases(&operator).await.unwrap().len(), 2);
    assert_eq!(plane.operations(&grace, OperationFilter::default()).await.unwrap().len(), 1);
    let happened = plane.activity(&owner, Activity::All, 50).await.unwrap();
    assert!(happened.iter().all(|event| event.actor != "grace"), "{happened:#?}");
    assert!(plane.apps(&owner).await.unwrap()[0].last_event.as_ref().unwrap().title == "Database created");
}

#[tokio::test]
async fn a_token_for_one_database_opens_that_database_alone() {
    let house = House::new().await;
    let operator = house.person("root", true).await;
    let addon = house.ready(&operator, "my-app").await.addon;
    let token = House::token_for(&operator, addon.id);
    let plane = &house.plane;
    assert!(plane.database(&token, addon.id).await.is_ok());
    assert!(plane.apps(&token).await.is_err());
    assert!(plane.databases(&token).await.is_err());
    assert!(plane.search(&token, "my").await.is_err());
    assert!(plane.operations(&token, OperationFilter::default()).await.is_err());
    assert!(plane.create_app(&token, "more").await.is_err());
}

#[tokio::test]
async fn who_looks_at_a_password_is_written_down() {
    let house = House::new().await;
    let (operator, owner) = (house.person("root", true).await, house.person("ada", false).await);
    let addon = house.ready(&owner, "my-app").await.addon;
    let plane = &house.plane;
    let filter = AuditFilter { action: "database.reveal_password".into(), ..AuditFilter::default() };
    let looked = async || plane.audit(&operator, &filter).await.unwrap().records;
    plane.connection(&owner, addon.id).await.unwrap();
    assert!(looked().await.is_empty(), "there is no password in it");

    let password = plane.reveal(&owner, addon.id).await.unwrap().password.unwrap();
    plane.connection_url(&owner, addon.id, SslMode::Prefer).await.unwrap();
    let looked = looked().await;
    assert_eq!(looked.len(), 2);
    for row in &looked {
        assert_eq!((row.username.as_str(), row.ip.as_str(), row.allowed), ("ada", "192.0.2.1", true));
        assert_eq!(row.app.as_deref(), Some("my-app"));
        assert_eq!(row.database, Some((addon.id, addon.resource_id.clone())));
    }
    let told = plane.activity(&owner, Activity::Addon(addon.id), 20).await.unwrap();
    let shown = told.iter().filter(|event| event.title == "Password revealed" && event.actor == "ada");
    assert_eq!(shown.count(), 2, "{told:#?}");
    assert!(!format!("{looked:?}{told:?}").contains(&password), "who looked, not what was seen");
}
