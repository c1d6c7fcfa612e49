//! The grants matrix: docs/grants.md says what each kind of user may do, and this tries every line of it, on every
//! installed major, on objects of every maker; after an upgrade, and after a restore in place.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

#[cfg(test)]
#[path = "../host/mod.rs"]
mod host;
#[path = "../dumps/kit.rs"]
mod kit;
mod matrix;
mod restore;
mod upgrade;

use control::engine::{Administer as _, Engine as _, NodeSpec};
use host::Host;
use matrix::{SCHEMAS, check, everybody, furnish, gaps, may, objects};
use std::collections::BTreeMap;
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_as_documented_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        let told = version.to_string();
        host.up(&spec).await;
        let (owner, writer) = furnish(&host, &spec).await;
        let clients = everybody(&host, &spec).await;
        for schema in SCHEMAS {
            check(&clients, schema, &told).await;
        }
        for (user, read_only) in [("shop_4553", false), ("writer_2", false), ("reader_1", true)] {
            assert_eq!(gaps(&host, &spec, user, read_only).await, [] as [&str; 0], "{version}: {user}");
        }

        // What a writer makes under its own name is read and written by all, and a gap for those who would change it.
        writer.batch_execute(&format!("SET ROLE NONE; CREATE SCHEMA own; {}", objects("own"))).await.unwrap();
        for sql in ["SELECT * FROM t", "INSERT INTO t VALUES (2)", "SELECT nextval('q')", "SELECT f()"] {
            may(&clients["writer_2"], "own", sql).await.unwrap();
        }
        may(&clients["reader_1"], "own", "SELECT n FROM v").await.unwrap();
        assert!(may(&clients["writer_2"], "own", "ALTER TABLE t ADD COLUMN x int").await.is_err());
        // So is what somebody took away.
        owner
            .batch_execute(
                r#"REVOKE ALL ON before.t FROM shop_4553_ro, shop_4553_rw;
                   REVOKE CONNECT ON DATABASE shop_4553 FROM shop_4553_ro;
                   REVOKE EXECUTE ON FUNCTION before.f() FROM shop_4553_rw"#,
            )
            .await
            .unwrap();
        let named = gaps(&host, &spec, "writer_2", false).await;
        assert!(named.iter().any(|gap| gap.starts_with("own.t: TRIGGER")), "{named:?}");
        assert_eq!(gaps(&host, &spec, "reader_1", true).await, [".shop_4553: CONNECT", "before.t: SELECT"]);
        host.engine.mend_rights(&spec).await.unwrap();
        assert_eq!(gaps(&host, &spec, "reader_1", true).await, [] as [&str; 0], "{version}");
        for schema in ["before", "own"] {
            check(&clients, schema, &told).await;
        }
        assert_eq!(gaps(&host, &spec, "writer_2", false).await, [] as [&str; 0], "{version}");

        too_much(&host, &spec, &owner, &clients["reader_1"]).await;

        // The list tells the truth about itself.
        let users = host.engine.users(&spec).await.unwrap();
        let rows: Vec<_> = users.iter().map(|u| (u.name.as_str(), u.read_only, u.connections)).collect();
        let expected =
            [("shop_4553", false, 2), ("reader_1", true, 1), ("writer_1", false, 1), ("writer_2", false, 1)];
        assert_eq!(rows, expected, "{version}");
        assert!(users.iter().all(|u| u.password_encryption == "scram-sha-256" && u.last_activity.is_some()));
        drop((clients, writer, owner));
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

/// What lets a reader change something is told, and taken away by the button; what it may call or read stays.
async fn too_much(host: &Host, spec: &NodeSpec, owner: &Client, reader: &Client) {
    let version = spec.version;
    let give = r#"
        SET search_path = after;
        CREATE FUNCTION definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM after.t; SELECT 1';
        CREATE FUNCTION invoker() RETURNS int LANGUAGE sql AS 'DELETE FROM after.t; SELECT 1';
        GRANT EXECUTE ON FUNCTION definer(), invoker(), f() TO shop_4553_ro;
        GRANT INSERT, TRIGGER ON t TO reader_1; GRANT UPDATE (n) ON t TO PUBLIC; GRANT USAGE ON SEQUENCE q TO shop_4553_ro;
        GRANT CREATE ON SCHEMA after TO reader_1; GRANT TEMPORARY ON DATABASE shop_4553 TO PUBLIC;
        SELECT set_config('test.large', lo_from_bytea(0, 'x')::text, false);
        DO $$ BEGIN EXECUTE format('GRANT SELECT, UPDATE ON LARGE OBJECT %s TO reader_1', current_setting('test.large')); END $$;
        ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO reader_1;
    "#;
    owner.batch_execute(give).await.unwrap();
    // What was passed on goes, too: else PostgreSQL would not let the rest be taken.
    let pass_on = "GRANT INSERT ON after.t TO reader_1 WITH GRANT OPTION;
                   GRANT TEMPORARY ON DATABASE shop_4553 TO reader_1 WITH GRANT OPTION";
    owner.batch_execute(pass_on).await.unwrap();
    let passed_on = "BEGIN READ WRITE; GRANT INSERT ON after.t TO shop_4553_ro;
                     GRANT TEMPORARY ON DATABASE shop_4553 TO shop_4553_ro; COMMIT";
    reader.batch_execute(passed_on).await.unwrap();
    let since_17 = version.major >= 17;
    if since_17 {
        owner.batch_execute("GRANT MAINTAIN ON after.t TO shop_4553_ro").await.unwrap();
    }
    let large = owner.query_one("SELECT current_setting('test.large')", &[]).await.unwrap();
    let large: String = large.get(0);
    let told = async || {
        let rights = host.engine.rights(spec, "reader_1").await.unwrap();
        let more = |o: &types::rights::ObjectRights| {
            let beyond = o.beyond(true).join(", ");
            (!beyond.is_empty()).then(|| (o.name.clone(), beyond))
        };
        let more: BTreeMap<_, _> = rights.iter().filter_map(more).collect();
        // A view over a function is told to be closed, unless somebody opened the function.
        let view =
            |schema| rights.iter().find(|o| o.schema == schema && o.name == "w").unwrap().closed.clone();
        assert_eq!((view("before"), view("after")), (vec!["before.f()".to_owned()], vec![]), "{version}");
        more
    };
    let lo = format!("SELECT lo_put({large}, 0, 'y')");
    let table = if since_17 {
        "INSERT, TRIGGER, MAINTAIN, UPDATE (columns)"
    } else {
        "INSERT, TRIGGER, UPDATE (columns)"
    };
    let expected = [
        ("after", "CREATE"),
        ("definer()", "EXECUTE"),
        (large.as_str(), "UPDATE"),
        ("q", "USAGE"),
        ("shop_4553", "TEMPORARY"),
        ("t", table),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(name, more)| (name.to_owned(), more.to_owned())).into();
    assert_eq!(told().await, expected, "{version}");
    let writing = [
        "INSERT INTO t VALUES (8)",
        "UPDATE t SET n = n",
        "SELECT nextval('q')",
        "SELECT definer()",
        "CREATE TABLE x (n int)",
        "CREATE TEMPORARY TABLE x (n int)",
    ];
    for sql in writing {
        may(reader, "after", sql).await.unwrap_or_else(|error| panic!("{version}: {sql}: {error}"));
    }
    // The function runs with the rights of who calls it.
    assert!(may(reader, "after", "SELECT invoker()").await.is_err(), "{version}");

    host.engine.mend_rights(spec).await.unwrap();
    assert_eq!(told().await, BTreeMap::new(), "{version}");
    for sql in writing.into_iter().chain([lo.as_str()]) {
        assert!(may(reader, "after", sql).await.is_err(), "{version}: {sql}");
    }
    for sql in ["SELECT f()", "SELECT * FROM w", "SELECT * FROM t"] {
        may(reader, "after", sql).await.unwrap_or_else(|error| panic!("{version}: {sql}: {error}"));
    }
    owner.batch_execute("CREATE TABLE after.later (n int)").await.unwrap();
    assert!(may(reader, "after", "DELETE FROM later").await.is_err(), "{version}: nor by default");
}
