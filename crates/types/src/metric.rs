//! What is measured of a database over time: the series, the panels that show them, ranges, and how a value reads.
//!
//! Names and units are decided here, once, for pages, CSV, the HTTP API and Prometheus. Nothing here measures.

use crate::{OperationId, operation::duration, plan::size};
use chrono::{DateTime, TimeDelta, Utc};
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

/// The longest time that a chart shows: what is kept.
pub const LONGEST: TimeDelta = TimeDelta::days(400);

/// From when to when a chart goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Range {
    /// `1h`
    Hour,
    /// `6h`
    SixHours,
    /// `24h`
    #[default]
    Day,
    /// `7d`
    Week,
    /// `30d`
    Month,
    /// From one moment to another.
    Between(DateTime<Utc>, DateTime<Utc>),
}

impl Range {
    /// Those that have a button.
    pub const BUTTONS: [Self; 5] = [Self::Hour, Self::SixHours, Self::Day, Self::Week, Self::Month];

    /// As it stands in an address, and on its button; `custom` for two moments.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Between(..) => "custom",
        }
    }

    /// The range of this key, `custom` left out.
    #[must_use]
    pub fn named(key: &str) -> Option<Self> {
        Self::BUTTONS.into_iter().find(|range| range.key() == key)
    }

    /// Its two ends, seen from `now`.
    #[must_use]
    pub fn ends(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let back = match self {
            Self::Hour => TimeDelta::hours(1),
            Self::SixHours => TimeDelta::hours(6),
            Self::Day => TimeDelta::hours(24),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
            Self::Between(from, to) => return (from, to),
        };
        (now - back, now)
    }
}

/// One step of a series: what was seen between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The mean.
    pub avg: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// One series of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesView {
    /// Which.
    pub metric: Metric,
    /// One for each step of the chart, from its beginning; `None` where nothing was seen.
    pub points: Vec<Option<Point>>,
    /// The last value; `None` when nothing was seen at all.
    pub now: Option<f64>,
    /// Over the whole range.
    pub all: Option<Point>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelView {
    /// Which.
    pub panel: Panel,
    /// Its series.
    pub series: Vec<SeriesView>,
    /// The plan's limit, in the chart's unit, and its words: "Starter 512M: 512 MB".
    pub limit: Option<(f64, String)>,
}

/// Something that happened, at the upper edge of every chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkView {
    /// When.
    pub at: DateTime<Utc>,
    /// "Database restarted"
    pub title: String,
    /// `ok`, `run`, `warn`, `err` or `off`.
    pub tone: String,
    /// The operation that did it.
    pub operation: Option<OperationId>,
}

/// The charts of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsView {
    /// What was asked for.
    pub range: Range,
    /// The first step begins here.
    pub from: DateTime<Utc>,
    /// The last step ends here.
    pub to: DateTime<Utc>,
    /// How long a step is, seconds.
    pub step_s: u32,
    /// The charts, in the order of the page.
    pub panels: Vec<PanelView>,
    /// What happened meanwhile, oldest first.
    pub marks: Vec<MarkView>,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

impl MetricsView {
    /// When a step begins.
    #[must_use]
    pub fn time_of(&self, step: usize) -> DateTime<Utc> {
        self.from + TimeDelta::seconds(i64::from(self.step_s) * i64::try_from(step).unwrap_or(0))
    }
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
    fn every_series_is_in_one_panel_of_its_unit() {
        let shown: Vec<_> = Panel::ALL.into_iter().flat_map(Panel::metrics).collect();
        assert_eq!(shown.len(), Metric::ALL.len());
        for panel in Panel::ALL {
            assert!(panel.metrics().iter().all(|metric| metric.unit() == panel.unit()), "{panel:?}");
        }
        assert_eq!(shown.into_iter().collect::<BTreeSet<_>>().len(), Metric::ALL.len());
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

    #[test]
    fn ranges_are_named_by_their_keys() {
        for range in Range::BUTTONS {
            assert_eq!(Range::named(range.key()), Some(range));
        }
        assert_eq!(Range::named("custom"), None);
    }
}
