//! The grants matrix: docs/grants.md says what each kind of user may do, and this tries every line of it, on every
//! installed major, on objects of every maker.

#[cfg(test)]
mod host;

use control::engine::{Administer as _, Engine as _, NodeSpec};
use host::Host;
use std::collections::BTreeMap;
use tokio_postgres::Client;

const DOCUMENT: &str = include_str!("../../../docs/grants.md");
const USERS: [&str; 3] = ["shop_4553", "writer_2", "reader_1"];

/// A line of the table: the statement, and who may run it, in the order of [`USERS`].
#[cfg(test)]
fn matrix() -> Vec<(&'static str, [bool; 3])> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let row = |line: &'static str| {
        let sql = line.split('`').nth(1).unwrap();
        let cells: Vec<_> = line.rsplit_once('`').unwrap().1.split('|').map(str::trim).collect();
        let may = |at: usize| match cells[at] {
            "yes" => true,
            "no" => false,
            other => panic!("{other} in {line}"),
        };
        (sql, [may(1), may(2), may(3)])
    };
    let rows: Vec<_> = rows.map(row).collect();
    assert!(rows.len() > 30, "the document has its table");
    rows
}

/// Everything that the table names, in a schema.
#[cfg(test)]
fn objects(schema: &str) -> String {
    format!(
        r#"SET search_path = {schema};
           CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1);
           CREATE VIEW v AS SELECT n FROM t; CREATE MATERIALIZED VIEW m AS SELECT n FROM t; CREATE SEQUENCE q;
           CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
           CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'"#
    )
}

/// Runs one line and takes it back. A read-only user asks for a transaction that may write: what refuses shall be the
/// missing right, not the default that it can change.
#[cfg(test)]
async fn may(client: &Client, schema: &str, sql: &str) -> Result<(), String> {
    client.batch_execute(&format!("BEGIN READ WRITE; SET LOCAL search_path = {schema}")).await.unwrap();
    let done = client.batch_execute(sql).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    done.map_err(|error| {
        let told = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
        assert_eq!(told.code().code(), "42501", "{sql}: refused for a want of rights: {told}");
        told.message().to_owned()
    })
}

#[cfg(test)]
async fn check(clients: &BTreeMap<&str, Client>, schema: &str, version: &str) {
    for (sql, wanted) in matrix() {
        for (user, wanted) in USERS.into_iter().zip(wanted) {
            let done = may(&clients[user], schema, sql).await;
            assert_eq!(done.is_ok(), wanted, "{version}, {schema}: {user}: {sql}: {done:?}");
        }
    }
}

#[cfg(test)]
async fn gaps(host: &Host, spec: &NodeSpec, user: &str, read_only: bool) -> Vec<String> {
    let rights = host.engine.rights(spec, user).await.unwrap();
    assert!(rights.len() > 10, "{rights:?}");
    assert!(rights.iter().all(|o| o.beyond(read_only).is_empty()), "{rights:?}");
    let gap = |o: &types::rights::ObjectRights| {
        let missing = o.missing(read_only);
        (!missing.is_empty()).then(|| format!("{}.{}: {}", o.schema, o.name, missing.join(", ")))
    };
    rights.iter().filter_map(gap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_as_documented_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        let told = version.to_string();
        host.up(&spec).await;
        let owner = host.connect(&spec, "shop_4553").await.unwrap();
        owner.batch_execute(&objects("public")).await.unwrap();
        owner.batch_execute(&format!("CREATE SCHEMA before; {}", objects("before"))).await.unwrap();
        for (name, read_only) in [("writer_1", false), ("writer_2", false), ("reader_1", true)] {
            assert!(host.engine.create_user(&spec, name, read_only, &host::verifier()).await.unwrap());
            assert!(
                !host.engine.create_user(&spec, name, read_only, &host::verifier()).await.unwrap(),
                "twice"
            );
        }
        owner.batch_execute(&format!("CREATE SCHEMA after; {}", objects("after"))).await.unwrap();
        let writer = host.connect_as(&spec, "writer_1", "shop_4553").await.unwrap();
        writer.batch_execute(&format!("CREATE SCHEMA theirs; {}", objects("theirs"))).await.unwrap();

        let mut clients = BTreeMap::new();
        for user in USERS {
            clients.insert(user, host.connect_as(&spec, user, "shop_4553").await.unwrap());
        }
        for schema in ["public", "before", "after", "theirs"] {
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
