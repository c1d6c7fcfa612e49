//! The identity file: whose a directory is. Every move and every removal asks it first.
//!
//! It lies beside the data directory and belongs to Paddock: a server's own user cannot rewrite it. A directory
//! without one is half made and belongs to nobody.

use crate::{disk, error::Doing as _, layout::ClusterDir, os_user::OsUser};
use chrono::{DateTime, Utc};
use control::engine::EngineError;
use serde::{Deserialize, Serialize};
use std::io;
use types::{NodeId, PgVersion};
use uuid::Uuid;

/// What a directory says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The cluster's own id, from the pool on; its OS user's comment names it too.
    pub cluster: Uuid,
    /// The node that it became; none while it waits in the pool. The name in the file is older than the word.
    #[serde(rename = "database")]
    pub node: Option<NodeId>,
    /// The server that made it.
    pub version: PgVersion,
    /// Its OS user; none when Paddock does not run as root.
    pub os_user: Option<OsUser>,
    /// PostgreSQL's own id of the cluster. A string: JSON readers lose digits of large numbers.
    #[serde(with = "as_text")]
    pub system_identifier: u64,
    /// When it was initialised.
    pub made_at: DateTime<Utc>,
}

impl Identity {
    /// After whom its control group is called: the node, or the cluster while it is none.
    #[must_use]
    pub fn group(&self) -> NodeId {
        self.node.unwrap_or(NodeId::new(self.cluster))
    }

    /// Reads a directory's identity; `None` when it has none.
    ///
    /// # Errors
    /// It cannot be read, or is not one.
    pub fn read(dir: &ClusterDir) -> Result<Option<Self>, EngineError> {
        let path = dir.identity();
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error).doing(|| format!("read {}", path.display())),
        };
        let identity = serde_json::from_slice(&text);
        identity
            .map(Some)
            .map_err(|_| EngineError::Foreign(format!("{} is not an identity file", path.display())))
    }

    /// Reads the identity of a directory that must be `node`'s.
    ///
    /// # Errors
    /// [`EngineError::Absent`] when nothing is there, [`EngineError::Foreign`] when it is another's.
    pub fn expect(dir: &ClusterDir, node: NodeId) -> Result<Self, EngineError> {
        match Self::read(dir)? {
            Some(identity) if identity.node == Some(node) => Ok(identity),
            Some(_) => Err(foreign(dir, "carries the identity of another database")),
            None if dir.path().symlink_metadata().is_ok() => Err(foreign(dir, "has no identity file")),
            None => Err(EngineError::Absent),
        }
    }

    /// Writes it, lastingly.
    ///
    /// # Errors
    /// The disk.
    pub fn write(&self, dir: &ClusterDir) -> Result<(), EngineError> {
        let path = dir.identity();
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::other);
        text.and_then(|text| disk::write_atomic(&path, &text, 0o600, None))
            .doing(|| format!("write {}", path.display()))
    }
}

fn foreign(dir: &ClusterDir, why: &str) -> EngineError {
    EngineError::Foreign(format!("{} {why}: nothing was touched", dir.path().display()))
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(node: Option<NodeId>) -> Identity {
        Identity {
            cluster: Uuid::from_u128(1),
            node,
            version: PgVersion::new(17, 11),
            os_user: None,
            system_identifier: u64::MAX,
            made_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_directory_is_only_its_own_database() {
        let temp = tempfile::tempdir().unwrap();
        let dir = ClusterDir(temp.path().join("node"));
        let (ours, other) = (NodeId::new(Uuid::from_u128(7)), NodeId::new(Uuid::from_u128(8)));
        assert!(matches!(Identity::expect(&dir, ours), Err(EngineError::Absent)));
        std::fs::create_dir(dir.path()).unwrap();
        assert!(matches!(Identity::expect(&dir, ours), Err(EngineError::Foreign(_))), "no identity file");
        identity(Some(ours)).write(&dir).unwrap();
        assert_eq!(Identity::expect(&dir, ours).unwrap(), identity(Some(ours)));
        assert!(matches!(Identity::expect(&dir, other), Err(EngineError::Foreign(_))));
        identity(None).write(&dir).unwrap();
        assert!(matches!(Identity::expect(&dir, ours), Err(EngineError::Foreign(_))), "still the pool's");
        std::fs::write(dir.identity(), b"{}").unwrap();
        assert!(matches!(Identity::read(&dir), Err(EngineError::Foreign(_))));
    }
}
