//! A plan's limits in the kernel's units: a pure function.

use super::aside;
use crate::settings::{self, Host};
use types::Plan;

/// The period of the processor's quota, microseconds: the kernel's own default.
pub(super) const PERIOD_US: u64 = 100_000;

/// What a group may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Memory, bytes, file cache included.
    pub(crate) memory: u64,
    /// Swap on top of it, bytes.
    pub(crate) swap: u64,
    /// Thousandths of a core.
    pub(crate) cpu_milli: u32,
    /// Processes.
    pub(crate) processes: u32,
    /// Whether others go first where the processor is short.
    pub(crate) aside: bool,
}

impl Limits {
    /// A plan's. Swap is as much again as memory: a server that is a little too large becomes slow first, where the
    /// host has swap at all.
    pub(crate) fn of(plan: &Plan, host: Host) -> Self {
        let memory = u64::from(plan.memory_mib) << 20;
        let processes = settings::processes(plan, host);
        Self { memory, swap: memory, cpu_milli: plan.cpu_milli.max(10), processes, aside: false }
    }

    /// The same with the whole processor: a server that starts or recovers is not held back, nobody can use it yet.
    pub(crate) fn in_haste(&self, host: Host) -> Self {
        Self { cpu_milli: host.cpus.max(1) * 1000, ..*self }
    }

    /// The same with all of the processor that others leave: for what nobody waits for.
    pub(crate) fn aside(&self, host: Host) -> Self {
        Self { aside: true, ..self.in_haste(host) }
    }

    /// Microseconds of a core's time in every period. The kernel takes no less than a millisecond.
    pub(super) fn quota_us(&self) -> u64 {
        (u64::from(self.cpu_milli) * PERIOD_US / 1000).max(1000)
    }

    /// Weight among neighbours when the processor is short, v1: a whole core is 1024.
    pub(super) fn shares(&self) -> u64 {
        if self.aside { aside::SHARES } else { (u64::from(self.cpu_milli) * 1024 / 1000).clamp(2, 262_144) }
    }

    /// The same, v2: a whole core is 100.
    pub(super) fn weight(&self) -> u64 {
        if self.aside { aside::WEIGHT } else { u64::from(self.cpu_milli / 10).clamp(1, 10_000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_becomes_numbers() {
        let host = Host { memory_mib: 4096, cpus: 2 };
        let of = |plan: usize| Limits::of(&Plan::defaults()[plan], host);
        let (sandbox, starter) = (of(0), of(1));
        assert_eq!((sandbox.memory, sandbox.swap), (256 << 20, 256 << 20));
        assert_eq!((sandbox.quota_us(), sandbox.shares(), sandbox.weight()), (25_000, 256, 25));
        assert_eq!((starter.memory, starter.quota_us(), starter.weight()), (512 << 20, 50_000, 50));
        assert!(starter.processes > sandbox.processes);
        assert_eq!(sandbox.in_haste(host), Limits { cpu_milli: 2000, ..sandbox });
        let aside = of(4).aside(host);
        assert_eq!(
            (aside.quota_us(), aside.shares(), aside.weight()),
            (200_000, 256, 25),
            "all, and after all others"
        );
    }
}
