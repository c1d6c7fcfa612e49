//! The ladder down: fast, then immediate, then kill. Each rung goes to the very process that was proven at the start.

use super::{clear, find};
use crate::{cgroup, error::retry, identity::Identity, layout::ClusterDir, os_user::OsUser};
use control::engine::EngineError;
use rustix::process::Signal;
use std::time::Duration;

/// Stops whatever runs in the data directory. Nothing running is fine.
///
/// `fast` ends sessions and writes a checkpoint; `immediate` leaves recovery to the next start; a stopped or hanging
/// postmaster hears only the last rung. No committed transaction is lost on any of them.
pub(crate) async fn stop(
    dir: &ClusterDir,
    identity: &Identity,
    patience: Duration,
) -> Result<(), EngineError> {
    let mut group = None;
    if let Some(server) = find::postmaster(dir, identity)? {
        let pid = server.seen.pid;
        group = cgroup::room().of(pid, identity.group());
        let ladder = [
            (Signal::INT, "fast", patience),
            (Signal::QUIT, "immediate", Duration::from_secs(10)),
            (Signal::KILL, "kill", Duration::from_secs(10)),
        ];
        let mut down = false;
        for (signal, rung, limit) in ladder {
            tracing::info!(pid, rung, dir = %dir.path().display(), "stopping a server");
            server.signal(signal)?;
            down = server.ends_within(limit).await;
            if down {
                break;
            }
        }
        if !down {
            return Err(retry("the server cannot be stopped", anyhow::anyhow!("process {pid} does not end")));
        }
    }
    clear::leftovers(dir).await?;
    // It may have been started below another group than ours is now.
    if let Some(group) = group {
        group.remove();
    }
    cgroup::room().clear(identity.group()).await;
    Ok(())
}

/// Ends the server of a directory that is about to be removed: no checkpoint, nobody needs its data.
pub(crate) async fn discard(dir: &ClusterDir, user: Option<&OsUser>) -> Result<(), EngineError> {
    if let Some(server) = find::postmaster_of(dir, user)? {
        tracing::info!(pid = server.seen.pid, dir = %dir.path().display(), "ending the server of a half-made cluster");
        server.signal(Signal::QUIT)?;
        server.ends_within(Duration::from_secs(5)).await;
    }
    clear::leftovers(dir).await
}
