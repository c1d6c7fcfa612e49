//! The reference: `initdb`, `pg_ctl -w start`, `psql -c 'SELECT 1'`, typed by hand, same binaries, same file system.

use std::{path::Path, process::Command, time::Instant};

/// The version on both sides.
pub const VERSION: &str = "18.6";

/// Seconds from nothing to the first answer.
pub fn create(target: &Path) -> f64 {
    let bin = target.join("versions").join(VERSION).join("bin");
    let place = tempfile::Builder::new().prefix("bare").tempdir_in("/tmp").unwrap();
    let (dir, data) = (place.path().display().to_string(), place.path().join("data").display().to_string());
    let root = std::env::var("USER").is_ok_and(|user| user == "root") || is_root();
    if root {
        run(&["chown", "nobody:nogroup", &dir]);
    }
    let program = |name: &str| bin.join(name).display().to_string();
    // PostgreSQL refuses to run as root, here as there.
    let as_user: &[&str] =
        if root { &["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] } else { &[] };
    let run_as = |argv: &[&str]| run(&[as_user, argv].concat());
    let options = format!("-k {dir} -c listen_addresses=");
    let log = format!("{dir}/log");
    let started = Instant::now();
    run_as(&[&program("initdb"), "-k", "-D", &data, "-U", "owner", "-A", "trust", "--locale=C.UTF-8"]);
    run_as(&[&program("pg_ctl"), "-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
    run_as(&[&program("psql"), "-XqAt", "-h", &dir, "-U", "owner", "-d", "postgres", "-c", "SELECT 1"]);
    let took = started.elapsed().as_secs_f64();
    run_as(&[&program("pg_ctl"), "-D", &data, "-m", "immediate", "stop"]);
    took
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

fn run(argv: &[&str]) {
    let output = Command::new(argv[0]).args(&argv[1..]).current_dir("/tmp").output().unwrap();
    assert!(output.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&output.stderr));
}
