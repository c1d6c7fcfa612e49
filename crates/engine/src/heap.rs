//! How much memory one process of a server may ask for: less than its database has.
//!
//! A query that wants more than its plan holds would be ended by the kernel, and PostgreSQL then ends every session and
//! recovers. Before it comes to that, the kernel refuses this process more (`RLIMIT_DATA`, getrlimit(2)): the query fails
//! with SQLSTATE 53200 (`out_of_memory`), its session goes on, and nobody else notices. Several sessions that are each
//! within this bound and together are not still meet the control group's limit.
//!
//! It is set with the start and holds until the next: `shared_buffers`, by which it is reckoned, waits for that as well.

use crate::{cgroup::Limits, settings};

/// What is left for all others of a server, at least.
const OTHERS: u64 = 32 << 20;
/// With less a session could not even start.
const LEAST: u64 = 64 << 20;

/// Bytes that one process may ask for: what is neither shared nor left for others.
pub(crate) fn of(limits: &Limits) -> u64 {
    let others = (limits.memory / 10).max(OTHERS);
    limits.memory.saturating_sub(settings::shared_buffers(limits.memory) + others).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Host;
    use types::Plan;

    #[test]
    fn one_session_gets_most_and_never_all() {
        let host = Host { memory_mib: 65536, cpus: 8 };
        let mib = |plan: usize| of(&Limits::of(&Plan::defaults()[plan], host)) >> 20;
        // 256, 512, 1024, 16384 MiB
        assert_eq!([mib(0), mib(1), mib(2), mib(6)], [160, 332, 665, 10649]);
    }
}
