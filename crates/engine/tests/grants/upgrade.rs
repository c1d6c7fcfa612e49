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
    let locale =
        ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
    run(
        &initdb,
        &[&["-D", &grown, "-U", "paddock", "--data-checksums", "-A", "trust"], &locale[..]].concat(),
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_is_as_documented_after_an_upgrade() {
    let host = Host::new().await;
    let mut versions = host.versions().await;
    versions.retain(|version| bin(&host, *version).join("pg_upgrade").exists());
    let (newest, oldest) = (versions[0], versions[versions.len() - 1]);
    assert!(oldest.major < newest.major, "two majors are installed: {versions:?}");
    let spec = host::spec("shop_4553", oldest);
    host.up(&spec).await;
    drop(furnish(&host, &spec).await);
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    let spec = upgrade(&host, &spec, newest);
    host.engine.configure(&spec).await.unwrap();
    host.engine.start(&spec).await.unwrap();
    let clients = everybody(&host, &spec).await;
    for schema in SCHEMAS {
        check(&clients, schema, &format!("{oldest} became {newest}")).await;
    }
    // What is made afterwards, too.
    clients["shop_4553"].batch_execute(&format!("CREATE SCHEMA new; {}", objects("new"))).await.unwrap();
    check(&clients, "new", "after the upgrade").await;
    for (user, read_only) in [("shop_4553", false), ("writer_2", false), ("reader_1", true)] {
        assert_eq!(gaps(&host, &spec, user, read_only).await, [] as [&str; 0], "{user}");
    }
    drop(clients);
    host.engine.purge(spec.id).await.unwrap();
    host.end().await;
}
