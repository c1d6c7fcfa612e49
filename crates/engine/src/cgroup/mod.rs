//! The kernel's limits of a database: one control group per start of its server, below Paddock's own group.
//!
//! Plain files of cgroup v1 (one hierarchy per controller) and v2 (one for all); a hybrid host, where memory and
//! processor belong to v1, counts as v1. The group's name carries the database's id, so it is found again after
//! Paddock itself was restarted: asked of `/proc/<pid>/cgroup`, never remembered. A fresh group per start makes the
//! kernel's own "highest" mean "since the start", and memory is charged to it from the first page on, because the
//! server enters it itself, before it becomes `postgres`.
//!
//! Refused: touching a group whose name does not carry one of our ids, making one anywhere but below our own, failing
//! a start because of a limit. What the kernel does not let us hold is advisory, and the room says why.

pub(crate) mod aside;
mod find;
mod limits;
mod read;
mod room;
mod v1;
mod v2;

pub(crate) use limits::Limits;
#[cfg(test)]
pub(crate) use read::Memory;
pub(crate) use read::{Reading, swap_of_host};
pub(crate) use room::{OutOfMemory, room};

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use types::NodeId;

/// A group: its directories in the hierarchies where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// One directory per controller; `None` where it has none.
    V1(v1::Dirs),
    /// One directory.
    V2(PathBuf),
}

impl Group {
    /// Its doors: a process of one thread, as a child before its exec is, that writes `0` there has entered.
    pub(crate) fn doors(&self) -> io::Result<Vec<File>> {
        // A whole process is moved while the kernel lets no other fork, and that costs it 15 ms; a thread that moves
        // itself waits for nobody. v2 knows only the first.
        let name = if matches!(self, Self::V1(_)) { "tasks" } else { "cgroup.procs" };
        let door = |dir: &&Path| OpenOptions::new().write(true).open(dir.join(name));
        self.dirs().iter().map(door).collect()
    }

    /// Its directories, each once (controllers can share one).
    fn dirs(&self) -> Vec<&Path> {
        let mut dirs = match self {
            Self::V1(dirs) => dirs.all(),
            Self::V2(dir) => vec![dir.as_path()],
        };
        dirs.sort_unstable();
        dirs.dedup();
        dirs
    }

    /// What the kernel says of it.
    pub(crate) fn read(&self) -> Reading {
        match self {
            Self::V1(dirs) => v1::read(dirs),
            Self::V2(dir) => v2::read(dir),
        }
    }

    /// Removes it if nobody is in it.
    pub(crate) fn remove(&self) {
        self.dirs().into_iter().for_each(remove);
    }

    /// Brings its limits to these. Answers what could not be set, for people; nothing: all that the host has.
    pub(crate) async fn limit(&self, limits: &Limits) -> Vec<String> {
        match self {
            Self::V1(dirs) => v1::limit(dirs, limits).await,
            Self::V2(dir) => v2::limit(dir, limits).await,
        }
    }
}

/// Removes a group in which nobody is any more; the next start or stop tries again with one that is not empty yet.
fn remove(dir: &Path) {
    match fs::remove_dir(dir) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::debug!(%error, dir = %dir.display(), "a control group stays for now"),
    }
}

/// How the groups of a database begin.
fn prefix(id: NodeId) -> String {
    format!("paddock-{}-", id.uuid())
}

/// One value to one file, in one write: the kernel reads no more.
fn put(dir: &Path, file: &str, value: impl std::fmt::Display) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).truncate(true).open(dir.join(file))?;
    open.write_all(value.to_string().as_bytes())
}

/// A file with one number. `max` is none.
fn number(dir: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(dir.join(file)).ok()?.trim().parse().ok()
}

/// One number of a file with lines like `oom_kill 3`.
fn field(dir: &Path, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(dir.join(file)).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// For a limit that could not be set.
fn cannot(what: &str, error: &io::Error) -> String {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "this kernel has no such limit".to_owned(),
        io::ErrorKind::PermissionDenied => "Paddock may not set it".to_owned(),
        io::ErrorKind::InvalidInput => "more than Paddock's own group has".to_owned(),
        _ => error.to_string(),
    };
    format!("{what}: {why}")
}
