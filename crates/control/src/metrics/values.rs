//! One look at a database as one value for each series.
//!
//! Gauges are taken as they are, rates follow from two consecutive samples. Where a counter began anew there is no rate
//! for that step: a gap, never a negative value or a spike.

use crate::engine::{Sample, ServerSample};
use chrono::{DateTime, TimeDelta, Utc};
use types::metric::Metric;

/// How many series there are.
pub const SERIES: usize = Metric::ALL.len();

/// Two samples that are closer than this, or the clock was turned back, say nothing about a rate.
const SHORTEST: TimeDelta = TimeDelta::seconds(1);
/// A rate over a longer time would be shown as that of its last ten seconds.
const LONGEST: TimeDelta = TimeDelta::seconds(60);
/// Two starts that are told closer together than this are the same one: the engine may round.
const SAME: TimeDelta = TimeDelta::seconds(1);

/// A value for each series, in the units of [`Metric::unit`]; a gap where there is none.
#[derive(Clone, Copy, Debug)]
pub struct Values([f32; SERIES]);

impl Values {
    /// Nothing was seen.
    pub const GAP: Self = Self([f32::NAN; SERIES]);

    /// The value of a series.
    #[must_use]
    pub fn get(&self, metric: Metric) -> Option<f32> {
        Some(self.0[metric.index()]).filter(|value| !value.is_nan())
    }

    /// Sets the value of a series, rounded as it is stored; what is no number becomes a gap.
    pub fn set(&mut self, metric: Metric, value: Option<f64>) {
        self.0[metric.index()] =
            value.map_or(f32::NAN, |value| super::precision::rounded(metric.unit(), value));
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        // Gaps are alike, which NaN is not.
        Metric::ALL.into_iter().all(|metric| self.get(metric) == other.get(metric))
    }
}

/// A sample and when it was taken.
#[derive(Clone, Debug)]
pub struct Look {
    /// When it was answered.
    pub at: DateTime<Utc>,
    /// What was answered.
    pub sample: Sample,
}

/// Whether two starts are the same one.
#[must_use]
pub fn same_start(one: DateTime<Utc>, other: DateTime<Utc>) -> bool {
    (one - other).abs() < SAME
}

/// The values of a look. `before` is the look before it, `disk` the bytes on disk as last counted.
#[must_use]
pub fn values(before: Option<&Look>, look: &Look, disk: Option<u64>) -> Values {
    let mut values = Values::GAP;
    let sample = &look.sample;
    let container = &sample.container;
    values.set(Metric::Memory, Some(container.memory_bytes as f64));
    values.set(Metric::MemoryCache, Some(container.memory_cache_bytes as f64));
    values.set(Metric::Swap, Some(container.swap_bytes as f64));
    values.set(Metric::DiskSize, disk.map(|bytes| bytes as f64));
    if let Some(server) = &sample.server {
        gauges(&mut values, server);
    }
    let Some(before) = before.filter(|before| same_start(before.sample.since, sample.since)) else {
        return values;
    };
    let elapsed = look.at - before.at;
    if elapsed < SHORTEST || elapsed > LONGEST {
        return values;
    }
    let seconds = elapsed.as_seconds_f64();
    let old = &before.sample;
    let rate = |old, new| grown(old, new).map(|grown| grown as f64 / seconds);
    values.set(Metric::Cpu, rate(old.cpu_us, sample.cpu_us).map(|us| us / 1e4));
    values.set(Metric::DiskReads, rate(old.read_bytes, sample.read_bytes));
    values.set(Metric::DiskWrites, rate(old.written_bytes, sample.written_bytes));
    if let (Some(old), Some(new)) = (&old.server, &sample.server) {
        values.set(Metric::Transactions, rate(old.transactions, new.transactions));
        values.set(Metric::CacheHit, cache_hit(old, new));
        values.set(Metric::WalRate, rate(old.wal_made, new.wal_made));
        values.set(Metric::Deadlocks, rate(old.deadlocks, new.deadlocks));
        values.set(Metric::TempBytes, rate(old.temp_bytes, new.temp_bytes));
        values.set(Metric::Checkpoints, rate(old.checkpoints, new.checkpoints));
    }
    values
}

fn gauges(values: &mut Values, server: &ServerSample) {
    let told = [
        (Metric::Connections, f64::from(server.connections)),
        (Metric::ActiveConnections, f64::from(server.active)),
        (Metric::IdleInTransaction, f64::from(server.idle_in_transaction)),
        (Metric::Latency, server.latency.as_secs_f64() * 1e3),
        (Metric::DataSize, server.data_bytes as f64),
        (Metric::WalSize, server.wal_bytes as f64),
        (Metric::Locks, f64::from(server.locks)),
        (Metric::LocksWaiting, f64::from(server.locks_waiting)),
        (Metric::Autovacuum, f64::from(server.autovacuum)),
        (Metric::OldestTransaction, server.oldest_transaction_s),
    ];
    for (metric, value) in told {
        values.set(metric, Some(value));
    }
}

/// How far a counter went; `None`: it began anew.
fn grown(old: u64, new: u64) -> Option<u64> {
    new.checked_sub(old)
}

/// Share of the block reads of this step that shared buffers answered, per cent; `None` when nothing was read.
fn cache_hit(old: &ServerSample, new: &ServerSample) -> Option<f64> {
    let hit = grown(old.blocks_hit, new.blocks_hit)?;
    let all = hit + grown(old.blocks_read, new.blocks_read)?;
    (all > 0).then(|| 100.0 * hit as f64 / all as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn look(second: i64, change: impl FnOnce(&mut Sample)) -> Look {
        let mut sample = Sample { server: Some(ServerSample::default()), ..Sample::default() };
        change(&mut sample);
        Look { at: DateTime::UNIX_EPOCH + TimeDelta::seconds(second), sample }
    }

    fn server(sample: &mut Sample) -> &mut ServerSample {
        sample.server.get_or_insert_default()
    }

    #[test]
    fn rates_are_per_second_and_processor_time_is_in_per_cent_of_a_core() {
        let old = look(0, |sample| sample.cpu_us = 5_000_000);
        let new = look(10, |sample| {
            sample.cpu_us = 7_500_000;
            sample.read_bytes = 40_960;
            server(sample).transactions = 70;
            server(sample).checkpoints = 1;
            server(sample).latency = Duration::from_micros(250);
        });
        let values = values(Some(&old), &new, Some(38 << 20));
        assert_eq!(values.get(Metric::Cpu), Some(25.0));
        assert_eq!(values.get(Metric::DiskReads), Some(4096.0));
        assert_eq!(values.get(Metric::Transactions), Some(7.0));
        assert!((values.get(Metric::Checkpoints).unwrap() - 0.1).abs() < 1e-3);
        assert_eq!(values.get(Metric::Latency), Some(0.25));
        assert_eq!(values.get(Metric::DiskSize), Some((38 << 20) as f32));
        assert_eq!(values.get(Metric::Deadlocks), Some(0.0), "none is a value");
    }

    #[test]
    fn the_first_look_has_gauges_and_no_rates() {
        let values = values(None, &look(0, |sample| sample.container.memory_bytes = 4096), None);
        assert_eq!(values.get(Metric::Memory), Some(4096.0));
        assert_eq!(values.get(Metric::Connections), Some(0.0));
        for metric in [Metric::Cpu, Metric::DiskReads, Metric::Transactions, Metric::DiskSize] {
            assert_eq!(values.get(metric), None, "{metric:?}");
        }
    }

    #[test]
    fn cache_hits_are_a_share_of_what_was_read_in_the_step() {
        let of = |hit, read| {
            let new = look(10, |sample| {
                server(sample).blocks_hit = hit;
                server(sample).blocks_read = read;
            });
            values(Some(&look(0, |_| {})), &new, None).get(Metric::CacheHit)
        };
        assert_eq!(of(90, 10), Some(90.0));
        assert_eq!(of(0, 10), Some(0.0));
        assert_eq!(of(0, 0), None, "nothing was read");
    }

    #[test]
    fn a_counter_that_began_anew_leaves_a_gap() {
        let old = look(0, |sample| {
            sample.cpu_us = 9_000_000;
            server(sample).transactions = 1000;
            server(sample).wal_made = 10;
        });
        // pg_stat_reset: one counter is smaller, the others go on.
        let reset = look(10, |sample| {
            sample.cpu_us = 9_100_000;
            server(sample).transactions = 5;
            server(sample).wal_made = 110;
        });
        let after = values(Some(&old), &reset, None);
        assert_eq!(after.get(Metric::Transactions), None);
        assert_eq!(after.get(Metric::WalRate), Some(10.0));
        // Another start: larger numbers are no growth either.
        let restarted = look(10, |sample| {
            sample.since += TimeDelta::seconds(8);
            sample.cpu_us = 99_000_000;
            server(sample).transactions = 9000;
        });
        let after = values(Some(&old), &restarted, None);
        assert_eq!((after.get(Metric::Cpu), after.get(Metric::Transactions)), (None, None));
        assert_eq!(after.get(Metric::Connections), Some(0.0));
    }

    #[test]
    fn a_server_that_does_not_answer_leaves_gaps_and_its_processes_are_seen() {
        let old = look(0, |_| {});
        let mute = look(10, |sample| {
            sample.cpu_us = 1_000_000;
            sample.server = None;
        });
        let values_mute = values(Some(&old), &mute, None);
        assert_eq!(values_mute.get(Metric::Cpu), Some(10.0));
        assert_eq!((values_mute.get(Metric::Connections), values_mute.get(Metric::Latency)), (None, None));
        let back = values(Some(&mute), &look(20, |_| {}), None);
        assert_eq!((back.get(Metric::Connections), back.get(Metric::Transactions)), (Some(0.0), None));
    }

    #[test]
    fn a_clock_that_was_turned_and_a_long_silence_say_nothing_about_rates() {
        for second in [-10, 0, 61] {
            let new = look(second, |sample| sample.cpu_us = 1_000_000);
            assert_eq!(values(Some(&look(0, |_| {})), &new, None).get(Metric::Cpu), None, "{second}");
        }
        let new = look(30, |sample| sample.cpu_us = 3_000_000);
        assert_eq!(
            values(Some(&look(0, |_| {})), &new, None).get(Metric::Cpu),
            Some(10.0),
            "two were missed"
        );
    }
}
