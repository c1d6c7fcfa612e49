//! What a dead server leaves behind, and what would keep its next start from happening.
//!
//! Called only when no postmaster lives in the data directory.

use super::find;
use crate::{error::Doing as _, layout::ClusterDir, procs};
use control::engine::EngineError;
use std::{fs, io};

/// Ends helpers that outlived their postmaster. One that computes notices nothing for hours, and holds the shared
/// memory that the next start needs.
pub(super) async fn leftovers(dir: &ClusterDir) -> Result<(), EngineError> {
    let Some(data) = procs::inode(&dir.data()) else { return Ok(()) };
    // Usually there is none, and working directories tell that: nothing else of every process is read.
    if !find::is_inhabited(dir) {
        return Ok(());
    }
    procs::kill_all("helpers of a dead server", |seen| procs::is_postgres_in(seen.pid, data)).await
}

/// Removes lock files whose owner is dead. PostgreSQL checks only whether *some* process has the number in the file,
/// and refuses to start because of a stranger.
pub(super) fn stale_files(dir: &ClusterDir) -> Result<(), EngineError> {
    let pid_file = dir.data().join("postmaster.pid");
    match fs::remove_file(&pid_file) {
        Ok(()) => tracing::info!(file = %pid_file.display(), "removed the lock file of a dead server"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).doing(|| format!("remove {}", pid_file.display())),
    }
    // The directory is this server's alone.
    for entry in fs::read_dir(dir.run()).doing(|| format!("read {}", dir.run().display()))?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b".s.PGSQL.") {
            fs::remove_file(entry.path()).doing(|| format!("remove {}", entry.path().display()))?;
        }
    }
    Ok(())
}
