//! [`LocalEngine`]: the engine port on this very host. Each method finds the place, proves it, and hands over to the
//! module that does the work; at most one call works on a node at a time.

mod dumps;
mod pitr;
mod reach;
mod sessions;
mod users;

use crate::{
    EngineConfig,
    ballast::Ballast,
    cgroup::{self, Limits, OutOfMemory},
    cluster::Maker,
    configure::{self, By},
    disk, dump,
    error::{fatal, retry},
    figures, firewall,
    gauge::Gauges,
    hook, host,
    identity::Identity,
    keeper::{self, START_LIMIT, Server, Watch},
    kept::Kept,
    layout::{ClusterDir, Layout},
    limit, login,
    node::{self, Placed},
    pool::Pool,
    prepare::{self, Preparation},
    preview,
    procs::{self, Handle},
    roles, root, sample,
    sql::{SUPERUSER, Session},
    tls::Ca,
    trash,
    turns::Turns,
    versions::{Catalogue, Installed},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use control::engine::{
    Engine, EngineError, Found, InstalledVersion, LoginProof, NodeSpec, NodeState, Sample, Volume,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio_postgres::Client;
use types::{NodeId, PgVersion, plan_change::SettingChange, view::Figures};

/// A checkpoint of a large, busy server takes minutes.
const CHECKPOINT_LIMIT: Duration = Duration::from_secs(600);

/// A server that does not say that it is there within this time is not ready, or hangs.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// Real PostgreSQL on this host. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    inner: Arc<Inner>,
}

/// A start of a server (pid and the kernel's start time), and whether that start was given what administration needs.
type Completed = ((u32, u64), Arc<tokio::sync::OnceCell<()>>);

#[derive(Debug)]
struct Inner {
    config: EngineConfig,
    layout: Layout,
    catalogue: Catalogue,
    ca: Ca,
    pool: Pool,
    watch: Watch,
    ballast: Ballast,
    gauges: Gauges,
    kept: Kept,
    complete: Mutex<HashMap<NodeId, Completed>>,
    /// One dump is tried at a time.
    trying: tokio::sync::Mutex<()>,
    turns: Turns<NodeId>,
}

impl LocalEngine {
    /// Prepares the data root, removes half-made clusters, and takes up watching servers that run already.
    ///
    /// # Errors
    /// The root cannot be used.
    pub async fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let layout = Layout::new(&config.root);
        root::prepare(&layout)?;
        procs::become_subreaper();
        // Before any server is started; see there.
        cgroup::room();
        if config.firewall {
            firewall::raise(&layout, &config.uids).await;
        }
        let ballast = Ballast::new(&layout);
        ballast.load();
        let catalogue = root::catalogue(&config);
        let ca = Ca::open_or_make(&layout.ca(), now()).map_err(|error| fatal(error.to_string(), error))?;
        let pool = Pool::new(layout.clone(), Maker::new(layout.clone(), config.uids.clone()));
        dump::sweep(&layout, &pool.maker).await?;
        let inner = Inner {
            config,
            layout,
            catalogue,
            ca,
            pool,
            watch: Watch::default(),
            ballast,
            gauges: Gauges::default(),
            kept: Kept::default(),
            complete: Mutex::default(),
            trying: tokio::sync::Mutex::default(),
            turns: Turns::default(),
        };
        let engine = Self { inner: Arc::new(inner) };
        engine.adopt()?;
        Ok(engine)
    }

    /// The installed servers that this engine uses.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    /// Makes clusters until `wanted` of this version wait in the pool; answers how many were made. To be called now
    /// and then, and after each new database.
    ///
    /// # Errors
    /// The version is not installed, or a cluster cannot be made.
    pub async fn refill_pool(&self, version: PgVersion, wanted: usize) -> Result<usize, EngineError> {
        procs::reap_orphans();
        self.inner.ballast.load();
        let Inner { config, ca, pool, .. } = &*self.inner;
        pool.fill(&self.installed(version).await?, wanted, Preparation { config, ca, now: now() }).await
    }

    /// Removes waiting clusters of all versions but these, and what was left half made.
    ///
    /// # Errors
    /// The disk.
    pub async fn tidy_pool(&self, wanted: &[PgVersion]) -> Result<(), EngineError> {
        self.inner.pool.maker.sweep().await?;
        self.inner.pool.drop_others(wanted).await
    }

    fn adopt(&self) -> Result<(), EngineError> {
        for found in trash::found(&self.inner.layout).iter().filter(|found| !found.trashed) {
            if let Ok((dir, identity)) = node::find(&self.inner.layout, found.id)
                && let Some(server) = keeper::postmaster(&dir, &identity)?
            {
                self.inner.watch.add(server);
            }
        }
        Ok(())
    }

    async fn installed(&self, version: PgVersion) -> Result<Installed, EngineError> {
        self.inner.catalogue.find(version).await.ok_or(EngineError::VersionMissing(version))
    }

    fn find(&self, id: NodeId) -> Result<(ClusterDir, Identity), EngineError> {
        node::find(&self.inner.layout, id)
    }

    /// A node and its running server.
    fn running(&self, id: NodeId) -> Result<(ClusterDir, Handle), EngineError> {
        let (dir, identity) = self.find(id)?;
        match keeper::postmaster(&dir, &identity)? {
            Some(server) => Ok((dir, server)),
            None => Err(retry("the server does not run", anyhow::anyhow!("no process is in its directory"))),
        }
    }

    /// Brings the kernel's limits of a server, if it runs, to its plan. What cannot be held is advisory.
    async fn hold(&self, dir: &ClusterDir, identity: &Identity, spec: &NodeSpec) -> Result<(), EngineError> {
        let Some(server) = keeper::postmaster(dir, identity)? else { return Ok(()) };
        if let Some(group) = cgroup::room().of(server.seen.pid, spec.id) {
            for failed in group.limit(&limits(spec)).await {
                tracing::warn!(database = %spec.id, failed, "a limit of a plan is advisory");
            }
        }
        Ok(())
    }

    /// What was kept of a server that ends now.
    fn forget(&self, id: NodeId) {
        self.inner.kept.close(id);
        self.inner.gauges.forget(id);
    }
}

/// The kernel's share of a plan on this host.
fn limits(spec: &NodeSpec) -> Limits {
    Limits::of(&spec.plan, host::host())
}

/// That a start was needed because the last server had been out of memory, for people.
fn out_of_memory(last: Option<OutOfMemory>) -> String {
    let Some(last) = last else { return String::new() };
    let limit = last.limit.map(|limit| format!(" of {}", types::plan::size(limit))).unwrap_or_default();
    format!("; the kernel had ended it because its memory{limit} was used up")
}

/// The wall clock: certificates mean it, whatever clock the core's rules run on.
fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

#[async_trait]
impl Engine for LocalEngine {
    fn host_name(&self) -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    fn public_host(&self) -> String {
        self.inner.config.public_host.clone()
    }

    fn ports(&self) -> RangeInclusive<u16> {
        self.inner.config.ports.clone()
    }

    async fn ca_certificate(&self) -> Result<String, EngineError> {
        Ok(self.inner.ca.certificate().to_owned())
    }

    async fn versions(&self) -> Result<Vec<InstalledVersion>, EngineError> {
        let all = self.inner.catalogue.all().await;
        Ok(all.iter().map(|i| InstalledVersion { version: i.version, below_floor: i.below_floor }).collect())
    }

    async fn place(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let installed = self.installed(spec.version).await?;
        let placed = node::place(&self.inner.layout, &self.inner.pool, &installed, spec).await?;
        Ok(match placed {
            Placed::Already => "already in place",
            Placed::FromPool => "from the pool",
            Placed::Fresh => "freshly initialised",
        }
        .into())
    }

    async fn configure(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let (dir, identity) = self.find(spec.id)?;
        let installed = self.inner.catalogue.find(spec.version).await;
        let Inner { config, ca, .. } = &*self.inner;
        let by = By { config, ca, installed: installed.as_ref(), now: now() };
        configure::configure(by, (&dir, &identity), spec).await
    }

    async fn start(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let (dir, identity) = self.find(spec.id)?;
        let installed = self.installed(spec.version).await?;
        if installed.version.major != identity.version.major {
            let message = format!("its data is of PostgreSQL {}, not {}", identity.version, spec.version);
            return Err(EngineError::Foreign(message));
        }
        if installed.version < identity.version {
            let (last, older) = (identity.version, spec.version);
            let message =
                format!("its data was used by PostgreSQL {last}: {older} is older and must not open it");
            return Err(EngineError::Foreign(message));
        }
        // What is being restored listens nowhere, so it may have the port of the server that it may take the place of.
        let listens = crate::pitr::Restoring::read(&dir)?.is_none_or(|note| note.listens());
        let listen: &[std::net::IpAddr] = if listens { &self.inner.config.listen } else { &[] };
        let limits = Some(limits(spec).in_haste(host::host()));
        let (dir, port) = (&dir, spec.port);
        let server = Server { dir, identity: &identity, installed: &installed, port, listen, limits };
        // What was seen while it ran did not end it.
        let survived = self.inner.gauges.oom_kills(spec.id);
        let started = match keeper::start(server, &self.inner.watch, START_LIMIT).await {
            Err(EngineError::DiskFull { volume: Volume::Data, .. }) if self.inner.ballast.release() => {
                keeper::start(server, &self.inner.watch, START_LIMIT).await
            }
            started => started,
        };
        // Also when it needs longer than we waited. Until its database is made nobody uses it, and that is quicker done.
        if roles::has_database(dir) {
            self.hold(dir, &identity, spec).await?;
        }
        let started = started?;
        if identity.version < installed.version {
            // The data may now hold what an older minor does not know.
            Identity { version: installed.version, ..identity }.write(dir)?;
        }
        Ok(match started {
            keeper::Started::Already => format!("PostgreSQL {} already runs", spec.version),
            keeper::Started::Fresh(last) => {
                self.forget(spec.id);
                let why = out_of_memory(last.filter(|last| last.kills > survived));
                format!("PostgreSQL {} answers on port {port}{why}", spec.version)
            }
        })
    }

    async fn create_database(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<String, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let (dir, identity) = self.find(spec.id)?;
        let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(30));
        let made = roles::create_database(&session, spec, verifier.expose_secret()).await?;
        prepare::waits_no_more(&dir)?;
        self.hold(&dir, &identity, spec).await?;
        Ok(format!("database {} {}", spec.name, if made { "made" } else { "was there; password set" }))
    }

    async fn verify_login(
        &self,
        spec: &NodeSpec,
        password: &SecretString,
    ) -> Result<LoginProof, EngineError> {
        self.find(spec.id)?;
        let (host, port) = (&self.inner.config.public_host, spec.port);
        let address = login::Address { host, port, user: &spec.login, database: &spec.name };
        login::verify(address, password, self.inner.ca.certificate(), Duration::from_secs(10)).await
    }

    async fn stop(&self, id: NodeId, patience: Duration) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(id).await;
        self.forget(id);
        match self.find(id) {
            Ok((dir, identity)) => keeper::stop(&dir, &identity, patience).await,
            // Nothing of it is here, so nothing of it runs.
            Err(EngineError::Absent) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn observe(&self, id: NodeId) -> Result<NodeState, EngineError> {
        procs::reap_orphans();
        let (dir, identity) = match self.find(id) {
            Ok(found) => found,
            Err(EngineError::Absent) => {
                return Ok(match Identity::expect(&self.inner.layout.trashed(id), id) {
                    Ok(_) => NodeState::Trashed,
                    Err(EngineError::Absent) => NodeState::Absent,
                    Err(error) => return Err(error),
                });
            }
            Err(error) => return Err(error),
        };
        let Some(server) = keeper::postmaster(&dir, &identity)? else { return Ok(NodeState::Stopped) };
        let (pid, since) = (server.seen.pid, keeper::since(&dir, &server));
        let of = (id, (server.seen.pid, server.seen.started));
        self.inner.watch.add(server);
        match self.inner.kept.answers(of, LOOK_LIMIT).await {
            Some(true) => return Ok(NodeState::Running { since, pid }),
            Some(false) => return Ok(NodeState::Starting),
            None => {}
        }
        let Some(port) = keeper::listening_port(&dir) else { return Ok(NodeState::Starting) };
        Ok(match keeper::ask(&dir, &identity, port, LOOK_LIMIT).await? {
            keeper::Answer::Ours => NodeState::Running { since, pid },
            keeper::Answer::None(error) => {
                tracing::debug!(%error, database = %id, "a server does not answer");
                NodeState::Starting
            }
        })
    }

    async fn figures(&self, spec: &NodeSpec) -> Result<Figures, EngineError> {
        let (dir, server) = self.running(spec.id)?;
        let kept = (&self.inner.gauges, &self.inner.kept);
        figures::read(kept, &dir, &server, spec, &limits(spec)).await
    }

    async fn sample(&self, spec: &NodeSpec, disk: bool) -> Result<Sample, EngineError> {
        let (dir, server) = self.running(spec.id)?;
        let kept = (&self.inner.gauges, &self.inner.kept);
        sample::take(kept, &dir, &server, (spec, &limits(spec)), disk).await
    }

    async fn disk_bytes(&self, id: NodeId) -> Result<u64, EngineError> {
        disk::count(self.find(id)?.0.data()).await
    }

    async fn preview(&self, spec: &NodeSpec) -> Result<Vec<SettingChange>, EngineError> {
        let (dir, identity) = self.find(spec.id)?;
        let wanted = configure::by_plan(&self.inner.config, &dir, spec);
        let Some(server) = keeper::postmaster(&dir, &identity)? else {
            return Ok(preview::stopped(&dir, &wanted));
        };
        let group = cgroup::room().of(server.seen.pid, spec.id);
        let reading = group.map(|group| group.read()).unwrap_or_default();
        preview::running(&dir, spec, &wanted, &limits(spec), &reading).await
    }

    async fn pending(&self, spec: &NodeSpec) -> Result<Vec<String>, EngineError> {
        let (dir, _) = self.running(spec.id)?;
        let ours = configure::by_plan(&self.inner.config, &dir, spec);
        let mut pending = configure::pending(&dir, spec.port).await?;
        // What a newer Paddock wants beside the plan can wait for a restart that somebody asks for.
        pending.retain(|name| ours.iter().any(|(own, _)| own == name));
        Ok(pending)
    }

    async fn limit(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        let (dir, server) = self.running(spec.id)?;
        limit::limit(&dir, &server, spec, &limits(spec)).await
    }

    async fn checkpoint(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let (dir, _) = self.running(spec.id)?;
        let session = Session::new(dir.run(), spec.port, SUPERUSER, CHECKPOINT_LIMIT);
        session
            .run("write a checkpoint", async |client: Client| client.batch_execute("CHECKPOINT").await)
            .await
    }

    async fn certificate_until(&self, id: NodeId) -> Result<Option<DateTime<Utc>>, EngineError> {
        configure::certificate_until(&self.find(id)?.0)
    }

    async fn log_tail(&self, id: NodeId, lines: usize) -> Result<Vec<String>, EngineError> {
        let (dir, _) = self.find(id)?;
        let read = tokio::task::spawn_blocking(move || keeper::tail(&dir, lines)).await;
        read.map_err(|error| retry("could not read the log", error))
    }

    async fn trash(&self, id: NodeId) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(id).await;
        self.forget(id);
        trash::trash(&self.inner.layout, id)
    }

    async fn untrash(&self, id: NodeId) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(id).await;
        trash::untrash(&self.inner.layout, id)
    }

    async fn purge(&self, id: NodeId) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(id).await;
        self.forget(id);
        trash::purge(&self.inner.layout, &self.inner.pool, id).await?;
        cgroup::room().clear(id).await;
        Ok(())
    }

    async fn found(&self) -> Result<Vec<Found>, EngineError> {
        Ok(trash::found(&self.inner.layout))
    }

    async fn run_hook(
        &self,
        argv: &[String],
        env: &[(String, String)],
        limit: Duration,
    ) -> Result<(bool, String), EngineError> {
        Ok(hook::run(argv, env, limit).await)
    }

    async fn changed(&self) {
        self.inner.watch.changed().await;
    }
}
