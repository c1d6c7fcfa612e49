//! What people with a login try against the platform, and that it is refused: every installed major, as a user that
//! reads and writes and as one that only reads. The canary shows that no session of the platform ran their code.
//!
//! The numbers are those of the project's list of attacks. Those against backups (A29 to A33) come with backups.

#[cfg(test)]
mod host;

use control::engine::{Administer as _, Engine as _, NodeSpec};
use host::Host;
use tokio_postgres::Client;

/// Refused to everybody, the protected user too.
const REFUSED: [(&str, &[&str]); 9] = [
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
        ],
    ),
    (
        "A22: code of the host",
        &[
            "CREATE EXTENSION plpython3u",
            "CREATE EXTENSION file_fdw",
            "CREATE EXTENSION dblink",
            "CREATE EXTENSION postgres_fdw",
            "CREATE EXTENSION pageinspect",
            "LOAD '/tmp/x.so'",
            "CREATE FUNCTION c() RETURNS int LANGUAGE c AS '/tmp/x', 'y'",
            "CREATE FUNCTION c() RETURNS int LANGUAGE internal AS 'pg_reload_conf'",
            "CREATE LANGUAGE plperlu HANDLER plpgsql_call_handler",
        ],
    ),
    (
        "A23: the server's settings",
        &[
            "ALTER SYSTEM SET archive_command = 'x'",
            "SET session_preload_libraries = 'x'",
            "SET log_directory = '/tmp'",
            "SET log_statement = 'all'",
            "SET ssl = off",
            "SET shared_preload_libraries = 'x'",
            "SET temp_file_limit = -1",
            "SET session_replication_role = replica",
            "SET auto_explain.log_min_duration = 0",
            "SET allow_system_table_mods = on",
            "ALTER ROLE CURRENT_USER SET session_preload_libraries = 'x'",
            "ALTER DATABASE shop_4553 SET session_preload_libraries = 'x'",
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
            "ALTER ROLE reader_1 RENAME TO somebody",
            "CREATE ROLE x",
            "CREATE DATABASE x",
            "DROP ROLE analyst_1",
            "ALTER DATABASE shop_4553 OWNER TO paddock",
            "ALTER DATABASE shop_4553 RENAME TO x",
            "DROP DATABASE shop_4553",
            "REASSIGN OWNED BY paddock TO shop_4553_owner",
        ],
    ),
    ("A27: triggers of events", &["CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION g()"]),
    (
        "A36: out of the database",
        &["CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"],
    ),
    (
        "A37: replication",
        &[
            "CREATE SUBSCRIPTION x CONNECTION 'host=10.0.0.1' PUBLICATION y",
            "CREATE PUBLICATION x FOR ALL TABLES",
            "SELECT pg_create_physical_replication_slot('x')",
            "SELECT pg_create_logical_replication_slot('x', 'pgoutput')",
            "SELECT pg_switch_wal()",
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
            "SELECT subconninfo FROM pg_subscription",
            "SELECT * FROM pg_hba_file_rules",
            "SELECT * FROM pg_file_settings",
            "SELECT * FROM pg_largeobject",
        ],
    ),
];

/// A41: what a user that only reads may not do either.
const READ_ONLY: [&str; 12] = [
    "CREATE TABLE x (n int)",
    "CREATE TEMPORARY TABLE x (n int)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT * FROM t FOR UPDATE",
    "SELECT nextval('q')",
    "INSERT INTO t VALUES (1)",
    "SET ROLE shop_4553_owner",
    "SET ROLE shop_4553_rw",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "SELECT g_owner()",
];

/// A25, A26, A28: code that waits for somebody to run it. `canary` keeps who did; it is called by everything here.
const TRAPS: &str = r#"
    CREATE TABLE caught (who text, session text, how text);
    GRANT INSERT, SELECT ON caught TO PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC;
    CREATE FUNCTION canary(how text) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        IF session_user LIKE 'paddock%' OR current_user LIKE 'paddock%' THEN
            -- What it could do with rights of the platform.
            INSERT INTO public.caught VALUES (current_user, session_user, how);
            RAISE LOG 'canary % % %', how, current_user, session_user;
        END IF;
        RETURN true;
    END $$;
    GRANT EXECUTE ON FUNCTION canary(text) TO PUBLIC;
    CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('lower') THEN $1 END $$;
    CREATE FUNCTION count(name) RETURNS bigint LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('count') THEN 1::bigint END $$;
    CREATE FUNCTION same(name, name) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('operator') $$;
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
    CREATE FUNCTION same_text(text, text) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('operator') $$;
    CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same_text);
    CREATE FUNCTION pg_has_role(oid, name, text) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('pg_has_role') $$;
    CREATE FUNCTION pg_describe_object(oid, oid, int) RETURNS text LANGUAGE sql AS $$ SELECT public.canary('describe')::text $$;
    CREATE VIEW pg_roles AS SELECT 'x'::name AS rolname, canary('view') AS trap;
    CREATE VIEW pg_stat_activity AS SELECT 1 AS pid, canary('activity') AS trap;
    CREATE TABLE pg_extension (extname name DEFAULT CASE WHEN canary('default') THEN 'x' END);
    CREATE SCHEMA paddock; GRANT USAGE ON SCHEMA paddock TO PUBLIC;
    CREATE FUNCTION paddock.password_encryption(OUT name text, OUT kind text) RETURNS SETOF record LANGUAGE sql
        AS $$ SELECT 'x', public.canary('definer')::text $$;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, paddock TO PUBLIC;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
    CREATE TABLE indexed (n int); CREATE FUNCTION pure(int) RETURNS int IMMUTABLE LANGUAGE sql
        AS $$ SELECT CASE WHEN public.canary('index') THEN $1 END $$;
    INSERT INTO indexed VALUES (1); CREATE INDEX ON indexed (pure(n));
    CREATE TABLE guarded (n int); ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
    CREATE POLICY p ON guarded USING (canary('policy')); INSERT INTO indexed VALUES (2);
    CREATE MATERIALIZED VIEW kept AS SELECT n, canary('refresh') FROM indexed;
    CREATE DOMAIN checked AS int CHECK (canary('domain'));
    ALTER DATABASE shop_4553 SET search_path = public, pg_catalog;
    ALTER DATABASE shop_4553 SET row_security = off;
    ALTER DATABASE shop_4553 SET role = shop_4553_owner;
    ALTER DATABASE shop_4553 SET lock_timeout = '1ms';
    ALTER DATABASE shop_4553 SET idle_in_transaction_session_timeout = '1ms';
    ALTER DATABASE shop_4553 SET default_transaction_read_only = on;
    ALTER ROLE CURRENT_USER IN DATABASE shop_4553 SET search_path = public, pg_catalog;
"#;

#[cfg(test)]
async fn refused(client: &Client, what: &str, sql: &str) {
    client.batch_execute("BEGIN READ WRITE").await.unwrap();
    let done = client.batch_execute(sql).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    let error = done.expect_err(what);
    let told =
        error.as_db_error().unwrap_or_else(|| panic!("{what}: {sql}: the connection is gone: {error}"));
    // Whatever PostgreSQL says, it is no success and no fault of its own.
    assert!(!told.code().code().starts_with("XX"), "{what}: {sql}: {told}");
}

/// Everything that the platform does with a database that people use.
#[cfg(test)]
async fn all_that_we_do(host: &Host, spec: &NodeSpec) {
    let engine = &host.engine;
    for _ in 0..2 {
        engine.figures(spec).await.unwrap();
        assert!(engine.sample(spec, true).await.unwrap().server.is_some());
        engine.observe(spec.id).await.unwrap();
    }
    engine.pending(spec).await.unwrap();
    engine.preview(spec).await.unwrap();
    engine.limit(spec).await.unwrap();
    engine.checkpoint(spec).await.unwrap();
    engine.configure(spec).await.unwrap();
    assert!(engine.users(spec).await.unwrap().len() >= 3);
    assert!(engine.create_user(spec, "later_user", false, &host::verifier()).await.unwrap());
    assert!(engine.create_user(spec, "later_reader", true, &host::verifier()).await.unwrap());
    assert!(engine.set_user_password(spec, "later_user", &host::verifier()).await.unwrap());
    engine.owned_by(spec, "analyst_1", 20).await.unwrap();
    for user in ["shop_4553", "analyst_1", "reader_1"] {
        assert!(engine.rights(spec, user).await.unwrap().len() > 10);
    }
    engine.mend_rights(spec).await.unwrap();
    engine.extensions(spec).await.unwrap();
    engine.create_extension(spec, "hstore").await.unwrap();
    engine.drop_extension(spec, "hstore").await.unwrap();
    engine.drop_user(spec, "later_user").await.unwrap();
    engine.drop_user(spec, "later_reader").await.unwrap();
    let next = NodeSpec { login: "shop_4553_b".into(), ..spec.clone() };
    engine.open_login(&next, &host::verifier()).await.unwrap();
    engine.close_other_logins(spec, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_to_all_and_nobody_of_ours_runs_their_code() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        for (name, read_only) in [("analyst_1", false), ("reader_1", true)] {
            assert!(host.engine.create_user(&spec, name, read_only, &host::verifier()).await.unwrap());
        }
        let owner = host.connect(&spec, "shop_4553").await.unwrap();
        owner
            .batch_execute(
                r#"CREATE TABLE t (n int PRIMARY KEY); CREATE SEQUENCE q;
                   CREATE FUNCTION g() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
                   CREATE FUNCTION g_owner() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"#,
            )
            .await
            .unwrap();
        // A session of ours that they could aim at.
        assert!(host.engine.sample(&spec, false).await.unwrap().server.is_some());
        for user in ["shop_4553", "analyst_1", "reader_1"] {
            let client = host.connect_as(&spec, user, "shop_4553").await.unwrap();
            for (attack, statements) in REFUSED {
                for sql in statements {
                    refused(&client, &format!("{version}, {user}, {attack}: {sql}"), sql).await;
                }
            }
            for database in ["postgres", "template1"] {
                assert!(
                    host.connect_as(&spec, user, database).await.is_err(),
                    "{version}: {user} in {database}"
                );
            }
        }
        let reader = host.connect_as(&spec, "reader_1", "shop_4553").await.unwrap();
        reader.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE").await.unwrap();
        for sql in READ_ONLY {
            refused(&reader, &format!("{version}: A41: {sql}"), sql).await;
        }
        // A40: texts of others are hidden from users.
        let hidden =
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_4553' AND query LIKE '%CREATE%'";
        assert_eq!(reader.query_one(hidden, &[]).await.unwrap().get::<_, i64>(0), 0, "{version}");

        owner.batch_execute(TRAPS).await.unwrap();
        all_that_we_do(&host, &spec).await;
        let caught = "SELECT who, session, how FROM public.caught";
        let clean = host.connect(&spec, "shop_4553").await.unwrap();
        let rows = clean.query(caught, &[]).await.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        assert_eq!(
            told,
            [] as [(String, String, String); 0],
            "{version}: code of a user ran in our sessions"
        );
        let log = host.engine.log_tail(spec.id, 100_000).await.unwrap().join("\n");
        assert!(!log.contains("canary "), "{version}: also where it was rolled back");
        assert!(!log.contains("SCRAM-SHA-256$"), "{version}: no verifier in the log");
        // The canary sings when somebody of ours does step into it: the test can fail.
        let inside = host.inside(&spec, "shop_4553").await;
        inside.batch_execute("SET default_transaction_read_only = off").await.unwrap();
        inside.batch_execute("SELECT public.canary('proof')").await.unwrap();
        let sang = clean.query(caught, &[]).await.unwrap();
        assert_eq!(sang[0].get::<_, String>(1), engine::sql::SUPERUSER);
        drop((clean, owner, reader, inside));
        host.engine.purge(spec.id).await.unwrap();
    }
    assert!(!std::path::Path::new("/tmp/paddock-must-not-exist").exists());
    host.end().await;
}

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

/// Several users together do not take the places that are kept for the platform.
#[tokio::test(flavor = "multi_thread")]
async fn users_leave_the_platform_its_places_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("shop_4553", version);
        host.up(&spec).await;
        host.engine.create_user(&spec, "analyst_1", false, &host::verifier()).await.unwrap();
        let mut open = Vec::new();
        for user in ["shop_4553", "analyst_1"] {
            while let Ok(client) = host.connect_as(&spec, user, "shop_4553").await {
                open.push(client);
                assert!(open.len() < 100, "{version}: somebody stops them");
            }
        }
        let most = usize::try_from(spec.plan.connections()).unwrap();
        assert!(open.len() >= most && open.len() <= most + 5, "{version}: {} sessions", open.len());
        assert_eq!(host.engine.users(&spec).await.unwrap().len(), 2, "{version}: the platform can look");
        host.engine.drop_user(&spec, "analyst_1").await.expect("and act, once the sessions end");
        drop(open);
        host.engine.purge(spec.id).await.unwrap();
    }
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
