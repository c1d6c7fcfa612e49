//! What is measured of a database over time: the series, the panels that show them, ranges, and how a value reads.
//!
//! Names and units are decided here, once, for pages, CSV, the HTTP API and Prometheus. Nothing here measures.

mod panel;
mod range;
mod view;

pub use panel::Panel;
pub use range::{LONGEST, Range};
pub use view::{MarkView, MetricsView, PanelView, Point, SeriesView};

use crate::{operation::duration, plan::size};
use serde::{Deserialize, Serialize};

/// A series. Its position is stored in compressed blocks: add at the end, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Processor time per second of the database's processes, in per cent of one core.
    Cpu,
    /// Memory of the database's group, file cache included, bytes.
    Memory,
    /// The part of it that is file cache, which the kernel takes back when it is needed, bytes.
    MemoryCache,
    /// Swap of the database's group, bytes.
    Swap,
    /// Client connections, the platform's own left out.
    Connections,
    /// Those that run a query.
    ActiveConnections,
    /// Those that hold a transaction open and do nothing.
    IdleInTransaction,
    /// Transactions ended per second, committed or rolled back.
    Transactions,
    /// Share of block reads that shared buffers answered, per cent.
    CacheHit,
    /// How long the platform's own `SELECT` took over the kept connection, milliseconds.
    Latency,
    /// `pg_database_size` of the user's database, bytes.
    DataSize,
    /// Blocks of all files of the server, bytes.
    DiskSize,
    /// The part of it that is write-ahead log, bytes.
    WalSize,
    /// Bytes per second that the database's processes read from storage.
    DiskReads,
    /// Bytes per second that they wrote.
    DiskWrites,
    /// Write-ahead log made per second, bytes.
    WalRate,
    /// Locks held or waited for (`pg_locks`).
    Locks,
    /// Those waited for.
    LocksWaiting,
    /// Deadlocks per second.
    Deadlocks,
    /// Bytes per second that queries put into temporary files.
    TempBytes,
    /// Autovacuum workers at work.
    Autovacuum,
    /// Checkpoints per second.
    Checkpoints,
    /// Age of the oldest transaction, seconds.
    OldestTransaction,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hundredths.
    Percent,
    /// Bytes, told in units of 1024.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Things.
    Count,
    /// Things per second.
    PerSecond,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Metric {
    /// Every series, in the order of the blocks.
    pub const ALL: [Self; 23] = [
        Self::Cpu,
        Self::Memory,
        Self::MemoryCache,
        Self::Swap,
        Self::Connections,
        Self::ActiveConnections,
        Self::IdleInTransaction,
        Self::Transactions,
        Self::CacheHit,
        Self::Latency,
        Self::DataSize,
        Self::DiskSize,
        Self::WalSize,
        Self::DiskReads,
        Self::DiskWrites,
        Self::WalRate,
        Self::Locks,
        Self::LocksWaiting,
        Self::Deadlocks,
        Self::TempBytes,
        Self::Autovacuum,
        Self::Checkpoints,
        Self::OldestTransaction,
    ];

    /// Its place in [`Metric::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// `active_connections`: in CSV, in the API, and after `paddock_database_` in Prometheus.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::MemoryCache => "memory_cache",
            Self::Swap => "swap",
            Self::Connections => "connections",
            Self::ActiveConnections => "active_connections",
            Self::IdleInTransaction => "idle_in_transaction",
            Self::Transactions => "transactions",
            Self::CacheHit => "cache_hit",
            Self::Latency => "latency",
            Self::DataSize => "data_size",
            Self::DiskSize => "disk_size",
            Self::WalSize => "wal_size",
            Self::DiskReads => "disk_reads",
            Self::DiskWrites => "disk_writes",
            Self::WalRate => "wal_rate",
            Self::Locks => "locks",
            Self::LocksWaiting => "locks_waiting",
            Self::Deadlocks => "deadlocks",
            Self::TempBytes => "temp_bytes",
            Self::Autovacuum => "autovacuum",
            Self::Checkpoints => "checkpoints",
            Self::OldestTransaction => "oldest_transaction",
        }
    }

    /// What stands in a legend.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::MemoryCache => "of it file cache",
            Self::Swap => "Swap",
            Self::Connections => "Connections",
            Self::ActiveConnections => "running a query",
            Self::IdleInTransaction => "idle in transaction",
            Self::Transactions => "Transactions",
            Self::CacheHit => "Cache hits",
            Self::Latency => "Probe",
            Self::DataSize => "Data",
            Self::DiskSize => "On disk",
            Self::WalSize => "of it WAL",
            Self::DiskReads => "Read",
            Self::DiskWrites => "Written",
            Self::WalRate => "WAL",
            Self::Locks => "Locks",
            Self::LocksWaiting => "waited for",
            Self::Deadlocks => "Deadlocks",
            Self::TempBytes => "Temporary files",
            Self::Autovacuum => "Workers",
            Self::Checkpoints => "Checkpoints",
            Self::OldestTransaction => "Oldest transaction",
        }
    }

    /// What its values count.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Cpu | Self::CacheHit => Unit::Percent,
            Self::Memory
            | Self::MemoryCache
            | Self::Swap
            | Self::DataSize
            | Self::DiskSize
            | Self::WalSize => Unit::Bytes,
            Self::DiskReads | Self::DiskWrites | Self::WalRate | Self::TempBytes => Unit::BytesPerSecond,
            Self::Connections
            | Self::ActiveConnections
            | Self::IdleInTransaction
            | Self::Locks
            | Self::LocksWaiting
            | Self::Autovacuum => Unit::Count,
            Self::Transactions | Self::Deadlocks | Self::Checkpoints => Unit::PerSecond,
            Self::Latency => Unit::Milliseconds,
            Self::OldestTransaction => Unit::Seconds,
        }
    }
}

impl Unit {
    /// A value as people read it: `12 %`, `38 MB`, `1.4 MB/s`, `0.31 ms`.
    #[must_use]
    pub fn tell(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", number(value)),
            Self::Bytes => size(whole(value)),
            Self::BytesPerSecond => format!("{}/s", size(whole(value))),
            Self::Count => number(value),
            Self::PerSecond => format!("{}/s", number(value)),
            Self::Milliseconds => format!("{} ms", number(value)),
            Self::Seconds => duration(whole(value * 1000.0)),
        }
    }
}

/// Three digits that matter: `0`, `0.31`, `4.2`, `12`, `1234`.
fn number(value: f64) -> String {
    let text = match value.abs() {
        v if v < 0.005 => return "0".into(),
        v if v < 1.0 => format!("{value:.2}"),
        v if v < 10.0 => format!("{value:.1}"),
        _ => return format!("{value:.0}"),
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn whole(value: f64) -> u64 {
    value.round().clamp(0.0, 1e18) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_series_has_its_place_and_its_name() {
        for (at, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric.index(), at);
            assert_eq!(serde_json_key(metric), metric.key());
        }
        let keys: BTreeSet<_> = Metric::ALL.map(Metric::key).into();
        assert_eq!(keys.len(), Metric::ALL.len());
    }

    /// The serde name without a JSON library: this crate has none.
    fn serde_json_key(metric: Metric) -> String {
        let mut text = String::new();
        for c in format!("{metric:?}").chars() {
            if c.is_uppercase() && !text.is_empty() {
                text.push('_');
            }
            text.extend(c.to_lowercase());
        }
        text
    }

    #[test]
    fn values_read_naturally() {
        let told = [
            Unit::Percent.tell(12.345),
            Unit::Percent.tell(0.0),
            Unit::Bytes.tell(38.0 * 1024.0 * 1024.0),
            Unit::BytesPerSecond.tell(1_500_000.0),
            Unit::PerSecond.tell(0.314),
            Unit::Milliseconds.tell(4.25),
            Unit::Seconds.tell(84.0),
            Unit::Count.tell(14.0),
        ];
        assert_eq!(told, ["12 %", "0 %", "38 MB", "1.4 MB/s", "0.31/s", "4.2 ms", "1m 24s", "14"]);
    }
}
