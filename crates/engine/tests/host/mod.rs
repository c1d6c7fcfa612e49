//! A host for one test: a short temporary root, ports of its own, and an end that leaves no process, user or file.

#![allow(dead_code, unused_imports, reason = "each test file is a crate of its own and uses a part")]
#![allow(clippy::allow_attributes, reason = "what is used differs from file to file")]

pub mod groups;
pub mod trace;
pub mod volume;

use control::engine::{Engine as _, EngineError, NodeSpec, NodeState};
use engine::{
    EngineConfig, Identity, LocalEngine,
    layout::{ClusterDir, Layout},
};
pub use groups::{group, groups_of, may_group, number};
use secrecy::SecretString;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::error::Elapsed;
use types::{NodeId, PgVersion, Plan};
use uuid::Uuid;

pub const PASSWORD: &str = "it's \\ a \"long\" password";

/// What happens at once on a quiet machine may take so long on a busy one. Whoever waits for it looks again and again.
pub const PATIENT: Duration = Duration::from_secs(30);

pub struct Host {
    pub engine: LocalEngine,
    pub config: EngineConfig,
    root: PathBuf,
}

/// A place where nothing is yet.
pub fn fresh_root() -> PathBuf {
    format!("/tmp/pe{}", &Uuid::new_v4().simple().to_string()[..10]).into()
}

pub fn config(root: &Path) -> EngineConfig {
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/versions");
    // The rule would stand for the users of all tests, and outlive them.
    EngineConfig {
        uids: 64900..=64999,
        firewall: false,
        version_dirs: vec![versions],
        // Tests run beside each other: a dump would rest for most of the time.
        make_way: Duration::ZERO,
        ..EngineConfig::new(root)
    }
}

impl Host {
    pub async fn new() -> Self {
        Self::at(fresh_root()).await
    }

    /// On a root that may exist.
    pub async fn at(root: PathBuf) -> Self {
        Self::with(config(&root)).await
    }

    pub async fn with(config: EngineConfig) -> Self {
        let engine = LocalEngine::open(config.clone()).await.unwrap();
        Self { engine, root: config.root.clone(), config }
    }

    /// Every major that is installed here, its newest minor.
    pub async fn versions(&self) -> Vec<PgVersion> {
        let mut all = self.engine.catalogue().offered().await;
        all.dedup_by_key(|i| i.version.major);
        assert!(!all.is_empty(), "no PostgreSQL is installed");
        all.into_iter().map(|i| i.version).collect()
    }

    pub async fn version(&self) -> PgVersion {
        self.versions().await[0]
    }

    pub async fn spec(&self, name: &str) -> NodeSpec {
        let version = self.version().await;
        spec(name, version)
    }

    /// The path of a program of the server's version.
    pub async fn program(&self, spec: &NodeSpec, name: &str) -> String {
        let all = self.engine.catalogue().offered().await;
        let installed = all.into_iter().find(|installed| installed.version == spec.version).unwrap();
        installed.program(name).display().to_string()
    }

    pub fn layout(&self) -> Layout {
        Layout::new(&self.root)
    }

    pub fn dir(&self, spec: &NodeSpec) -> ClusterDir {
        self.layout().node(spec.id)
    }

    /// From nothing to a database that its user can enter.
    pub async fn up(&self, spec: &NodeSpec) {
        self.engine.place(spec).await.unwrap();
        self.engine.configure(spec).await.unwrap();
        self.engine.start(spec).await.unwrap();
        self.engine.create_database(spec, &verifier()).await.unwrap();
    }

    /// Its postmaster, as soon as it answers.
    pub async fn pid(&self, spec: &NodeSpec) -> u32 {
        pid_of(&self.engine, spec).await
    }

    /// Waits for a state.
    pub async fn until(&self, spec: &NodeSpec, wanted: impl Fn(&NodeState) -> bool) {
        until(&self.engine, spec, wanted).await;
    }

    /// Rows of one column, asked as the protected user through TLS.
    pub async fn ask(&self, spec: &NodeSpec, sql: &str) -> Result<Vec<String>, tokio_postgres::Error> {
        self.ask_as(spec, &spec.name, sql).await
    }

    pub async fn ask_as(
        &self,
        spec: &NodeSpec,
        database: &str,
        sql: &str,
    ) -> Result<Vec<String>, tokio_postgres::Error> {
        let client = self.connect(spec, database).await?;
        let rows = client.simple_query(sql).await?;
        let cell = |message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
            _ => None,
        };
        Ok(rows.into_iter().filter_map(cell).collect())
    }

    pub async fn connect(
        &self,
        spec: &NodeSpec,
        database: &str,
    ) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        self.connect_as(spec, &spec.login, database).await
    }

    /// As another user; all of them have the same password here.
    pub async fn connect_as(
        &self,
        spec: &NodeSpec,
        user: &str,
        database: &str,
    ) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let ca = self.engine.ca_certificate().await.unwrap();
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(spec.port).user(user).dbname(database).password(PASSWORD);
        config.ssl_mode(tokio_postgres::config::SslMode::Require);
        let (client, connection) = config.connect(tls(&ca)).await?;
        #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
        tokio::spawn(connection);
        Ok(client)
    }

    /// A session of the platform's superuser, over the private socket: to see what users cannot.
    pub async fn inside(&self, spec: &NodeSpec, database: &str) -> tokio_postgres::Client {
        self.inside_as(spec, engine::sql::SUPERUSER, database).await
    }

    /// A session of one of the platform's roles, over the private socket.
    pub async fn inside_as(&self, spec: &NodeSpec, role: &str, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.dir(spec).run()).port(spec.port).user(role).dbname(database);
        config.options("-c local_preload_libraries= -c default_transaction_read_only=off -c role=none");
        let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's own connection")]
        tokio::spawn(connection);
        client
    }

    /// Removes every database, and shows that nothing is left.
    pub async fn end(self) {
        for found in self.engine.found().await.unwrap() {
            self.engine.purge(found.id).await.unwrap();
            assert_eq!(groups_of(found.id), [] as [PathBuf; 0], "no control group is left");
        }
        self.engine.tidy_pool(&[]).await.unwrap();
        assert_eq!(fs::read_dir(self.layout().nodes()).unwrap().count(), 0);
        assert_eq!(fs::read_dir(self.layout().pool()).unwrap().count(), 0);
        assert!(inhabitants(&self.root).is_empty());
    }
}

impl Drop for Host {
    /// After a failed test too: end the servers, by the directory that they run in.
    fn drop(&mut self) {
        for _ in 0..50 {
            let left = inhabitants(&self.root);
            if left.is_empty() {
                break;
            }
            for pid in left {
                kill(pid, rustix::process::Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        remove_users(&self.root);
        for entry in fs::read_dir(self.layout().nodes()).into_iter().flatten().flatten() {
            if let Ok(id) = entry.file_name().to_string_lossy().parse() {
                groups_of(NodeId::new(id)).iter().for_each(|dir| drop(fs::remove_dir(dir)));
            }
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// Asks until there is an answer, and not for longer than this.
pub async fn eventually<T>(limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let answer = ask().await;
        if answer.is_some() || begun.elapsed() > limit {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits for what is told, not for as long as one likes.
pub async fn soon<T>(told: impl Future<Output = T>) -> Result<T, Elapsed> {
    tokio::time::timeout(PATIENT, told).await
}

/// Waits until an engine sees this state. A single look says of a server that answers late that it starts.
pub async fn until(engine: &LocalEngine, spec: &NodeSpec, wanted: impl Fn(&NodeState) -> bool) -> NodeState {
    let look = async || Some(engine.observe(spec.id).await.unwrap()).filter(&wanted);
    match eventually(PATIENT, look).await {
        Some(state) => state,
        None => panic!("still {:?}", engine.observe(spec.id).await),
    }
}

/// The postmaster that an engine sees, as soon as it answers.
pub async fn pid_of(engine: &LocalEngine, spec: &NodeSpec) -> u32 {
    match until(engine, spec, |state| matches!(state, NodeState::Running { .. })).await {
        NodeState::Running { pid, .. } => pid,
        other => panic!("not running: {other:?}"),
    }
}

/// OS users that a failed test left, by the identity files that name them.
fn remove_users(root: &Path) {
    let layout = Layout::new(root);
    for parent in [layout.nodes(), layout.pool(), layout.trash(), root.to_owned()] {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            if let Ok(Some(Identity { os_user: Some(user), .. })) = Identity::read(&ClusterDir(entry.path()))
            {
                run("/usr/sbin/userdel", &[&user.name]);
            }
        }
    }
}

/// Processes whose working directory lies below the root.
pub fn inhabitants(root: &Path) -> Vec<u32> {
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(root)))
        .collect()
}

/// Processes whose command line begins with a program's path or holds it, and names this path too.
pub fn pids_of(program: &str, path: &Path) -> Vec<u32> {
    let pids =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let wanted = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(program) && line.contains(&*path.to_string_lossy())
    };
    pids.filter(wanted).collect()
}

pub fn kill(pid: u32, signal: rustix::process::Signal) {
    let _ = rustix::process::kill_process(rustix::process::Pid::from_raw(pid.cast_signed()).unwrap(), signal);
}

#[expect(clippy::disallowed_methods, reason = "a test looks at the engine from outside")]
pub fn run(program: &str, args: &[&str]) -> std::process::Output {
    std::process::Command::new(program).args(args).output().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test looks at the engine from outside")]
pub fn spawn(program: &str, args: &[&str]) -> std::process::Child {
    std::process::Command::new(program).args(args).spawn().unwrap()
}

pub fn tls(ca: &str) -> tokio_postgres_rustls::MakeRustlsConnect {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    tokio_postgres_rustls::MakeRustlsConnect::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// What most tests take. The quarter of a core that its plan has would make everything slow and prove nothing.
pub fn spec(name: &str, version: PgVersion) -> NodeSpec {
    let mut spec = sandbox(name, version);
    spec.plan.cpu_milli = 2000;
    spec
}

/// The smallest plan as it is, for who looks at the limits of plans.
pub fn sandbox(name: &str, version: PgVersion) -> NodeSpec {
    let plan = Plan::defaults().remove(0);
    NodeSpec::new(NodeId::new(Uuid::new_v4()), name, version, free_port(), plan)
}

/// Ports differ between the tests of one process, and nobody listened there a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn verifier() -> SecretString {
    postgres_protocol::password::scram_sha_256(PASSWORD.as_bytes()).into()
}

pub fn is_absent<T: std::fmt::Debug>(answer: &Result<T, EngineError>) -> bool {
    matches!(answer, Err(EngineError::Absent))
}
