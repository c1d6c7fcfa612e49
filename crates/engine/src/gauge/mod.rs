//! What the processes of a database take: of its control group as far as there is one, else added up over its
//! processes. Keeps the highest that the kernel does not keep, and the last reading of the processor, so that "now"
//! can be told without waiting.
//!
//! What is kept here belongs to one start of one server and is lost with this process; what the kernel keeps is not.

mod processes;

use crate::{
    cgroup::{Group, Limits, Reading, room, swap_of_host},
    procs::Seen,
};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use types::{
    NodeId,
    view::{Container, Enforced},
};

/// A share of the processor over less time than this would be chance.
const SHORTEST: Duration = Duration::from_millis(150);
/// Over more than this it is not "now".
const LONGEST: Duration = Duration::from_secs(30);

/// So long an estimate of dead rows is told again.
const DEAD_FOR: Duration = Duration::from_secs(30);

/// The gauges of all databases.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    kept: Mutex<HashMap<NodeId, Kept>>,
}

/// What is kept of one start of a server.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    /// Process id and start of the postmaster.
    of: (u32, u64),
    /// When the processor was read, and what it said, microseconds.
    cpu: Option<(Instant, u64)>,
    /// The share that was told last.
    percent: Option<f64>,
    memory_peak: u64,
    swap_peak: u64,
    oom_kills: u64,
    cpu_us: u64,
    io: (u64, u64),
    /// What dead rows take, bytes, and when that was estimated; `None`: it could not be.
    dead: Option<(Instant, Option<u64>)>,
}

/// A look at a server's processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    /// For people.
    pub(crate) container: Container,
    /// Processor time since the start, microseconds.
    pub(crate) cpu_us: u64,
    /// Bytes read and written since the start.
    pub(crate) io: (u64, u64),
}

impl Gauges {
    /// Looks once. The share of the processor is told when the last look was not too long ago.
    pub(crate) fn look(&self, id: NodeId, server: &Seen, limits: &Limits) -> Look {
        let group = room().of(server.pid, id);
        let reading = group.as_ref().map(Group::read).unwrap_or_default();
        let family = processes::family(server.pid);
        let sums =
            if reading.memory.is_some() { processes::activity(&family) } else { processes::all(&family) };
        let now = Instant::now();
        let cpu_us = reading.cpu_us.unwrap_or(sums.cpu_us);
        let io = reading.io.unwrap_or(sums.io);
        let memory = reading.memory.map_or(sums.memory, |memory| memory.current);
        let swap = reading.swap.map_or(sums.swap, |swap| swap.current);

        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(id).or_default();
        let of = (server.pid, server.started);
        if kept.of != of {
            *kept = Kept { of, ..Kept::default() };
        }
        kept.memory_peak = kept.memory_peak.max(memory);
        kept.swap_peak = kept.swap_peak.max(swap);
        kept.oom_kills = reading.oom_kills.unwrap_or(0);
        // A process between its end and its reaping counts nowhere: what was counted once is not taken back.
        kept.cpu_us = kept.cpu_us.max(cpu_us);
        kept.io = (kept.io.0.max(io.0), kept.io.1.max(io.1));
        kept.turn(now);
        let kept = *kept;
        drop(all);

        let memory_limit = reading.memory.and_then(|memory| memory.limit);
        let swap_limit = reading.swap.and_then(|swap| swap.limit);
        let host_swap = swap_of_host();
        let container = Container {
            cpu_percent: kept.percent,
            cpu_limit_percent: reading.cpu_milli.unwrap_or(limits.cpu_milli) / 10,
            memory_bytes: memory,
            memory_cache_bytes: reading.memory.map_or(0, |memory| memory.cache),
            memory_peak_bytes: reading.memory.and_then(|memory| memory.peak).unwrap_or(kept.memory_peak),
            memory_limit_bytes: memory_limit.unwrap_or(limits.memory),
            swap_bytes: swap,
            swap_peak_bytes: reading.swap.and_then(|swap| swap.peak).unwrap_or(kept.swap_peak),
            swap_limit_bytes: swap_limit.unwrap_or(limits.swap).min(host_swap),
            processes: reading.processes.unwrap_or(sums.processes),
            processes_limit: reading.processes_limit.unwrap_or(limits.processes),
            oom_kills: kept.oom_kills,
            enforced: enforced(group.is_some(), &reading),
        };
        Look { container, cpu_us: kept.cpu_us, io: kept.io }
    }

    /// As [`Gauges::look`], and waits a moment if that is needed to tell the share of the processor.
    pub(crate) async fn look_now(&self, id: NodeId, server: &Seen, limits: &Limits) -> Look {
        let look = self.look(id, server, limits);
        if look.container.cpu_percent.is_some() {
            return look;
        }
        tokio::time::sleep(SHORTEST).await;
        self.look(id, server, limits)
    }

    /// How many processes the kernel had ended when the database was last looked at; it ran then.
    pub(crate) fn oom_kills(&self, id: NodeId) -> u64 {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&id).map_or(0, |kept| kept.oom_kills)
    }

    /// What dead rows take, as it was estimated a moment ago.
    pub(crate) fn dead_bytes(&self, id: NodeId) -> Option<Option<u64>> {
        let all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, bytes) = all.get(&id)?.dead?;
        (at.elapsed() < DEAD_FOR).then_some(bytes)
    }

    /// Keeps what was estimated just now, and answers it.
    pub(crate) fn keep_dead_bytes(&self, id: NodeId, bytes: Option<u64>) -> Option<u64> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(id).or_default().dead = Some((Instant::now(), bytes));
        bytes
    }

    /// Forgets a database that is gone or stopped.
    pub(crate) fn forget(&self, id: NodeId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Kept {
    /// The share of the processor since the last turn.
    fn turn(&mut self, now: Instant) {
        let Some((then, before)) = self.cpu else {
            self.cpu = Some((now, self.cpu_us));
            return;
        };
        let passed = now.saturating_duration_since(then);
        if passed < SHORTEST {
            return;
        }
        let share = |used: u64| Duration::from_micros(used).as_secs_f64() / passed.as_secs_f64() * 100.0;
        self.percent = (passed <= LONGEST).then(|| share(self.cpu_us.saturating_sub(before)));
        self.cpu = Some((now, self.cpu_us));
    }
}

/// Which limits the kernel holds: those that it shows.
fn enforced(grouped: bool, reading: &Reading) -> Enforced {
    let mut enforced = Enforced {
        memory: reading.memory.is_some_and(|memory| memory.limit.is_some()),
        swap: reading.swap.is_some_and(|swap| swap.limit.is_some()),
        cpu: reading.cpu_milli.is_some(),
        processes: reading.processes_limit.is_some(),
        why_not: None,
    };
    if !(enforced.memory && enforced.cpu && enforced.processes) {
        let why_not = room().why_not().unwrap_or(if grouped {
            "the kernel refused a limit: Paddock's log says why"
        } else {
            "it was started without limits: the next restart puts it under them"
        });
        enforced.why_not = Some(why_not.to_owned());
    }
    enforced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_told_over_a_sensible_time() {
        let begin = Instant::now();
        let after = |ms| begin + Duration::from_millis(ms);
        let mut kept = Kept::default();
        kept.turn(begin);
        assert_eq!(kept.percent, None);
        kept.cpu_us = 50_000;
        kept.turn(after(100));
        assert_eq!(kept.percent, None, "too short");
        kept.turn(after(200));
        assert_eq!(kept.percent, Some(25.0));
        kept.cpu_us = 60_000;
        kept.turn(after(250));
        assert_eq!(kept.percent, Some(25.0), "told again");
        kept.turn(after(60_000));
        assert_eq!(kept.percent, None, "that long ago is not now");
        kept.cpu_us += 1_000_000;
        kept.turn(after(61_000));
        assert_eq!(kept.percent, Some(100.0));
    }
}
