//! [`LocalEngine`]: the engine port on this very host. Each method finds the place, proves it, and hands over to the
//! module that does the work; at most one call works on a node at a time.

use crate::{
    EngineConfig,
    cluster::Maker,
    configure,
    error::{fatal, retry},
    figures, hook,
    identity::Identity,
    keeper::{self, START_LIMIT, Server, Watch},
    layout::{ClusterDir, Layout},
    login,
    node::{self, Placed},
    pool::Pool,
    procs, roles, root,
    sql::{SUPERUSER, Session},
    tls::Ca,
    trash,
    versions::{Catalogue, Installed},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use control::engine::{Engine, EngineError, Found, InstalledVersion, LoginProof, NodeSpec, NodeState};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, SystemTime},
};
use types::{DatabaseId, PgVersion, view::Figures};

/// Real PostgreSQL on this host. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct LocalEngine {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: EngineConfig,
    layout: Layout,
    catalogue: Catalogue,
    ca: Ca,
    pool: Pool,
    watch: Watch,
    busy: Mutex<HashMap<DatabaseId, Weak<tokio::sync::Mutex<()>>>>,
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
        let catalogue = root::catalogue(&config);
        let ca = Ca::open_or_make(&layout.ca(), now()).map_err(|error| fatal(error.to_string(), error))?;
        let pool = Pool::new(layout.clone(), Maker::new(layout.clone(), config.uids.clone()));
        pool.maker.sweep().await?;
        let inner =
            Inner { config, layout, catalogue, ca, pool, watch: Watch::default(), busy: Mutex::default() };
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
        self.inner.pool.fill(&self.installed(version).await?, wanted).await
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

    fn find(&self, id: DatabaseId) -> Result<(ClusterDir, Identity), EngineError> {
        node::find(&self.inner.layout, id)
    }

    /// The lock of one node; locks of nodes that nobody works on are dropped.
    fn turn(&self, id: DatabaseId) -> Arc<tokio::sync::Mutex<()>> {
        let mut busy = self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = busy.get(&id).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::default();
        busy.insert(id, Arc::downgrade(&lock));
        lock
    }
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
        let turn = self.turn(spec.id);
        let _turn = turn.lock().await;
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
        let turn = self.turn(spec.id);
        let _turn = turn.lock().await;
        let (dir, identity) = self.find(spec.id)?;
        configure::configure(&self.inner.config, &self.inner.ca, (&dir, &identity), spec, now()).await
    }

    async fn start(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let turn = self.turn(spec.id);
        let _turn = turn.lock().await;
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
        let listen = &self.inner.config.listen;
        let server =
            Server { dir: &dir, identity: &identity, installed: &installed, port: spec.port, listen };
        let started = keeper::start(server, &self.inner.watch, START_LIMIT).await?;
        if identity.version < installed.version {
            // The data may now hold what an older minor does not know.
            Identity { version: installed.version, ..identity }.write(&dir)?;
        }
        Ok(match started {
            keeper::Started::Already => format!("PostgreSQL {} already runs", spec.version),
            keeper::Started::Fresh => format!("PostgreSQL {} answers on port {}", spec.version, spec.port),
        })
    }

    async fn create_database(&self, spec: &NodeSpec, verifier: &SecretString) -> Result<String, EngineError> {
        let turn = self.turn(spec.id);
        let _turn = turn.lock().await;
        let (dir, _) = self.find(spec.id)?;
        let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(30));
        let connections = spec.plan.connections();
        let made =
            roles::create_database(&session, &spec.name, connections, verifier.expose_secret()).await?;
        Ok(format!("database {} {}", spec.name, if made { "made" } else { "was there; password set" }))
    }

    async fn verify_login(
        &self,
        spec: &NodeSpec,
        password: &SecretString,
    ) -> Result<LoginProof, EngineError> {
        self.find(spec.id)?;
        let address =
            login::Address { host: &self.inner.config.public_host, port: spec.port, name: &spec.name };
        login::verify(address, password, self.inner.ca.certificate(), Duration::from_secs(10)).await
    }

    async fn stop(&self, id: DatabaseId, patience: Duration) -> Result<(), EngineError> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        match self.find(id) {
            Ok((dir, identity)) => keeper::stop(&dir, &identity, patience).await,
            // Nothing of it is here, so nothing of it runs.
            Err(EngineError::Absent) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn observe(&self, id: DatabaseId) -> Result<NodeState, EngineError> {
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
        self.inner.watch.add(server);
        let Some(port) = keeper::listening_port(&dir) else { return Ok(NodeState::Starting) };
        Ok(match keeper::ask(&dir, &identity, port, Duration::from_secs(2)).await? {
            keeper::Answer::Ours => NodeState::Running { since, pid },
            keeper::Answer::None(error) => {
                tracing::debug!(%error, database = %id, "a server does not answer");
                NodeState::Starting
            }
        })
    }

    async fn figures(&self, spec: &NodeSpec) -> Result<Figures, EngineError> {
        let (dir, _) = self.find(spec.id)?;
        figures::read(&dir, spec.port, &spec.name).await
    }

    async fn certificate_until(&self, id: DatabaseId) -> Result<Option<DateTime<Utc>>, EngineError> {
        configure::certificate_until(&self.find(id)?.0)
    }

    async fn log_tail(&self, id: DatabaseId, lines: usize) -> Result<Vec<String>, EngineError> {
        let (dir, _) = self.find(id)?;
        let read = tokio::task::spawn_blocking(move || keeper::tail(&dir, lines)).await;
        read.map_err(|error| retry("could not read the log", error))
    }

    async fn trash(&self, id: DatabaseId) -> Result<(), EngineError> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        trash::trash(&self.inner.layout, id)
    }

    async fn untrash(&self, id: DatabaseId) -> Result<(), EngineError> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        trash::untrash(&self.inner.layout, id)
    }

    async fn purge(&self, id: DatabaseId) -> Result<(), EngineError> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        trash::purge(&self.inner.layout, &self.inner.pool, id).await
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
