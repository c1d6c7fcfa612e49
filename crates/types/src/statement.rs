//! What statements of a database cost, as its page shows them (`pg_stat_statements`). Pure.
//!
//! Counters grow since the last reset; a range is the difference of two readings. What has no difference (the shortest
//! and the longest run) is known since the reset only.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Counters of one statement of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// Number of the user.
    pub user_id: u32,
    /// Number of the normalised statement.
    pub id: i64,
    /// Runs.
    pub calls: i64,
    /// Rows returned or changed.
    pub rows: i64,
    /// Milliseconds of all runs.
    pub total_ms: f64,
    /// Blocks read and written.
    pub blocks: i64,
    /// Milliseconds of reading and writing them, where the server measures it.
    pub io_ms: f64,
}

/// One statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatementView {
    /// What was counted.
    pub counters: Counters,
    /// Its user; `None`: a user that is gone.
    pub user: Option<String>,
    /// The normalised text, passwords masked, cut.
    pub query: String,
    /// It is longer than that.
    pub cut: bool,
    /// Shortest, longest and deviation of a run, milliseconds; `None` for a range.
    pub spread: Option<Spread>,
}

/// How runs of a statement differ, milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The shortest run.
    pub min_ms: f64,
    /// The longest run.
    pub max_ms: f64,
    /// Standard deviation.
    pub deviation_ms: f64,
}

impl StatementView {
    /// Milliseconds of one run.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "runs are counted in far fewer than 2^52")]
    pub fn mean_ms(&self) -> f64 {
        if self.counters.calls == 0 { 0.0 } else { self.counters.total_ms / self.counters.calls as f64 }
    }
}

/// What makes a statement a top one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementOrder {
    /// Time of all runs.
    #[default]
    Time,
    /// Runs.
    Calls,
    /// Rows.
    Rows,
    /// Blocks read and written.
    Io,
}

impl StatementOrder {
    /// All of them, with their key in addresses and their word.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Time, "time", "Total time"),
        (Self::Calls, "calls", "Calls"),
        (Self::Rows, "rows", "Rows"),
        (Self::Io, "io", "I/O"),
    ];

    /// From an address; the usual one for anything else.
    #[must_use]
    pub fn named(key: &str) -> Self {
        Self::ALL.into_iter().find(|(_, name, _)| *name == key).map(|(order, ..)| order).unwrap_or_default()
    }

    /// The most first.
    pub fn sort(self, all: &mut [StatementView]) {
        all.sort_by(|a, b| {
            let (a, b) = (&a.counters, &b.counters);
            let by = match self {
                Self::Time => b.total_ms.total_cmp(&a.total_ms),
                Self::Calls => b.calls.cmp(&a.calls),
                Self::Rows => b.rows.cmp(&a.rows),
                Self::Io => b.blocks.cmp(&a.blocks),
            };
            by.then(a.id.cmp(&b.id)).then(a.user_id.cmp(&b.user_id))
        });
    }
}

/// Over what time statements are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementRange {
    /// Since the last reset.
    #[default]
    Reset,
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
    /// The last 7 days.
    Week,
}

impl StatementRange {
    /// All of them, with their key in addresses and their word.
    pub const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Reset, "reset", "Since reset"),
        (Self::Hour, "1h", "1 h"),
        (Self::Day, "24h", "24 h"),
        (Self::Week, "7d", "7 d"),
    ];

    /// From an address; the usual one for anything else.
    #[must_use]
    pub fn named(key: &str) -> Self {
        Self::ALL.into_iter().find(|(_, name, _)| *name == key).map(|(range, ..)| range).unwrap_or_default()
    }

    /// How far it reaches back; `None`: to the reset.
    #[must_use]
    pub const fn back(self) -> Option<TimeDelta> {
        match self {
            Self::Reset => None,
            Self::Hour => Some(TimeDelta::hours(1)),
            Self::Day => Some(TimeDelta::hours(24)),
            Self::Week => Some(TimeDelta::days(7)),
        }
    }
}

/// Whether statements are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Nobody switched it on.
    #[default]
    Off,
    /// It is on, and the server must be restarted before it counts.
    NeedsRestart,
    /// It is on, and the server does not answer.
    NotRunning,
    /// It counts.
    On,
}

/// What statements of a database cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatementsView {
    /// Whether they are counted.
    pub counting: Counting,
    /// Since when these figures count; for a range later than asked for when nothing older is kept.
    pub since: Option<DateTime<Utc>>,
    /// The top ones.
    pub statements: Vec<StatementView>,
}

/// What was counted since an earlier reading. A counter that went down began anew (a reset); a statement that ran no
/// more is left out.
#[must_use]
pub fn difference(now: Vec<StatementView>, before: &[Counters]) -> Vec<StatementView> {
    let before: HashMap<_, _> = before.iter().map(|old| ((old.user_id, old.id), old)).collect();
    let since = |mut one: StatementView| {
        one.spread = None;
        let new = &mut one.counters;
        let known = before.get(&(new.user_id, new.id));
        if let Some(old) = known.filter(|old| old.calls <= new.calls && old.total_ms <= new.total_ms) {
            new.calls -= old.calls;
            new.rows = (new.rows - old.rows).max(0);
            new.total_ms -= old.total_ms;
            new.blocks = (new.blocks - old.blocks).max(0);
            new.io_ms = (new.io_ms - old.io_ms).max(0.0);
        }
        one
    };
    now.into_iter().map(since).filter(|one| one.counters.calls > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two columns are the same, so that none can stand for another.
    fn counted(id: i64, calls: i64, total_ms: f64) -> StatementView {
        let (rows, blocks, io_ms) = (10 * calls, 100 * calls, total_ms / 4.0);
        let counters = Counters { user_id: 10, id, calls, rows, total_ms, blocks, io_ms };
        StatementView { counters, spread: Some(Spread::default()), ..StatementView::default() }
    }

    #[test]
    fn a_range_is_a_difference_and_a_reset_begins_anew() {
        let before =
            [counted(1, 10, 100.0), counted(2, 50, 10.0), counted(3, 5, 5.0)].map(|one| one.counters);
        let now = vec![counted(1, 30, 160.0), counted(2, 4, 1.0), counted(3, 5, 5.0), counted(4, 1, 7.0)];
        let told: Vec<_> = difference(now, &before).iter().map(|one| (one.counters, one.spread)).collect();
        let wanted = [(1, 20, 60.0), (2, 4, 1.0), (4, 1, 7.0)];
        assert_eq!(told, wanted.map(|(id, calls, ms)| (counted(id, calls, ms).counters, None)));
    }

    #[test]
    fn the_most_comes_first() {
        let mut all = vec![counted(1, 1, 9.0), counted(2, 7, 3.0)];
        assert!((all[1].mean_ms() - 3.0 / 7.0).abs() < 1e-9);
        StatementOrder::Calls.sort(&mut all);
        assert_eq!(all[0].counters.id, 2);
        StatementOrder::named("nonsense").sort(&mut all);
        assert_eq!(all[0].counters.id, 1);
    }

    #[test]
    fn each_order_has_its_own_column() {
        let columns = [
            (1, 10, 200, 9.0, 3_000, 1.0),
            (2, 40, 100, 8.0, 2_000, 2.0),
            (3, 30, 400, 7.0, 1_000, 4.0),
            (4, 20, 300, 6.0, 4_000, 3.0),
        ];
        let mut all = columns.map(|(id, calls, rows, total_ms, blocks, io_ms)| {
            let counters = Counters { user_id: 10, id, calls, rows, total_ms, blocks, io_ms };
            StatementView { counters, ..StatementView::default() }
        });
        let orders =
            [("time", [1, 2, 3, 4]), ("calls", [2, 3, 4, 1]), ("rows", [3, 4, 1, 2]), ("io", [4, 1, 2, 3])];
        assert_eq!(StatementOrder::ALL.map(|(_, key, _)| key), orders.map(|(key, _)| key), "all are here");
        for (key, wanted) in orders {
            StatementOrder::named(key).sort(&mut all);
            assert_eq!(all.each_ref().map(|one| one.counters.id), wanted, "{key}");
        }
    }
}
