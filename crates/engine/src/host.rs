//! What this host has, as its kernel tells it. Nothing here belongs to one database.

use crate::settings::Host;
use std::fs;

/// A line of `/proc/meminfo` (proc_meminfo(5)), KiB: `MemTotal`, `SwapTotal`, `Dirty`, …
pub(crate) fn memory_kib(name: &str) -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok())
}

/// What settings depend on.
pub(crate) fn host() -> Host {
    let cpus = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
    Host { memory_mib: memory_kib("MemTotal").unwrap_or(u64::MAX) / 1024, cpus }
}

/// More than this that waits to be written or is being written, KiB, makes `syncfs` wait for what is not ours.
const LITTLE: u64 = 64 << 10;

/// One `syncfs` writes a new cluster sooner than a thousand `fsync`: little else waits to be written, and the kernel tells
/// of failures (since 5.8, syncfs(2)).
pub(crate) fn syncs_whole_systems() -> bool {
    let release = rustix::system::uname();
    let release = release.release().to_string_lossy();
    let mut parts = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    let tells = (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (5, 8);
    let waits = ["Dirty", "Writeback"].map(memory_kib);
    tells && matches!(waits, [Some(dirty), Some(written)] if dirty + written < LITTLE)
}

/// Time of all processors since the host was started, in ticks: `/proc/stat`, proc_stat(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processors {
    all: u64,
    /// With nothing to do, or nothing but waiting for a disk.
    idle: u64,
    count: u64,
}

/// With so many idle processors a dump is in nobody's way: its server, its tool and we take no more.
const SPARE: f64 = 3.0;

impl Processors {
    /// `None` where the kernel does not tell.
    pub(crate) fn look() -> Option<Self> {
        Self::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        // `cpu0`, `cpu1`, …: whatever share of them is ours.
        let one = |line: &&str| {
            line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let count = stat.lines().filter(one).count() as u64;
        // Time of guests is contained in that of users.
        let ticks = stat.lines().find_map(|line| line.strip_prefix("cpu "))?.split_whitespace().take(8);
        let ticks = ticks.map(|ticks| ticks.parse().ok()).collect::<Option<Vec<u64>>>()?;
        Some(Self { all: ticks.iter().sum(), idle: ticks.get(3)? + ticks.get(4)?, count })
    }

    /// Whether somebody else would feel another's work: fewer than [`SPARE`] were idle, on a small host fewer than half.
    pub(crate) fn busy_since(self, before: Self) -> bool {
        let (all, idle) = (self.all.saturating_sub(before.all), self.idle.saturating_sub(before.idle));
        let count = self.count as f64;
        all > 0 && idle as f64 / all as f64 * count < SPARE.min(count / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_host_has_no_processor_to_spare() {
        let read = |user: u64, idle: u64, waiting: u64, count: u64| {
            let each: String = (0..count).map(|n| format!("cpu{n} 1 2 3\n")).collect();
            Processors::read(&format!("cpu  {user} 0 0 {idle} {waiting} 0 0 0 {user} 0\n{each}intr 1"))
                .unwrap()
        };
        let before = read(1000, 1000, 1000, 2);
        assert_eq!(before, Processors { all: 3000, idle: 2000, count: 2 });
        assert!(!before.busy_since(before), "no time has passed");
        assert!(!read(1008, 1010, 1002, 2).busy_since(before), "12 of 20 idle");
        assert!(read(1012, 1006, 1002, 2).busy_since(before), "8 of 20 idle");
        // One of 64 works, 60 of 64 do.
        let before = read(0, 0, 0, 64);
        assert!(!read(10, 630, 0, 64).busy_since(before) && !read(600, 40, 0, 64).busy_since(before));
        assert!(read(620, 20, 0, 64).busy_since(before), "two are left");
        assert_eq!(Processors::read("intr 1"), None);
        assert!(Processors::look().unwrap().all > 0);
    }

    #[test]
    fn memory_is_told_by_name() {
        let total = memory_kib("MemTotal").unwrap();
        assert!(total > memory_kib("Dirty").unwrap() && host().memory_mib == total / 1024);
        assert_eq!((memory_kib("Mem"), memory_kib("")), (None, None));
    }
}
