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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_by_name() {
        let total = memory_kib("MemTotal").unwrap();
        assert!(total > memory_kib("Dirty").unwrap() && host().memory_mib == total / 1024);
        assert_eq!((memory_kib("Mem"), memory_kib("")), (None, None));
    }
}
