//! Files as a privileged process must handle them: atomic writes, explicit modes and owners, no link followed.
//!
//! Every path given here has a parent that belongs to Paddock, except where the comment says otherwise.

use crate::{error::retry, os_user::OsUser, process::Exec};
use control::engine::EngineError;
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// Makes a directory with this mode and owner; an existing one gets them. A link in its place is an error.
pub(crate) fn make_dir(path: &Path, mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let dir = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_DIRECTORY).open(path)?;
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::fchown(&dir, Some(uid), Some(gid))?;
    }
    dir.set_permissions(Permissions::from_mode(mode))
}

/// Replaces a file as a whole: temp file, fsync, rename, fsync of the directory. Either the old or the new text is
/// there after a power cut, never half of one.
pub(crate) fn write_atomic(path: &Path, text: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    let (dir, _) = parts(path)?;
    let temp = temp_of(path);
    match fs::remove_file(&temp) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temp)?;
    file.write_all(text)?;
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::fchown(&file, Some(uid), Some(gid))?;
    }
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    sync_dir(dir)
}

/// Where [`write_atomic`] writes first.
pub(crate) fn temp_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// [`write_atomic`] unless the file has this text already; answers whether it was written. A text that is there may have
/// been renamed by somebody who could not bring that to the disk, or was killed before: so it is done here.
pub(crate) fn write_if_other(
    path: &Path,
    text: &[u8],
    mode: u32,
    owner: Option<(u32, u32)>,
) -> io::Result<bool> {
    if fs::read(path).is_ok_and(|old| old == text) {
        File::open(path)?.sync_all()?;
        return sync_dir(parts(path)?.0).map(|()| false);
    }
    write_atomic(path, text, mode, owner).map(|()| true)
}

fn parts(path: &Path) -> io::Result<(&Path, &str)> {
    let name = path.file_name().and_then(|name| name.to_str());
    path.parent().zip(name).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Makes renames in this directory last.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Renames within the root, lastingly. An existing target is an error: nothing is ever overwritten by a move.
pub(crate) fn move_dir(from: &Path, to: &Path) -> io::Result<()> {
    let here = rustix::fs::CWD;
    rustix::fs::renameat_with(here, from, here, to, rustix::fs::RenameFlags::NOREPLACE)?;
    for path in [from, to] {
        sync_dir(parts(path)?.0)?;
    }
    Ok(())
}

/// What is left for Paddock on the volume.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// How many more files Paddock may make on the volume; `None`: as many as there is room for.
pub(crate) fn free_files(path: &Path) -> io::Result<Option<u64>> {
    let stat = rustix::fs::statvfs(path)?;
    Ok((stat.f_files > 0).then_some(stat.f_favail))
}

/// Size of the whole volume.
pub(crate) fn volume_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
}

/// Bytes that a tree occupies (blocks, not lengths: files have holes). Links are counted, not followed; what
/// vanishes meanwhile counts nothing. No recursion: a server's user decides how deep its tree is.
pub(crate) fn used_bytes(root: &Path) -> u64 {
    let mut bytes = 0;
    let mut left = vec![root.to_owned()];
    while let Some(path) = left.pop() {
        let Ok(own) = fs::symlink_metadata(&path) else { continue };
        bytes += own.blocks() * 512;
        if own.is_dir() {
            left.extend(fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    bytes
}

/// [`used_bytes`], without keeping others waiting.
pub(crate) async fn count(root: PathBuf) -> Result<u64, EngineError> {
    let counted = tokio::task::spawn_blocking(move || used_bytes(&root)).await;
    counted.map_err(|error| retry("could not count bytes on disk", error))
}

/// Opens a file that a server's user may have prepared (it lies in a directory of that user): no link, no pipe that
/// would block us, no second name.
pub(crate) fn open_untrusted(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.custom_flags(O_NOFOLLOW | O_NONBLOCK).mode(0o640).open(path)?;
    let seen = file.metadata()?;
    if !seen.is_file() || seen.nlink() != 1 {
        return Err(io::Error::other(format!("{} is not a plain file", path.display())));
    }
    Ok(file)
}

/// Reads the first 4 KiB of such a file, as text.
pub(crate) fn read_untrusted(path: &Path) -> io::Result<String> {
    read_untrusted_bytes(path, 4096).map(|text| String::from_utf8_lossy(&text).into_owned())
}

/// Reads the first bytes of such a file, at most so many.
pub(crate) fn read_untrusted_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_untrusted(path, OpenOptions::new().read(true))?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes a tree, following no link and staying on its volume. By `rm`, which works through any depth: a tree that
/// a server's user made on purpose shall not exhaust our stack.
pub(crate) async fn remove_tree(path: &Path) -> Result<(), EngineError> {
    let rm = Exec::new("/bin/rm").args(["-rf", "--one-file-system", "--"]).arg(path).limit(REMOVAL);
    let removed = rm.run_ok().await;
    removed.map(|_| ()).map_err(|error| retry(format!("could not remove {}", path.display()), error))
}

/// Owner and group of things that the server may read but not change.
pub(crate) fn readable_by(user: Option<&OsUser>) -> Option<(u32, u32)> {
    user.map(|user| (0, user.gid))
}

/// Owner and group of the server's own things.
pub(crate) fn owned_by(user: Option<&OsUser>) -> Option<(u32, u32)> {
    user.map(|user| (user.uid, user.gid))
}

/// Mode of a file that the server reads and may not change.
pub(crate) fn conf_mode(user: Option<&OsUser>) -> u32 {
    if user.is_some() { 0o640 } else { 0o600 }
}

/// A large database has many files.
const REMOVAL: Duration = Duration::from_secs(3600);
const O_NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
const O_DIRECTORY: i32 = rustix::fs::OFlags::DIRECTORY.bits().cast_signed();
const O_NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        assert!(write_if_other(&path, b"one", 0o600, None).unwrap());
        assert!(!write_if_other(&path, b"one", 0o600, None).unwrap());
        assert!(write_if_other(&path, b"two", 0o640, None).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
    }

    /// What the two tests below do in a process of its own, while its calls are made to fail.
    #[test]
    fn writer_to_be_troubled() {
        let Some(path) = std::env::var_os("WRITER_TO_BE_TROUBLED").map(PathBuf::from) else { return };
        write_atomic(&path, b"new", 0o600, None).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        // Its name is not on the disk, and that it looks as if it were is no proof.
        write_if_other(&path, b"new", 0o600, None).unwrap_err();
    }

    /// Runs it with this done to its calls; answers its exit and what was done to it.
    #[expect(clippy::disallowed_methods, reason = "the troubled process is this test itself")]
    fn troubled(path: &Path, inject: &str) -> (std::process::ExitStatus, String) {
        let log = path.with_extension("trace");
        let ended = std::process::Command::new("strace")
            .args(["-f", "-e", "trace=fsync,rename,renameat,renameat2", "-e", inject, "-o"])
            .arg(&log)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "disk::tests::writer_to_be_troubled"])
            .env("WRITER_TO_BE_TROUBLED", path)
            .output()
            .expect("strace, which scripts/setup.sh test installs");
        (ended.status, fs::read_to_string(log).unwrap())
    }

    /// F19: the first sync, of the file, works; those of its directory, and what comes after, do not.
    #[test]
    fn a_text_that_is_there_is_not_yet_on_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let (ended, trace) = troubled(&path, "inject=fsync:error=EIO:when=2+");
        assert!(ended.success(), "{trace}");
        assert_eq!(trace.matches("(INJECTED)").count(), 2, "{trace}");
    }

    /// F20: killed between writing and renaming.
    #[test]
    fn a_killed_writer_leaves_the_old_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_atomic(&path, b"the old one", 0o600, None).unwrap();
        let (ended, trace) = troubled(&path, "inject=rename,renameat,renameat2:signal=KILL");
        assert!(!ended.success() && trace.contains("killed by SIGKILL"), "{trace}");
        assert_eq!(fs::read(&path).unwrap(), b"the old one");
        assert_eq!(fs::read(temp_of(&path)).unwrap(), b"new", "it had come so far");
        write_atomic(&path, b"newer", 0o600, None).unwrap();
        assert!(!temp_of(&path).exists());
    }

    #[test]
    fn a_move_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir(&a).unwrap();
        fs::create_dir(&b).unwrap();
        assert_eq!(move_dir(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_dir(&b).unwrap();
        move_dir(&a, &b).unwrap();
        assert!(b.is_dir() && !a.exists());
    }

    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("link"));
        fs::create_dir(&target).unwrap();
        fs::write(target.join("big"), vec![1; 100_000]).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(make_dir(&link, 0o700, None).is_err());
        assert!(used_bytes(&link) < 50_000);
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("log")).unwrap();
        assert!(open_untrusted(&dir.path().join("log"), OpenOptions::new().append(true)).is_err());
    }
}
