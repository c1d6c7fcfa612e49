//! What a new cluster can have before anybody needs it: key and certificate, its database, its roles and their rights.
//!
//! Done while it waits in the pool, so that "create" is left with a start and a few renamings. The server runs for
//! that moment on its private socket only and is stopped in good order, so that its next start has nothing to recover.
//! It happens before the identity file is written: cut short, it leaves a half-made cluster like any other, which is
//! swept together with the server that may still run in it. Nothing here knows whose the cluster will be.

use crate::{
    EngineConfig,
    configure::{self, By},
    disk,
    error::Doing as _,
    identity::Identity,
    keeper::{self, START_LIMIT, Server, Watch},
    layout::ClusterDir,
    roles,
    sql::{SUPERUSER, Session},
    tls::Ca,
    versions::Installed,
};
use chrono::{DateTime, Utc};
use control::engine::{EngineError, NodeSpec};
use std::{fs, io, time::Duration};
use types::{NodeId, Plan};

/// Part of the socket's name; nothing listens on the network.
const PORT: u16 = 5432;

/// What it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Preparation<'a> {
    pub(crate) config: &'a EngineConfig,
    pub(crate) ca: &'a Ca,
    pub(crate) now: DateTime<Utc>,
}

impl Preparation<'_> {
    /// Prepares a cluster that was just initialised; its directory is locked, its identity not yet written.
    pub(crate) async fn run(
        self,
        dir: &ClusterDir,
        identity: &Identity,
        installed: &Installed,
    ) -> Result<(), EngineError> {
        let mut plans = Plan::defaults();
        // The smallest: it shall not press on the servers that work.
        let plan = plans.swap_remove(0);
        let id = NodeId::new(identity.cluster);
        let spec = NodeSpec::new(id, roles::WAITING, installed.version, PORT, plan);
        let by = By { config: self.config, ca: self.ca, installed: Some(installed), now: self.now };
        configure::write(by, (dir, identity), &spec, &[])?;
        let server = Server { dir, identity, installed, port: PORT, listen: &[], limits: None };
        // Its end is expected: nobody shall be woken by it.
        let unwatched = Watch::default();
        let session = Session::new(dir.run(), PORT, SUPERUSER, Duration::from_secs(30));
        let made = match keeper::start(server, &unwatched, START_LIMIT).await {
            Ok(_) => roles::prepare(&session).await,
            Err(error) => Err(error),
        };
        keeper::stop(dir, identity, Duration::from_secs(30)).await?;
        made?;
        // Its owner's log shall begin with its own server.
        for entry in fs::read_dir(dir.log()).doing(|| format!("read {}", dir.log().display()))?.flatten() {
            fs::remove_file(entry.path()).doing(|| format!("remove {}", entry.path().display()))?;
        }
        disk::sync_dir(&dir.log()).doing(|| format!("finish {}", dir.path().display()))?;
        disk::write_atomic(&dir.waiting(), b"", 0o600, None).doing(|| "mark a prepared cluster".into())
    }
}

/// The database got its name and its user: from now on it counts as used. Fine when it was never prepared.
pub(crate) fn waits_no_more(dir: &ClusterDir) -> Result<(), EngineError> {
    let removed = match fs::remove_file(dir.waiting()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.and_then(|()| disk::sync_dir(dir.path())),
    };
    removed.doing(|| format!("remove {}", dir.waiting().display()))
}
