//! Initialised and prepared clusters that wait for a database: they make "create" a move, a start and a few renamings.
//!
//! An entry is whole when its identity file is there. It is given away in two steps, each atomic: its identity file
//! gets the database's id, then its directory moves. A kill between them leaves an entry that names its database; the
//! next try finds it by that.

use crate::{
    cluster::{self, Maker, Pace},
    disk,
    error::Doing as _,
    identity::Identity,
    keeper,
    layout::{ClusterDir, Layout},
    prepare::Preparation,
    versions::Installed,
};
use control::engine::EngineError;
use std::time::Duration;
use tokio::sync::Mutex;
use types::{NodeId, PgVersion};
use uuid::Uuid;

/// The pool of one host.
#[derive(Debug)]
pub(crate) struct Pool {
    layout: Layout,
    pub(crate) maker: Maker,
    taking: Mutex<()>,
    filling: Mutex<()>,
}

impl Pool {
    pub(crate) fn new(layout: Layout, maker: Maker) -> Self {
        Self { layout, maker, taking: Mutex::new(()), filling: Mutex::new(()) }
    }

    fn entries(&self) -> Vec<(ClusterDir, Identity)> {
        cluster::with_identity(&self.layout.pool())
    }

    /// How many wait, of one version.
    pub(crate) fn waiting(&self, version: PgVersion) -> usize {
        self.entries().iter().filter(|(dir, i)| is_free(dir, i) && i.version == version).count()
    }

    /// An entry that was promised to a database and has not moved yet.
    pub(crate) fn promised(&self, id: NodeId) -> Option<(ClusterDir, Identity)> {
        self.entries().into_iter().find(|(_, identity)| identity.node == Some(id))
    }

    /// Gives a cluster of this version to a database: moves it to its place. Answers whether it waited in the pool or
    /// had to be made.
    pub(crate) async fn give(&self, installed: &Installed, id: NodeId) -> Result<bool, EngineError> {
        if let Some((dir, _)) = self.promised(id) {
            self.hand_over(&dir, id)?;
            return Ok(true);
        }
        let taken = {
            let _taking = self.taking.lock().await;
            let mut waiting = self.entries().into_iter();
            let entry = waiting.find(|(dir, i)| is_free(dir, i) && i.version == installed.version);
            entry.map(|(dir, identity)| promise(&dir, identity, id).map(|()| dir)).transpose()?
        };
        let waited = taken.is_some();
        let dir = match taken {
            Some(dir) => dir,
            None => {
                // Somebody waits: what a preparation would do is done once, in its place.
                let (dir, identity) = self.make(installed, Pace::Awaited).await?;
                let _taking = self.taking.lock().await;
                promise(&dir, identity, id)?;
                dir
            }
        };
        self.hand_over(&dir, id)?;
        Ok(waited)
    }

    /// Gives a database a cluster without data, which will be restored into it: its own user, and the number of the
    /// cluster that the data is of.
    pub(crate) async fn give_bare(
        &self,
        version: PgVersion,
        id: NodeId,
        system_identifier: u64,
    ) -> Result<(), EngineError> {
        let dir = match self.promised(id) {
            Some((dir, _)) => dir,
            None => {
                let cluster = Uuid::new_v4();
                let dir = self.layout.pooled(cluster);
                let whose = (id, system_identifier);
                if let Err(error) = self.maker.make_bare(&dir, cluster, version, whose).await {
                    let _ = cluster::remove_half_made(&dir).await;
                    return Err(error);
                }
                dir
            }
        };
        self.hand_over(&dir, id)
    }

    fn hand_over(&self, dir: &ClusterDir, id: NodeId) -> Result<(), EngineError> {
        let place = self.layout.node(id);
        disk::move_dir(dir.path(), place.path())
            .doing(|| format!("move a cluster to {}", place.path().display()))
    }

    async fn make(
        &self,
        installed: &Installed,
        pace: Pace<'_>,
    ) -> Result<(ClusterDir, Identity), EngineError> {
        let cluster = Uuid::new_v4();
        let dir = self.layout.pooled(cluster);
        let made = self.maker.make(&dir, cluster, installed, pace).await;
        if made.is_err() && Identity::read(&dir).is_ok_and(|identity| identity.is_none()) {
            // Whatever went wrong is reported; what is left of it goes now if it can, else with the next sweep.
            if let Err(error) = cluster::remove_half_made(&dir).await {
                tracing::warn!(%error, dir = %dir.path().display(), "a half-made cluster stays until the next sweep");
            }
        }
        made.map(|identity| (dir, identity))
    }

    /// Fills up to `wanted` clusters of this version; answers how many were made.
    pub(crate) async fn fill(
        &self,
        installed: &Installed,
        wanted: usize,
        preparation: Preparation<'_>,
    ) -> Result<usize, EngineError> {
        let _filling = self.filling.lock().await;
        let mut made = 0;
        while self.waiting(installed.version) < wanted {
            self.make(installed, Pace::Ahead(preparation)).await?;
            made += 1;
        }
        Ok(made)
    }

    /// Removes waiting clusters of versions that are not wanted any more.
    pub(crate) async fn drop_others(&self, wanted: &[PgVersion]) -> Result<(), EngineError> {
        let _taking = self.taking.lock().await;
        for (dir, identity) in self.entries() {
            if identity.node.is_none() && !wanted.contains(&identity.version) {
                keeper::stop(&dir, &identity, Duration::from_secs(10)).await?;
                crate::trash::wipe(&dir, &identity).await?;
            }
        }
        Ok(())
    }
}

/// Promised to nobody, and its removal was not begun.
fn is_free(dir: &ClusterDir, identity: &Identity) -> bool {
    identity.node.is_none() && dir.data().join("global/pg_control").exists()
}

fn promise(dir: &ClusterDir, identity: Identity, id: NodeId) -> Result<(), EngineError> {
    Identity { node: Some(id), ..identity }.write(dir)
}
