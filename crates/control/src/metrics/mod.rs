//! What was measured of databases over time: collected every ten seconds, kept in memory and in compressed blocks.
//!
//! [`Collector`] takes samples and keeps the last hour ([`ring`]); [`Keeper`] stores ten minutes at a time ([`block`])
//! and thins what is older; charts, sparklines and exports read both. Nothing here decides how a value looks.

pub mod block;
mod chart;
mod collector;
mod export;
mod keeper;
mod live;
mod memory;
mod precision;
pub mod ring;
mod steps;
mod thin;
pub mod values;

pub use chart::Series;
pub use collector::Collector;
pub use export::{DatabaseNow, Now};
pub use keeper::Keeper;
pub use memory::Counters;
pub(crate) use memory::{Memory, Peak};

/// The most of some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peaks {
    /// Connections; `None` when nothing was recorded.
    pub(crate) connections: Option<u64>,
    /// Memory without file cache, bytes.
    pub(crate) memory: Option<u64>,
}
