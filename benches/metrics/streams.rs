//! Three databases that were never real: one that idles, one with steady work, one where everything jumps.
//!
//! Values move as real ones do: counts are whole, sizes grow in pages and segments, rates are noisy, most locks and
//! deadlocks are nothing. The same numbers in every run.

use control::metrics::values::Values;
use types::metric::Metric;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody uses it: the platform's own probe, autovacuum now and then.
    Idle,
    /// Some hundred transactions per second with a daily rhythm.
    Busy,
    /// Everything changes by a half from sample to sample.
    Noisy,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Idle, Self::Busy, Self::Noisy];
}

/// Its samples, one each ten seconds.
pub struct Stream {
    kind: Kind,
    seed: u64,
    step: u64,
    memory: f64,
    disk: f64,
    data: f64,
}

impl Stream {
    pub fn new(kind: Kind) -> Self {
        let memory = if kind == Kind::Idle { 9e7 } else { 4e8 };
        Self { kind, seed: 0x9E37_79B9_7F4A_7C15, step: 0, memory, disk: 4.1e7, data: 8e6 }
    }

    /// From 0 to 1, the same each time.
    fn chance(&mut self) -> f64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About `mean`, off by a share of it: the sum of four draws is near enough to a bell.
    fn about(&mut self, mean: f64, share: f64) -> f64 {
        let bell = (0..4).map(|_| self.chance()).sum::<f64>() / 2.0 - 1.0;
        (mean * (1.0 + share * 1.7 * bell)).max(0.0)
    }

    /// `value` once in so many times, else nothing.
    fn seldom(&mut self, times: f64, value: f64) -> f64 {
        if self.chance() < 1.0 / times { value } else { 0.0 }
    }

    pub fn next(&mut self) -> Values {
        self.step += 1;
        let mut values = Values::GAP;
        let told = match self.kind {
            Kind::Idle => self.idle(),
            Kind::Busy => self.busy(0.08),
            Kind::Noisy => self.busy(0.5),
        };
        for (metric, value) in told {
            values.set(metric, value);
        }
        values
    }

    fn idle(&mut self) -> Vec<(Metric, Option<f64>)> {
        self.memory += 4096.0 * (self.chance() * 3.0 - 1.5).round();
        let vacuum = self.seldom(6.0, 1.0);
        let checkpoint = if self.step.is_multiple_of(30) { 0.1 } else { 0.0 };
        vec![
            (Metric::Cpu, Some(self.about(0.15, 0.4) + vacuum * 0.2)),
            (Metric::Memory, Some(self.memory)),
            (Metric::MemoryCache, Some(4.4e7)),
            (Metric::Swap, Some(0.0)),
            (Metric::Connections, Some(0.0)),
            (Metric::ActiveConnections, Some(0.0)),
            (Metric::IdleInTransaction, Some(0.0)),
            (
                Metric::Transactions,
                Some(((1.0 + vacuum).mul_add(3.0, self.chance().round()) / 10.0).max(0.1)),
            ),
            (Metric::CacheHit, Some(if vacuum > 0.0 { 99.6 } else { 100.0 })),
            (Metric::Latency, Some(self.about(0.21, 0.15))),
            (Metric::DataSize, Some(self.data)),
            (Metric::DiskSize, Some(self.disk)),
            (Metric::WalSize, Some(16_777_216.0)),
            (Metric::DiskReads, Some(0.0)),
            (Metric::DiskWrites, Some(checkpoint * 40_960.0)),
            (Metric::WalRate, Some(checkpoint * 1_040.0)),
            (Metric::Locks, Some(1.0 + vacuum)),
            (Metric::LocksWaiting, Some(0.0)),
            (Metric::Deadlocks, Some(0.0)),
            (Metric::TempBytes, Some(0.0)),
            (Metric::Autovacuum, Some(vacuum)),
            (Metric::Checkpoints, Some(checkpoint)),
            (Metric::OldestTransaction, Some(0.0)),
        ]
    }

    fn busy(&mut self, noise: f64) -> Vec<(Metric, Option<f64>)> {
        let day = (self.step as f64 / 8640.0 * std::f64::consts::TAU).sin();
        let load = day.mul_add(0.5, 1.0);
        let transactions = self.about(220.0 * load, noise);
        self.memory =
            (self.memory + 65_536.0 * (self.chance() * 80.0 * noise - 40.0 * noise).round()).max(1e8);
        self.data += 8192.0 * (self.chance() * 6.0 * load).round();
        if self.step.is_multiple_of(6) {
            self.disk = self.data + 3.3e8 + 4096.0 * (self.chance() * 2000.0 * noise).round();
        }
        let connections = self.about(14.0 * load, noise).round();
        let active = self.about(3.0 * load, noise * 3.0).round();
        vec![
            (Metric::Cpu, Some(self.about(38.0 * load, noise))),
            (Metric::Memory, Some(self.memory)),
            (Metric::MemoryCache, Some(self.about(self.memory * 0.4, noise / 20.0))),
            (Metric::Swap, Some(0.0)),
            (Metric::Connections, Some(connections)),
            (Metric::ActiveConnections, Some(active)),
            (Metric::IdleInTransaction, Some(self.seldom(4.0, 1.0))),
            (Metric::Transactions, Some(transactions)),
            (Metric::CacheHit, Some(self.about(98.5, noise / 40.0).min(100.0))),
            (Metric::Latency, Some(self.about(0.6 * load, noise * 3.0))),
            (Metric::DataSize, Some(self.data)),
            (Metric::DiskSize, Some(self.disk)),
            (Metric::WalSize, Some(16_777_216.0 * (19.0 + (self.step / 40 % 3) as f64))),
            (Metric::DiskReads, Some(self.about(3e5 * load, noise * 3.0))),
            (Metric::DiskWrites, Some(self.about(1.1e6 * load, noise * 3.0))),
            (Metric::WalRate, Some(self.about(4.2e5 * load, noise))),
            (Metric::Locks, Some(self.about(40.0 * load, noise * 2.0).round())),
            (Metric::LocksWaiting, Some(self.seldom(12.0, 2.0))),
            (Metric::Deadlocks, Some(self.seldom(900.0, 0.1))),
            (Metric::TempBytes, Some(self.seldom(20.0, 8.4e5))),
            (Metric::Autovacuum, Some(self.seldom(5.0, 1.0))),
            (Metric::Checkpoints, Some(if self.step.is_multiple_of(30) { 0.1 } else { 0.0 })),
            (Metric::OldestTransaction, Some(self.about(0.8, 0.9))),
        ]
    }
}
