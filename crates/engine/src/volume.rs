//! Room on a volume that many share: asked for before something large begins, and watched while it is written by somebody who
//! does not know how much it will be.

use crate::{disk, error::Doing as _};
use control::engine::{EngineError, Volume};
use std::{path::Path, time::Duration};

/// What stays free for the others on a volume, bytes; of a small one a twentieth.
const RESERVE: u64 = 512 << 20;

/// How often it is looked: asking is cheap, and a quick disk takes a gigabyte in a second.
const LOOK: Duration = Duration::from_millis(100);

/// Refuses what would fill the volume of a directory, which others share. A quarter more than it will take in the end, for
/// the log of the restore and for sorting.
pub(crate) fn room_for(volume: Volume, dir: &Path, bytes: u64) -> Result<(), EngineError> {
    let asked = || format!("ask for free space in {}", dir.display());
    let free_bytes = disk::free_bytes(dir).doing(asked)?;
    let reserve = RESERVE.min(disk::volume_bytes(dir).doing(asked)? / 20);
    let needed = bytes.saturating_add(bytes / 4).saturating_add(reserve);
    if free_bytes < needed {
        return Err(EngineError::DiskFull { volume, free_bytes });
    }
    Ok(())
}

/// Waits until the reserve of a directory's volume is touched, or until it cannot be asked any more.
pub(crate) async fn until_full(dir: &Path) -> EngineError {
    loop {
        if let Err(full) = room_for(Volume::Data, dir, 0) {
            return full;
        }
        tokio::time::sleep(LOOK).await;
    }
}
