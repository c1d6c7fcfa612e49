//! The fake engine: nodes, ports and a trash in memory. What it shall do to calls is in `fault.rs`, the calls
//! themselves are in `port.rs`.

use crate::{Fault, Fired, Method, Talk, TestClock, dumps::Data, fault::Faults};
use chrono::{DateTime, Utc};
use control::engine::{EngineError, InstalledVersion, NodeSpec, Sample};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use types::{DatabaseId, NodeId, PgVersion, log::LogRecord, reach::TcpSession};

/// A node as it is in memory.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it was made for.
    pub spec: NodeSpec,
    /// Names the cluster: another number is another cluster, without the data of the first.
    pub cluster: u64,
    /// The port in its files.
    pub configured: Option<u16>,
    /// Since when its server runs.
    pub running: Option<DateTime<Utc>>,
    /// In the trash.
    pub trashed: bool,
    /// What PostgreSQL was given in place of the owner's password.
    pub verifier: Option<String>,
    /// Who may log in: the name, whether it may only read, and the verifier.
    pub users: BTreeMap<String, (bool, String)>,
    /// The extensions that were made.
    pub extensions: BTreeSet<String>,
    /// Memory, MiB, that its running server was started with: shared buffers change with a start only.
    pub started_with: Option<u32>,
    /// The plan whose limits the kernel holds.
    pub limited_as: Option<String>,
    /// What is written in it, bytes.
    pub disk_bytes: u64,
    /// What is read of it over time.
    pub sample: Sample,
    /// Who is connected over the network.
    pub sessions: Vec<TcpSession>,
    /// When its certificate ends.
    pub certificate_until: Option<DateTime<Utc>>,
    /// What its server has logged.
    pub log: Vec<LogRecord>,
}

/// A local hook that ran.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) clusters: u64,
    pub(crate) taken: BTreeSet<u16>,
    pub(crate) faults: Faults<Method, EngineError>,
    pub(crate) hooks: Vec<HookRun>,
    pub(crate) hook_result: Option<(bool, String)>,
    pub(crate) versions: Vec<InstalledVersion>,
    pub(crate) talk: BTreeMap<NodeId, Talk>,
    pub(crate) data: BTreeMap<NodeId, Data>,
    pub(crate) archives: BTreeMap<DatabaseId, crate::FakeArchive>,
    pub(crate) restores: BTreeMap<NodeId, crate::FakeRestore>,
    pub(crate) without_tool: bool,
    pub(crate) busy: bool,
    pub(crate) passwords: BTreeMap<NodeId, BTreeSet<String>>,
    pub(crate) ca_until: Option<DateTime<Utc>>,
}

/// An engine in memory.
pub struct FakeEngine {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) ports: RangeInclusive<u16>,
    state: Mutex<State>,
    pub(crate) changed: Notify,
}

impl FakeEngine {
    /// One with these ports, and PostgreSQL 18.6, 17.11 and 15.18, the last one below its floor.
    #[must_use]
    pub fn new(clock: Arc<TestClock>, ports: RangeInclusive<u16>) -> Self {
        let versions =
            [(18, 6, false), (17, 11, false), (15, 18, true)].map(|(major, minor, below_floor)| {
                InstalledVersion { version: PgVersion::new(major, minor), below_floor }
            });
        let state = State { versions: versions.into(), ..State::default() };
        Self { clock, ports, state: Mutex::new(state), changed: Notify::new() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call go wrong; answers the counter of how often it did.
    pub fn inject(&self, fault: Fault) -> Fired {
        self.state().faults.inject(fault)
    }

    /// Takes every fault away.
    pub fn heal(&self) {
        self.state().faults.heal();
    }

    /// How often a method was called.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.state().faults.calls(method)
    }

    /// All nodes, also those in the trash.
    #[must_use]
    pub fn nodes(&self) -> BTreeMap<NodeId, Node> {
        self.state().nodes.clone()
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<Node> {
        self.state().nodes.get(&id).cloned()
    }

    /// Puts a directory on the host that the core knows nothing of.
    pub fn plant(&self, spec: NodeSpec) {
        let mut state = self.state();
        state.clusters += 1;
        let node = Node {
            cluster: state.clusters,
            configured: Some(spec.port),
            running: None,
            trashed: false,
            verifier: None,
            users: BTreeMap::new(),
            extensions: BTreeSet::new(),
            started_with: None,
            limited_as: None,
            disk_bytes: crate::port::FRESH,
            sample: Sample::default(),
            sessions: Vec::new(),
            certificate_until: None,
            log: Vec::new(),
            spec,
        };
        state.nodes.insert(node.spec.id, node);
    }

    /// Its files take so many bytes from now on.
    pub fn fill(&self, id: NodeId, disk_bytes: u64) {
        if let Some(node) = self.state().nodes.get_mut(&id) {
            node.disk_bytes = disk_bytes;
        }
    }

    /// What is read of it over time from now on.
    pub fn measures(&self, id: NodeId, change: impl FnOnce(&mut Sample)) {
        if let Some(node) = self.state().nodes.get_mut(&id) {
            change(&mut node.sample);
        }
    }

    /// Removes a node behind everybody's back.
    pub fn lose(&self, id: NodeId) {
        self.state().nodes.remove(&id);
    }

    /// The server ends without being asked.
    pub fn crash(&self, id: NodeId) {
        if let Some(node) = self.state().nodes.get_mut(&id) {
            node.running = None;
        }
        self.changed.notify_waiters();
    }

    /// Another program listens on a port.
    pub fn take_port(&self, port: u16) {
        self.state().taken.insert(port);
    }

    /// It does no more.
    pub fn free_port(&self, port: u16) {
        self.state().taken.remove(&port);
    }

    /// The binaries of a version disappear.
    pub fn uninstall(&self, version: PgVersion) {
        self.state().versions.retain(|installed| installed.version != version);
    }

    /// They are there (again).
    pub fn install(&self, version: PgVersion, below_floor: bool) {
        let mut state = self.state();
        state.versions.retain(|installed| installed.version != version);
        state.versions.push(InstalledVersion { version, below_floor });
    }

    /// What local hooks come to from now on.
    pub fn hooks_say(&self, taken: bool, text: &str) {
        self.state().hook_result = Some((taken, text.to_owned()));
    }

    /// The local hooks that ran.
    #[must_use]
    pub fn hooks(&self) -> Vec<HookRun> {
        self.state().hooks.clone()
    }

    /// Every password that was used to log in to a database.
    #[must_use]
    pub fn passwords(&self, id: NodeId) -> BTreeSet<String> {
        self.state().passwords.get(&id).cloned().unwrap_or_default()
    }
}
