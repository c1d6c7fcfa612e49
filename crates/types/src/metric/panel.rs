//! Charts: which series share one, in the order of the page.

use super::{Metric, Unit};
use serde::{Deserialize, Serialize};

/// A chart: series of one unit with a common scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is told by its title")]
pub enum Panel {
    Connections,
    Transactions,
    CacheHit,
    Latency,
    Cpu,
    Memory,
    Io,
    Disk,
    Wal,
    Locks,
    Deadlocks,
    TempFiles,
    Autovacuum,
    Checkpoints,
    OldestTransaction,
    Swap,
}

impl Panel {
    /// Every panel, in the order of the page.
    pub const ALL: [Self; 16] = [
        Self::Connections,
        Self::Transactions,
        Self::CacheHit,
        Self::Latency,
        Self::Cpu,
        Self::Memory,
        Self::Io,
        Self::Disk,
        Self::Wal,
        Self::Locks,
        Self::Autovacuum,
        Self::Checkpoints,
        Self::TempFiles,
        Self::Deadlocks,
        Self::OldestTransaction,
        Self::Swap,
    ];

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Connections => "Connections",
            Self::Transactions => "Transactions",
            Self::CacheHit => "Cache hit rate",
            Self::Latency => "Latency of a probe",
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::Io => "Disk I/O",
            Self::Disk => "Disk",
            Self::Wal => "Write-ahead log",
            Self::Locks => "Locks",
            Self::Deadlocks => "Deadlocks",
            Self::TempFiles => "Temporary files",
            Self::Autovacuum => "Autovacuum",
            Self::Checkpoints => "Checkpoints",
            Self::OldestTransaction => "Oldest transaction",
            Self::Swap => "Swap",
        }
    }

    /// One sentence: what is counted, and where it is read.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Connections => "Clients in pg_stat_activity, Paddock's own left out.",
            Self::Transactions => "Ended per second, from pg_stat_database.",
            Self::CacheHit => "Block reads answered by shared buffers, from pg_stat_database.",
            Self::Latency => "How long one small query of Paddock's own took.",
            Self::Cpu => "Processor time of all processes; 100 % is one core.",
            Self::Memory => {
                "Of all processes, file cache included: the kernel takes that back when it is needed."
            }
            Self::Io => "What all processes read from and wrote to storage.",
            Self::Disk => "Blocks of all files of the server, and the size of your database in them.",
            Self::Wal => "Written per second; each change goes there first.",
            Self::Locks => "From pg_locks.",
            Self::Deadlocks => "Transactions that PostgreSQL ended because they waited for each other.",
            Self::TempFiles => "Sorts and hashes that did not fit into work_mem.",
            Self::Autovacuum => "Workers that clean up after updates and deletes.",
            Self::Checkpoints => "Timed and asked for.",
            Self::OldestTransaction => "While it is open, nothing that it could see is cleaned up.",
            Self::Swap => "Memory that went to disk.",
        }
    }

    /// Its series; all have the same unit.
    #[must_use]
    pub const fn metrics(self) -> &'static [Metric] {
        match self {
            Self::Connections => &[Metric::Connections, Metric::ActiveConnections, Metric::IdleInTransaction],
            Self::Transactions => &[Metric::Transactions],
            Self::CacheHit => &[Metric::CacheHit],
            Self::Latency => &[Metric::Latency],
            Self::Cpu => &[Metric::Cpu],
            Self::Memory => &[Metric::Memory, Metric::MemoryCache],
            Self::Io => &[Metric::DiskReads, Metric::DiskWrites],
            Self::Disk => &[Metric::DiskSize, Metric::DataSize, Metric::WalSize],
            Self::Wal => &[Metric::WalRate],
            Self::Locks => &[Metric::Locks, Metric::LocksWaiting],
            Self::Deadlocks => &[Metric::Deadlocks],
            Self::TempFiles => &[Metric::TempBytes],
            Self::Autovacuum => &[Metric::Autovacuum],
            Self::Checkpoints => &[Metric::Checkpoints],
            Self::OldestTransaction => &[Metric::OldestTransaction],
            Self::Swap => &[Metric::Swap],
        }
    }

    /// What its values count.
    #[must_use]
    pub const fn unit(self) -> Unit {
        self.metrics()[0].unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_series_is_in_one_panel_of_its_unit() {
        let shown: Vec<_> = Panel::ALL.into_iter().flat_map(Panel::metrics).collect();
        assert_eq!(shown.len(), Metric::ALL.len());
        for panel in Panel::ALL {
            assert!(panel.metrics().iter().all(|metric| metric.unit() == panel.unit()), "{panel:?}");
        }
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>().len(), Metric::ALL.len());
    }
}
