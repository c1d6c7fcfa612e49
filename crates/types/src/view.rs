//! What pages show: plain values, filled by the core, serialised to the browser.
//!
//! Views hold no secret unless their name says so. Times are UTC; `now` is the server's, so that server and browser
//! render the same words.

use crate::backup::ProofState;
use crate::metric::SeriesView;
use crate::pitr::Exposure;
use crate::status::{AddonStatus, DatabaseStatus};
use crate::{
    AddonId, AppId, DatabaseId, InvitationId, OperationId, PgVersion, Plan, SessionId, TokenId, UserId,
    VariableId,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The person who is signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserView {
    /// Their id.
    pub id: UserId,
    /// Shown beside what they did.
    pub username: String,
    /// How they sign in, too.
    pub email: String,
    /// Runs this Paddock.
    pub is_operator: bool,
}

/// A row of "where you are signed in".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Names it for "revoke".
    pub id: SessionId,
    /// "Firefox on Linux", from the user agent; cut and plain.
    pub device: String,
    /// Last address.
    pub ip: String,
    /// Signed in at.
    pub created_at: DateTime<Utc>,
    /// Last request.
    pub seen_at: DateTime<Utc>,
    /// It is this one.
    pub current: bool,
}

/// A row of the API tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenView {
    /// Names it for "revoke".
    pub id: TokenId,
    /// Given by its owner.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A person who may use an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CollaboratorView {
    /// Their id.
    pub user_id: UserId,
    /// Their name.
    pub username: String,
    /// Their address.
    pub email: String,
    /// Owns the app.
    pub is_owner: bool,
    /// Since.
    pub since: DateTime<Utc>,
}

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvitationView {
    /// Names it for "withdraw".
    pub id: InvitationId,
    /// For whom.
    pub email: String,
    /// Name of the app.
    pub app: String,
    /// Who invited.
    pub invited_by: String,
    /// Until when the link works.
    pub expires_at: DateTime<Utc>,
}

/// A row of the app list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppRow {
    /// Its id.
    pub id: AppId,
    /// Its name; its page is `/apps/{name}`.
    pub name: String,
    /// Its databases, deleted ones left out.
    pub addons: Vec<AddonView>,
    /// The last whole backup of each database that has one.
    pub backups: Vec<(AddonId, LastBackup)>,
    /// What happened last, if anything.
    pub last_event: Option<ActivityView>,
}

impl AppRow {
    /// The last whole backup of this database.
    #[must_use]
    pub fn last_backup(&self, addon: AddonId) -> Option<LastBackup> {
        self.backups.iter().find(|(of, _)| *of == addon).map(|(_, backup)| *backup)
    }
}

/// The last whole backup of a database, in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// The moment whose data it holds.
    pub made_at: DateTime<Utc>,
    /// What its trial restore came to.
    pub proof: ProofState,
}

/// An app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppView {
    /// Its id.
    pub id: AppId,
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner: UserView,
    /// The signed-in person owns it (or runs this Paddock) and may delete it and invite.
    pub may_manage: bool,
    /// Since.
    pub created_at: DateTime<Utc>,
    /// Last change of the app itself.
    pub updated_at: DateTime<Utc>,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariableView {
    /// Its id.
    pub id: VariableId,
    /// Its name.
    pub name: String,
    /// Its value: raw or resolved, as asked. Holds passwords: never log it.
    pub value: String,
    /// Set by an add-on: people cannot change it.
    pub managed: bool,
}

/// An add-on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddonView {
    /// Its id; the database's page is `/databases/{id}`.
    pub id: AddonId,
    /// Its app.
    pub app_id: AppId,
    /// Name of its app.
    pub app: String,
    /// `my_app_4553`: the database's name.
    pub resource_id: String,
    /// Its plan.
    pub plan: Plan,
    /// Its version.
    pub version: PgVersion,
    /// As public clients see it.
    pub status: AddonStatus,
    /// As people see it.
    pub database_status: DatabaseStatus,
    /// The operation that changes it now.
    pub operation: Option<OperationId>,
    /// When it first accepted a login.
    pub provisioned_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// Deleted by its owner.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Until when a deleted one can be brought back.
    pub purge_at: Option<DateTime<Utc>>,
}

/// A PostgreSQL version that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionView {
    /// `17.11`
    pub version: PgVersion,
    /// The newest that is safe: chosen unless somebody chooses otherwise.
    pub default: bool,
    /// Its minor is below the safety floor of its major: a newer one fixes known holes.
    pub below_floor: bool,
    /// May be chosen for a new database.
    pub offered: bool,
}

/// What can be read from a running database, each figure from PostgreSQL, the kernel or the file system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Client connections now (`pg_stat_activity`, our own left out).
    pub connections: u32,
    /// Connections that users may open.
    pub max_connections: u32,
    /// Logical size of the user's database, bytes (`pg_database_size`).
    pub data_bytes: u64,
    /// Bytes on disk, all files of the server.
    pub disk_bytes: u64,
    /// Of them write-ahead log (`pg_wal`).
    pub wal_bytes: u64,
    /// Of them temporary files of queries (`pgsql_tmp`).
    pub temp_bytes: u64,
    /// Estimate of what dead rows take within the data, bytes (`pg_stat_all_tables`); `None` when it could not be read.
    pub dead_bytes: Option<u64>,
    /// What its processes take.
    pub container: Container,
}

/// What the processes of a database take, and what the kernel lets them have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Processor time now, in per cent of one core; `None` at the first look.
    pub cpu_percent: Option<f64>,
    /// The plan's share, in per cent of one core.
    pub cpu_limit_percent: u32,
    /// Memory now, file cache included, bytes.
    pub memory_bytes: u64,
    /// Of it file cache that the kernel takes back when it is needed, bytes.
    pub memory_cache_bytes: u64,
    /// The most since the database was started, bytes.
    pub memory_peak_bytes: u64,
    /// The plan's, bytes.
    pub memory_limit_bytes: u64,
    /// Swap now, bytes.
    pub swap_bytes: u64,
    /// The most since the database was started, bytes.
    pub swap_peak_bytes: u64,
    /// How much it may take, bytes; 0 where the host has none.
    pub swap_limit_bytes: u64,
    /// Processes now.
    pub processes: u32,
    /// How many there may be.
    pub processes_limit: u32,
    /// Processes that the kernel ended because the memory was used up, since the database was started.
    pub oom_kills: u64,
    /// Which limits the kernel holds.
    pub enforced: Enforced,
}

impl Container {
    /// Memory that is left, file cache counted as used, bytes.
    #[must_use]
    pub const fn memory_free_bytes(&self) -> u64 {
        self.memory_limit_bytes.saturating_sub(self.memory_bytes)
    }

    /// Swap that is left, bytes.
    #[must_use]
    pub const fn swap_free_bytes(&self) -> u64 {
        self.swap_limit_bytes.saturating_sub(self.swap_bytes)
    }
}

/// Which limits of a plan the kernel holds; the others are advisory: PostgreSQL's settings keep to them, no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforced {
    /// Memory.
    pub memory: bool,
    /// Swap.
    pub swap: bool,
    /// Processor share.
    pub cpu: bool,
    /// Number of processes.
    pub processes: bool,
    /// Why not all of them, for people.
    pub why_not: Option<String>,
}

impl Enforced {
    /// The advisory ones by name: "memory, CPU"; empty when the kernel holds all.
    #[must_use]
    pub fn advisory(&self) -> String {
        let all = [(self.memory, "memory"), (self.cpu, "CPU"), (self.processes, "processes")];
        let names: Vec<_> = all.iter().filter(|(held, _)| !held).map(|(_, name)| *name).collect();
        names.join(", ")
    }
}

/// A check behind the health sentence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    /// "Accepts connections"
    pub title: String,
    /// What was seen.
    pub detail: String,
    /// `ok`, `warn` or `err`.
    pub tone: String,
}

/// What is switched on for a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeaturesView {
    /// Connections without TLS are refused.
    pub force_tls: bool,
    /// Reachable from every address.
    pub everywhere: bool,
    /// Statements that take so many milliseconds are logged with their plans; `None`: none are.
    pub slow_query_ms: Option<u32>,
    /// What statements cost is counted.
    pub statements: bool,
}

/// A database's overview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatabaseView {
    /// Its own id (the add-on's is `addon.id`).
    pub id: DatabaseId,
    /// What is sold.
    pub addon: AddonView,
    /// "Healthy. 2 of 30 connections, 38 MB of 10 GB, last backup 5 hours ago and restored as a test."
    pub sentence: String,
    /// `ok`, `run`, `warn`, `err` or `off`: the look of the sentence.
    pub tone: String,
    /// What the sentence stands on.
    pub checks: Vec<CheckView>,
    /// Read from the server just now; `None` when it does not run.
    pub figures: Option<Figures>,
    /// The last 24 hours of what the tiles show, for their sparklines; empty while nothing was recorded.
    pub sparks: Vec<SeriesView>,
    /// New transactions are read-only because the disk of the plan is nearly used up.
    pub read_only: bool,
    /// Writes are allowed again until then, although the disk is nearly used up.
    pub writes_until: Option<DateTime<Utc>>,
    /// What is switched on.
    pub features: FeaturesView,
    /// How much would be lost now; `None`: its plan keeps nothing.
    pub exposure: Option<Exposure>,
    /// Name of the host that runs it.
    pub node: String,
    /// `host:port` of the published URL.
    pub address: String,
    /// When its server started.
    pub running_since: Option<DateTime<Utc>>,
    /// When its certificate ends.
    pub certificate_until: Option<DateTime<Utc>>,
    /// A safer or newer minor of the same major is installed.
    pub newer_minor: Option<PgVersion>,
    /// What happened, newest first, at most 20.
    pub activity: Vec<ActivityView>,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityView {
    /// When.
    pub at: DateTime<Utc>,
    /// Who: a user name, or "paddock".
    pub actor: String,
    /// What, a short phrase: "Database created".
    pub title: String,
    /// More: "18.6, Starter 512M, ready in 0.4 s".
    pub detail: String,
    /// The operation that did it.
    pub operation: Option<OperationId>,
    /// Name of the database, when one is meant.
    pub database: Option<String>,
    /// `ok`, `run`, `warn`, `err` or `off`.
    pub tone: String,
}

/// How to reach a database. Without its password unless somebody revealed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// The protected user.
    pub username: String,
    /// Its password, when it was asked to be revealed.
    pub password: Option<String>,
}

/// An app's restart hook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HookView {
    /// Called with a signed POST.
    pub url: Option<String>,
    /// Run on Paddock's host: program and arguments.
    pub command: Vec<String>,
    /// The signing secret, shown once after it was made.
    pub new_secret: Option<String>,
    /// The last calls, newest first, at most 10.
    pub deliveries: Vec<HookDelivery>,
    /// The signed-in person may set a local command.
    pub may_set_command: bool,
}

/// One call of a restart hook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookDelivery {
    /// When.
    pub at: DateTime<Utc>,
    /// `webhook` or `command`.
    pub kind: String,
    /// It was taken.
    pub ok: bool,
    /// "200 OK in 31 ms", "exit status 1".
    pub result: String,
    /// The operation that it followed.
    pub operation: OperationId,
}

/// What was asked for when an add-on was provisioned or changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    /// The add-on.
    pub addon: AddonView,
    /// The operation to follow.
    pub operation: OperationId,
}
