//! The table of docs/grants.md, the objects and users that it is tried with, and trying it.

use crate::host::{self, Host};
use control::engine::{Administer as _, NodeSpec};
use std::collections::BTreeMap;
use tokio_postgres::Client;

const DOCUMENT: &str = include_str!("../../../../docs/grants.md");
pub const USERS: [&str; 3] = ["shop_4553", "writer_2", "reader_1"];

/// A line of the table: the statement, and who may run it, in the order of [`USERS`].
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
pub fn objects(schema: &str) -> String {
    format!(
        r#"SET search_path = {schema};
           CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1);
           CREATE VIEW v AS SELECT n FROM t; CREATE MATERIALIZED VIEW m AS SELECT n FROM t; CREATE SEQUENCE q;
           CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
           CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
           CREATE VIEW w AS SELECT f() AS n; CREATE TYPE e AS ENUM ('a'); SELECT lo_from_bytea(0, 'x')"#
    )
}

/// Runs one line and takes it back. A read-only user asks for a transaction that may write: what refuses shall be the
/// missing right, not the default that it can change.
pub async fn may(client: &Client, schema: &str, sql: &str) -> Result<(), String> {
    client.batch_execute(&format!("BEGIN READ WRITE; SET LOCAL search_path = {schema}")).await.unwrap();
    let done = client.batch_execute(sql).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    done.map_err(|error| {
        let told = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}"));
        assert_eq!(told.code().code(), "42501", "{sql}: refused for a want of rights: {told}");
        told.message().to_owned()
    })
}

pub async fn check(clients: &BTreeMap<&str, Client>, schema: &str, version: &str) {
    for (sql, wanted) in matrix() {
        for (user, wanted) in USERS.into_iter().zip(wanted) {
            let done = may(&clients[user], schema, sql).await;
            assert_eq!(done.is_ok(), wanted, "{version}, {schema}: {user}: {sql}: {done:?}");
        }
    }
}

pub async fn gaps(host: &Host, spec: &NodeSpec, user: &str, read_only: bool) -> Vec<String> {
    let rights = host.engine.rights(spec, user).await.unwrap();
    assert!(rights.len() > 10, "{rights:?}");
    assert!(rights.iter().all(|o| o.beyond(read_only).is_empty()), "{rights:?}");
    let gap = |o: &types::rights::ObjectRights| {
        let missing = o.missing(read_only);
        (!missing.is_empty()).then(|| format!("{}.{}: {}", o.schema, o.name, missing.join(", ")))
    };
    rights.iter().filter_map(gap).collect()
}

/// Schemas of every maker, made before the users and after them.
pub const SCHEMAS: [&str; 4] = ["public", "before", "after", "theirs"];

/// Users, and objects of every maker; answers the owner and a writer.
pub async fn furnish(host: &Host, spec: &NodeSpec) -> (Client, Client) {
    let owner = host.connect(spec, "shop_4553").await.unwrap();
    owner.batch_execute(&objects("public")).await.unwrap();
    owner.batch_execute(&format!("CREATE SCHEMA before; {}", objects("before"))).await.unwrap();
    for (name, read_only) in [("writer_1", false), ("writer_2", false), ("reader_1", true)] {
        assert!(host.engine.create_user(spec, name, read_only, &host::verifier()).await.unwrap());
        assert!(!host.engine.create_user(spec, name, read_only, &host::verifier()).await.unwrap(), "twice");
    }
    owner.batch_execute(&format!("CREATE SCHEMA after; {}", objects("after"))).await.unwrap();
    let writer = host.connect_as(spec, "writer_1", "shop_4553").await.unwrap();
    writer.batch_execute(&format!("CREATE SCHEMA theirs; {}", objects("theirs"))).await.unwrap();
    (owner, writer)
}

pub async fn everybody(host: &Host, spec: &NodeSpec) -> BTreeMap<&'static str, Client> {
    let mut clients = BTreeMap::new();
    for user in USERS {
        clients.insert(user, host.connect_as(spec, user, "shop_4553").await.unwrap());
    }
    clients
}
