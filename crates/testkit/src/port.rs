//! The fake's calls. Each looks first and may be repeated, as the port's contract says.

use crate::{
    FakeEngine, Method, Node,
    engine::{HookRun, State},
    fault::suffer,
    reach,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use control::engine::{
    Engine, EngineError, Found, InstalledVersion, LoginProof, NodeSpec, NodeState, Sample,
};
use durable::Clock;
use secrecy::{ExposeSecret, SecretString};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};
use types::{
    NodeId,
    plan_change::SettingChange,
    view::{Container, Enforced, Figures},
};

pub(crate) fn refused(message: &str) -> EngineError {
    EngineError::Other { message: message.into(), source: anyhow::anyhow!("the fake says no"), retry: true }
}

/// What a fresh cluster takes, bytes.
pub(crate) const FRESH: u64 = 38 << 20;

/// What its processes take, with the limits of its plan.
fn container(spec: &NodeSpec, sample: &Sample) -> Container {
    let memory = u64::from(spec.plan.memory_mib) << 20;
    let enforced = Enforced { memory: true, swap: true, cpu: true, processes: true, why_not: None };
    Container {
        cpu_limit_percent: spec.plan.cpu_milli / 10,
        memory_limit_bytes: memory,
        enforced,
        ..sample.container.clone()
    }
}

impl FakeEngine {
    /// Counts the call, does what a fault says, else the work.
    pub(crate) async fn call<T>(
        &self,
        method: Method,
        work: impl FnOnce(&mut State) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let harm = self.state().faults.call(method);
        suffer(harm, || work(&mut self.state())).await
    }
}

impl State {
    pub(crate) fn live(&mut self, id: NodeId) -> Result<&mut Node, EngineError> {
        match self.nodes.get_mut(&id) {
            Some(node) if node.trashed => Err(EngineError::Foreign("it lies in the trash".into())),
            Some(node) => Ok(node),
            None => Err(EngineError::Absent),
        }
    }

    /// What a running node's server tells.
    pub(crate) fn talking(&mut self, spec: &NodeSpec) -> Result<&mut crate::Talk, EngineError> {
        if self.live(spec.id)?.running.is_none() {
            return Err(refused("it does not run"));
        }
        Ok(self.talk.entry(spec.id).or_default())
    }

    fn installed(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let there = self.versions.iter().any(|installed| installed.version == spec.version);
        if there { Ok(()) } else { Err(EngineError::VersionMissing(spec.version)) }
    }
}

#[async_trait]
impl Engine for FakeEngine {
    fn host_name(&self) -> String {
        "host-1".into()
    }

    fn public_host(&self) -> String {
        "db.example.org".into()
    }

    fn ports(&self) -> RangeInclusive<u16> {
        self.ports.clone()
    }

    async fn ca_certificate(&self) -> Result<String, EngineError> {
        self.call(Method::CaCertificate, |_| Ok("-----BEGIN CERTIFICATE-----\n".into())).await
    }

    async fn versions(&self) -> Result<Vec<InstalledVersion>, EngineError> {
        self.call(Method::Versions, |state| {
            let mut versions = state.versions.clone();
            versions.sort_by_key(|installed| std::cmp::Reverse(installed.version));
            Ok(versions)
        })
        .await
    }

    async fn place(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        self.call(Method::Place, |state| {
            state.installed(spec)?;
            match state.live(spec.id) {
                Ok(_) => return Ok("found in its place".into()),
                Err(EngineError::Absent) => {}
                Err(error) => return Err(error),
            }
            state.clusters += 1;
            let node = Node {
                spec: spec.clone(),
                cluster: state.clusters,
                configured: None,
                running: None,
                trashed: false,
                verifier: None,
                users: BTreeMap::new(),
                extensions: BTreeSet::new(),
                started_with: None,
                limited_as: None,
                disk_bytes: FRESH,
                sample: Sample::default(),
                sessions: Vec::new(),
                certificate_until: None,
                log: Vec::new(),
            };
            state.nodes.insert(spec.id, node);
            Ok("from the pool".into())
        })
        .await
    }

    async fn configure(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let now = self.clock.now();
        self.call(Method::Configure, |state| {
            let node = state.live(spec.id)?;
            node.certificate_until = Some(reach::certificate(node.certificate_until, now));
            node.configured = Some(spec.port);
            node.spec = spec.clone();
            Ok(format!("port {}", spec.port))
        })
        .await
    }

    async fn start(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let now = self.clock.now();
        self.call(Method::Start, |state| {
            state.installed(spec)?;
            let node = state.live(spec.id)?;
            if node.running.is_some() {
                return Ok("runs already".into());
            }
            let Some(port) = node.configured else { return Err(refused("it was never configured")) };
            let neighbour = state.nodes.values().any(|other| {
                other.spec.id != spec.id && other.running.is_some() && other.configured == Some(port)
            });
            if state.taken.contains(&port) || neighbour {
                return Err(EngineError::PortTaken(port));
            }
            let node = state.live(spec.id)?;
            node.running = Some(now);
            node.started_with = Some(node.spec.plan.memory_mib);
            node.limited_as = Some(spec.plan.name.clone());
            Ok(format!("listens on port {port}"))
        })
        .await
    }

    async fn create_database(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<String, EngineError> {
        self.call(Method::CreateDatabase, |state| {
            let node = state.live(spec.id)?;
            if node.running.is_none() {
                return Err(refused("it does not run"));
            }
            let verifier = verifier.expose_secret().to_owned();
            node.users.insert(spec.name.clone(), (false, verifier.clone()));
            node.verifier = Some(verifier);
            Ok(format!("database {0}, user {0}", spec.name))
        })
        .await
    }

    async fn verify_login(
        &self,
        spec: &NodeSpec,
        password: &SecretString,
    ) -> Result<LoginProof, EngineError> {
        self.call(Method::VerifyLogin, |state| {
            let node = state.live(spec.id)?;
            let fits = node.configured == Some(spec.port)
                && node.running.is_some()
                && node.users.contains_key(&spec.login);
            if !fits {
                return Err(refused("nobody lets us in"));
            }
            state.passwords.entry(spec.id).or_default().insert(password.expose_secret().to_owned());
            let took = Duration::from_millis(12);
            Ok(LoginProof { tls: "TLSv1.3".into(), version: spec.version, took })
        })
        .await
    }

    async fn stop(&self, id: NodeId, _patience: Duration) -> Result<(), EngineError> {
        self.call(Method::Stop, |state| {
            let node = state.nodes.get_mut(&id).ok_or(EngineError::Absent)?;
            node.running = None;
            Ok(())
        })
        .await
    }

    async fn observe(&self, id: NodeId) -> Result<NodeState, EngineError> {
        self.call(Method::Observe, |state| {
            Ok(match state.nodes.get(&id) {
                None => NodeState::Absent,
                Some(node) if node.trashed => NodeState::Trashed,
                Some(node) => match node.running {
                    Some(since) => NodeState::Running { since, pid: 4242 },
                    None => NodeState::Stopped,
                },
            })
        })
        .await
    }

    async fn figures(&self, spec: &NodeSpec) -> Result<Figures, EngineError> {
        self.call(Method::Figures, |state| {
            let node = state.live(spec.id)?;
            if node.running.is_none() {
                return Err(refused("it does not run"));
            }
            Ok(Figures {
                connections: 2,
                max_connections: spec.plan.connections(),
                data_bytes: 8 << 20,
                disk_bytes: node.disk_bytes,
                container: Container { cpu_percent: Some(3.0), ..container(spec, &node.sample) },
                ..Figures::default()
            })
        })
        .await
    }

    async fn sample(&self, spec: &NodeSpec, disk: bool) -> Result<Sample, EngineError> {
        self.call(Method::Sample, |state| {
            let node = state.live(spec.id)?;
            let since = node.running.ok_or_else(|| refused("it does not run"))?;
            let sample = node.sample.clone();
            Ok(Sample {
                since,
                container: container(spec, &sample),
                disk_bytes: disk.then_some(node.disk_bytes),
                ..sample
            })
        })
        .await
    }

    async fn disk_bytes(&self, id: NodeId) -> Result<u64, EngineError> {
        self.call(Method::DiskBytes, |state| Ok(state.live(id)?.disk_bytes)).await
    }

    async fn preview(&self, spec: &NodeSpec) -> Result<Vec<SettingChange>, EngineError> {
        self.call(Method::Preview, |state| {
            let node = state.live(spec.id)?;
            let old = &node.spec.plan;
            let changes = [
                ("cpu", old.cpu(), spec.plan.cpu(), false),
                ("shared_buffers", old.memory(), spec.plan.memory(), true),
            ];
            let other = changes.into_iter().filter(|(_, from, to, _)| from != to);
            Ok(other
                .map(|(name, from, to, restart)| SettingChange { name: name.into(), from, to, restart })
                .collect())
        })
        .await
    }

    async fn pending(&self, spec: &NodeSpec) -> Result<Vec<String>, EngineError> {
        self.call(Method::Pending, |state| {
            let node = state.live(spec.id)?;
            if node.running.is_none() {
                return Err(refused("it does not run"));
            }
            let waits = node.started_with != Some(node.spec.plan.memory_mib);
            Ok(waits.then(|| "shared_buffers".to_owned()).into_iter().collect())
        })
        .await
    }

    async fn limit(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        self.call(Method::Limit, |state| {
            let node = state.live(spec.id)?;
            if node.running.is_none() {
                return Err(refused("it does not run"));
            }
            node.limited_as = Some(spec.plan.name.clone());
            Ok(format!("{}, {}", spec.plan.memory(), spec.plan.cpu()))
        })
        .await
    }

    async fn checkpoint(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        self.call(Method::Checkpoint, |state| {
            if state.live(spec.id)?.running.is_none() {
                return Err(refused("it does not run"));
            }
            Ok(())
        })
        .await
    }

    async fn certificate_until(&self, id: NodeId) -> Result<Option<DateTime<Utc>>, EngineError> {
        self.call(Method::CertificateUntil, |state| {
            Ok(state.live(id).ok().and_then(|node| node.certificate_until))
        })
        .await
    }

    async fn log_tail(&self, _id: NodeId, _lines: usize) -> Result<Vec<String>, EngineError> {
        self.call(Method::LogTail, |_| Ok(vec!["LOG:  database system is ready".into()])).await
    }

    async fn trash(&self, id: NodeId) -> Result<(), EngineError> {
        self.call(Method::Trash, |state| {
            let node = state.nodes.get_mut(&id).ok_or(EngineError::Absent)?;
            if node.running.is_some() {
                return Err(refused("it runs"));
            }
            node.trashed = true;
            Ok(())
        })
        .await
    }

    async fn untrash(&self, id: NodeId) -> Result<(), EngineError> {
        self.call(Method::Untrash, |state| {
            state.nodes.get_mut(&id).ok_or(EngineError::Absent)?.trashed = false;
            Ok(())
        })
        .await
    }

    async fn purge(&self, id: NodeId) -> Result<(), EngineError> {
        self.call(Method::Purge, |state| {
            if state.nodes.get(&id).is_some_and(|node| node.running.is_some()) {
                return Err(refused("it runs"));
            }
            state.nodes.remove(&id);
            Ok(())
        })
        .await
    }

    async fn found(&self) -> Result<Vec<Found>, EngineError> {
        self.call(Method::Found, |state| {
            let found = state.nodes.values();
            Ok(found
                .map(|node| Found { id: node.spec.id, version: node.spec.version, trashed: node.trashed })
                .collect())
        })
        .await
    }

    async fn run_hook(
        &self,
        argv: &[String],
        env: &[(String, String)],
        _limit: Duration,
    ) -> Result<(bool, String), EngineError> {
        self.call(Method::RunHook, |state| {
            state.hooks.push(HookRun { argv: argv.to_vec(), env: env.to_vec() });
            Ok(state.hook_result.clone().unwrap_or_else(|| (true, "exit status 0".into())))
        })
        .await
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }
}
