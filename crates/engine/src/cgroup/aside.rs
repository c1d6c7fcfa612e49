//! The group of work that nobody waits for: dumps and base backups. It has no limits; where the processor is short it
//! gets what databases leave. A process's own niceness does not do that: it counts among those of its group only.

use super::{Group, put, room};
use std::{
    fs::{self, File, OpenOptions},
    path::PathBuf,
};

/// Its name below Paddock's own group.
const NAME: &str = "paddock-aside";
/// A quarter of a core where others want all of it: against 1024 of a whole core, v1, and against 100, v2. With less a dump would
/// hold its snapshot for so long that vacuum could remove nothing.
pub(super) const SHARES: u64 = 256;
pub(super) const WEIGHT: u64 = 25;

/// Its door, to be entered before the work begins; none where Paddock may not make groups.
pub(crate) fn door() -> Option<File> {
    let (parent, door, file, weight) = place()?;
    let dir = parent.join(NAME);
    let _ = fs::create_dir(&dir);
    let opened = put(&dir, file, weight).and_then(|()| OpenOptions::new().write(true).open(dir.join(door)));
    opened.inspect_err(|error| tracing::debug!(%error, "no group for what nobody waits for")).ok()
}

/// Removes it if nobody is in it. It is made again.
pub(crate) fn clear() {
    if let Some((parent, ..)) = place() {
        super::remove(&parent.join(NAME));
    }
}

fn place() -> Option<(PathBuf, &'static str, &'static str, u64)> {
    match room().own()? {
        Group::V1(dirs) => Some((dirs.cpu.clone()?, "tasks", "cpu.shares", SHARES)),
        Group::V2(dir) => Some((dir.clone(), "cgroup.procs", "cpu.weight", WEIGHT)),
    }
}
