//! cgroup v1: a directory per controller. Kernel documentation, "cgroup-v1/memory" and "scheduler/sched-bwc".

use super::{
    cannot, field, find,
    find::Mount,
    limits::{Limits, PERIOD_US},
    number, put,
    read::{Memory, Reading, Swap},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Numbers from here on mean "no limit": the largest that the kernel keeps, less a page.
const UNLIMITED: u64 = 1 << 62;
/// EBUSY: the group uses more than the new limit, and the kernel could not take it back.
const BUSY: io::ErrorKind = io::ErrorKind::ResourceBusy;

/// The directories of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dirs {
    pub(super) memory: Option<PathBuf>,
    pub(super) cpu: Option<PathBuf>,
    pub(super) cpuacct: Option<PathBuf>,
    pub(super) pids: Option<PathBuf>,
}

impl Dirs {
    /// Where a process is.
    pub(super) fn of(mounts: &[Mount], cgroup: &str) -> Self {
        let dir = |controller| find::dir(mounts, cgroup, Some(controller));
        Self { memory: dir("memory"), cpu: dir("cpu"), cpuacct: dir("cpuacct"), pids: dir("pids") }
    }

    /// The same controllers, each directory changed or left out.
    pub(super) fn map(&self, mut change: impl FnMut(&Path) -> Option<PathBuf>) -> Self {
        let mut one = |dir: &Option<PathBuf>| dir.as_deref().and_then(&mut change);
        Self {
            memory: one(&self.memory),
            cpu: one(&self.cpu),
            cpuacct: one(&self.cpuacct),
            pids: one(&self.pids),
        }
    }

    pub(super) fn all(&self) -> Vec<&Path> {
        [&self.memory, &self.cpu, &self.cpuacct, &self.pids]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
            .collect()
    }
}

pub(super) fn read(dirs: &Dirs) -> Reading {
    let finite = |n: u64| (n < UNLIMITED).then_some(n);
    let memory = dirs.memory.as_deref().and_then(|dir| {
        Some(Memory {
            current: number(dir, "memory.usage_in_bytes")?,
            cache: field(dir, "memory.stat", "total_inactive_file").unwrap_or(0),
            peak: number(dir, "memory.max_usage_in_bytes"),
            limit: number(dir, "memory.limit_in_bytes").and_then(finite),
        })
    });
    let swap = dirs.memory.as_deref().zip(memory).and_then(|(dir, memory)| {
        let both = number(dir, "memory.memsw.limit_in_bytes")?;
        Some(Swap {
            current: field(dir, "memory.stat", "total_swap").unwrap_or(0),
            // The kernel keeps the highest of memory and swap together only.
            peak: None,
            limit: finite(both).map(|both| both.saturating_sub(memory.limit.unwrap_or(0))),
        })
    });
    let quota = dirs.cpu.as_deref().and_then(|dir| {
        // -1, which is no number here, is "no quota".
        let (quota, period) = (number(dir, "cpu.cfs_quota_us")?, number(dir, "cpu.cfs_period_us")?);
        u32::try_from((quota * 1000).checked_div(period)?).ok()
    });
    let pids = |file| dirs.pids.as_deref().and_then(|dir| u32::try_from(number(dir, file)?).ok());
    Reading {
        memory,
        swap,
        cpu_us: dirs.cpuacct.as_deref().and_then(|dir| Some(number(dir, "cpuacct.usage")? / 1000)),
        cpu_milli: quota,
        processes: pids("pids.current"),
        processes_limit: pids("pids.max"),
        // blkio does not know who made a page dirty that the kernel wrote later; the processes' own counters do.
        io: None,
        oom_kills: dirs.memory.as_deref().and_then(|dir| field(dir, "memory.oom_control", "oom_kill")),
    }
}

pub(super) async fn limit(dirs: &Dirs, limits: &Limits) -> Vec<String> {
    let mut failed = Vec::new();
    if let Some(dir) = &dirs.memory {
        failed.extend(memory(dir, limits).await.err());
    }
    if let Some(dir) = &dirs.cpu {
        failed.extend(cpu(dir, limits).err().map(|error| cannot("CPU", &error)));
    }
    if let Some(dir) = &dirs.pids {
        failed.extend(put(dir, "pids.max", limits.processes).err().map(|error| cannot("processes", &error)));
    }
    failed
}

/// Memory alone must never be more than memory and swap together, so the order depends on the direction.
async fn memory(dir: &Path, limits: &Limits) -> Result<(), String> {
    const ALONE: &str = "memory.limit_in_bytes";
    const BOTH: &str = "memory.memsw.limit_in_bytes";
    let raise = number(dir, ALONE).is_some_and(|now| now < limits.memory);
    let both = limits.memory + limits.swap;
    let order =
        if raise { [(BOTH, both), (ALONE, limits.memory)] } else { [(ALONE, limits.memory), (BOTH, both)] };
    for (file, bytes) in order {
        let mut written = put(dir, file, bytes);
        for _ in 0..10 {
            if !written.as_ref().is_err_and(|error| error.kind() == BUSY) {
                break;
            }
            // Sessions end, caches are written out: a little later there may be less of it.
            tokio::time::sleep(Duration::from_millis(100)).await;
            written = put(dir, file, bytes);
        }
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == BUSY => {
                return Err("memory: more is in use; the old limit holds until the next restart".into());
            }
            // A kernel without accounting of swap.
            Err(error) if file == BOTH && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(cannot("memory", &error)),
        }
    }
    Ok(())
}

fn cpu(dir: &Path, limits: &Limits) -> io::Result<()> {
    const BURST: &str = "cpu.cfs_burst_us";
    put(dir, "cpu.shares", limits.shares())?;
    let bursts = fs::exists(dir.join(BURST))?;
    if bursts {
        // It must not be more than the quota, in between neither.
        put(dir, BURST, 0)?;
    }
    put(dir, "cpu.cfs_period_us", PERIOD_US)?;
    put(dir, "cpu.cfs_quota_us", limits.quota_us())?;
    // What was not used in one period may be used in the next: a short query is not cut in two.
    if bursts { put(dir, BURST, limits.quota_us()) } else { Ok(()) }
}
