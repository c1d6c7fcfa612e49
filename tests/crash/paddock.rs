//! The executable under test with one data root over all its lives, and the tidying up after it.
//!
//! It refuses to end a process that it cannot prove to be its own: a control plane by its handle, a PostgreSQL server
//! by a data directory below our root.

#![expect(clippy::disallowed_methods, reason = "the walk needs a process that it can lose")]

use crate::api::{Api, Waiting};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

const TOKEN: &str = "tk-us-crash-0123456789abcdef0123456789abcdef";
const USER: &str = "crash";
const PASSWORD: &str = "a password for the walk";
/// More than the walk has databases, since ports of deleted ones are not given away again.
const PORTS: u16 = 60;
/// Each Paddock has so many ports, the last of them for HTTP: one that the system picks by itself could be anybody's
/// between two lives.
const RANGE: u16 = 100;
/// How long one may take to serve: after a kill its own store recovers first.
const START: Duration = Duration::from_secs(120);

/// Where the next life ends.
#[derive(Clone, Debug)]
pub struct Armed {
    /// Name of the point.
    pub name: String,
    /// On the way of an order that cannot succeed: the only port is a stranger's.
    pub in_vain: bool,
}

impl Armed {
    pub fn at(name: String) -> Self {
        Self { name, in_vain: false }
    }

    pub fn in_vain(name: String) -> Self {
        Self { name, in_vain: true }
    }
}

/// A PostgreSQL server that runs.
#[derive(Debug)]
pub struct Server {
    pub pid: i32,
    parent: i32,
    pub data: PathBuf,
    pub port: Option<u16>,
}

/// One Paddock; dropping it ends it and its servers, and removes what they wrote.
pub struct Paddock {
    pub root: PathBuf,
    pub api: Api,
    listen: String,
    versions: PathBuf,
    config: Option<PathBuf>,
    store: Option<String>,
    first_port: u16,
    strangers: Vec<TcpListener>,
    child: Option<Child>,
    _dir: tempfile::TempDir,
}

/// How many Paddocks this process has made: each has ports of its own.
static MADE: AtomicU16 = AtomicU16::new(0);

impl Paddock {
    /// One whose configuration file says this.
    pub fn with(config: &str) -> Self {
        let mut it = Self::new();
        let path = it.root.join("walk.toml");
        fs::write(&path, config).unwrap();
        it.config = Some(path);
        it
    }

    /// One that keeps its records in the PostgreSQL database of this URL.
    pub fn with_store(url: String) -> Self {
        let mut it = Self::new();
        it.store = Some(url);
        it
    }

    pub fn new() -> Self {
        // Short: the path of a Unix socket has 107 bytes.
        let dir = tempfile::Builder::new().prefix("pdk-").tempdir_in("/tmp").unwrap();
        // Servers run as users of their own and must get through.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let root = dir.path().canonicalize().unwrap();
        let fallback = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/versions");
        let versions = std::env::var_os("PADDOCK_TEST_VERSIONS").map_or_else(fallback, PathBuf::from);
        let first_port = free_range();
        let listen = format!("127.0.0.1:{}", first_port + RANGE - 1);
        let api = Api::new(format!("http://{listen}"), newest(&versions));
        let strangers = Vec::new();
        Self {
            root,
            api,
            listen,
            versions,
            config: None,
            store: None,
            first_port,
            strangers,
            child: None,
            _dir: dir,
        }
    }

    /// Begins a life and waits until it serves.
    pub async fn start(&mut self, armed: Option<&Armed>) {
        let log = fs::File::options().create(true).append(true).open(self.log()).unwrap();
        let mut ports = self.first_port..=self.first_port + PORTS - 1;
        if armed.is_some_and(|armed| armed.in_vain) {
            let port = ports.end() + 1 + u16::try_from(self.strangers.len()).unwrap();
            self.strangers.push(TcpListener::bind(("127.0.0.1", port)).unwrap());
            ports = port..=port;
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_paddock"));
        command
            .arg("serve")
            .env("PADDOCK_DATA_ROOT", &self.root)
            .env("PADDOCK_HTTP_LISTEN", &self.listen)
            .env("PADDOCK_ENGINE_FIRST_PORT", ports.start().to_string())
            .env("PADDOCK_ENGINE_LAST_PORT", ports.end().to_string())
            // Without waiting clusters each order goes the whole way, and nothing else works beside it.
            .env("PADDOCK_ENGINE_POOL", "0")
            // What it puts into the kernel would outlive the test.
            .env("PADDOCK_ENGINE_FIREWALL", "false")
            .env("PADDOCK_ENGINE_VERSION_DIRS", &self.versions)
            .env("PADDOCK_ADMIN_EMAIL", "crash@example.org")
            .env("PADDOCK_ADMIN_USERNAME", USER)
            .env("PADDOCK_ADMIN_PASSWORD", PASSWORD)
            .env("PADDOCK_ADMIN_TOKEN", TOKEN)
            .env("PADDOCK_CRASH_LIST", self.list())
            .env_remove("PADDOCK_CRASH_AT")
            .env_remove("PADDOCK_STORE_URL")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if let Some(config) = &self.config {
            command.env("PADDOCK_CONFIG", config);
        }
        if let Some(store) = &self.store {
            command.env("PADDOCK_STORE_URL", store);
        }
        if let Some(armed) = armed {
            command.env("PADDOCK_CRASH_AT", format!("{}#1", armed.name));
        }
        self.child = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while !self.api.sign_in(TOKEN).await {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "paddock ended while it started: {ended:?}");
            assert!(begun.elapsed() < START, "paddock does not start");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Does what only pages do, as a person who signs in for it. The answer may be lost with the process.
    pub async fn act(&self, endpoint: &str, form: &[(&str, &str)]) {
        if let Some(pages) = self.api.pages(USER, PASSWORD).await {
            pages.act(endpoint, form).await;
        }
    }

    /// Ends a life that no fault ended, without any ceremony.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // An error says that it has ended: `wait` tells.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Waits until the fault has fired, and proves that it was this one.
    pub async fn died_at(&mut self, point: &Armed) {
        let mut waiting = Waiting::new();
        let mut child = self.child.take().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if !waiting.goes_on(self.reached().len()) {
                self.child = Some(child);
                panic!("the fault at {} did not fire", point.name);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!(status.signal(), Some(9), "{}: {status}", point.name);
        assert_eq!(self.reached().last(), Some(&point.name), "died somewhere else");
    }

    /// The most memory that it had at a time since its start or since [`Self::forget_peak`], KiB: `VmHWM`, proc_pid_status(5).
    pub fn peak(&self) -> u64 {
        let pid = self.child.as_ref().expect("it lives").id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Begins anew with what it has now, and answers that: proc_pid_clear_refs(5).
    pub fn forget_peak(&self) -> u64 {
        let pid = self.child.as_ref().expect("it lives").id();
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        self.peak()
    }

    /// The plan that the API tells of an add-on.
    pub async fn plan_of(&self, app: &str, addon: &str) -> String {
        let told = self.api.get(&format!("/v1/apps/{app}/addons/{addon}")).await;
        told["addon"]["plan"]["name"].as_str().unwrap().to_owned()
    }

    /// Names of the points reached so far, in all lives.
    pub fn reached(&self) -> Vec<String> {
        fs::read_to_string(self.list()).unwrap().lines().map(str::to_owned).collect()
    }

    /// Servers whose data directory lies below the root.
    pub fn servers(&self) -> Vec<Server> {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let found: Vec<_> = pids.filter_map(|pid| self.server(pid)).collect();
        // A child that was made just now has its server's command line still.
        let of = |child: &Server, one: &Server| child.parent == one.pid && child.data == one.data;
        let is_child: Vec<_> = found.iter().map(|child| found.iter().any(|one| of(child, one))).collect();
        found.into_iter().zip(is_child).filter_map(|(one, is_child)| (!is_child).then_some(one)).collect()
    }

    fn server(&self, pid: i32) -> Option<Server> {
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&command).into_owned();
        let words: Vec<_> = command.split('\0').collect();
        let program = Path::new(words.first()?).file_name()?;
        let after = |flag: &str| words.iter().skip_while(|word| **word != flag).nth(1);
        let data = PathBuf::from(after("-D")?);
        let ours = (program == "postgres" || program == "initdb") && data.starts_with(&self.root);
        let (parent, port) = (parent(pid)?, after("-p").and_then(|port| port.parse().ok()));
        ours.then_some(Server { pid, parent, data, port })
    }

    fn log(&self) -> PathBuf {
        self.root.join("walk.log")
    }

    fn list(&self) -> PathBuf {
        self.root.join("walk.points")
    }

    /// Only a Paddock of root makes system users: one for each cluster, named by a file in the cluster's directory
    /// and naming the cluster in its comment.
    fn remove_system_users(&self) {
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let below = ["nodes", "trash", "pool", "trials"]
            .map(|name| fs::read_dir(self.root.join(name)).into_iter().flatten());
        let clusters = below.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        for cluster in clusters.chain([self.root.join("store")]) {
            let read = |name: &str| fs::read(cluster.join(name)).ok();
            let Some(text) = read("identity.json").or_else(|| read("making.json")) else { continue };
            let identity: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
            let (Some(id), Some(user)) = (identity["cluster"].as_str(), identity["os_user"]["name"].as_str())
            else {
                continue;
            };
            let ours = |line: &str| {
                let fields: Vec<_> = line.split(':').collect();
                fields[0] == user && fields.get(4).is_some_and(|comment| comment.ends_with(id))
            };
            if passwd.lines().any(ours) {
                // Where the one takes the group along, the other has nothing left to do.
                let _ = Command::new("userdel").arg(user).stderr(Stdio::null()).status();
                let _ = Command::new("groupdel").arg(user).stderr(Stdio::null()).status();
            }
        }
    }

    /// The empty control groups of our databases, below our own group: their names carry the databases' ids.
    fn remove_groups(&self) {
        let places = ["nodes", "trash"].map(|name| fs::read_dir(self.root.join(name)).into_iter().flatten());
        let ours: Vec<_> = places
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(format!("paddock-{}-", entry.ok()?.file_name().to_str()?)))
            .collect();
        for line in fs::read_to_string("/proc/self/cgroup").unwrap_or_default().lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controller), Some(group)) = (parts.next(), parts.next()) else { continue };
            let parent = Path::new("/sys/fs/cgroup").join(controller).join(group.trim_start_matches('/'));
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                let name = entry.file_name();
                if ours.iter().any(|prefix| name.to_str().is_some_and(|name| name.starts_with(prefix))) {
                    // One whose last process was not reaped yet stays: it is empty and harmless.
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }

    /// Ends what runs below the root. Children of a server end with it.
    fn end(&self, signal: Signal) {
        for server in self.servers() {
            if let Some(pid) = Pid::from_raw(server.pid) {
                // It may have ended by itself just now.
                let _ = kill_process(pid, signal);
            }
        }
        let begun = Instant::now();
        while !self.servers().is_empty() && begun.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Paddock {
    fn drop(&mut self) {
        // The control plane first, so that its keeper starts nothing again.
        self.stop();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        self.end(Signal::QUIT);
        self.end(Signal::KILL);
        self.remove_groups();
        self.remove_system_users();
    }
}

/// The first port of a range that nobody uses, below those that the system picks by itself. Walks of one process never
/// have the same, those of two hardly ever.
fn free_range() -> u16 {
    const RANGES: u16 = 120;
    const OURS: u16 = 6;
    let process = u16::try_from(std::process::id() % u32::from(RANGES / OURS)).unwrap();
    let own = process * OURS + MADE.fetch_add(1, Ordering::SeqCst) % OURS;
    let mut ranges = (0..RANGES / OURS).map(|n| 20_000 + (own + n * OURS) % RANGES * RANGE);
    let is_free = |first: &u16| TcpListener::bind(("127.0.0.1", first + RANGE - 1)).is_ok();
    ranges.find(is_free).expect("a free range of ports")
}

/// The process that made this one.
fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // After the name, which is in parentheses and may hold anything, come its state and its parent.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// The newest version in this directory, as people write it.
fn newest(versions: &Path) -> String {
    let installed = fs::read_dir(versions).unwrap_or_else(|error| panic!("{}: {error}", versions.display()));
    let names = installed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let parsed = names.filter_map(|name| {
        let (major, minor) = name.split_once('.')?;
        Some((major.parse::<u16>().ok()?, minor.parse::<u16>().ok()?))
    });
    let (major, minor) = parsed.max().expect("a PostgreSQL in the directory of test versions");
    format!("{major}.{minor}")
}
