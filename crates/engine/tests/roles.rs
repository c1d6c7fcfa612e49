//! What a user may do in its own server, and what it may not; on every installed major.

#[cfg(test)]
mod host;

use control::engine::Engine as _;
use host::{Host, PASSWORD};
use proptest::prelude::*;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn the_user_owns_its_database_and_nothing_else() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        let client = host.connect(&spec, "shop_4553").await.unwrap();
        for allowed in [
            "CREATE TABLE t (n int); INSERT INTO t VALUES (1); CREATE INDEX ON t (n); ALTER TABLE t ADD COLUMN x text",
            "CREATE SCHEMA s; CREATE TABLE s.t (n int); CREATE VIEW s.v AS SELECT * FROM s.t; DROP SCHEMA s CASCADE",
            "CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore; CREATE EXTENSION pgcrypto",
            "CREATE TEMP TABLE x (n int); SELECT lo_create(0); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER DATABASE shop_4553 SET work_mem = '2MB'; COMMENT ON DATABASE shop_4553 IS 'mine'; ANALYZE t",
            "SET ROLE shop_4553_owner; CREATE TABLE o (n int); RESET ROLE; INSERT INTO o VALUES (1); DROP TABLE o",
        ] {
            client
                .batch_execute(allowed)
                .await
                .unwrap_or_else(|e| panic!("{version}: {allowed}: {:?}", e.as_db_error()));
        }
        for refused in [
            "CREATE ROLE x",
            "CREATE DATABASE x",
            "ALTER ROLE shop_4553 SUPERUSER",
            "ALTER ROLE shop_4553 CREATEROLE",
            "ALTER ROLE shop_4553 REPLICATION",
            "ALTER ROLE paddock_monitor PASSWORD 'x'",
            "SET ROLE paddock",
            "SET ROLE paddock_backup",
            "SET SESSION AUTHORIZATION paddock",
            "GRANT pg_monitor TO shop_4553",
            "GRANT pg_read_all_data TO shop_4553",
            "ALTER SYSTEM SET archive_command = 'x'",
            "SET session_preload_libraries = 'x'",
            "SET log_statement = 'all'",
            "COPY (SELECT 1) TO '/tmp/paddock-must-not-exist'",
            "COPY t FROM PROGRAM 'id'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_ls_dir('/')",
            "SELECT lo_import('/etc/passwd')",
            "LOAD '/tmp/x.so'",
            "CREATE EXTENSION file_fdw",
            "CREATE EXTENSION dblink",
            "CREATE EXTENSION postgres_fdw",
            "CREATE FUNCTION c() RETURNS int LANGUAGE c AS 'x', 'y'",
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
            "CREATE SUBSCRIPTION x CONNECTION 'host=x' PUBLICATION y",
            "SELECT pg_create_physical_replication_slot('x')",
            "SELECT * FROM pg_authid",
            "SELECT pg_reload_conf()",
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() OFFSET 0) AS o",
            "DROP DATABASE shop_4553",
            "ALTER DATABASE shop_4553 RENAME TO x",
            "ALTER DATABASE shop_4553 OWNER TO paddock",
        ] {
            let said = client.batch_execute(refused).await.expect_err(refused);
            assert!(said.as_db_error().is_some(), "{version}: {refused}: {said}");
        }
        for elsewhere in ["postgres", "template1"] {
            assert!(host.ask_as(&spec, elsewhere, "SELECT 1").await.is_err(), "{elsewhere}");
        }
        // What its owner may do to the database does not blind the platform.
        client
            .batch_execute(
                r#"ALTER DATABASE shop_4553 SET search_path = evil;
                   REVOKE ALL ON DATABASE shop_4553 FROM paddock_backup, PUBLIC;
                   ALTER DATABASE shop_4553 SET default_transaction_read_only = on"#,
            )
            .await
            .unwrap();
        assert!(host.engine.figures(&spec).await.unwrap().connections >= 1);
        // Asked again (a retried step), the password is set and nothing else happens.
        host.engine.create_database(&spec, &host::verifier()).await.unwrap();
        host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
        let log = host.engine.log_tail(spec.id, 10_000).await.unwrap().join("\n");
        assert!(!log.contains("SCRAM-SHA-256$"), "no verifier in the log");
        drop(client);
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_a_database_bears_being_cut_short_anywhere() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.engine.place(&spec).await.unwrap();
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    let verifier = host::verifier();
    for limit in (5..).step_by(15) {
        let work = host.engine.create_database(&spec, &verifier);
        if tokio::time::timeout(Duration::from_millis(limit), work).await.is_ok_and(|made| made.is_ok()) {
            break;
        }
        assert!(limit < 10_000, "it never ends");
    }
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    host.ask(&spec, "CREATE TABLE t (n int); CREATE EXTENSION hstore").await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_agrees() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let ca = host.layout().root().join("ca.pem");
    std::fs::write(&ca, host.engine.ca_certificate().await.unwrap()).unwrap();
    let psql = host.engine.catalogue().find(spec.version).await.unwrap().program("psql");
    let ask = |host_name: &str, mode: &str, ca: &str| {
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let port = spec.port;
        let rest = format!("user=a_1 dbname=a_1 password='{password}' sslmode={mode} sslrootcert={ca}");
        host::run(
            psql.to_str().unwrap(),
            &["-XAtc", "SELECT 1", &format!("host={host_name} port={port} {rest}")],
        )
    };
    let ca = ca.to_str().unwrap();
    for name in ["127.0.0.1", "localhost"] {
        let said = ask(name, "verify-full", ca);
        assert_eq!(String::from_utf8_lossy(&said.stdout), "1\n", "{}", String::from_utf8_lossy(&said.stderr));
    }
    assert!(ask("127.0.0.1", "disable", ca).status.success(), "TLS is offered to all and forced on nobody");
    assert!(!ask("127.0.0.1", "verify-full", "/nonexistent").status.success());
    // Another CA is refused.
    let other = Host::new().await;
    let theirs = other.layout().root().join("ca.pem");
    std::fs::write(&theirs, other.engine.ca_certificate().await.unwrap()).unwrap();
    assert!(!ask("127.0.0.1", "verify-full", theirs.to_str().unwrap()).status.success());
    other.end().await;
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_quoted_comes_back_as_it_was() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    let client = host.connect(&spec, "a_1").await.unwrap();
    let round_trip = |sql: String| {
        let client = &client;
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(client.query_one(&sql, &[]))
        })
    };
    let text = "(\\PC|['\"\\\\$%\u{1}\n\r\t]){0,40}";
    for conforming in ["on", "off"] {
        client.batch_execute(&format!("SET standard_conforming_strings = {conforming}")).await.unwrap();
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
        let literals = runner.run(&text, |text| {
            let row =
                round_trip(format!("SELECT{}::text", engine::sql::quote_literal(&text).unwrap())).unwrap();
            prop_assert_eq!(row.get::<_, String>(0), text);
            Ok(())
        });
        literals.unwrap();
        let names = runner.run(&text, |text| {
            let Ok(quoted) = engine::sql::quote_ident(&text) else { return Ok(()) };
            let row = round_trip(format!("SELECT 1 AS {quoted}")).unwrap();
            prop_assert_eq!(row.columns()[0].name(), text);
            Ok(())
        });
        names.unwrap();
    }
    host.end().await;
}
