//! The ballast: a file of nothing on the data volume, thrown overboard when a server cannot start because the volume
//! is full. With what becomes free it starts once more, and somebody can make room in it; without, it would end and be
//! started for ever.
//!
//! It is made only while there is plenty of room, and again when there is.

use crate::{disk, layout::Layout};
use rustix::fs::{FallocateFlags, fallocate};
use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

/// Two segments of write-ahead log: a server needs about one to recover.
const LEAST: u64 = 32 << 20;
const MOST: u64 = 256 << 20;
/// So many times its size must be free before it is made.
const PLENTY: u64 = 4;

/// The ballast of one data root.
#[derive(Clone, Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { path: layout.ballast() }
    }

    /// Makes it if it is not there and there is plenty of room. That it cannot be made is no failure of anything.
    pub(crate) fn load(&self) {
        if let Err(error) = self.make() {
            tracing::debug!(%error, path = %self.path.display(), "there is no ballast on the data volume");
        }
    }

    fn make(&self) -> io::Result<()> {
        if self.path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let root = self.path.parent().unwrap_or(&self.path);
        let size = size(disk::volume_bytes(root)?);
        if disk::free_bytes(root)? < size * PLENTY {
            return Ok(());
        }
        // Under another name until it is whole: one that was cut short would be no help later.
        let temp = disk::temp_of(&self.path);
        let _ = fs::remove_file(&temp);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
        let made = fallocate(&file, FallocateFlags::empty(), 0, size).map_err(io::Error::from);
        made.and_then(|()| fs::rename(&temp, &self.path)).inspect_err(|_| {
            let _ = fs::remove_file(&temp);
        })
    }

    /// Throws it overboard; answers whether there was one.
    pub(crate) fn release(&self) -> bool {
        let released = fs::remove_file(&self.path).is_ok();
        if released {
            tracing::warn!(path = %self.path.display(), "the data volume is full: its ballast was removed");
        }
        released
    }
}

/// A hundredth of the volume, within bounds.
fn size(volume: u64) -> u64 {
    (volume / 100).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_part_of_the_volume() {
        let (mib, gib) = (1 << 20, 1 << 30);
        assert_eq!(size(100 * mib), 32 * mib);
        assert_eq!(size(10 * gib), 10 * gib / 100);
        assert_eq!(size(4096 * gib), 256 * mib);
    }

    #[test]
    fn it_is_loaded_and_released_once() {
        let temp = tempfile::tempdir().unwrap();
        let layout = Layout::new(temp.path());
        let ballast = Ballast::new(&layout);
        assert!(!ballast.release());
        ballast.load();
        ballast.load();
        let free = disk::free_bytes(temp.path()).unwrap();
        if free > 2 << 30 {
            assert!(disk::used_bytes(&layout.ballast()) >= LEAST, "its blocks are really taken");
            assert!(ballast.release());
            assert!(!layout.ballast().exists());
        }
    }
}
