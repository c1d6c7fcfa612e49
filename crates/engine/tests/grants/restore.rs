//! After a restore in place, and after the way back: a second database has the name then, made without the users.

use crate::{
    host::{self, Host},
    kit::{Pieces, dump},
    matrix::{SCHEMAS, check, everybody, furnish, gaps, may, objects},
};
use control::engine::{
    Administer as _, Engine as _, NodeSpec,
    dumps::{Dumps as _, Second},
};

/// Objects that every login makes under its own name, in schemas of its own, in the database that is there now.
async fn make(host: &Host, spec: &NodeSpec, suffix: &str) -> Vec<String> {
    let mut schemas = Vec::new();
    for user in ["shop_4553", "shop_4553_b", "writer_1", "late_1"] {
        let schema = format!("{user}_{suffix}");
        let client = host.connect_as(spec, user, "shop_4553").await.unwrap();
        // As a pooler's `DISCARD ALL` does.
        client.batch_execute("SET ROLE NONE").await.unwrap();
        let all = format!("CREATE SCHEMA {schema}; {}", objects(&schema));
        client.batch_execute(&all).await.unwrap();
        schemas.push(schema);
    }
    schemas
}

/// What is made under one's own name can be read and written by all, and is in order after the button.
async fn shared(host: &Host, spec: &NodeSpec, suffix: &str) {
    let schemas = make(host, spec, suffix).await;
    let clients = everybody(host, spec).await;
    for schema in &schemas {
        for sql in ["SELECT * FROM t", "INSERT INTO t VALUES (2)", "SELECT nextval('q')", "SELECT f()"] {
            may(&clients["writer_2"], schema, sql).await.unwrap();
        }
        for sql in ["SELECT * FROM t", "SELECT n FROM v", "SELECT last_value FROM q"] {
            may(&clients["reader_1"], schema, sql).await.unwrap();
        }
    }
    assert_eq!(gaps(host, spec, "reader_1", true).await, [] as [&str; 0], "{suffix}");
    host.engine.mend_rights(spec).await.unwrap();
    for schema in &schemas {
        check(&clients, schema, suffix).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_as_documented_after_a_restore_in_place_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        println!("{version}");
        restored(&host, host::spec("shop_4553", version)).await;
    }
    host.end().await;
}

async fn restored(host: &Host, spec: NodeSpec) {
    host.up(&spec).await;
    drop(furnish(host, &spec).await);
    let (_, bytes) = dump(host, &spec).await;
    host.engine.load_beside(&spec, 0, &mut Pieces(bytes, 0)).await.unwrap();
    // Those who come while it is restored, too: a user, and the login of a change of password.
    assert!(host.engine.create_user(&spec, "late_1", false, &host::verifier()).await.unwrap());
    let next = NodeSpec { login: "shop_4553_b".into(), ..spec.clone() };
    host.engine.open_login(&next, &host::verifier()).await.unwrap();
    host.engine.swap(&spec, Second::Incoming).await.unwrap();

    let clients = everybody(host, &spec).await;
    for schema in SCHEMAS {
        check(&clients, schema, "restored").await;
    }
    clients["shop_4553"].batch_execute(&format!("CREATE SCHEMA new; {}", objects("new"))).await.unwrap();
    check(&clients, "new", "made after the restore").await;
    for (user, read_only) in [("shop_4553", false), ("writer_2", false), ("reader_1", true)] {
        assert_eq!(gaps(host, &spec, user, read_only).await, [] as [&str; 0], "{user}");
    }
    drop(clients);
    shared(host, &spec, "restored").await;

    // A user that goes meanwhile is known to both databases; one that comes, to one.
    host.engine.drop_user(&spec, "late_1").await.unwrap();
    assert!(host.engine.create_user(&spec, "late_1", false, &host::verifier()).await.unwrap());
    host.engine.swap(&spec, Second::Replaced).await.unwrap();
    let clients = everybody(host, &spec).await;
    for schema in SCHEMAS {
        check(&clients, schema, "taken back").await;
    }
    drop(clients);
    shared(host, &spec, "back").await;
    host.engine.purge(spec.id).await.unwrap();
}
