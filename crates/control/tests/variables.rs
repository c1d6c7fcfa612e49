//! Environment variables: what add-ons publish, what people may write, and aliases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use control::Actor;
use testkit::{House, broken};
use types::view::VariableView;

async fn all(house: &House, actor: &Actor, resolved: bool) -> Vec<VariableView> {
    house.plane.variables(actor, "my-app", resolved).await.unwrap()
}

async fn value(house: &House, actor: &Actor, name: &str, resolved: bool) -> Option<String> {
    all(house, actor, resolved)
        .await
        .into_iter()
        .find(|variable| variable.name == name)
        .map(|variable| variable.value)
}

async fn delete(house: &House, owner: &Actor, addon: types::AddonId) {
    house.plane.delete_addon_api(owner, addon).await.unwrap();
    house.settle().await;
}

#[tokio::test]
async fn a_database_publishes_its_url_and_an_alias() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    let raw: Vec<_> = all(&house, &owner, false).await;
    let shown: Vec<_> = raw.iter().map(|v| (v.name.as_str(), v.managed)).collect();
    assert_eq!(shown, [("DATABASE_URL", false), ("SCALINGO_POSTGRESQL_URL", true)]);
    assert_eq!(raw[0].value, "$SCALINGO_POSTGRESQL_URL");
    let url = value(&house, &owner, "DATABASE_URL", true).await.unwrap();
    let connection = house.plane.reveal(&owner, addon.id).await.unwrap();
    let expected = format!(
        "postgresql://{0}:{1}@db.example.org:31000/{0}?sslmode=prefer",
        addon.resource_id,
        connection.password.unwrap()
    );
    assert_eq!(url, expected);
    // In the store, nothing of it can be read.
    let sealed: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT value FROM variable").fetch_all(&house.store.pool).await.unwrap();
    assert!(sealed.iter().all(|value| !value.windows(10).any(|part| part == b"postgresql" as &[u8])));
}

#[tokio::test]
async fn a_second_database_gets_a_number_and_the_alias_stays_with_the_first() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let first = house.ready(&owner, "my-app").await.addon;
    let second = house.order(&owner, "my-app").await.addon;
    house.settle().await;
    let names: Vec<_> = all(&house, &owner, false).await.into_iter().map(|v| v.name).collect();
    assert_eq!(names, ["DATABASE_URL", "SCALINGO_POSTGRESQL_URL", "SCALINGO_POSTGRESQL_URL_2"]);
    assert!(value(&house, &owner, "DATABASE_URL", true).await.unwrap().contains(&first.resource_id));
    delete(&house, &owner, first.id).await;
    // An app is never pointed at another database on the side.
    let names: Vec<_> = all(&house, &owner, false).await.into_iter().map(|v| v.name).collect();
    assert_eq!(names, ["SCALINGO_POSTGRESQL_URL_2"]);
    house.plane.restore_addon(&owner, first.id).await.unwrap();
    house.settle().await;
    assert!(value(&house, &owner, "DATABASE_URL", true).await.unwrap().contains(&first.resource_id));
    assert!(
        value(&house, &owner, "SCALINGO_POSTGRESQL_URL_2", true).await.unwrap().contains(&second.resource_id)
    );
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_the_users_own_stays_the_users_own() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    house.plane.set_variable(&owner, "my-app", "DATABASE_URL", "mysql://elsewhere").await.unwrap();
    let addon = house.order(&owner, "my-app").await.addon;
    house.settle().await;
    assert_eq!(value(&house, &owner, "DATABASE_URL", true).await.as_deref(), Some("mysql://elsewhere"));
    delete(&house, &owner, addon.id).await;
    assert_eq!(value(&house, &owner, "DATABASE_URL", true).await.as_deref(), Some("mysql://elsewhere"));

    // The published one cannot be written, whichever way.
    let addon = house.order(&owner, "my-app").await.addon;
    house.settle().await;
    let name = "SCALINGO_POSTGRESQL_URL";
    let id = all(&house, &owner, false).await.into_iter().find(|v| v.name == name).unwrap().id;
    for refused in [
        house.plane.set_variable(&owner, "my-app", name, "x").await.map(drop),
        house.plane.update_variable(&owner, "my-app", id, "x").await.map(drop),
        house.plane.delete_variable(&owner, "my-app", id).await,
        house
            .plane
            .set_variables(&owner, "my-app", vec![("A".into(), "1".into()), (name.into(), "x".into())])
            .await
            .map(drop),
    ] {
        assert!(refused.unwrap_err().problem().field("name").is_some());
    }
    assert_eq!(value(&house, &owner, "A", false).await, None, "all or none");
    assert!(value(&house, &owner, name, false).await.unwrap().contains(&addon.resource_id));
}

#[tokio::test]
async fn the_alias_can_be_taken_over() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon;
    house.plane.set_variable(&owner, "my-app", "DATABASE_URL", "$OTHER").await.unwrap();
    house.plane.set_variable(&owner, "my-app", "OTHER", "postgresql://own").await.unwrap();
    assert_eq!(value(&house, &owner, "DATABASE_URL", true).await.as_deref(), Some("postgresql://own"));
    delete(&house, &owner, addon.id).await;
    assert_eq!(
        value(&house, &owner, "DATABASE_URL", false).await.as_deref(),
        Some("$OTHER"),
        "it is the user's now"
    );
    house.plane.restore_addon(&owner, addon.id).await.unwrap();
    house.settle().await;
    assert_eq!(value(&house, &owner, "DATABASE_URL", false).await.as_deref(), Some("$OTHER"));
    let id = all(&house, &owner, false).await.into_iter().find(|v| v.name == "DATABASE_URL").unwrap().id;
    house.plane.delete_variable(&owner, "my-app", id).await.unwrap();
    assert_eq!(value(&house, &owner, "DATABASE_URL", false).await, None);
}

#[tokio::test]
async fn names_and_values_keep_to_the_rules() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let wrong = vec![("1A".into(), "x".into()), ("B".into(), "x".repeat(8193)), ("C".into(), "fine".into())];
    let problem = house.plane.set_variables(&owner, "my-app", wrong).await.unwrap_err().problem();
    let fields: Vec<_> = problem.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["name", "value"]);
    assert!(all(&house, &owner, false).await.is_empty());
    let odd = "$' \" \\ \n é 🐘 ${x}";
    let set = house.plane.set_variable(&owner, "my-app", "ODD", odd).await.unwrap();
    assert_eq!(value(&house, &owner, "ODD", false).await.as_deref(), Some(odd));
    let updated = house.plane.update_variable(&owner, "my-app", set.id, "new").await.unwrap();
    assert_eq!((updated.id, updated.value.as_str()), (set.id, "new"));
    house.plane.delete_variable(&owner, "my-app", set.id).await.unwrap();
    assert!(house.plane.delete_variable(&owner, "my-app", set.id).await.is_err());
    let many: Vec<_> = (0..501).map(|n| (format!("V{n}"), String::new())).collect();
    assert!(house.plane.set_variables(&owner, "my-app", many).await.is_err());
}
