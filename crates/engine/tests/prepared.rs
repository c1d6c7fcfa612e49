//! Clusters that were prepared in the pool: they end as those that were not, whatever happens on the way.

#![expect(clippy::unwrap_used, reason = "in tests a failure is a panic")]

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeSpec};
use engine::Identity;
use host::{Host, PASSWORD};
use rustix::process::Signal;
use std::{fs, time::Duration};
use types::PgVersion;

/// Everything that says who may do what. Names instead of numbers: numbers differ from server to server.
const RIGHTS: [&str; 7] = [
    r#"SELECT to_jsonb(r) - 'oid' - 'rolpassword' FROM pg_roles r"#,
    r#"SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin"#,
    r#"SELECT roleid::regrole, member::regrole, grantor::regrole, to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor'
       FROM pg_auth_members m"#,
    r#"SELECT to_jsonb(d) - 'oid' - 'datdba' - 'datfrozenxid' - 'datminmxid', datdba::regrole
       FROM pg_database d"#,
    r#"SELECT defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl FROM pg_default_acl"#,
    r#"SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace"#,
    r#"SELECT oid::regprocedure, proowner::regrole, proacl FROM pg_proc WHERE proacl IS NOT NULL"#,
];

async fn rights(host: &Host, spec: &NodeSpec) -> Vec<String> {
    let client = host.inside(spec, &spec.name).await;
    let mut all = Vec::new();
    for sql in RIGHTS {
        let from = all.len();
        for row in
            client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {:?}", error.as_db_error()))
        {
            if let tokio_postgres::SimpleQueryMessage::Row(row) = row {
                let cells = (0..row.len()).map(|i| row.get(i).unwrap_or("NULL"));
                all.push(cells.collect::<Vec<_>>().join(" | "));
            }
        }
        all[from..].sort();
    }
    assert!(all.len() > 60, "{all:#?}");
    all
}

/// A database whose cluster is in place and runs.
async fn placed(host: &Host, name: &str, version: PgVersion, from: &str) -> NodeSpec {
    let spec = host::spec(name, version);
    assert_eq!(host.engine.place(&spec).await.unwrap(), from);
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    spec
}

async fn names(host: &Host, spec: &NodeSpec) -> Vec<String> {
    let sql = "SELECT rolname FROM pg_roles UNION SELECT datname FROM pg_database ORDER BY 1";
    let rows = host.inside(spec, "postgres").await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, &str>(0).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_end_in_the_same_server() {
    let host = Host::new().await;
    let verifier = host::verifier();
    for version in host.versions().await {
        let fresh = placed(&host, "shop_1", version, "freshly initialised").await;
        assert!(!names(&host, &fresh).await.iter().any(|name| name.contains("waiting")));
        assert_eq!(host.engine.refill_pool(version, 1).await.unwrap(), 1);
        let pooled = placed(&host, "shop_1", version, "from the pool").await;
        assert!(
            names(&host, &pooled).await.iter().any(|name| name == "paddock_waiting_rw"),
            "it is prepared"
        );
        assert!(host.dir(&pooled).waiting().exists() && !host.dir(&fresh).waiting().exists());
        for spec in [&fresh, &pooled] {
            assert!(host.connect(spec, &spec.name).await.is_err(), "nobody comes in before it is complete");
            assert_eq!(host.engine.create_database(spec, &verifier).await.unwrap(), "database shop_1 made");
            host.engine.verify_login(spec, &PASSWORD.into()).await.unwrap();
        }
        let (fresh_rights, pooled_rights) = (rights(&host, &fresh).await, rights(&host, &pooled).await);
        assert_eq!(fresh_rights, pooled_rights, "{version}");
        assert!(!pooled_rights.join("\n").contains("waiting"), "{pooled_rights:#?}");
        let log = host.engine.log_tail(pooled.id, 10_000).await.unwrap().join("\n");
        assert!(log.contains("starting PostgreSQL") && !log.contains("waiting"), "{log}");
        assert!(!log.contains("SCRAM-SHA-256$"), "no verifier in the log");
        assert!(!host.dir(&pooled).waiting().exists(), "it is in use");
        // New things get their rights by default, whoever makes them.
        host.ask(&pooled, "CREATE TABLE t (n int)").await.unwrap();
        let client = host.inside(&pooled, "shop_1").await;
        let sql = "SELECT has_table_privilege('shop_1_ro', 't', 'SELECT')";
        assert!(client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
        // Asked again (a repeated step), only the password is set.
        let again = host.engine.create_database(&pooled, &verifier).await.unwrap();
        assert_eq!(again, "database shop_1 was there; password set");
        for spec in [fresh, pooled] {
            host.engine.purge(spec.id).await.unwrap();
        }
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn naming_is_all_or_nothing() {
    let host = Host::new().await;
    let (version, verifier) = (host.version().await, host::verifier());
    host.engine.refill_pool(version, 1).await.unwrap();
    let spec = placed(&host, "a_1", version, "from the pool").await;
    let before = names(&host, &spec).await;

    // The first renaming is refused: somebody is in the database.
    let guest = host.inside(&spec, "paddock_waiting").await;
    let refused = host.engine.create_database(&spec, &verifier).await.unwrap_err();
    assert!(refused.to_string().contains("is being accessed by other users"), "{refused}");
    drop(guest);
    assert_eq!(names(&host, &spec).await, before);

    // The server dies between two renamings: the last but one is done, the last waits for a name that somebody holds.
    let holder = host.inside(&spec, "postgres").await;
    holder.batch_execute("BEGIN; CREATE ROLE a_1_ro").await.unwrap();
    let work = host.engine.create_database(&spec, &verifier);
    let watcher = host.inside(&spec, "postgres").await;
    let kill = async {
        let waits = "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
        let look = async || watcher.query_opt(waits, &[]).await.unwrap();
        host::eventually(host::PATIENT, look).await.expect("one waits for the name");
        host::kill(host.pid(&spec).await, Signal::KILL);
    };
    assert!(tokio::join!(work, kill).0.is_err());
    drop((holder, watcher));
    host.engine.start(&spec).await.unwrap();
    assert_eq!(names(&host, &spec).await, before, "nothing has a name");

    // Cut short by time, anywhere; then to the end.
    for limit in (1..).step_by(3) {
        let work = host.engine.create_database(&spec, &verifier);
        if tokio::time::timeout(Duration::from_millis(limit), work).await.is_ok_and(|made| made.is_ok()) {
            break;
        }
        assert!(limit < 10_000, "it never ends");
    }
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    assert!(!names(&host, &spec).await.iter().any(|name| name.contains("waiting")));
    let reference = placed(&host, "a_1", version, "freshly initialised").await;
    host.engine.create_database(&reference, &verifier).await.unwrap();
    assert_eq!(rights(&host, &spec).await, rights(&host, &reference).await);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_never_prepared_is_used_too() {
    let host = Host::new().await;
    let version = host.version().await;
    // As an earlier Paddock left it: initialised, and nothing else.
    let spec = host::spec("a_1", version);
    host.engine.place(&spec).await.unwrap();
    let old = host.dir(&spec);
    let identity = Identity::expect(&old, spec.id).unwrap();
    Identity { node: None, ..identity.clone() }.write(&old).unwrap();
    fs::rename(old.path(), host.layout().pooled(identity.cluster).path()).unwrap();
    assert_eq!(host.engine.refill_pool(version, 1).await.unwrap(), 0, "it counts");
    let spec = placed(&host, "b_2", version, "from the pool").await;
    host.engine.create_database(&spec, &host::verifier()).await.unwrap();
    host.engine.verify_login(&spec, &PASSWORD.into()).await.unwrap();
    assert_eq!(Identity::expect(&host.dir(&spec), spec.id).unwrap().cluster, identity.cluster);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_in_the_pool() {
    let host = Host::new().await;
    let version = host.version().await;
    assert_eq!(host.engine.refill_pool(version, 2).await.unwrap(), 2);
    assert!(host::inhabitants(&host.layout().pool()).is_empty());
    let mut seen = Vec::new();
    for entry in fs::read_dir(host.layout().pool()).unwrap().flatten() {
        let dir = engine::layout::ClusterDir(entry.path());
        let identity = Identity::read(&dir).unwrap().unwrap();
        assert!(dir.tls().join("server.key").exists() && !dir.making().exists());
        assert!(!dir.data().join("postmaster.pid").exists());
        assert_eq!(fs::read_dir(dir.log()).unwrap().count(), 0, "its owner's log begins with its own server");
        seen.push((identity.system_identifier, fs::read(dir.tls().join("server.key")).unwrap()));
    }
    assert_ne!(seen[0].0, seen[1].0, "each is really initialised");
    assert_ne!(seen[0].1, seen[1].1, "each has a key of its own");
    host.end().await;
}
