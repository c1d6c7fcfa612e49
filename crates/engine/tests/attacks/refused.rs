//! What is refused to everybody, and what to those who only read: for want of rights, and for nothing else.

use crate::host::{self, Host};
use control::engine::{Engine as _, NodeSpec};
use tokio_postgres::Client;
use types::PgVersion;

/// Refused to everybody, the protected user too, with 42501: insufficient privilege.
const REFUSED: [(&str, &[&str]); 10] = [
    (
        "A21: files and programs of the host",
        &[
            "COPY t FROM PROGRAM 'id'",
            "COPY t TO '/tmp/paddock-must-not-exist'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_read_binary_file('/etc/passwd')",
            "SELECT lo_import('/etc/passwd')",
            "SELECT lo_export(1, '/tmp/paddock-must-not-exist')",
            "SELECT pg_ls_dir('/')",
            "SELECT pg_stat_file('/etc/passwd')",
            "SELECT pg_current_logfile()",
            "SELECT pg_ls_logdir()",
            "CREATE TABLESPACE x LOCATION '/tmp'",
        ],
    ),
    (
        "A22: code of the host",
        &[
            "LOAD '/tmp/x.so'",
            "CREATE FUNCTION c() RETURNS int LANGUAGE c AS '/tmp/x', 'y'",
            "CREATE FUNCTION c() RETURNS int LANGUAGE internal AS 'pg_reload_conf'",
            "CREATE LANGUAGE plperlu HANDLER plpgsql_call_handler",
            "CREATE ACCESS METHOD x TYPE TABLE HANDLER heap_tableam_handler",
        ],
    ),
    (
        "A23: the server's settings",
        &[
            "SET session_preload_libraries = 'x'",
            "SET log_statement = 'all'",
            "SET temp_file_limit = -1",
            "SET session_replication_role = replica",
            "SET auto_explain.log_min_duration = 0",
            "SET allow_system_table_mods = on",
            "ALTER ROLE CURRENT_USER SET session_preload_libraries = 'x'",
            "ALTER DATABASE shop_4553 SET session_preload_libraries = 'x'",
            "ALTER ROLE ALL SET search_path = public",
            "SELECT pg_reload_conf()",
            "SELECT pg_rotate_logfile()",
        ],
    ),
    (
        "A24: other roles",
        &[
            "SET ROLE paddock",
            "SET ROLE paddock_backup",
            "SET ROLE paddock_roles",
            "SET ROLE paddock_steward",
            "SET SESSION AUTHORIZATION paddock",
            "GRANT pg_monitor TO analyst_1",
            "GRANT pg_read_all_data TO analyst_1",
            "GRANT paddock_roles TO analyst_1",
            "GRANT shop_4553_owner TO reader_1",
            "ALTER ROLE paddock_monitor PASSWORD 'x'",
            "ALTER ROLE paddock_roles LOGIN PASSWORD 'x'",
            "ALTER ROLE analyst_1 SUPERUSER",
            "ALTER ROLE analyst_1 CONNECTION LIMIT -1",
            "ALTER ROLE CURRENT_USER CONNECTION LIMIT -1",
            "ALTER ROLE shop_4553_ro RENAME TO somebody",
            "CREATE ROLE x",
            "CREATE DATABASE x",
            "DROP ROLE analyst_1",
            "DROP ROLE paddock_backup",
            "ALTER DATABASE shop_4553 OWNER TO paddock",
            "ALTER DATABASE shop_4553 RENAME TO x",
            "DROP DATABASE postgres",
            "REASSIGN OWNED BY paddock TO shop_4553_owner",
        ],
    ),
    ("A25: casts of everybody's types", &["CREATE CAST (int AS text) WITHOUT FUNCTION"]),
    ("A27: triggers of events", &["CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION g()"]),
    (
        "A36: out of the database",
        // There is a wrapper, so that what is missing is the right to use it.
        &["CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER wrapper"],
    ),
    (
        "A37: replication",
        &[
            "CREATE SUBSCRIPTION x CONNECTION 'host=10.0.0.1' PUBLICATION y",
            "CREATE SUBSCRIPTION x CONNECTION 'host=10.0.0.1' PUBLICATION y WITH (connect = false)",
            "CREATE PUBLICATION x FOR ALL TABLES",
            "CREATE PUBLICATION x FOR TABLES IN SCHEMA public",
            "SELECT pg_create_physical_replication_slot('x')",
            "SELECT pg_create_logical_replication_slot('x', 'pgoutput')",
            "SELECT pg_logical_slot_get_binary_changes('x', NULL, NULL, 'publication_names', 'published')",
            "SELECT pg_switch_wal()",
            "SELECT pg_backup_start('x')",
        ],
    ),
    (
        "A39: other people's sessions",
        &[
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE usename LIKE 'paddock%' OFFSET 0) AS o",
            "SELECT pg_cancel_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE usename IS NULL OFFSET 0) AS o",
        ],
    ),
    (
        "A42: secrets of the catalogue",
        &[
            "SELECT * FROM pg_authid",
            "SELECT rolpassword FROM pg_authid",
            "COPY pg_authid TO STDOUT",
            "SELECT subconninfo FROM pg_subscription",
            "SELECT umoptions FROM pg_user_mapping",
            "SELECT * FROM pg_hba_file_rules",
            "SELECT * FROM pg_file_settings",
            "SELECT * FROM pg_largeobject",
        ],
    ),
];

/// Refused to everybody for a reason that comes before that of rights: settings that nobody can set in a session.
const FIXED: [&str; 3] =
    ["SET log_directory = '/tmp'", "SET ssl = off", "SET shared_preload_libraries = 'x'"];

/// A41: what a user that only reads may not do either.
const READ_ONLY: [&str; 14] = [
    "CREATE TABLE x (n int)",
    "CREATE TEMPORARY TABLE x (n int)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT * FROM t FOR UPDATE",
    "SELECT nextval('q')",
    "INSERT INTO t VALUES (1)",
    "SET ROLE shop_4553_owner",
    "SET ROLE shop_4553_rw",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SELECT g_owner()",
    "CREATE PUBLICATION x",
];

/// Said outside of a transaction, where some statements only say that they cannot run in one.
async fn refused(client: &Client, what: &str, sql: &str, code: &str) {
    let error = client.batch_execute(sql).await.expect_err(&format!("{what}: {sql}"));
    let told =
        error.as_db_error().unwrap_or_else(|| panic!("{what}: {sql}: the connection is gone: {error}"));
    assert_eq!(told.code().code(), code, "{what}: {sql}: {told}");
}

async fn everything(client: &Client, who: &str, version: PgVersion) {
    // What refuses shall be the missing right, not a default that everybody can change.
    let may_write = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE";
    client.batch_execute(may_write).await.unwrap();
    for (attack, statements) in REFUSED {
        for sql in statements {
            refused(client, &format!("{version}, {who}, {attack}"), sql, "42501").await;
        }
    }
    let untrusted = "SELECT DISTINCT name::text FROM pg_available_extension_versions
                     WHERE superuser AND NOT trusted AND NOT installed AND requires IS NULL";
    let untrusted: Vec<String> =
        client.query(untrusted, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    for name in ["file_fdw", "dblink", "postgres_fdw", "pageinspect"] {
        assert!(untrusted.iter().any(|one| one == name), "{version}: {name} in {untrusted:?}");
    }
    for name in untrusted {
        let sql = format!("CREATE EXTENSION \"{name}\"");
        refused(client, &format!("{version}, {who}, A22"), &sql, "42501").await;
    }
    for sql in FIXED {
        refused(client, &format!("{version}, {who}, A23"), sql, "55P02").await;
    }
    // From 17 on it is switched off, and says so to superusers, too.
    let no = if version.major < 17 { "42501" } else { "0A000" };
    for sql in ["ALTER SYSTEM SET archive_command = 'x'", "ALTER SYSTEM SET work_mem = '1MB'"] {
        refused(client, &format!("{version}, {who}, A23"), sql, no).await;
    }
    // Its owners are always in it, since they can enter no other one.
    let no = if who == "reader_1" { "42501" } else { "55006" };
    refused(client, &format!("{version}, {who}, A24"), "DROP DATABASE shop_4553", no).await;
}

/// A37: nobody speaks the replication protocol, neither about the whole server nor about the own database.
async fn replication_is_refused(host: &Host, spec: &NodeSpec, user: &str) {
    let psql = host.program(spec, "psql").await;
    let no_right = match spec.version.major {
        ..16 => "must be superuser or replication role to start walsender",
        _ => "permission denied to start WAL sender",
    };
    for (kind, said) in [("true", "pg_hba.conf rejects replication connection"), ("database", no_right)] {
        let to = format!(
            "host=127.0.0.1 port={} user={user} dbname=shop_4553 sslmode=require replication={kind}",
            spec.port
        );
        let password = format!("PGPASSWORD={}", host::PASSWORD);
        let told = host::run("/usr/bin/env", &[&password, &psql, "-X", &to, "-c", "IDENTIFY_SYSTEM"]);
        let stderr = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(!told.status.success() && stderr.contains(said), "{user}: {kind}: {stderr}");
        // The same address does answer who does not want to replicate.
        let plain = to.replace(&format!(" replication={kind}"), "");
        let told = host::run("/usr/bin/env", &[&password, &psql, "-X", &plain, "-c", "SELECT 1"]);
        assert!(told.status.success(), "{user}: {}", String::from_utf8_lossy(&told.stderr));
    }
}

/// A23: every setting of the server, of its databases and of its roles, as a session that begins now has them.
async fn settings(host: &Host, spec: &NodeSpec) -> Vec<String> {
    let client = host.inside(spec, "shop_4553").await;
    let ask = "SELECT format('%s=%s from %s', name, setting, source) FROM pg_settings
               UNION ALL SELECT format('%s in %s: %s', setrole, setdatabase, setconfig) FROM pg_db_role_setting
               UNION ALL SELECT format('%s: %s', sourceline, applied) FROM pg_file_settings ORDER BY 1";
    client.query(ask, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// What was refused is on record: in the server's log, which its people read, with who was refused and why. The words of
/// the statement are not, as they may hold a secret.
async fn is_on_record(host: &Host, spec: &NodeSpec) {
    let records = crate::whole_log(host, spec).await;
    let said: usize = REFUSED.iter().map(|(_, statements)| statements.len()).sum();
    for user in ["shop_4553", "analyst_1", "reader_1"] {
        let who = format!("{user}@shop_4553");
        let refused = records.iter().filter(|record| record.who == who && record.text.contains("42501"));
        let refused: Vec<_> = refused.map(|record| record.text.as_str()).collect();
        assert!(refused.len() >= said, "{}: {user}: {refused:#?}", spec.version);
        assert!(refused.iter().any(|text| text.contains("permission denied to create role")), "{refused:#?}");
        assert!(!refused.iter().any(|text| text.contains("PASSWORD 'x'")), "{refused:#?}");
    }
}

/// What somebody is shown of the statements of the protected user.
async fn texts(client: &Client) -> Vec<String> {
    let ask = "SELECT query FROM pg_stat_activity WHERE usename = 'shop_4553'";
    client.query(ask, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_for_want_of_rights() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        crate::with_users(&host, &spec).await;
        let inside = host.inside(&spec, "shop_4553").await;
        inside.batch_execute("CREATE FOREIGN DATA WRAPPER wrapper").await.unwrap();
        let owner = host.connect(&spec, "shop_4553").await.unwrap();
        owner
            .batch_execute(
                r#"CREATE TABLE t (n int PRIMARY KEY); CREATE SEQUENCE q;
                   CREATE FUNCTION g() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
                   CREATE FUNCTION g_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"#,
            )
            .await
            .unwrap();
        // A37: whoever may create things may publish tables. It gives nothing: what follows is refused as ever.
        owner.batch_execute("CREATE PUBLICATION published").await.unwrap();
        // A session of ours that they could aim at.
        assert!(host.engine.sample(&spec, false).await.unwrap().server.is_some());
        let before = settings(&host, &spec).await;
        for user in ["shop_4553", "analyst_1", "reader_1"] {
            let client = host.connect_as(&spec, user, "shop_4553").await.unwrap();
            everything(&client, user, version).await;
            for database in ["postgres", "template1"] {
                assert!(
                    host.connect_as(&spec, user, database).await.is_err(),
                    "{version}: {user} in {database}"
                );
            }
            replication_is_refused(&host, &spec, user).await;
        }
        assert_eq!(settings(&host, &spec).await, before, "{version}: A23");
        is_on_record(&host, &spec).await;
        let slots = inside.query("SELECT FROM pg_replication_slots", &[]).await.unwrap();
        assert!(slots.is_empty(), "{version}: A37: a slot was made");
        let reader = host.connect_as(&spec, "reader_1", "shop_4553").await.unwrap();
        reader.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE").await.unwrap();
        for sql in READ_ONLY {
            refused(&reader, &format!("{version}: A41"), sql, "42501").await;
        }
        let message = "SELECT pg_logical_emit_message(false, 'x', 'y')";
        owner.batch_execute(message).await.unwrap();
        if version.major >= 17 {
            refused(&reader, &format!("{version}: A41"), message, "42501").await;
        }
        // A40: texts of others are hidden from users, also from one that acts as the same owner.
        assert!(texts(&inside).await.iter().any(|text| text == message), "{version}: there is one to hide");
        let writer = host.connect_as(&spec, "analyst_1", "shop_4553").await.unwrap();
        for (client, role) in [(&reader, "NONE"), (&writer, "shop_4553_owner"), (&writer, "NONE")] {
            client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
            let told = texts(client).await;
            let hidden = told.iter().all(|text| text == "<insufficient privilege>");
            assert!(hidden && !told.is_empty(), "{version}: {role}: {told:?}");
        }
        let log = host.engine.log_tail(spec.id, 100_000).await.unwrap().join("\n");
        assert!(!log.contains("SCRAM-SHA-256$"), "{version}: no verifier in the log");
        drop((owner, reader, writer, inside));
        host.engine.purge(spec.id).await.unwrap();
    }
    assert!(!std::path::Path::new("/tmp/paddock-must-not-exist").exists());
    host.end().await;
}
