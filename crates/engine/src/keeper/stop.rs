//! The ladder down: fast, then immediate, then kill. Each rung goes to the very process that was proven at the start.

use super::{clear, find};
use crate::{error::retry, identity::Identity, layout::ClusterDir};
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
    if let Some(server) = find::postmaster(dir, identity)? {
        let pid = server.seen.pid;
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
    clear::leftovers(dir).await
}
