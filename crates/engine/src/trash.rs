//! Deleting in two steps: to the trash, from which it can come back, and for good.
//!
//! Nothing moves or goes unless its identity file names it and no server runs in it. The identity file goes last, so
//! that a removal that was cut short can be taken up again, and so that its OS user is not given away before its
//! files are gone.

use crate::{
    cluster, disk,
    error::{Doing as _, retry},
    identity::Identity,
    keeper,
    layout::{ClusterDir, Layout},
    os_user,
    pool::Pool,
};
use control::engine::{EngineError, Found};
use std::{fs, time::Duration};
use types::NodeId;

fn there(dir: &ClusterDir) -> bool {
    dir.path().symlink_metadata().is_ok()
}

/// Moves a stopped node to the trash; fine when it is there already.
pub(crate) fn trash(layout: &Layout, id: NodeId) -> Result<(), EngineError> {
    carry(&layout.node(id), &layout.trashed(id), id)
}

/// Moves it back; fine when it is back already.
pub(crate) fn untrash(layout: &Layout, id: NodeId) -> Result<(), EngineError> {
    carry(&layout.trashed(id), &layout.node(id), id)
}

fn carry(from: &ClusterDir, to: &ClusterDir, id: NodeId) -> Result<(), EngineError> {
    if !there(from) {
        return Identity::expect(to, id).map(|_| ());
    }
    let identity = Identity::expect(from, id)?;
    refuse_running(from, &identity)?;
    if there(to) {
        return Err(EngineError::Foreign(format!(
            "{} is there already: nothing was touched",
            to.path().display()
        )));
    }
    disk::move_dir(from.path(), to.path()).doing(|| format!("move {}", from.path().display()))
}

fn refuse_running(dir: &ClusterDir, identity: &Identity) -> Result<(), EngineError> {
    match keeper::postmaster(dir, identity)? {
        Some(server) => Err(retry(
            "the server still runs: it must be stopped first",
            anyhow::anyhow!("process {} runs in {}", server.seen.pid, dir.path().display()),
        )),
        None => Ok(()),
    }
}

/// Removes a database's directories for good, wherever they are: place, trash, or still in the pool.
pub(crate) async fn purge(layout: &Layout, pool: &Pool, id: NodeId) -> Result<(), EngineError> {
    let promised = pool.promised(id).map(|(dir, _)| dir);
    for dir in [Some(layout.node(id)), Some(layout.trashed(id)), promised].into_iter().flatten() {
        if there(&dir) {
            let identity = Identity::expect(&dir, id)?;
            keeper::stop(&dir, &identity, Duration::from_secs(10)).await?;
            wipe(&dir, &identity).await?;
        }
    }
    Ok(())
}

/// Removes a cluster's directory whose identity was just read: everything, its OS user, then the identity file.
pub(crate) async fn wipe(dir: &ClusterDir, identity: &Identity) -> Result<(), EngineError> {
    refuse_running(dir, identity)?;
    let removing = || format!("remove {}", dir.path().display());
    for entry in fs::read_dir(dir.path()).doing(removing)?.flatten() {
        if entry.path() != dir.identity() {
            disk::remove_tree(&entry.path()).await?;
        }
    }
    if let Some(user) = &identity.os_user {
        os_user::remove(user, identity.cluster).await?;
    }
    fs::remove_file(dir.identity()).doing(removing)?;
    fs::remove_dir(dir.path()).doing(removing)?;
    dir.path().parent().map_or(Ok(()), disk::sync_dir).doing(removing)
}

/// Everything that carries a database's identity.
pub(crate) fn found(layout: &Layout) -> Vec<Found> {
    let mut found = Vec::new();
    for (parent, trashed) in [(layout.nodes(), false), (layout.trash(), true), (layout.pool(), false)] {
        for (_, identity) in cluster::with_identity(&parent) {
            found.extend(identity.node.map(|id| Found { id, version: identity.version, trashed }));
        }
    }
    found
}
