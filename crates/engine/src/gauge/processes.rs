//! What a server's processes take, added up from `/proc`: where there is no control group, and for what v1's do not
//! count.

use crate::procs;
use std::fs;

/// Sums over a server's processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// How many.
    pub(super) processes: u32,
    /// Memory, each shared page counted once, bytes. (A sum of resident sets would count it for every process.)
    pub(super) memory: u64,
    /// Swap, likewise.
    pub(super) swap: u64,
    /// Processor time, ended processes included, microseconds.
    pub(super) cpu_us: u64,
    /// Bytes read from and written to storage, ended processes included.
    pub(super) io: (u64, u64),
}

/// The postmaster and its children.
pub(super) fn family(postmaster: u32) -> Vec<u32> {
    let path = format!("/proc/{postmaster}/task/{postmaster}/children");
    let children: Vec<u32> = match fs::read_to_string(path) {
        Ok(text) => text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect(),
        // A kernel without that file.
        Err(_) => procs::all()
            .filter(|pid| procs::look(*pid).is_some_and(|seen| seen.parent == postmaster))
            .collect(),
    };
    [postmaster].into_iter().chain(children).collect()
}

/// Everything but memory: cheap.
pub(super) fn activity(family: &[u32]) -> Sums {
    let mut sums = Sums { processes: u32::try_from(family.len()).unwrap_or(u32::MAX), ..Sums::default() };
    let tick_us = 1_000_000 / rustix::param::clock_ticks_per_second().max(1);
    for pid in family {
        sums.cpu_us += ticks(*pid).unwrap_or(0) * tick_us;
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
        let count = |name: &str| field(&io, name).unwrap_or(0);
        sums.io.0 += count("read_bytes:");
        // What was written to a file that was removed before it reached the disk never did.
        sums.io.1 += count("write_bytes:").saturating_sub(count("cancelled_write_bytes:"));
    }
    sums
}

/// Everything.
pub(super) fn all(family: &[u32]) -> Sums {
    let mut sums = activity(family);
    for pid in family {
        // One that has just ended has none.
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        sums.memory += field(&rollup, "Pss:").unwrap_or(0) * 1024;
        sums.swap += field(&rollup, "SwapPss:").unwrap_or(0) * 1024;
    }
    sums
}

/// User and system time of a process and of its children that ended (the kernel adds theirs when they are reaped).
fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    Some(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let us = [std::process::id()];
        let mut spent = 0_u64;
        while activity(&us).cpu_us == 0 {
            spent = spent.wrapping_add(1);
        }
        let sums = all(&us);
        assert_eq!(sums.processes, 1);
        assert!(sums.memory > 1 << 20, "{sums:?} after {spent}");
    }
}
