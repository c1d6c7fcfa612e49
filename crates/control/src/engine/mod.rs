//! The engine port: what the core asks of whoever runs PostgreSQL.
//!
//! Every call names its database by id and is safe to repeat: an implementation looks first, and acts only if
//! needed. The core never starts a process, opens a data directory or speaks to a user's database itself. Real
//! PostgreSQL on a host is `crates/engine`; `testkit` has a fake that injects failures.

pub mod dumps;
pub mod logs;
pub mod pitr;
pub mod reach;
pub mod sessions;
pub mod statements;
mod users;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
pub use dumps::Dumps;
pub use logs::{LogFile, LogMark, LogPart, Logs};
pub use pitr::Pitr;
pub use reach::Doorway;
use secrecy::SecretString;
pub use sessions::Sessions;
pub use statements::Statements;
use std::time::Duration;
use types::{
    DatabaseId, NodeId, PgVersion, Plan,
    network::Network,
    plan_change::SettingChange,
    view::{Container, Figures},
};
pub use users::{Administer, UserSeen};

/// What went wrong in the engine. `message` is for people, the source for the log.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Somebody else listens on the port: choose another.
    #[error("port {0} is taken")]
    PortTaken(u16),
    /// The binaries of this version are not (any more) on this host.
    #[error("PostgreSQL {0} is not installed on this host")]
    VersionMissing(PgVersion),
    /// No room on a volume.
    #[error("the {volume} is full: {free_bytes} bytes are free")]
    DiskFull {
        /// Which one.
        volume: Volume,
        /// What is left.
        free_bytes: u64,
    },
    /// A volume may have room, and takes no more files, or too few.
    #[error("the {0} has too few inodes left")]
    NoFiles(Volume),
    /// PostgreSQL itself refused; its own last log lines say why.
    #[error("{message}")]
    Postgres {
        /// What was tried, for people.
        message: String,
        /// The last lines of the server's log.
        log: Vec<String>,
    },
    /// Nothing on this host carries this id.
    #[error("no data directory on this host carries this database's identity")]
    Absent,
    /// What is found does not belong to this database: nothing was touched.
    #[error("{0}")]
    Foreign(String),
    /// Anything else: a system call, a tool.
    #[error("{message}")]
    Other {
        /// What was tried, for people.
        message: String,
        /// The cause, for the log.
        #[source]
        source: anyhow::Error,
        /// Trying again may help.
        retry: bool,
    },
}

/// What can be full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The one that all databases of a host share.
    Data,
    /// The one that an operator has put a server's write-ahead log on.
    Log,
    /// The one of the archive for point-in-time recovery.
    Archive,
}

impl std::fmt::Display for Volume {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Data => "data volume",
            Self::Log => "volume of the write-ahead log",
            Self::Archive => "volume of the archive",
        })
    }
}

/// What a node shall be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NodeSpec {
    /// The node: a server with its own directory. A database has one, and another while a moment is restored beside it.
    pub id: NodeId,
    /// `my_app_4553`: name of the user's database and of its protected user.
    pub name: String,
    /// Which server.
    pub version: PgVersion,
    /// Where it listens.
    pub port: u16,
    /// Its limits.
    pub plan: Plan,
    /// The login of its protected user, the one in the published URL: its name, or another since its password was
    /// changed.
    pub login: String,
    /// From where, and how, users may reach it.
    #[serde(default)]
    pub reach: Reach,
    /// Statistics of statements are recorded (`pg_stat_statements.track`).
    #[serde(default)]
    pub statements: bool,
    /// Statements that take so long are logged with their plan (`auto_explain.log_min_duration`), milliseconds.
    #[serde(default)]
    pub slow_query_ms: Option<u32>,
    /// Its disk is nearly used up: new transactions are read-only unless they say otherwise
    /// (`default_transaction_read_only`).
    #[serde(default)]
    pub read_only: bool,
    /// Its write-ahead log goes to this database's archive.
    #[serde(default)]
    pub archive: Option<DatabaseId>,
}

impl NodeSpec {
    /// A node as it is when nobody has changed anything about it.
    #[must_use]
    pub fn new(id: NodeId, name: &str, version: PgVersion, port: u16, plan: Plan) -> Self {
        Self {
            id,
            name: name.to_owned(),
            version,
            port,
            plan,
            login: name.to_owned(),
            reach: Reach::default(),
            statements: false,
            slow_query_ms: None,
            read_only: false,
            archive: None,
        }
    }
}

/// From where, and how, users may reach a node. The node's own host always may.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reach {
    /// Connections without TLS are refused.
    pub force_tls: bool,
    /// From every address.
    pub everywhere: bool,
    /// From these networks.
    pub networks: Vec<Network>,
    /// From nowhere: another server takes its place.
    #[serde(default)]
    pub closed: bool,
}

/// What was seen of a node just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// No data directory carries this id.
    Absent,
    /// It lies in the trash.
    Trashed,
    /// A directory, no server.
    Stopped,
    /// A server that does not accept connections yet (start, recovery), or hangs.
    Starting,
    /// A server that answered over its private socket, with the right system identifier.
    Running {
        /// When its postmaster started.
        since: DateTime<Utc>,
        /// Its process id.
        pid: u32,
    },
}

/// Something on this host that carries an identity file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub id: NodeId,
    /// Which server its data needs.
    pub version: PgVersion,
    /// In the trash.
    pub trashed: bool,
}

/// An installed server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledVersion {
    /// As the binary says it.
    pub version: PgVersion,
    /// Its minor is below the safety floor.
    pub below_floor: bool,
}

/// A login through the published address that really happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginProof {
    /// `TLSv1.3`
    pub tls: String,
    /// As `server_version` tells.
    pub version: PgVersion,
    /// How long connect, TLS, SCRAM and `SELECT 1` took.
    pub took: Duration,
}

/// What the collector reads of a node: gauges, and counters as the kernel and PostgreSQL count them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When the server was started: counters of another start are other counters.
    pub since: DateTime<Utc>,
    /// What its processes take. Its `cpu_percent` is left `None`: it follows from `cpu_us`.
    pub container: Container,
    /// Processor time since the start, microseconds.
    pub cpu_us: u64,
    /// Bytes read from storage since the start.
    pub read_bytes: u64,
    /// Bytes written to storage since the start.
    pub written_bytes: u64,
    /// Bytes on disk; `None` when they were not counted this time (counting walks the directory).
    pub disk_bytes: Option<u64>,
    /// What the server said; `None` when it did not answer.
    pub server: Option<ServerSample>,
}

/// What a server tells of itself, read as the weak monitoring role over one kept connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerSample {
    /// Client connections, the platform's own left out.
    pub connections: u32,
    /// Those that run a query.
    pub active: u32,
    /// Those that are idle in a transaction.
    pub idle_in_transaction: u32,
    /// Transactions since the statistics were reset, committed and rolled back.
    pub transactions: u64,
    /// Blocks found in shared buffers.
    pub blocks_hit: u64,
    /// Blocks read.
    pub blocks_read: u64,
    /// Deadlocks.
    pub deadlocks: u64,
    /// Bytes written to temporary files.
    pub temp_bytes: u64,
    /// Write-ahead log made since `initdb`, bytes.
    pub wal_made: u64,
    /// Write-ahead log on disk, bytes.
    pub wal_bytes: u64,
    /// Logical size of the user's database, bytes.
    pub data_bytes: u64,
    /// Locks held or waited for.
    pub locks: u32,
    /// Those waited for.
    pub locks_waiting: u32,
    /// Autovacuum workers at work.
    pub autovacuum: u32,
    /// Checkpoints, timed and asked for.
    pub checkpoints: u64,
    /// Age of the oldest transaction, seconds.
    pub oldest_transaction_s: f64,
    /// How long a `SELECT 1` took over the kept connection.
    pub latency: Duration,
}

/// Real PostgreSQL on a host.
#[async_trait]
pub trait Engine:
    Administer + Doorway + Dumps + Logs + Pitr + Sessions + Statements + Send + Sync + 'static
{
    /// Name of the host, for people.
    fn host_name(&self) -> String;
    /// Host part of published URLs.
    fn public_host(&self) -> String;
    /// Range of ports that databases may get, first and last.
    fn ports(&self) -> std::ops::RangeInclusive<u16>;
    /// PEM of the CA that signs server certificates.
    async fn ca_certificate(&self) -> Result<String, EngineError>;
    /// What is installed, newest first. Reads the disk again: versions come and go.
    async fn versions(&self) -> Result<Vec<InstalledVersion>, EngineError>;

    /// Gives the node a place: a pre-initialised cluster of its version from the pool, or a fresh `initdb`; identity
    /// file, OS user, directory mode 0700. Answers what people may read ("from the pool").
    async fn place(&self, spec: &NodeSpec) -> Result<String, EngineError>;
    /// Writes the files that follow from the spec: settings, `pg_hba.conf`, TLS key and certificate.
    async fn configure(&self, spec: &NodeSpec) -> Result<String, EngineError>;
    /// Starts the server unless it runs, and waits until it answers over its private socket.
    async fn start(&self, spec: &NodeSpec) -> Result<String, EngineError>;
    /// Makes the user's database and its protected owner with this SCRAM verifier, and the platform's weak roles.
    async fn create_database(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<String, EngineError>;
    /// Logs in with `sslmode=verify-full` through the published address, as the protected user.
    async fn verify_login(&self, spec: &NodeSpec, password: &SecretString)
    -> Result<LoginProof, EngineError>;
    /// Stops the server if it runs (fast, then immediate after `patience`).
    async fn stop(&self, id: NodeId, patience: Duration) -> Result<(), EngineError>;
    /// What is seen of the node now.
    async fn observe(&self, id: NodeId) -> Result<NodeState, EngineError>;
    /// Figures of a running server, read as the weak monitoring role, and of its group in the kernel.
    async fn figures(&self, spec: &NodeSpec) -> Result<Figures, EngineError>;
    /// What the collector needs of a running server, over one kept connection per database that counts against no
    /// user's connections. `disk`: count the bytes on disk, too.
    async fn sample(&self, spec: &NodeSpec, disk: bool) -> Result<Sample, EngineError>;
    /// Bytes on disk of a node's files, whether its server runs or not.
    async fn disk_bytes(&self, id: NodeId) -> Result<u64, EngineError>;
    /// What would change if the node were as `spec` says, compared with what is in force (`pg_settings`) and with the
    /// limits of its group: names and values, and whether a restart is needed. A stopped node has no changes at once.
    async fn preview(&self, spec: &NodeSpec) -> Result<Vec<SettingChange>, EngineError>;
    /// Names of the settings of its plan that wait for a restart of a running server (`pg_settings.pending_restart`).
    async fn pending(&self, spec: &NodeSpec) -> Result<Vec<String>, EngineError>;
    /// Brings the limits of a running server to its plan without a restart: memory, swap, processor and processes in
    /// the kernel, and the number of connections that its users may open. Answers what people may read.
    async fn limit(&self, spec: &NodeSpec) -> Result<String, EngineError>;
    /// Writes everything out (`CHECKPOINT`), so that a stop right afterwards is short.
    async fn checkpoint(&self, spec: &NodeSpec) -> Result<(), EngineError>;
    /// When the server's certificate ends.
    async fn certificate_until(&self, id: NodeId) -> Result<Option<DateTime<Utc>>, EngineError>;
    /// The last lines of the server's log.
    async fn log_tail(&self, id: NodeId, lines: usize) -> Result<Vec<String>, EngineError>;
    /// Moves the stopped node's directory to the trash. Refuses what its identity file does not prove ours.
    async fn trash(&self, id: NodeId) -> Result<(), EngineError>;
    /// Brings it back from the trash.
    async fn untrash(&self, id: NodeId) -> Result<(), EngineError>;
    /// Removes it for good, from the trash or from a half-made place, with its OS user. Absent is fine.
    async fn purge(&self, id: NodeId) -> Result<(), EngineError>;
    /// Everything on this host that carries an identity file.
    async fn found(&self) -> Result<Vec<Found>, EngineError>;
    /// Runs a local restart hook: argv, no shell, with a time limit, as an unprivileged user, environment cleared
    /// to `env`. Answers whether it was taken and what it said ("exit status 1").
    async fn run_hook(
        &self,
        argv: &[String],
        env: &[(String, String)],
        limit: Duration,
    ) -> Result<(bool, String), EngineError>;
    /// Resolves when a server that this engine watches may have ended. A wake-up: look again.
    async fn changed(&self);
}
