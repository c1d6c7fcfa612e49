//! cgroup v2: one directory. Kernel documentation, "admin-guide/cgroup-v2".

use super::{
    cannot, field,
    limits::{Limits, PERIOD_US},
    number, put,
    read::{Memory, Reading, Swap},
};
use std::{fs, io, path::Path, time::Duration};

pub(super) fn read(dir: &Path) -> Reading {
    let memory = number(dir, "memory.current").map(|current| Memory {
        current,
        cache: field(dir, "memory.stat", "inactive_file").unwrap_or(0),
        // From Linux 5.19 on.
        peak: number(dir, "memory.peak"),
        limit: number(dir, "memory.max"),
    });
    let swap = number(dir, "memory.swap.current").map(|current| Swap {
        current,
        // From Linux 6.5 on.
        peak: number(dir, "memory.swap.peak"),
        limit: number(dir, "memory.swap.max"),
    });
    let pids = |file| u32::try_from(number(dir, file)?).ok();
    Reading {
        memory,
        swap,
        cpu_us: field(dir, "cpu.stat", "usage_usec"),
        cpu_milli: quota(dir),
        processes: pids("pids.current"),
        processes_limit: pids("pids.max"),
        io: io_bytes(dir),
        oom_kills: field(dir, "memory.events", "oom_kill"),
    }
}

/// `50000 100000`, or `max 100000`.
fn quota(dir: &Path) -> Option<u32> {
    let text = fs::read_to_string(dir.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    u32::try_from((quota * 1000).checked_div(period)?).ok()
}

/// `8:0 rbytes=90112 wbytes=299008 rios=8 …`, a line per device.
fn io_bytes(dir: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(dir.join("io.stat")).ok()?;
    let sum = |name: &str| {
        let words = text.split_whitespace().filter_map(|word| word.strip_prefix(name)?.parse::<u64>().ok());
        words.sum()
    };
    Some((sum("rbytes="), sum("wbytes=")))
}

pub(super) async fn limit(dir: &Path, limits: &Limits) -> Vec<String> {
    let has = |file: &str| fs::exists(dir.join(file)).unwrap_or(false);
    let mut failed = Vec::new();
    if has("memory.max") {
        failed.extend(memory(dir, limits).await.err());
    }
    if has("memory.swap.max") {
        let set = put(dir, "memory.swap.max", limits.swap);
        failed.extend(set.err().map(|error| cannot("swap", &error)));
    }
    if has("cpu.max") {
        failed.extend(cpu(dir, limits).err().map(|error| cannot("CPU", &error)));
    }
    if has("pids.max") {
        failed.extend(put(dir, "pids.max", limits.processes).err().map(|error| cannot("processes", &error)));
    }
    failed
}

/// Lowering `memory.max` below what is in use makes the kernel kill. `memory.high` only makes it take memory back: so
/// that one goes first, and the limit follows when there is room.
async fn memory(dir: &Path, limits: &Limits) -> Result<(), String> {
    let over = || number(dir, "memory.current").unwrap_or(0) > limits.memory;
    let set =
        |file, value: &dyn std::fmt::Display| put(dir, file, value).map_err(|error| cannot("memory", &error));
    if over() {
        set("memory.high", &limits.memory)?;
        for _ in 0..10 {
            if !over() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let fits = !over();
    if fits {
        set("memory.max", &limits.memory)?;
    }
    match set("memory.high", &"max") {
        Ok(()) if fits => Ok(()),
        Ok(()) => Err("memory: more is in use; the old limit holds until the next restart".into()),
        Err(error) => Err(error),
    }
}

fn cpu(dir: &Path, limits: &Limits) -> io::Result<()> {
    const BURST: &str = "cpu.max.burst";
    put(dir, "cpu.weight", limits.weight())?;
    let bursts = fs::exists(dir.join(BURST))?;
    if bursts {
        // It must not be more than the quota, in between neither.
        put(dir, BURST, 0)?;
    }
    put(dir, "cpu.max", format_args!("{} {PERIOD_US}", limits.quota_us()))?;
    // What was not used in one period may be used in the next: a short query is not cut in two.
    if bursts { put(dir, BURST, limits.quota_us()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with these files: as the kernel shows a group.
    fn fixture(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn group() -> tempfile::TempDir {
        fixture(&[
            ("memory.current", "104857600\n"),
            ("memory.peak", "209715200\n"),
            ("memory.max", "268435456\n"),
            ("memory.high", "max\n"),
            ("memory.stat", "anon 1\nfile 9000\ninactive_anon 5\ninactive_file 8192\n"),
            ("memory.swap.current", "4096\n"),
            ("memory.swap.max", "max\n"),
            ("memory.events", "low 0\nhigh 0\nmax 3\noom 2\noom_kill 1\noom_group_kill 0\n"),
            ("cpu.stat", "usage_usec 123456\nuser_usec 1\nnr_throttled 4\n"),
            ("cpu.max", "25000 100000\n"),
            ("cpu.max.burst", "0\n"),
            ("cpu.weight", "100\n"),
            ("pids.current", "9\n"),
            ("pids.max", "max\n"),
            ("io.stat", "8:0 rbytes=100 wbytes=20 rios=1 wios=1\n8:16 rbytes=3 wbytes=4 rios=1\n"),
        ])
    }

    #[test]
    fn a_group_is_read() {
        let dir = group();
        let peak = Some(209_715_200);
        let memory = Memory { current: 104_857_600, cache: 8192, peak, limit: Some(268_435_456) };
        let expected = Reading {
            memory: Some(memory),
            swap: Some(Swap { current: 4096, peak: None, limit: None }),
            cpu_us: Some(123_456),
            cpu_milli: Some(250),
            processes: Some(9),
            processes_limit: None,
            io: Some((103, 24)),
            oom_kills: Some(1),
        };
        assert_eq!(read(dir.path()), expected);
        assert_eq!(read(fixture(&[("cpu.stat", "usage_usec 5\n")]).path()).cpu_us, Some(5));
        assert_eq!(read(Path::new("/nowhere")), Reading::default());
    }

    #[tokio::test]
    async fn limits_are_written_where_the_files_are() {
        let dir = group();
        let limits =
            Limits { memory: 512 << 20, swap: 512 << 20, cpu_milli: 500, processes: 80, aside: false };
        assert_eq!(limit(dir.path(), &limits).await, Vec::<String>::new());
        let text = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap();
        assert_eq!((text("memory.max"), text("memory.high")), ("536870912".into(), "max".into()));
        assert_eq!((text("memory.swap.max"), text("pids.max")), ("536870912".into(), "80".into()));
        assert_eq!((text("cpu.max"), text("cpu.max.burst")), ("50000 100000".into(), "50000".into()));
        assert_eq!(text("cpu.weight"), "50");
        let bare = fixture(&[("cgroup.procs", "")]);
        assert_eq!(limit(bare.path(), &limits).await, Vec::<String>::new());
        assert_eq!(fs::read_dir(bare.path()).unwrap().count(), 1, "no file is made up");
    }

    #[tokio::test]
    async fn a_limit_below_what_is_used_kills_nobody() {
        let dir = group();
        let limits = Limits { memory: 64 << 20, swap: 0, cpu_milli: 250, processes: 80, aside: false };
        let said = limit(dir.path(), &limits).await;
        assert_eq!(said, ["memory: more is in use; the old limit holds until the next restart"]);
        let text = |file: &str| fs::read_to_string(dir.path().join(file)).unwrap();
        assert_eq!((text("memory.max"), text("memory.high")), ("268435456\n".into(), "max".into()));
    }
}
