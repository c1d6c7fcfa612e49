//! The keeper: owns one postgres. It starts it, proves that a running one is ours, watches it and stops it.
//!
//! It never touches another server: every process is proven by its working directory (by inode), its executable and
//! its user before it is signalled, and every answering server by its system identifier. It knows nothing of
//! databases, plans or roles. Today one process keeps many servers; nothing here needs that.

mod clear;
mod find;
mod log;
mod ready;
mod start;
mod stop;
mod watch;

pub(crate) use find::{listening_port, postmaster, since};
pub(crate) use log::tail;
pub(crate) use ready::{Answer, ask};
pub(crate) use start::{Started, start};
pub(crate) use stop::{discard, stop};
pub(crate) use watch::Watch;

use crate::{cgroup::Limits, identity::Identity, layout::ClusterDir, versions::Installed};
use std::{net::IpAddr, time::Duration};

/// How long a server may take until it answers; crash recovery of a large one is waited for by trying again.
pub(crate) const START_LIMIT: Duration = Duration::from_secs(60);

/// What the keeper must know to run a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server<'a> {
    /// Its place.
    pub(crate) dir: &'a ClusterDir,
    /// Whose it is.
    pub(crate) identity: &'a Identity,
    /// Its programs.
    pub(crate) installed: &'a Installed,
    /// Where it listens; part of its socket's name too.
    pub(crate) port: u16,
    /// Its addresses; none for a server with a socket only.
    pub(crate) listen: &'a [IpAddr],
    /// What the kernel shall let it take while it starts; none for the control plane's own.
    pub(crate) limits: Option<Limits>,
}

/// The first lines of `postmaster.pid`: hints, never proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: Option<u32>,
    pub(crate) started: Option<i64>,
    pub(crate) port: Option<u16>,
    /// It lets connections in, by its own words.
    pub(crate) open: bool,
}

impl PidFile {
    fn parse(text: &str) -> Self {
        let line = |n: usize| text.lines().nth(n).map(str::trim);
        Self {
            // A negative number: a single-user server.
            pid: line(0).and_then(|pid| pid.trim_start_matches('-').parse().ok()),
            started: line(2).and_then(|time| time.parse().ok()),
            port: line(3).and_then(|port| port.parse().ok()),
            open: line(7).is_some_and(|status| status == "ready" || status == "standby"),
        }
    }

    pub(crate) fn read(dir: &ClusterDir) -> Option<Self> {
        crate::disk::read_untrusted(&dir.data().join("postmaster.pid")).ok().map(|text| Self::parse(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_may_hold_anything() {
        let whole = "4711\n/x/data\n1700000000\n31002\n/x/run\n127.0.0.1\n  1234  56\nready   \n";
        let notes = |pid, started, port, open| PidFile { pid, started, port, open };
        assert_eq!(PidFile::parse(whole), notes(Some(4711), Some(1_700_000_000), Some(31002), true));
        let starting = whole.replace("ready   ", "starting");
        assert!(!PidFile::parse(&starting).open);
        assert_eq!(PidFile::parse("-4711\n/x"), notes(Some(4711), None, None, false));
        assert_eq!(PidFile::parse("rubbish\0"), notes(None, None, None, false));
        assert_eq!(PidFile::parse(""), notes(None, None, None, false));
    }
}
