//! Is there a server in this data directory? Asked of the kernel, not of a file.
//!
//! `postmaster.pid` only says where to look first: the process must have our data directory as its working directory,
//! run `postgres`, belong to the cluster's user, and not be one of a server's helpers.

use super::PidFile;
use crate::{
    identity::Identity,
    layout::ClusterDir,
    os_user::OsUser,
    procs::{self, Handle, Seen},
};
use chrono::{DateTime, Utc};
use control::engine::EngineError;

/// The running postmaster of a cluster.
pub(crate) fn postmaster(dir: &ClusterDir, identity: &Identity) -> Result<Option<Handle>, EngineError> {
    postmaster_of(dir, identity.os_user.as_ref())
}

/// [`postmaster`] where the identity is not written yet.
pub(super) fn postmaster_of(dir: &ClusterDir, user: Option<&OsUser>) -> Result<Option<Handle>, EngineError> {
    let Some(data) = procs::inode(&dir.data()) else { return Ok(None) };
    let uid = user.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    let proven = |seen: &Seen| {
        seen.uid == uid
            && procs::is_postgres_in(seen.pid, data)
            && !procs::title(seen.pid).starts_with("postgres: ")
    };
    if let Some(pid) = PidFile::read(dir).and_then(|file| file.pid)
        && let Some(handle) = Handle::take(pid, proven)?
    {
        return Ok(Some(handle));
    }
    for pid in procs::all().filter(|pid| procs::is_postgres_in(*pid, data)) {
        // A helper that was forked this moment still bears its parent's title.
        let from_inside = |seen: &Seen| procs::is_postgres_in(seen.parent, data);
        if let Some(handle) = Handle::take(pid, |seen| proven(seen) && !from_inside(seen))? {
            return Ok(Some(handle));
        }
    }
    Ok(None)
}

/// Does any postgres process, postmaster or helper, live in this data directory?
pub(super) fn is_inhabited(dir: &ClusterDir) -> bool {
    procs::inode(&dir.data()).is_some_and(|data| procs::all().any(|pid| procs::is_postgres_in(pid, data)))
}

/// When a proven postmaster started. Its own note is the steadier one: the kernel's is counted from the boot, whose
/// time moves when the clock is set. A note that is far from it is not believed.
pub(crate) fn since(dir: &ClusterDir, process: &Handle) -> DateTime<Utc> {
    let counted = procs::time_of(process.seen.started);
    let noted = PidFile::read(dir).and_then(|file| DateTime::from_timestamp(file.started?, 0));
    noted.filter(|noted| (counted - noted).num_seconds().abs() <= 120).unwrap_or(counted)
}

/// The port in a running server's own notes; the name of its socket follows from it.
pub(crate) fn listening_port(dir: &ClusterDir) -> Option<u16> {
    PidFile::read(dir).and_then(|file| file.port)
}
