//! The reference: `initdb`, `pg_ctl -w start`, `psql -c 'SELECT 1'`, `pg_ctl restart`, typed by hand, same binaries,
//! same file system.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// The version on both sides.
pub const VERSION: &str = "18.6";

/// Seconds from nothing to the first answer.
pub fn create(target: &Path) -> f64 {
    let place = Place::new(target);
    let options = format!("-k {} -c listen_addresses=", place.dir());
    let started = Instant::now();
    place.initdb();
    place.start(&options);
    place.run_as("psql", &["-XqAt", "-h", &place.dir(), "-U", "owner", "-d", "postgres", "-c", "SELECT 1"]);
    started.elapsed().as_secs_f64()
}

/// A server typed by hand; dropping it ends it.
pub struct Bare {
    place: Place,
    port: u16,
}

impl Bare {
    /// One with as much shared memory as a plan of 512 MiB gives.
    pub fn start(target: &Path) -> Self {
        let place = Place::new(target);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        place.initdb();
        place.start(&format!(
            "-k {} -p {port} -c listen_addresses=127.0.0.1 -c shared_buffers=128MB",
            place.dir()
        ));
        Self { place, port }
    }

    /// How clients reach it.
    pub fn url(&self) -> String {
        format!("postgresql://owner@127.0.0.1:{}/postgres", self.port)
    }

    /// `pg_ctl restart -m fast -w`
    pub fn restart(&self) {
        let log = format!("{}/log", self.place.dir());
        self.place.run_as("pg_ctl", &["-D", &self.place.data(), "-m", "fast", "-w", "-l", &log, "restart"]);
    }
}

/// A directory for one cluster.
struct Place {
    dir: tempfile::TempDir,
    bin: PathBuf,
    root: bool,
}

impl Place {
    fn new(target: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("bare").tempdir_in("/tmp").unwrap();
        let root = is_root();
        if root {
            run(&["chown", "nobody:nogroup", &dir.path().display().to_string()]);
        }
        Self { dir, bin: target.join("versions").join(VERSION).join("bin"), root }
    }

    fn dir(&self) -> String {
        self.dir.path().display().to_string()
    }

    fn data(&self) -> String {
        format!("{}/data", self.dir())
    }

    /// PostgreSQL refuses to run as root, here as there.
    fn run_as(&self, program: &str, args: &[&str]) {
        let program = self.bin.join(program).display().to_string();
        let user: &[&str] =
            if self.root { &["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] } else { &[] };
        run(&[user, &[&program], args].concat());
    }

    fn initdb(&self) {
        self.run_as("initdb", &["-k", "-D", &self.data(), "-U", "owner", "-A", "trust", "--locale=C.UTF-8"]);
    }

    fn start(&self, options: &str) {
        let log = format!("{}/log", self.dir());
        self.run_as("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", options, "start"]);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").exists() {
            self.run_as("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
        }
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

fn run(argv: &[&str]) {
    let output = Command::new(argv[0]).args(&argv[1..]).current_dir("/tmp").output().unwrap();
    assert!(output.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&output.stderr));
}
