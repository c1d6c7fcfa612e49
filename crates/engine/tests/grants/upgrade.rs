//! After `pg_upgrade`, as a person runs it.

use crate::{
    host::{self, Host},
    matrix::{SCHEMAS, check, everybody, furnish, gaps, objects},
};
use control::engine::{Engine as _, NodeSpec};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    time::Duration,
};
use types::PgVersion;

/// Where the tests have the programs of a version.
fn bin(host: &Host, version: PgVersion) -> PathBuf {
    host::config(host.layout().root()).version_dirs[0].join(version.to_string()).join("bin")
}

/// `pg_upgrade` as a person types it (manual, reference of pg_upgrade), by the server's own user; and who the server is now.
fn upgrade(host: &Host, from: &NodeSpec, to: PgVersion) -> NodeSpec {
    let dir = host.dir(from);
    let (old, new) = (dir.data(), dir.path().join("upgraded"));
    let owner = fs::metadata(&old).unwrap();
    fs::create_dir(&new).unwrap();
    std::os::unix::fs::chown(&new, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).unwrap();
    // Its own servers are reached by everybody who may enter its directory: nobody else.
    fs::write(old.join("pg_hba.conf"), "local all all trust\n").unwrap();
    let run = |program: &str, args: &[&str]| {
        let (uid, gid) = (owner.uid().to_string(), owner.gid().to_string());
        let run = dir.run().display().to_string();
        let mut all = vec!["-C", &run];
        if rustix::process::geteuid().is_root() {
            all.extend(["setpriv", "--reuid", &uid, "--regid", &gid, "--clear-groups"]);
        }
        all.push(program);
        let ran = host::run("/usr/bin/env", &[&all, args].concat());
        assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stdout));
    };
    let [data, grown] = [&old, &new].map(|path| path.display().to_string());
    let bin = |version| bin(host, version).display().to_string();
    let initdb = format!("{}/initdb", bin(to));
    // As Paddock itself makes them.
    let builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    let builtin = if to.major >= 17 { &builtin[..] } else { &[] };
    let usual = ["-D", &grown, "-U", "paddock", "--data-checksums", "-A", "trust", "--encoding=UTF8"];
    run(&initdb, &[&usual[..], &["--locale=C.UTF-8"], builtin].concat());
    let (before, after) = (bin(from.version), bin(to));
    run(
        &format!("{after}/pg_upgrade"),
        &["-b", &before, "-B", &after, "-d", &data, "-D", &grown, "-U", "paddock"],
    );
    fs::remove_dir_all(&old).unwrap();
    fs::rename(&new, &old).unwrap();
    let number = fs::read(old.join("global/pg_control")).unwrap();
    let number = u64::from_ne_bytes(number[..8].try_into().unwrap());
    let mut identity: serde_json::Value = serde_json::from_slice(&fs::read(dir.identity()).unwrap()).unwrap();
    identity["version"] = to.to_string().into();
    identity["system_identifier"] = number.to_string().into();
    fs::write(dir.identity(), identity.to_string()).unwrap();
    NodeSpec { version: to, ..from.clone() }
}

/// A28, A30: code that waits for somebody to run it, and names that are commands to whoever writes them down as they are.
const TRAPS: &str = r#"
    CREATE SCHEMA traps;
    -- Volatile: in any other function PostgreSQL itself refuses what follows, whoever steps into it.
    CREATE FUNCTION traps.canary(how text) RETURNS bool LANGUAGE plpgsql AS $$
    BEGIN
        IF session_user LIKE 'paddock%' THEN
            RAISE LOG 'canary % of %', how, session_user;
            BEGIN EXECUTE 'CREATE ROLE gained SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
            BEGIN EXECUTE 'ALTER ROLE shop_4553 SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
        END IF;
        RETURN true;
    END $$;
    CREATE FUNCTION traps.trap(how text, n int) RETURNS int IMMUTABLE LANGUAGE sql
        AS $$ SELECT CASE WHEN traps.canary(how) THEN n END $$;
    CREATE DOMAIN traps.d AS int CHECK (traps.trap('domain', VALUE) > 0) DEFAULT traps.trap('default', 1);
    CREATE TABLE traps.t (n int PRIMARY KEY CHECK (traps.trap('check', n) > 0), d traps.d,
                          g int GENERATED ALWAYS AS (traps.trap('generated', n)) STORED);
    INSERT INTO traps.t SELECT n, n FROM generate_series(1, 10) n;
    CREATE INDEX ON traps.t (traps.trap('index', n));
    CREATE MATERIALIZED VIEW traps.m AS SELECT traps.trap('view', n) AS n FROM traps.t;
    ALTER TABLE traps.t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON traps.t USING (traps.trap('policy', n) > 0);
    ALTER DATABASE shop_4553 SET search_path = traps, public, pg_catalog;
"#;

async fn set_traps(host: &Host, spec: &NodeSpec, touched: &std::path::Path) {
    host.ask(spec, TRAPS).await.unwrap();
    for (n, evil) in
        [format!("\n\\! touch {}\n", touched.display()), "\n;CREATE ROLE gained SUPERUSER;--\n".into()]
            .iter()
            .enumerate()
    {
        let name = engine::sql::quote_ident(&format!("{n}{evil}")).unwrap();
        let text = engine::sql::quote_literal(evil).unwrap();
        let made = format!(
            "CREATE SCHEMA {name}; CREATE TABLE {name}.{name} ({name} int PRIMARY KEY, t text DEFAULT {text});
             INSERT INTO {name}.{name} VALUES (1); CREATE TYPE {name}.e AS ENUM ({text});
             COMMENT ON TABLE {name}.{name} IS {text}"
        );
        host.ask(spec, &made).await.unwrap();
    }
}

/// Nobody stepped into one, though all of it came along.
async fn sprang_none(host: &Host, spec: &NodeSpec, touched: &std::path::Path) {
    let inside = host.inside(spec, "shop_4553").await;
    let ask = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles
               WHERE rolname OPERATOR(pg_catalog.=) 'gained' OR rolsuper AND rolname LIKE 'shop%'";
    let gained = async || inside.query_one(ask, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!((gained().await, touched.exists()), (0, false), "{}", spec.version);
    let log = host.engine.log_tail(spec.id, 100_000).await.unwrap().join("\n");
    assert!(!log.contains("canary "), "{}: {log}", spec.version);
    // The bird sings: whoever writes into the table as the superuser steps into them, and gives away everything.
    inside.batch_execute("INSERT INTO traps.t VALUES (11)").await.unwrap();
    let log = host.engine.log_tail(spec.id, 100_000).await.unwrap().join("\n");
    assert!(log.contains("canary ") && gained().await == 2, "{}: the traps came along", spec.version);
    inside.batch_execute("DROP ROLE IF EXISTS gained; ALTER ROLE shop_4553 NOSUPERUSER").await.unwrap();
    let names =
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relname LIKE E'%\n%' AND relkind = 'r'";
    let names: i64 = inside.query_one(names, &[]).await.unwrap().get(0);
    assert_eq!(names, 2, "{}: the names came along", spec.version);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_as_documented_after_an_upgrade() {
    let host = Host::new().await;
    let mut versions = host.versions().await;
    versions.retain(|version| bin(&host, *version).join("pg_upgrade").exists());
    assert!(versions.len() > 1, "two majors are installed: {versions:?}");
    let mut steps: Vec<_> = versions.windows(2).map(|pair| (pair[1], pair[0])).collect();
    if versions.len() > 2 {
        steps.push((versions[versions.len() - 1], versions[0]));
    }
    for (from, to) in steps {
        assert!(from.major < to.major, "{versions:?}");
        is_as_documented(&host, from, to).await;
    }
    host.end().await;
}

async fn is_as_documented(host: &Host, from: PgVersion, to: PgVersion) {
    let spec = host::spec("shop_4553", from);
    let touched = host.layout().root().join("touched");
    host.up(&spec).await;
    drop(furnish(host, &spec).await);
    set_traps(host, &spec, &touched).await;
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    let spec = upgrade(host, &spec, to);
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    sprang_none(host, &spec, &touched).await;
    let clients = everybody(host, &spec).await;
    for schema in SCHEMAS {
        check(&clients, schema, &format!("{from} became {to}")).await;
    }
    // What is made afterwards, too.
    clients["shop_4553"].batch_execute(&format!("CREATE SCHEMA new; {}", objects("new"))).await.unwrap();
    check(&clients, "new", "after the upgrade").await;
    for (user, read_only) in [("shop_4553", false), ("writer_2", false), ("reader_1", true)] {
        assert_eq!(gaps(host, &spec, user, read_only).await, [] as [&str; 0], "{user}");
    }
    drop(clients);
    host.engine.purge(spec.id).await.unwrap();
}
