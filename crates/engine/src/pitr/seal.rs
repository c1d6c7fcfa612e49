//! Makes what has arrived in an archive root's: the server's user can read it and neither change, rename nor remove it.
//!
//! The walk is by open directories and follows no link: their owner may swap a directory for a link at any moment. Files
//! with a second name are left alone, as are those that are being written. Nothing is done where Paddock is not root.

use super::{STANZA, place::Archive};
use crate::{
    disk,
    error::{Doing as _, fatal},
    process::Ids,
};
use control::engine::EngineError;
use rustix::{
    fd::OwnedFd,
    fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, openat, statat, unlinkat},
};
use std::{path::Path, sync::Arc};
use tokio::sync::OwnedMutexGuard;

const OPEN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// Deeper than any tree of pgBackRest's.
const DEPTH: usize = 40;

/// What becomes of a thing in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Root's. A directory where others may add, and remove their own only.
    Adding,
    /// Root's, with all that is in it.
    Closed,
    /// Stays its owner's; others may read it.
    Open,
    /// It is being written.
    Leave,
}

/// By its path below the repository, and whether a backup of that name ended.
fn rule(path: &[&str], ended: bool) -> Rule {
    match path {
        [.., name] if name.ends_with(".pgbackrest.tmp") => Rule::Leave,
        [] | ["archive" | "backup"] => Rule::Closed,
        [_, STANZA] => Rule::Adding,
        [_, _, info] if info.starts_with("archive.info") || info.starts_with("backup.info") => Rule::Open,
        ["archive", _, _] => Rule::Adding,
        // A directory of segments, or a history file.
        ["archive", _, _, _] => Rule::Adding,
        ["archive", ..] => Rule::Closed,
        ["backup", _, "backup.history", ..] => Rule::Open,
        ["backup", _, _, ..] if ended => Rule::Closed,
        _ => Rule::Leave,
    }
}

/// Seals what has arrived, and keeps copies of the files that hold keys. Walks through all of it, beside the runtime.
pub(crate) async fn seal(archive: &Archive) -> Result<(), EngineError> {
    let turn = Arc::new(archive.turn().await);
    off_the_runtime(archive, &turn, seal_now).await
}

/// Runs what walks through an archive where it keeps nobody waiting. The turn is its own as well: who waits for it may give
/// up, and the walk goes on.
pub(super) async fn off_the_runtime(
    archive: &Archive,
    turn: &Arc<OwnedMutexGuard<()>>,
    work: impl FnOnce(&Archive) -> Result<(), EngineError> + Send + 'static,
) -> Result<(), EngineError> {
    let (archive, turn) = (archive.clone(), Arc::clone(turn));
    let ended = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&archive)
    })
    .await;
    ended.map_err(|error| fatal("could not walk through an archive", error))?
}

/// The same for who has the archive's turn.
pub(super) fn seal_now(archive: &Archive) -> Result<(), EngineError> {
    let Some(ids) = archive.ids()? else { return Ok(()) };
    if !archive.is_made()? {
        return Ok(());
    }
    let repo = archive.repo();
    let root = open(&repo).doing(|| "open an archive".into())?;
    walk(&root, &mut Vec::new(), false, &mut |path, ended, fd, kind| {
        let (owner, file, dir) = match rule(path, ended) {
            Rule::Leave => return Ok(false),
            Rule::Open => (None, 0o644, 0o755),
            Rule::Closed => (Some(Uid::ROOT), 0o644, 0o755),
            Rule::Adding => (Some(Uid::ROOT), 0o644, 0o1775),
        };
        let mode = if kind == FileType::Directory { dir } else { file };
        let seen = fstat(fd)?;
        let owned = owner.is_none_or(|owner| seen.st_uid == owner.as_raw() && seen.st_gid == ids.gid);
        if !owned || seen.st_mode & 0o7777 != mode {
            // Right first, then the mode: no moment in which it is root's and can be written by its old owner.
            fchown(fd, owner, owner.map(|_| Gid::from_raw(ids.gid)))?;
            fchmod(fd, Mode::from_raw_mode(mode))?;
        }
        Ok(true)
    })
    .doing(|| format!("seal {}", repo.display()))?;
    for kind in ["archive", "backup"] {
        let info = repo.join(kind).join(STANZA).join(format!("{kind}.info"));
        // Small, and its owner could have put anything there: as much as such a file may have, and no more.
        if let Ok(text) = disk::read_untrusted_bytes(&info, 1 << 20) {
            disk::write_if_other(&archive.keys().join(format!("{kind}.info")), &text, 0o600, None)
                .doing(|| "keep a copy of the archive's keys".into())?;
        }
    }
    Ok(())
}

/// Gives some sealed things back to the server's user, to be removed: `which` is asked by path. For who has the archive's
/// turn.
pub(super) fn unseal(archive: &Archive, which: impl Fn(&[&str]) -> bool) -> Result<(), EngineError> {
    let Some(ids) = archive.ids()? else { return Ok(()) };
    let root = open(&archive.repo()).doing(|| "open an archive".into())?;
    walk(&root, &mut Vec::new(), false, &mut |path, _, fd, _| {
        if which(path) {
            fchown(fd, Some(Uid::from_raw(ids.uid)), Some(Gid::from_raw(ids.gid)))?;
        }
        Ok(true)
    })
    .doing(|| "unseal what expires".into())
}

/// What belonged to one user is another's from now on, with the group of what is sealed.
pub(super) fn hand_over(dir: &Path, from: Ids, to: Ids) -> Result<(), EngineError> {
    let root = open(dir).doing(|| "open an archive".into())?;
    walk(&root, &mut Vec::new(), false, &mut |path, _, fd, _| {
        if path == ["repo", "backup", STANZA] {
            // A link for people, which pgBackRest replaces with every backup. Nobody else can.
            let _ = unlinkat(fd, "latest", AtFlags::empty());
        }
        let seen = fstat(fd)?;
        let owner = (seen.st_uid == from.uid).then_some(Uid::from_raw(to.uid));
        let group = (seen.st_gid == from.gid).then_some(Gid::from_raw(to.gid));
        if owner.is_some() || group.is_some() {
            fchown(fd, owner, group)?;
            fchmod(fd, Mode::from_raw_mode(seen.st_mode & 0o1777))?;
        }
        Ok(true)
    })
    .doing(|| format!("hand {} over", dir.display()))
}

/// Whether there are directories and pgBackRest's own lists at most: no segment, no file of a backup, and nothing that
/// cannot be looked at.
pub(super) fn holds_nothing(repo: &Path) -> Result<bool, EngineError> {
    let root = open(repo).doing(|| "open an archive".into())?;
    lists_only(&root, 0).doing(|| format!("look through {}", repo.display()))
}

fn lists_only(dir: &OwnedFd, depth: usize) -> rustix::io::Result<bool> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        let list = name.starts_with(b"archive.info") || name.starts_with(b"backup.info");
        if list || name == b"." || name == b".." {
            continue;
        }
        let kind =
            FileType::from_raw_mode(statat(dir, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?.st_mode);
        if kind != FileType::Directory || depth > DEPTH {
            return Ok(false);
        }
        let inside =
            openat(dir, entry.file_name(), OPEN | OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())?;
        if !lists_only(&inside, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open(path: &Path) -> rustix::io::Result<OwnedFd> {
    openat(rustix::fs::CWD, path, OPEN | OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty())
}

type Visit<'a> = &'a mut dyn FnMut(&[&str], bool, &OwnedFd, FileType) -> rustix::io::Result<bool>;

/// Visits a directory and everything in it; the answer says whether to go into it.
fn walk(dir: &OwnedFd, path: &mut Vec<String>, ended: bool, visit: Visit<'_>) -> rustix::io::Result<()> {
    let names = |path: &[String]| path.iter().map(String::as_str).collect::<Vec<_>>().join("/");
    let parts = names(path);
    let parts: Vec<_> = parts.split('/').filter(|part| !part.is_empty()).collect();
    // A backup that ended has its manifest; until then a copy of it.
    let ended = ended
        || (parts.len() == 3
            && parts[0] == "backup"
            && openat(dir, "backup.manifest", OPEN | OFlags::RDONLY, Mode::empty()).is_ok());
    if !visit(&parts, ended, dir, FileType::Directory)? || path.len() > DEPTH {
        return Ok(());
    }
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        if name == "." || name == ".." {
            continue;
        }
        // It may have gone, or be a link.
        let Ok(fd) = openat(dir, name, OPEN | OFlags::RDONLY, Mode::empty()) else { continue };
        let seen = fstat(&fd)?;
        path.push(name.to_owned());
        match FileType::from_raw_mode(seen.st_mode) {
            FileType::Directory => walk(&fd, path, ended, visit)?,
            FileType::RegularFile if seen.st_nlink == 1 => {
                let joined = names(path);
                let parts: Vec<_> = joined.split('/').collect();
                visit(&parts, ended, &fd, FileType::RegularFile)?;
            }
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrived_is_closed_and_what_is_written_is_left() {
        let segment = "000000010000000000000001-0123456789012345678901234567890123456789.zst";
        let parts = |text: &'static str| text.split('/').collect::<Vec<_>>();
        assert_eq!(rule(&parts("archive/main/18-1"), false), Rule::Adding);
        assert_eq!(rule(&parts("archive/main/archive.info.copy"), false), Rule::Open);
        assert_eq!(rule(&["archive", "main", "18-1", "0000000100000000", segment], false), Rule::Closed);
        assert_eq!(rule(&parts("backup/main/backup.info"), false), Rule::Open);
        assert_eq!(rule(&parts("backup/main/20261128-013000F/bundle/1"), true), Rule::Closed);
        assert_eq!(rule(&parts("backup/main/20261128-013000F/bundle/1"), false), Rule::Leave);
        assert_eq!(rule(&[], false), Rule::Closed);
        let half = "archive/main/18-1/0000000100000000/000000010000000000000001-x.zst.pgbackrest.tmp";
        assert_eq!(rule(&parts(half), false), Rule::Leave);
    }
}
