//! Users of a database in the core: what is refused, what is told once, and the change of the published password.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{Actor, Config, Error, NewDatabaseUser};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use testkit::{Fault, House, Method};
use types::{AddonId, operation::OperationStatus, view::AddonView};

fn named(name: &str) -> NewDatabaseUser {
    NewDatabaseUser { name: name.into(), ..NewDatabaseUser::default() }
}

async fn ready(house: &House) -> (Actor, AddonView) {
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    (owner, addon)
}

async fn names(house: &House, owner: &Actor, addon: AddonId) -> Vec<String> {
    let users = house.plane.database_users(owner, addon).await.unwrap().users;
    users.into_iter().map(|user| format!("{}{}", user.name, if user.protected { "*" } else { "" })).collect()
}

#[tokio::test]
async fn a_user_is_made_once_and_its_password_told_once() {
    let house = House::new().await;
    let (owner, addon) = ready(&house).await;
    let set = house.plane.create_database_user(&owner, addon.id, named("analyst")).await.unwrap();
    assert!(set.generated && set.password.len() == 64);
    let given = NewDatabaseUser {
        read_only: true,
        password: Some("a good one".into()),
        confirmation: Some("a good one".into()),
        ..named("reporting")
    };
    let set = house.plane.create_database_user(&owner, addon.id, given).await.unwrap();
    assert_eq!((set.generated, set.password.as_str()), (false, "a good one"));
    let protected = format!("{}*", addon.resource_id);
    assert_eq!(names(&house, &owner, addon.id).await, [&protected, "analyst", "reporting"]);
    // What PostgreSQL was given is a verifier, and nothing of it is in the audit log.
    let database = house.plane.node_id(&owner, addon.id).await.unwrap();
    let node = house.engine.node(database).unwrap();
    assert!(node.users["reporting"].1.starts_with("SCRAM-SHA-256$"));

    for (new, field) in [
        (named("analyst"), "name"),
        (named("ANALYST"), "name"),
        (named("x"), "name"),
        (named(&format!("{}_rw", addon.resource_id)), "name"),
        (NewDatabaseUser { password: Some("short".into()), ..named("other_user") }, "password"),
        (
            NewDatabaseUser {
                password: Some("a good one".into()),
                confirmation: Some("another one".into()),
                ..named("other_user")
            },
            "password_confirmation",
        ),
    ] {
        let what = format!("{new:?}");
        match house.plane.create_database_user(&owner, addon.id, new).await {
            Err(Error::Invalid(fields)) => assert_eq!(fields[0].field, field, "{what}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    let owned = house.plane.delete_database_user(&owner, addon.id, "analyst").await.unwrap();
    assert_eq!(owned.sentence().as_deref(), Some("table orders"));
    let gone = house.plane.delete_database_user(&owner, addon.id, "analyst").await;
    assert!(matches!(gone, Err(Error::NotFound("user"))), "{gone:?}");
    let kept = house.plane.delete_database_user(&owner, addon.id, &addon.resource_id).await;
    assert!(matches!(kept, Err(Error::Conflict { .. })), "{kept:?}");
}

#[tokio::test]
async fn somebody_else_finds_nothing_and_a_stopped_database_says_so() {
    let house = House::new().await;
    let (owner, addon) = ready(&house).await;
    let other = house.person("bob", false).await;
    let theirs = house.plane.create_database_user(&other, addon.id, named("intruder")).await;
    assert!(matches!(theirs, Err(Error::NotFound(_))), "{theirs:?}");
    assert!(matches!(house.plane.database_users(&other, addon.id).await, Err(Error::NotFound(_))));
    house.plane.stop_database(&owner, addon.id, None).await.unwrap();
    house.settle().await;
    let stopped = house.plane.create_database_user(&owner, addon.id, named("analyst")).await;
    assert!(
        matches!(&stopped, Err(Error::Conflict { message, .. }) if message.contains("stopped")),
        "{stopped:?}"
    );
}

/// The old URL works until the app had time to change over, and the new one before anybody hears of it.
#[tokio::test]
async fn the_published_password_changes_with_overlap() {
    let house = House::with(Config::default(), 31000..=31999).await;
    let (owner, addon) = ready(&house).await;
    let (id, name) = (addon.id, addon.resource_id.as_str());
    let mode = control::connection::SslMode::Prefer;
    let url = async || house.plane.connection_url(&owner, id, mode).await.unwrap().expose_secret().to_owned();
    let before = url().await;
    let set = house.plane.change_database_password(&owner, id, name, None, None).await.unwrap();
    let operation = set.operation.unwrap();
    assert_eq!(set.user, format!("{name}_b"));
    assert_eq!(url().await, before, "not before it works");

    // Everything that needs no waiting.
    let worker = house.worker();
    for _ in 0..4 {
        assert!(worker.run_once().await.unwrap());
    }
    let after = url().await;
    assert!(after.contains(&format!("{name}_b:{}", set.password)), "the new URL is published");
    let database = house.plane.node_id(&owner, id).await.unwrap();
    let logins = || house.engine.node(database).unwrap().users.into_keys().collect::<BTreeSet<_>>();
    assert!(worker.run_once().await.unwrap());
    assert_eq!(logins(), [name.to_owned(), format!("{name}_b")].into(), "both work meanwhile");
    house.clock.advance(TimeDelta::minutes(4));
    while worker.run_once().await.unwrap() {}
    assert_eq!(logins().len(), 2, "no hook: it stays for five minutes");

    assert_eq!(house.finish(operation).await, OperationStatus::Succeeded);
    assert_eq!(logins(), [format!("{name}_b")].into());
    assert_eq!(names(&house, &owner, id).await, [format!("{name}_b*")]);
    let variables = house.plane.variables(&owner, "my-app", true).await.unwrap();
    assert!(variables.iter().all(|variable| variable.value == after), "both variables follow");
    // And back again.
    let set =
        house.plane.change_database_password(&owner, id, &format!("{name}_b"), None, None).await.unwrap();
    assert_eq!(house.finish(set.operation.unwrap()).await, OperationStatus::Succeeded);
    assert_eq!((logins(), set.user.as_str()), ([name.to_owned()].into(), name));
}

/// Two passwords at once would lock everybody out: the URL would name one, PostgreSQL know the other.
#[tokio::test]
async fn a_second_request_finds_the_first_one_and_changes_nothing() {
    let house = House::with(Config::default(), 31000..=31999).await;
    let (owner, addon) = ready(&house).await;
    let (id, name) = (addon.id, addon.resource_id.as_str());
    let worker = house.worker();
    let first = house.plane.change_database_password(&owner, id, name, None, None).await.unwrap();
    for _ in 0..5 {
        let second = house.plane.change_database_password(&owner, id, name, None, None).await;
        match second {
            Err(Error::Conflict { operation, .. }) => assert_eq!(operation, first.operation),
            other => panic!("{other:?}"),
        }
        assert!(worker.run_once().await.unwrap());
    }
    assert_eq!(house.finish(first.operation.unwrap()).await, OperationStatus::Succeeded);
    let mode = control::connection::SslMode::Prefer;
    let url = house.plane.connection_url(&owner, id, mode).await.unwrap();
    assert!(url.expose_secret().contains(&first.password));
}

/// The old login stays from when the app was told, and longer where it did not listen.
#[tokio::test]
async fn the_overlap_begins_when_the_app_was_told() {
    for (taken, minutes) in [(true, 1), (false, 5)] {
        let house = House::with(Config::default(), 31000..=31999).await;
        let (owner, addon) = ready(&house).await;
        house.engine.hooks_say(taken, "exit status 1");
        let operator = house.person("root", true).await;
        house.plane.set_hook(&operator, "my-app", None, vec!["/bin/restart".into()]).await.unwrap();
        let set = house
            .plane
            .change_database_password(&owner, addon.id, &addon.resource_id, None, None)
            .await
            .unwrap();
        let worker = house.worker();
        for _ in 0..3 {
            assert!(worker.run_once().await.unwrap());
        }
        // Paddock was away between the new URL and the call.
        house.clock.advance(TimeDelta::minutes(20));
        let database = house.plane.node_id(&owner, addon.id).await.unwrap();
        let logins = || house.engine.node(database).unwrap().users.len();
        while worker.run_once().await.unwrap() {}
        assert_eq!(house.engine.hooks().len(), 1, "{taken}");
        house.clock.advance(TimeDelta::seconds(minutes * 60 - 1));
        while worker.run_once().await.unwrap() {}
        assert_eq!(logins(), 2, "{taken}: it had no time yet");
        house.clock.advance(TimeDelta::seconds(11));
        while worker.run_once().await.unwrap() {}
        assert_eq!(logins(), 1, "{taken}");
        assert_eq!(house.finish(set.operation.unwrap()).await, OperationStatus::Succeeded);
    }
}

/// What is made beside a change of plan would miss its limits.
#[tokio::test]
async fn no_user_is_made_or_removed_beside_an_operation() {
    let house = House::new().await;
    let (owner, addon) = ready(&house).await;
    house.plane.create_database_user(&owner, addon.id, named("analyst")).await.unwrap();
    let running = house.plane.restart_database(&owner, addon.id, None).await.unwrap().operation;
    for refused in [
        house.plane.create_database_user(&owner, addon.id, named("another")).await.map(drop),
        house.plane.delete_database_user(&owner, addon.id, "analyst").await.map(drop),
    ] {
        assert!(
            matches!(&refused, Err(Error::Conflict { operation, .. }) if *operation == Some(running)),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_login_that_does_not_work_is_never_published() {
    let house = House::new().await;
    let (owner, addon) = ready(&house).await;
    let mode = control::connection::SslMode::Prefer;
    let before = house.plane.connection_url(&owner, addon.id, mode).await.unwrap();
    let fired = house.engine.inject(
        Fault::before(Method::VerifyLogin, || control::engine::EngineError::Postgres {
            message: "The fault of a test".into(),
            log: Vec::new(),
        })
        .times(9),
    );
    let set =
        house.plane.change_database_password(&owner, addon.id, &addon.resource_id, None, None).await.unwrap();
    assert_eq!(house.finish(set.operation.unwrap()).await, OperationStatus::Failed);
    assert!(fired.times() > 0);
    let after = house.plane.connection_url(&owner, addon.id, mode).await.unwrap();
    assert_eq!(after.expose_secret(), before.expose_secret());
    assert_eq!(names(&house, &owner, addon.id).await, [format!("{}*", addon.resource_id)]);
}

#[tokio::test]
async fn extensions_are_offered_only_where_nobody_needs_to_be_a_superuser() {
    let house = House::new().await;
    let (owner, addon) = ready(&house).await;
    assert_eq!(house.plane.create_extension(&owner, addon.id, "hstore").await.unwrap(), "1.0");
    for name in ["file_fdw", "nonsense", "a\"; DROP TABLE x; --"] {
        let refused = house.plane.create_extension(&owner, addon.id, name).await;
        assert!(
            matches!(&refused, Err(Error::Invalid(fields)) if fields[0].field == "name"),
            "{name}: {refused:?}"
        );
    }
    assert_eq!(house.engine.calls(Method::CreateExtension), 1);
    assert!(house.plane.drop_extension(&owner, addon.id, "plpgsql").await.is_err());
    house.plane.drop_extension(&owner, addon.id, "hstore").await.unwrap();
}
