//! A process's control groups, read independently of the engine: v1's, a directory for each controller, or v2's one. Byte
//! and time limits have the same names here in both.

use std::{
    fs,
    path::{Path, PathBuf},
};
use types::NodeId;
use uuid::Uuid;

const MOUNT: &str = "/sys/fs/cgroup";
/// What a plan limits.
const LIMITED: [&str; 3] = ["memory", "cpu", "pids"];
/// Where Paddock itself is on v2, with the groups of databases beside it.
const LEAF: &str = "paddock-control";

/// Whether this machine has v2 alone, as newer distributions do.
pub fn is_v2() -> bool {
    Path::new(MOUNT).join("cgroup.controllers").exists()
}

/// The directory of a process's group with this controller.
pub fn group(pid: u32, controller: &str) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let found =
            if is_v2() { controllers.is_empty() } else { controllers.split(',').any(|c| c == controller) };
        found.then(|| path.trim_start_matches('/').to_owned())
    })?;
    let hierarchy = if is_v2() { MOUNT.into() } else { Path::new(MOUNT).join(controller) };
    let dir = hierarchy.join(path);
    dir.is_dir().then_some(dir)
}

/// Whether this user may make groups beside this process: else limits are advisory here.
pub fn may_group() -> bool {
    let probe = |dir: &Path| {
        let dir = dir.join(format!("paddock-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&dir).and_then(|()| fs::remove_dir(&dir)).is_ok()
    };
    let own = |controller| group(std::process::id(), controller);
    if !is_v2() {
        return LIMITED.iter().all(|one| own(one).is_some_and(|dir| probe(&dir)));
    }
    own("memory").is_some_and(|own| {
        let there = fs::read_to_string(beside(&own).join("cgroup.controllers")).unwrap_or_default();
        LIMITED.iter().all(|one| there.split_whitespace().any(|name| name == *one)) && probe(&own)
    })
}

/// Where the groups of databases are, seen from this process.
fn beside(own: &Path) -> &Path {
    if own.file_name().is_some_and(|name| name == LEAF) { own.parent().unwrap() } else { own }
}

/// Groups of a database beside this process.
pub fn groups_of(id: NodeId) -> Vec<PathBuf> {
    let controllers: &[&str] = if is_v2() { &["memory"] } else { &["memory", "cpu", "cpuacct", "pids"] };
    let own: Vec<_> =
        controllers.iter().filter_map(|controller| group(std::process::id(), controller)).collect();
    let entries = own.iter().flat_map(|dir| fs::read_dir(beside(dir)).unwrap().flatten());
    let name = format!("paddock-{}", id.uuid());
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(&name)).collect()
}

/// One number in a group's file.
pub fn number(dir: &Path, file: &str) -> u64 {
    fs::read_to_string(dir.join(file)).unwrap().trim().parse().unwrap()
}

/// The number behind a name in one of its files.
pub fn field(dir: &Path, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(dir.join(file)).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {file}: {text}")).trim().parse().unwrap()
}

fn of(dir: &Path, v1: &str, v2: &str) -> u64 {
    number(dir, if is_v2() { v2 } else { v1 })
}

/// Bytes.
pub fn memory_limit(dir: &Path) -> u64 {
    of(dir, "memory.limit_in_bytes", "memory.max")
}

/// Bytes beside those of memory; v1 knows both together.
pub fn swap_limit(dir: &Path) -> u64 {
    if is_v2() {
        return number(dir, "memory.swap.max");
    }
    number(dir, "memory.memsw.limit_in_bytes") - memory_limit(dir)
}

/// Bytes in use.
pub fn memory(dir: &Path) -> u64 {
    of(dir, "memory.usage_in_bytes", "memory.current")
}

/// The most bytes that were in use.
pub fn memory_peak(dir: &Path) -> u64 {
    of(dir, "memory.max_usage_in_bytes", "memory.peak")
}

/// Bytes of files that nobody used of late: they go when there is need.
pub fn memory_cache(dir: &Path) -> u64 {
    field(dir, "memory.stat", if is_v2() { "inactive_file" } else { "total_inactive_file" })
}

/// Microseconds of processor in each period, and the period.
pub fn quota(dir: &Path) -> (u64, u64) {
    if !is_v2() {
        return (number(dir, "cpu.cfs_quota_us"), number(dir, "cpu.cfs_period_us"));
    }
    let text = fs::read_to_string(dir.join("cpu.max")).unwrap();
    let (quota, period) = text.trim().split_once(' ').unwrap();
    (quota.parse().unwrap(), period.parse().unwrap())
}

/// Nanoseconds of processor that were used; `pid` is one of its processes.
pub fn used(pid: u32) -> u64 {
    if is_v2() {
        return field(&group(pid, "cpu").unwrap(), "cpu.stat", "usage_usec") * 1000;
    }
    number(&group(pid, "cpuacct").unwrap(), "cpuacct.usage")
}
