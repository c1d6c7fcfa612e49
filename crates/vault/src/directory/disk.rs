//! Files and directories below the root: closed to everybody else (0600, 0700), on the disk when we say so, and errors that
//! people can read. Everything here blocks.

use crate::part::storage;
use control::backup::vault::{Room, VaultError};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

/// A new file that nobody else may read.
pub(super) fn create(path: &Path) -> Result<File, VaultError> {
    let opened =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(NOFOLLOW).open(path);
    opened.map_err(|error| failed("made", path, error))
}

/// A file to be read; no links are followed. `None`: there is none.
pub(super) fn open(path: &Path) -> Result<Option<File>, VaultError> {
    match OpenOptions::new().read(true).custom_flags(NOFOLLOW).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("opened", path, error)),
    }
}

/// A directory that nobody else may enter. One that is there keeps its rights; its name is brought to the disk all the
/// same, for whoever made it may have been killed before that.
pub(super) fn make_directory(path: &Path) -> Result<(), VaultError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !path.is_dir() => {
            Err(failed("made", path, error))
        }
        _ => path.parent().map_or(Ok(()), sync_directory),
    }
}

/// A name that was made, changed or removed in it is so after a power cut too.
pub(super) fn sync_directory(path: &Path) -> Result<(), VaultError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| unsynced(path, error))
}

/// Every byte is on the disk. An error is final: the kernel tells it once, so a second try would say that all is well.
pub(super) fn sync(file: &File, path: &Path) -> Result<(), VaultError> {
    file.sync_all().map_err(|error| unsynced(path, error))
}

/// Removes a file. Answers whether there was one.
pub(super) fn remove(path: &Path) -> Result<bool, VaultError> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("removed", path, error)),
    }
}

/// The names in a directory; none if there is no such directory. Names that are no text are nobody's.
pub(super) fn names(path: &Path) -> Result<Vec<String>, VaultError> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed("listed", path, error)),
    };
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
    let names: io::Result<Vec<_>> = names.filter_map(io::Result::transpose).collect();
    names.map_err(|error| failed("listed", path, error))
}

/// The volume of a path.
pub(super) fn room(path: &Path) -> Option<Room> {
    let figures = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
    Some(Room { free_bytes: bytes(figures.f_bavail), all_bytes: bytes(figures.f_blocks) })
}

/// What an error of the system means. `done` is what could not be done.
pub(super) fn failed(done: &str, path: &Path, error: io::Error) -> VaultError {
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        let free_bytes = path.ancestors().find_map(room).map_or(0, |room| room.free_bytes);
        return VaultError::Full { free_bytes };
    }
    let retry = !matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem);
    storage(format!("{} cannot be {done}: {error}", path.display()), error, retry)
}

fn unsynced(path: &Path, error: io::Error) -> VaultError {
    match failed("brought to the disk", path, error) {
        VaultError::Storage { message, source, .. } => VaultError::Storage { message, source, retry: false },
        other => other,
    }
}
