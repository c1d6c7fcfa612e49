//! Names, passwords, and what becomes of those who leave.

use crate::host::{self, Host};
use control::engine::{Administer as _, Engine as _, NodeSpec};

/// A18 and A19: whatever passes the rule comes back as it was, and what does not never reaches PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn names_and_passwords_stay_what_they_are() {
    let host = Host::new().await;
    let spec = host.spec("shop_4553").await;
    host.up(&spec).await;
    for name in ["Mixed_Case", "select_from", "a23456", &"a".repeat(32)] {
        types::name::database_user(name).unwrap();
        assert!(host.engine.create_user(&spec, name, true, &host::verifier()).await.unwrap());
        let client = host.connect_as(&spec, name, "shop_4553").await.unwrap();
        let who: String = client.query_one("SELECT session_user::text", &[]).await.unwrap().get(0);
        assert_eq!(who, name);
    }
    // The rule is the core's; what slips past it meets the engine's own.
    for name in [
        "shop_4553",
        "shop_4553_owner",
        "shop_4553_rw",
        "shop_4553_b",
        "paddock",
        "paddock_roles",
        "pg_monitor",
        "",
    ] {
        assert!(host.engine.create_user(&spec, name, false, &host::verifier()).await.is_err(), "{name}");
        assert!(host.engine.drop_user(&spec, name).await.is_err(), "{name}");
    }
    let odd = "a\"; ALTER ROLE x SUPERUSER; --";
    assert!(
        host.engine.create_user(&spec, odd, true, &host::verifier()).await.unwrap(),
        "quoted, it is only a name"
    );
    host.engine.drop_user(&spec, odd).await.unwrap();
    // A look-alike of a verifier, and md5, are refused here: the core hashes what people type.
    for bad in ["secret", "md5900150983cd24fb0d6963f7d28e17f72", "SCRAM-SHA-256$1:c2FsdA==$c3RvcmVk:c2VydmVy"]
    {
        assert!(
            host.engine.create_user(&spec, "somebody", false, &bad.to_owned().into()).await.is_err(),
            "{bad}"
        );
    }
    host.end().await;
}

/// A59 in small: what a deleted user owned stays, belongs to the owner, and its sessions are gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_leaves_its_things_and_nothing_else() {
    let host = Host::new().await;
    let spec = host.spec("shop_4553").await;
    host.up(&spec).await;
    host.engine.create_user(&spec, "leaver_1", false, &host::verifier()).await.unwrap();
    let leaver = host.connect_as(&spec, "leaver_1", "shop_4553").await.unwrap();
    leaver
        .batch_execute("SET ROLE NONE; CREATE TABLE mine (n int); INSERT INTO mine VALUES (7)")
        .await
        .unwrap();
    let (things, count) = host.engine.owned_by(&spec, "leaver_1", 20).await.unwrap();
    assert_eq!((things.as_slice(), count), (["table public.mine".to_owned()].as_slice(), 1));
    host.engine.drop_user(&spec, "leaver_1").await.unwrap();
    host.engine.drop_user(&spec, "leaver_1").await.unwrap();
    assert!(leaver.batch_execute("SELECT 1").await.is_err(), "its session ended");
    assert!(host.connect_as(&spec, "leaver_1", "shop_4553").await.is_err());
    assert_eq!(host.ask(&spec, "SELECT n FROM mine").await.unwrap(), ["7"]);
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'";
    assert_eq!(host.ask(&spec, owner).await.unwrap(), ["shop_4553_owner"]);
    host.end().await;
}

/// A removal that was cut short: the user can log in no more, is still listed, and goes the next time.
#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_was_cut_short_can_be_asked_for_again() {
    let host = Host::new().await;
    let spec = host.spec("shop_4553").await;
    host.up(&spec).await;
    host.engine.create_user(&spec, "leaver_1", false, &host::verifier()).await.unwrap();
    let inside = host.inside(&spec, "postgres").await;
    inside.batch_execute("ALTER ROLE leaver_1 NOLOGIN").await.unwrap();
    let names = async || {
        host.engine.users(&spec).await.unwrap().into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["shop_4553", "leaver_1"]);
    host.engine.drop_user(&spec, "leaver_1").await.unwrap();
    assert_eq!(names().await, ["shop_4553"]);
    drop(inside);
    host.end().await;
}

/// A database from before: its user made tables under its own name, and its sessions did not begin as the owner.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_goes_on_with_its_migrations() {
    let host = Host::new().await;
    let spec = host.spec("shop_4553").await;
    host.up(&spec).await;
    let inside = host.inside(&spec, "postgres").await;
    inside.batch_execute("ALTER ROLE shop_4553 RESET role").await.unwrap();
    host.ask(&spec, "CREATE TABLE old (n int)").await.unwrap();
    let owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'old'";
    assert_eq!(host.ask(&spec, owner).await.unwrap(), ["shop_4553"]);
    // Somebody looks at the users.
    host.engine.users(&spec).await.unwrap();
    assert_eq!(host.ask(&spec, owner).await.unwrap(), ["shop_4553_owner"]);
    host.ask(&spec, "ALTER TABLE old ADD COLUMN x int").await.unwrap();
    drop(inside);
    host.end().await;
}

/// What hangs on an extension is named on every major, arrays of its types too, and a refusal is PostgreSQL's own.
#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_an_extension_is_named() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        host.engine.create_extension(&spec, "citext").await.unwrap();
        let dependents = async || {
            let all = host.engine.extensions(&spec).await.unwrap();
            all.into_iter().find(|one| one.name == "citext").unwrap().dependents
        };
        assert_eq!(dependents().await, [] as [&str; 0], "{version}");
        host.ask(&spec, "CREATE TABLE t (tags citext[])").await.unwrap();
        assert_eq!(dependents().await, ["column tags of table public.t"], "{version}");
        let refused = host.engine.drop_extension(&spec, "citext").await;
        assert!(
            matches!(&refused, Err(control::engine::EngineError::Postgres { .. })),
            "{version}: {refused:?}"
        );
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

/// The second login of a change of password: both work, then one; what either made belongs to both.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_works_beside_the_old_one_until_that_is_closed() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        let old = host.connect(&spec, "shop_4553").await.unwrap();
        old.batch_execute("CREATE TABLE before (n int)").await.unwrap();
        let next = NodeSpec { login: "shop_4553_b".into(), ..spec.clone() };
        host.engine.open_login(&next, &host::verifier()).await.unwrap();
        host.engine.open_login(&next, &host::verifier()).await.unwrap();
        host.engine.verify_login(&next, &host::PASSWORD.into()).await.unwrap();
        host.engine.verify_login(&spec, &host::PASSWORD.into()).await.unwrap();
        let new = host.connect(&next, "shop_4553").await.unwrap();
        new.batch_execute("ALTER TABLE before ADD COLUMN x int; CREATE TABLE after (n int)").await.unwrap();
        old.batch_execute("ALTER TABLE after ADD COLUMN x int").await.unwrap();
        // The idle session is ended, one in a transaction is not, until all are.
        old.batch_execute("BEGIN; INSERT INTO before VALUES (1)").await.unwrap();
        assert_eq!(host.engine.close_other_logins(&next, false).await.unwrap(), 1, "{version}");
        old.batch_execute("COMMIT").await.unwrap();
        while host.engine.close_other_logins(&next, false).await.unwrap() > 0 {}
        assert!(old.batch_execute("SELECT 1").await.is_err(), "{version}");
        assert!(
            host.connect(&spec, "shop_4553").await.is_err(),
            "{version}: the old password is worth nothing"
        );
        assert_eq!(host.ask(&next, "SELECT count(*) FROM before").await.unwrap(), ["1"]);
        assert_eq!(host.engine.users(&next).await.unwrap()[0].name, "shop_4553_b");
        // And back to the first.
        host.engine.open_login(&spec, &host::verifier()).await.unwrap();
        host.engine.close_other_logins(&spec, true).await.unwrap();
        host.engine.verify_login(&spec, &host::PASSWORD.into()).await.unwrap();
        drop(new);
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

/// A22: what is offered is what a user can create, no more and no less.
#[tokio::test(flavor = "multi_thread")]
async fn the_extensions_that_are_offered_are_those_that_can_be_created() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        let owner = host.connect(&spec, "shop_4553").await.unwrap();
        let all = host.engine.extensions(&spec).await.unwrap();
        let left: Vec<_> = all.iter().filter(|one| one.version.is_none()).collect();
        let offered = left.iter().filter(|one| one.offered).count();
        assert!(offered > 5 && offered < left.len(), "{version}: {offered} of {}", left.len());
        let mut other = Vec::new();
        for one in left {
            let sql = format!("BEGIN; CREATE EXTENSION \"{}\" CASCADE", one.name);
            let made = owner.batch_execute(&sql).await;
            owner.batch_execute("ROLLBACK").await.unwrap();
            if made.is_ok() != one.offered {
                other.push((&one.name, made.err().map(|error| error.to_string())));
            }
        }
        assert_eq!(other, [], "{version}");
        drop(owner);
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}
