//! What the kernel says of a group. Everything is optional: a host may lack a controller, a kernel a file.

use crate::host;

/// A look at a group, taken at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Memory.
    pub(crate) memory: Option<Memory>,
    /// Swap.
    pub(crate) swap: Option<Swap>,
    /// Processor time since the group was made, microseconds.
    pub(crate) cpu_us: Option<u64>,
    /// Thousandths of a core that it may take.
    pub(crate) cpu_milli: Option<u32>,
    /// Processes now.
    pub(crate) processes: Option<u32>,
    /// Processes at the most.
    pub(crate) processes_limit: Option<u32>,
    /// Bytes read and written by block devices for it.
    pub(crate) io: Option<(u64, u64)>,
    /// Processes that the kernel ended for want of memory.
    pub(crate) oom_kills: Option<u64>,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Now, file cache included.
    pub(crate) current: u64,
    /// Of it file cache that was not used lately.
    pub(crate) cache: u64,
    /// The most.
    pub(crate) peak: Option<u64>,
    /// Its limit; none: unlimited.
    pub(crate) limit: Option<u64>,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    /// Now.
    pub(crate) current: u64,
    /// The most, where the kernel keeps it.
    pub(crate) peak: Option<u64>,
    /// Its limit; none: unlimited.
    pub(crate) limit: Option<u64>,
}

/// Swap of the whole host, bytes: where there is none, a limit of swap allows nothing.
pub(crate) fn swap_of_host() -> u64 {
    host::memory_kib("SwapTotal").unwrap_or(0) * 1024
}
