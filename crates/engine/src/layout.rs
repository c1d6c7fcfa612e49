//! Where things lie below the data root. Only names: nothing here touches the disk.
//!
//! ```text
//! <root>/nodes/<database>/   identity.json  conf/  tls/  log/     Paddock's own: the server's user may only read
//!                            data/  run/                          the server's user's own
//! <root>/pool/<cluster>/     the same, initialised but without a database yet
//! <root>/trash/<database>/   the same, deleted but not yet purged
//! <root>/store/              the same, the control plane's own cluster
//! <root>/archive/<database>/ base backups and write-ahead log; outlives its database
//! <root>/versions/  <root>/ca/  <root>/ballast
//! ```
//! Directories above `data` and `run` belong to Paddock, so that whoever breaks into a server cannot swap a
//! directory for a link and have a privileged Paddock follow it.

use std::path::{Path, PathBuf};
use types::{DatabaseId, NodeId};
use uuid::Uuid;

/// A socket's path must fit into `sun_path` (108 bytes): `<root>/nodes/<36>/run/.s.PGSQL.65535`.
pub const ROOT_MAX: usize = 107 - "/nodes/".len() - 36 - "/run/.s.PGSQL.65535".len();

/// The data root.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below `root`.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All nodes.
    #[must_use]
    pub fn nodes(&self) -> PathBuf {
        self.root.join("nodes")
    }

    /// Initialised clusters that wait for a database.
    #[must_use]
    pub fn pool(&self) -> PathBuf {
        self.root.join("pool")
    }

    /// Deleted nodes that can still come back.
    #[must_use]
    pub fn trash(&self) -> PathBuf {
        self.root.join("trash")
    }

    /// Servers in which dumps are tried.
    #[must_use]
    pub fn trials(&self) -> PathBuf {
        self.root.join("trials")
    }

    /// One of them.
    #[must_use]
    pub fn trial(&self, cluster: Uuid) -> ClusterDir {
        ClusterDir(self.trials().join(cluster.to_string()))
    }

    /// All archives.
    #[must_use]
    pub fn archives(&self) -> PathBuf {
        self.root.join("archive")
    }

    /// The archive that was begun for a database.
    #[must_use]
    pub fn archive(&self, id: DatabaseId) -> PathBuf {
        self.archives().join(id.uuid().to_string())
    }

    /// Servers that Paddock installed itself.
    #[must_use]
    pub fn versions(&self) -> PathBuf {
        self.root.join("versions")
    }

    /// The CA.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.root.join("ca")
    }

    /// A file of nothing, for the day when the volume is full.
    #[must_use]
    pub fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }

    /// The control plane's own cluster.
    #[must_use]
    pub fn store(&self) -> ClusterDir {
        ClusterDir(self.root.join("store"))
    }

    /// A database's node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> ClusterDir {
        ClusterDir(self.nodes().join(id.uuid().to_string()))
    }

    /// A database's node in the trash.
    #[must_use]
    pub fn trashed(&self, id: NodeId) -> ClusterDir {
        ClusterDir(self.trash().join(id.uuid().to_string()))
    }

    /// A cluster in the pool.
    #[must_use]
    pub fn pooled(&self, cluster: Uuid) -> ClusterDir {
        ClusterDir(self.pool().join(cluster.to_string()))
    }
}

/// The directory of one cluster: a node, a pool entry, the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterDir(pub PathBuf);

impl ClusterDir {
    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Says whose it is; written last, so a directory without it is half made.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.0.join("identity.json")
    }

    /// Written first: names the OS user of a directory that is still being made.
    #[must_use]
    pub fn making(&self) -> PathBuf {
        self.0.join("making.json")
    }

    /// Says that the database in it was prepared and given to nobody yet.
    #[must_use]
    pub fn waiting(&self) -> PathBuf {
        self.0.join("waiting")
    }

    /// Says from where it is being restored, and to which moment, until it is a database of its own.
    #[must_use]
    pub fn restoring(&self) -> PathBuf {
        self.0.join("restoring.json")
    }

    /// What pgBackRest needs while it restores; the server's user's own.
    #[must_use]
    pub fn fetching(&self) -> PathBuf {
        self.0.join("fetching")
    }

    /// PostgreSQL's data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The private socket's directory.
    #[must_use]
    pub fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    /// `postgresql.conf`, `pg_hba.conf`, `pg_ident.conf`.
    #[must_use]
    pub fn conf(&self) -> PathBuf {
        self.0.join("conf")
    }

    /// `server.key`, `server.crt`.
    #[must_use]
    pub fn tls(&self) -> PathBuf {
        self.0.join("tls")
    }

    /// The server's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_fits_below_the_longest_root() {
        let root = format!("/{}", "r".repeat(ROOT_MAX - 1));
        let socket = Layout::new(root).node(NodeId::new(Uuid::nil())).run().join(".s.PGSQL.65535");
        assert_eq!(socket.as_os_str().len(), 107);
        let usual = Layout::new("/var/lib/paddock").node(NodeId::new(Uuid::nil())).run();
        assert!(usual.as_os_str().len() < 100);
    }
}
