//! What a [`crate::LocalEngine`] is told at start: where it may keep data, which ports and users it may hand out.
//!
//! It is plain data with defaults for one machine. It reads no file and no environment: the server does.

use std::{net::IpAddr, ops::RangeInclusive, path::PathBuf, time::Duration};
use types::{PgVersion, network::Network};

/// The settings of one host's engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Where everything lies. At most [`crate::layout::ROOT_MAX`] bytes: socket paths have a limit.
    pub root: PathBuf,
    /// Ports that databases may get.
    pub ports: RangeInclusive<u16>,
    /// Host part of published URLs; every server certificate names it.
    pub public_host: String,
    /// Addresses that the servers listen on.
    pub listen: Vec<IpAddr>,
    /// Networks from which every database may be reached, beside this host: the platform's own.
    pub networks: Vec<Network>,
    /// OS users that belong to Paddock, used only when it runs as root.
    pub uids: RangeInclusive<u32>,
    /// Whether the servers' OS users are kept from opening connections ([`crate::firewall`]); only when Paddock runs as root.
    pub firewall: bool,
    /// Further directories with installed servers, beside the distribution's layout and `<root>/versions`.
    pub version_dirs: Vec<PathBuf>,
    /// Lowest safe minors, each in place of the built-in one of its major ([`crate::versions::Floors`]).
    pub floors: Vec<PgVersion>,
    /// pgBackRest, for point-in-time recovery. `None`: it is looked for beside the servers
    /// (`<versions>/pgbackrest/bin/pgbackrest`) and where the distribution puts it.
    pub pgbackrest: Option<PathBuf>,
    /// How long one dump may rest in all, to make way for others on a busy host. It holds its snapshot meanwhile.
    pub make_way: Duration,
}

impl EngineConfig {
    /// One machine, reachable from itself only.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            ports: 31000..=31999,
            public_host: "127.0.0.1".into(),
            listen: vec![IpAddr::from([127, 0, 0, 1])],
            networks: Vec::new(),
            uids: 64000..=64999,
            firewall: true,
            version_dirs: Vec::new(),
            floors: Vec::new(),
            pgbackrest: None,
            make_way: Duration::from_secs(30 * 60),
        }
    }
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self::new("/var/lib/paddock")
    }
}
