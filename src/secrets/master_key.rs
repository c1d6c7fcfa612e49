//! The master key: 32 random bytes in a file that only its owner reads, made at the first start.
//!
//! Everything secret in the store is encrypted under it, so it must not lie beside the store in a backup. A file that
//! others can read, or of another length, is refused and never repaired: somebody has to look.

use secrecy::{ExposeSecret, SecretSlice};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

const LENGTH: usize = 32;
/// Name of the file below the data root.
pub const FILE: &str = "master.key";

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or made.
    #[error("cannot use the master key {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error(
        "the master key {path} has mode {mode:03o}: others can reach it. Set it to 400, and think of it as known"
    )]
    Lax {
        /// Which file.
        path: PathBuf,
        /// Its mode now.
        mode: u32,
    },
    /// There is none, and there should be.
    #[error(
        "the master key {path} is missing, and the store beside it was sealed with it: put the file back. Without it \
         the passwords in the store cannot be read"
    )]
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// It is not a key.
    #[error("the master key {path} has {length} bytes instead of 32: it was cut or replaced")]
    Length {
        /// Which file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
}

/// Reads the key below `root`, or makes it when there is none and `may_create`: no store was sealed with one yet.
///
/// # Errors
/// See [`MasterKeyError`].
pub fn load(root: &Path, may_create: bool) -> Result<SecretSlice<u8>, MasterKeyError> {
    let path = root.join(FILE);
    let io = |source| MasterKeyError::Io { path: path.clone(), source };
    match OpenOptions::new().read(true).custom_flags(NOFOLLOW).open(&path) {
        Ok(file) => read(file, &path),
        Err(e) if e.kind() == io::ErrorKind::NotFound && may_create => create(root, &path).map_err(io),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(MasterKeyError::Missing { path }),
        Err(e) => Err(io(e)),
    }
}

#[expect(clippy::cast_possible_wrap, reason = "a flag of the kernel, below 2^31")]
const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;

fn read(file: File, path: &Path) -> Result<SecretSlice<u8>, MasterKeyError> {
    let io = |source| MasterKeyError::Io { path: path.into(), source };
    let meta = file.metadata().map_err(io)?;
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Lax { path: path.into(), mode });
    }
    if !meta.is_file() || meta.len() != LENGTH as u64 {
        return Err(MasterKeyError::Length { path: path.into(), length: meta.len() });
    }
    let mut key = vec![0; LENGTH];
    (&file).read_exact(&mut key).map_err(io)?;
    Ok(key.into())
}

/// Written under another name first: a crash in between must not leave half a key.
fn create(root: &Path, path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut key = vec![0; LENGTH];
    rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut key).map_err(io::Error::other)?;
    let key = SecretSlice::from(key);
    let draft = root.join(format!("{FILE}.new"));
    let _ = std::fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&draft)?;
    file.write_all(key.expose_secret())?;
    file.sync_all()?;
    // Not a rename: if another process was faster, its key stays.
    std::fs::hard_link(&draft, path)?;
    std::fs::remove_file(&draft)?;
    File::open(root)?.sync_all()?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn chmod(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn it_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(load(dir.path(), false), Err(MasterKeyError::Missing { .. })));
        let first = load(dir.path(), true).unwrap();
        let again = load(dir.path(), false).unwrap();
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert_ne!(first.expose_secret(), [0; LENGTH]);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o400);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_others_can_reach_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        load(dir.path(), true).unwrap();
        let path = dir.path().join(FILE);
        for mode in [0o440, 0o404, 0o600 | 0o020] {
            chmod(&path, mode);
            assert!(matches!(load(dir.path(), true), Err(MasterKeyError::Lax { .. })), "{mode:o}");
        }
        chmod(&path, 0o600);
        assert!(load(dir.path(), true).is_ok());
    }

    #[test]
    fn a_short_file_and_a_link_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        std::fs::write(&path, "short").unwrap();
        chmod(&path, 0o400);
        assert!(matches!(load(dir.path(), true), Err(MasterKeyError::Length { length: 5, .. })));
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(load(dir.path(), true).is_err());
    }
}
