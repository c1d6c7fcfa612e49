//! A database's place on this host: found again by its identity, or made from the pool.

use crate::{
    identity::Identity,
    layout::{ClusterDir, Layout},
    pool::Pool,
    versions::Installed,
};
use control::engine::{EngineError, NodeSpec};

/// How a node came to its place, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It was there.
    Already,
    /// A waiting cluster.
    FromPool,
    /// Made just now.
    Fresh,
}

/// Gives the node a place. Safe to repeat after a kill at any point.
pub(crate) async fn place(
    layout: &Layout,
    pool: &Pool,
    installed: &Installed,
    spec: &NodeSpec,
) -> Result<Placed, EngineError> {
    let (dir, trashed) = (layout.node(spec.id), layout.trashed(spec.id));
    match Identity::expect(&dir, spec.id) {
        Ok(identity) if identity.version.major == spec.version.major => return Ok(Placed::Already),
        Ok(identity) => {
            let message = format!("its data is of PostgreSQL {}, not {}", identity.version, spec.version);
            return Err(EngineError::Foreign(message));
        }
        Err(EngineError::Absent) => {}
        Err(error) => return Err(error),
    }
    if trashed.path().symlink_metadata().is_ok() {
        return Err(EngineError::Foreign("this database lies in the trash: nothing was touched".into()));
    }
    pool.give(installed, spec.id).await.map(|waited| if waited { Placed::FromPool } else { Placed::Fresh })
}

/// The place of a database with its proven identity; [`EngineError::Absent`] when it is not there.
pub(crate) fn find(layout: &Layout, id: types::NodeId) -> Result<(ClusterDir, Identity), EngineError> {
    let dir = layout.node(id);
    Identity::expect(&dir, id).map(|identity| (dir, identity))
}
