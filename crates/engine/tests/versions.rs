//! A server that Paddock installs really works: it serves an unprivileged OS user, with its own libraries.

mod common;

use common::{Place, server};
use engine::process::Exec;
use engine::versions::{Catalogue, InstallError, Source, elf, install, install_wheel};
use types::PgVersion;

const V17: PgVersion = PgVersion::new(17, 11);

#[tokio::test]
async fn an_installed_server_serves_an_unprivileged_user() {
    for version in [V17, PgVersion::new(18, 6)] {
        let home = server(version).await;
        let place = Place::new();
        let data = place.dir.path().join("data");
        let initdb = Exec::new(home.join("bin/initdb")).args([
            "--no-sync",
            "-k",
            "--auth=trust",
            "-U",
            "postgres",
            "-D",
        ]);
        initdb.arg(&data).as_user(place.ids).run_ok().await.unwrap();
        // Single-user mode: loads the module that needs the newer libpq, without a port or a socket. What the loader
        // finds is what this test is about.
        for module in ["postgres_fdw", "libpqwalreceiver", "dblink", "pg_stat_statements"] {
            let lib = home.join("lib").join(format!("{module}.so"));
            let server = Exec::new(home.join("bin/postgres")).args(["--single", "-c"]);
            let server =
                server.arg(format!("shared_preload_libraries={}", lib.display())).arg("-D").arg(&data);
            let output = server.arg("postgres").as_user(place.ids).run_ok().await.unwrap();
            assert!(!output.stderr.contains("FATAL"), "{module}: {}", output.stderr);
        }
    }
}

#[tokio::test]
async fn an_installed_server_is_found_and_marked() {
    let home = server(V17).await;
    let found = Catalogue::new(vec![home.parent().unwrap().to_owned()]).find(V17).await.unwrap();
    assert_eq!((found.source, found.bin_dir.as_path()), (Source::Paddock, home.join("bin").as_path()));
    // 17.12 fixes what is known of 17.11.
    assert!(found.below_floor);
    assert!(found.program("pg_restore").exists());
}

#[tokio::test]
async fn libraries_look_beside_themselves_and_nothing_else_changed() {
    let home = server(V17).await;
    for name in ["postgres_fdw.so", "libpqwalreceiver.so", "libpq.so.5"] {
        let mended = std::fs::read(home.join("lib").join(name)).unwrap();
        let links = elf::links(&mended).unwrap();
        assert_eq!(links.runpath.as_deref(), Some("$ORIGIN"), "{name}");

        // A longer path refuses, the same one changes nothing, and a shorter one changes these bytes only.
        let mut copy = mended.clone();
        assert!(elf::set_runpath(&mut copy, "$ORIGIN/../../much/longer").is_err());
        assert!(!elf::set_runpath(&mut copy, "$ORIGIN").unwrap());
        assert_eq!(copy, mended);
        assert!(elf::set_runpath(&mut copy, "/x").unwrap());
        assert_eq!(elf::links(&copy).unwrap().runpath.as_deref(), Some("/x"));
        assert_eq!(elf::links(&copy).unwrap().needed, links.needed);
        let changed = copy.iter().zip(&mended).filter(|(a, b)| a != b).count();
        assert_eq!((copy.len(), changed), (mended.len(), "$ORIGIN".len()), "{name}");
    }
}

#[tokio::test]
async fn a_second_install_is_quick_and_does_nothing() {
    let home = server(V17).await;
    let stages = std::sync::Mutex::new(Vec::new());
    let dir = home.parent().unwrap();
    let again = install(V17, dir, &|stage| stages.lock().unwrap().push(stage.to_string())).await.unwrap();
    assert_eq!(again, home);
    assert_eq!(*stages.lock().unwrap(), ["Already installed"]);
}

#[tokio::test]
async fn what_is_unknown_or_altered_is_not_installed() {
    let dir = tempfile::tempdir().unwrap();
    let unknown = install(PgVersion::new(9, 6), dir.path(), &|_| {}).await.unwrap_err();
    assert!(
        matches!(&unknown, InstallError::Unknown { .. }) && unknown.to_string().contains("17.11"),
        "{unknown}"
    );

    let wheel = dir.path().join("altered.whl");
    std::fs::write(&wheel, "anything").unwrap();
    let altered = install_wheel(V17, &wheel, dir.path(), &|_| {}).await.unwrap_err();
    assert!(matches!(altered, InstallError::WrongChecksum { .. }), "{altered}");
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "altered.whl" || name == ".lock"), "{left:?}");
}
