//! Thinning: an hour of samples becomes 60 steps, a day of those becomes 24, each with mean, least and most.
//!
//! Every pass looks at what is stored and does what is missing: it may be cut off and done again. What was thinned is
//! kept for two days more, coarser blocks longer; what nobody can ask for any more is removed.

use super::{
    block::{Block, Spread},
    keeper::FINEST,
};
use crate::{
    ControlPlane, Result,
    store::{
        self,
        metric::{Found, Row},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use types::metric::Metric;
use uuid::Uuid;

/// Blocks of one resolution become blocks of the next.
#[derive(Clone, Copy, Debug)]
struct Pass {
    /// Seconds between two values of what is read, and of what is made of it.
    from: i32,
    to: i32,
    /// Seconds of a block that is made.
    length: i64,
}

const PASSES: [Pass; 2] =
    [Pass { from: FINEST, to: 60, length: 3600 }, Pass { from: 60, to: 3600, length: 86_400 }];
/// How long blocks of a resolution are kept.
pub(super) const KEPT: [(i32, TimeDelta); 3] =
    [(FINEST, TimeDelta::hours(48)), (60, TimeDelta::days(15)), (3600, TimeDelta::days(400))];
/// Databases in one round: a thousand take some minutes, and nobody waits.
const TOGETHER: i64 = 64;

/// Thins when an hour is over.
#[derive(Debug, Default)]
pub(super) struct Thinner {
    /// The hour that was thinned last, by this process.
    hour: Option<i64>,
}

impl Thinner {
    /// Thins some databases, if the last hour was not thinned yet.
    pub(super) async fn round(&mut self, plane: &ControlPlane) -> Result<()> {
        let now = plane.now();
        let hour = now.timestamp().div_euclid(3600);
        if self.hour == Some(hour) {
            return Ok(());
        }
        for pass in PASSES {
            // A day is made of hours: all of these first.
            if !plane.thin(pass, now).await? {
                return Ok(());
            }
        }
        let mut conn = plane.store().acquire().await?;
        for (resolution, kept) in KEPT {
            store::metric::remove_before(&mut conn, resolution, now - kept).await?;
        }
        store::metric::remove_gone(&mut conn).await?;
        self.hour = Some(hour);
        Ok(())
    }
}

impl ControlPlane {
    /// Thins some databases; false: there are more.
    async fn thin(&self, pass: Pass, now: DateTime<Utc>) -> Result<bool> {
        let before = now.timestamp().div_euclid(pass.length) * pass.length;
        let before = DateTime::from_timestamp(before, 0).unwrap_or(now);
        let mut conn = self.store().acquire().await?;
        let due = store::metric::due(&mut conn, pass.from, pass.to, before, TOGETHER).await?;
        for database in &due {
            let found = store::metric::unthinned(&mut conn, *database, pass.from, pass.to, before).await?;
            let rows: Vec<_> = thinned(pass, *database, &found);
            store::metric::put(&mut conn, &rows).await?;
        }
        Ok(due.len() < TOGETHER as usize)
    }
}

/// One block for each hour (or day) that has something. A damaged block is left out: its time is a gap.
fn thinned(pass: Pass, database: Uuid, found: &[Found]) -> Vec<Row> {
    let mut rows = Vec::new();
    let start = |found: &Found| found.starts_at.timestamp().div_euclid(pass.length) * pass.length;
    for same in found.chunk_by(|one, other| start(one) == start(other)) {
        let Some(start) = same.first().map(start) else { continue };
        let (Some(starts_at), Some(ends_at)) =
            (DateTime::from_timestamp(start, 0), DateTime::from_timestamp(start + pass.length, 0))
        else {
            continue;
        };
        let blocks = same.iter().filter_map(|found| {
            let block = Block::decode(&found.bytes, &Metric::ALL).inspect_err(|error| {
                let starts_at = found.starts_at;
                tracing::warn!(%database, %starts_at, %error, "A block is left out");
            });
            Some((found.starts_at.timestamp() - start, block.ok()?))
        });
        let bytes = join(pass, &blocks.collect::<Vec<_>>()).encode();
        rows.push(Row { database_id: database, resolution: pass.to, starts_at, ends_at, bytes });
    }
    rows
}

/// The steps of one block from finer blocks, each with its distance from the beginning in seconds.
fn join(pass: Pass, blocks: &[(i64, Block)]) -> Block {
    let points = (pass.length / i64::from(pass.to)) as usize;
    let mut joined = Block::steps(points);
    for metric in Metric::ALL {
        let mut steps: Vec<Option<Sum>> = vec![None; points];
        for (apart, block) in blocks {
            for point in 0..block.points() {
                let second = apart + point as i64 * i64::from(pass.from);
                let step = usize::try_from(second.div_euclid(i64::from(pass.to))).ok();
                let step = step.and_then(|step| steps.get_mut(step));
                if let (Some(step), Some(spread)) = (step, block.get(metric, point)) {
                    step.get_or_insert_default().add(spread, 1.0);
                }
            }
        }
        for (point, sum) in steps.iter().enumerate() {
            if let Some(sum) = sum {
                joined.set(metric, point, sum.spread());
            }
        }
    }
    joined
}

/// What was seen in a step, summed up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    sum: f64,
    weight: f64,
    min: f32,
    max: f32,
}

impl Default for Sum {
    fn default() -> Self {
        Self { sum: 0.0, weight: 0.0, min: f32::INFINITY, max: f32::NEG_INFINITY }
    }
}

impl Sum {
    pub(super) fn add(&mut self, spread: Spread, weight: f64) {
        self.sum += f64::from(spread.avg) * weight;
        self.weight += weight;
        self.min = self.min.min(spread.min);
        self.max = self.max.max(spread.max);
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.sum += other.sum;
        self.weight += other.weight;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    pub(super) fn spread(self) -> Spread {
        Spread { avg: (self.sum / self.weight) as f32, min: self.min, max: self.max }
    }

    pub(super) fn mean(self) -> f64 {
        self.sum / self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: f32) -> Spread {
        Spread { avg: value, min: value, max: value }
    }

    #[test]
    fn a_minute_has_mean_least_and_most_of_its_samples() {
        let mut block = Block::samples(60);
        for point in 0..12 {
            block.set(Metric::Connections, point, one(point as f32));
        }
        block.set(Metric::Connections, 30, one(7.0));
        let joined = join(PASSES[0], &[(600, block)]);
        assert_eq!(joined.points(), 60);
        let of = |point| joined.get(Metric::Connections, point);
        assert_eq!(of(10), Some(Spread { avg: 2.5, min: 0.0, max: 5.0 }));
        assert_eq!(of(11), Some(Spread { avg: 8.5, min: 6.0, max: 11.0 }));
        assert_eq!(of(15), Some(one(7.0)), "a minute with one sample");
        assert_eq!((of(9), of(12), joined.get(Metric::Cpu, 10)), (None, None, None), "gaps stay gaps");
    }
}
