//! From blocks and rings to the steps of a chart: which steps a range has, and what was seen in each.
//!
//! Steps lie on multiples of their length since the epoch, so that a page that is loaded again shows the same ones.

use super::{
    block::Block,
    ring::EVERY,
    thin::{KEPT, Sum},
    values::SERIES,
};
use crate::{Error, Result};
use chrono::{DateTime, TimeDelta, Utc};
use types::metric::{LONGEST, Metric, Point, Range, SeriesView};

/// Lengths of steps, seconds.
const LENGTHS: [i64; 14] =
    [10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800];
/// A chart has no more steps than this.
const MOST: i64 = 360;

/// The steps of a chart, in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) step: i64,
}

impl Window {
    /// The steps of a range.
    ///
    /// # Errors
    /// `Invalid` on field `range`.
    pub(super) fn of(range: Range, now: DateTime<Utc>) -> Result<Self> {
        let (from, to) = range.ends(now);
        let to = to.min(now);
        if from > now {
            return Err(Error::invalid(
                "range",
                "The time begins in the future. Nothing was measured there yet.",
            ));
        }
        if from >= to {
            return Err(Error::invalid("range", "The time must begin before it ends."));
        }
        if to - from > LONGEST {
            let days = LONGEST.num_days();
            return Err(Error::invalid("range", format!("At most {days} days can be shown at once.")));
        }
        let length = (to - from).num_seconds().max(1);
        // What is older than the finer blocks are kept has coarser ones only.
        let kept = KEPT.iter().find(|(_, kept)| from >= now - *kept);
        let finest = kept.map_or(3600, |(resolution, _)| i64::from(*resolution));
        let fits = |step: &&i64| **step >= finest && length <= **step * MOST;
        let step = LENGTHS.iter().find(fits).copied().unwrap_or(172_800);
        let end = ceil(to.timestamp(), step);
        let begin = match range {
            Range::Between(..) => from.timestamp().div_euclid(step) * step,
            _ => end - ceil(length, step),
        };
        Ok(Self { from: begin, to: end.max(begin + step), step })
    }

    /// The last hours in steps of so many seconds, the running one included.
    pub(super) fn last(hours: i64, step: i64, now: DateTime<Utc>) -> Self {
        let to = ceil(now.timestamp(), step);
        Self { from: to - hours * 3600, to, step }
    }

    /// Seconds between two values of the coarsest blocks that may be read.
    pub(super) fn coarsest(&self) -> i32 {
        let fits = KEPT.iter().rev().find(|(resolution, _)| self.step % i64::from(*resolution) == 0);
        fits.map_or(EVERY as i32, |(resolution, _)| *resolution)
    }

    pub(super) fn begins(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.from, 0).unwrap_or_default()
    }

    pub(super) fn ends(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.to, 0).unwrap_or_default()
    }

    pub(super) fn time_of(&self, step: usize) -> DateTime<Utc> {
        self.begins() + TimeDelta::seconds(self.step * step as i64)
    }

    /// How many steps it has.
    pub(super) fn len(&self) -> usize {
        ((self.to - self.from) / self.step) as usize
    }

    fn index(&self, second: i64) -> Option<usize> {
        (self.from..self.to).contains(&second).then(|| ((second - self.from) / self.step) as usize)
    }
}

fn ceil(second: i64, step: i64) -> i64 {
    second.div_euclid(step) * step + if second.rem_euclid(step) == 0 { 0 } else { step }
}

/// What was seen of some series in each step.
pub(super) struct Steps {
    window: Window,
    wanted: Vec<Metric>,
    sums: Vec<Vec<Option<Sum>>>,
    /// The newest value of each series, and its second.
    newest: [Option<(i64, f32)>; SERIES],
}

impl Steps {
    pub(super) fn new(window: Window, wanted: &[Metric]) -> Self {
        let sums = vec![vec![None; window.len()]; wanted.len()];
        Self { window, wanted: wanted.to_vec(), sums, newest: [None; SERIES] }
    }

    /// Adds a block that begins at a second, its points so many seconds apart.
    pub(super) fn add(&mut self, begins: i64, apart: i32, block: &Block) {
        for (series, metric) in self.wanted.iter().enumerate() {
            for point in 0..block.points() {
                let Some(spread) = block.get(*metric, point) else { continue };
                let second = begins + i64::from(apart) * point as i64;
                let Some(step) = self.window.index(second) else { continue };
                self.sums[series][step].get_or_insert_default().add(spread, f64::from(apart));
                note(&mut self.newest[metric.index()], second, spread.avg);
            }
        }
    }

    /// The series as charts show them, in the order that was wanted.
    pub(super) fn views(&self) -> Vec<SeriesView> {
        self.wanted.iter().zip(&self.sums).map(|(metric, sums)| self.view(*metric, sums)).collect()
    }

    fn view(&self, metric: Metric, sums: &[Option<Sum>]) -> SeriesView {
        let mut all: Option<Sum> = None;
        for sum in sums.iter().flatten() {
            all.get_or_insert_default().join(sum);
        }
        let point = |sum: &Sum| {
            let spread = sum.spread();
            Point { avg: sum.mean(), min: f64::from(spread.min), max: f64::from(spread.max) }
        };
        SeriesView {
            metric,
            points: sums.iter().map(|sum| sum.as_ref().map(point)).collect(),
            now: self.newest[metric.index()].map(|(_, value)| f64::from(value)),
            all: all.as_ref().map(point),
        }
    }
}

fn note(newest: &mut Option<(i64, f32)>, second: i64, value: f32) {
    if newest.is_none_or(|(known, _)| second >= known) {
        *newest = Some((second, value));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::block::Spread, *};

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600 + second, 0).unwrap()
    }

    #[test]
    fn each_button_has_its_steps() {
        let now = at(12 * 3600 + 1234);
        for (range, step, blocks, steps) in [
            (Range::Hour, 10, 10, 360),
            (Range::SixHours, 60, 60, 360),
            (Range::Day, 300, 60, 288),
            (Range::Week, 1800, 60, 336),
            (Range::Month, 7200, 3600, 360),
        ] {
            let window = Window::of(range, now).unwrap();
            assert_eq!((window.step, window.coarsest(), window.len()), (step, blocks, steps), "{range:?}");
            assert_eq!((window.from % step, window.to % step), (0, 0));
            assert!(window.to >= now.timestamp() && window.to - now.timestamp() < step);
        }
        let sparks = Window::last(24, 900, now);
        assert_eq!((sparks.len(), sparks.coarsest()), (96, 60));
    }

    #[test]
    fn a_range_of_ones_own_has_steps_that_are_kept() {
        let now = at(0);
        let hours =
            |from: i64, to: i64| Window::of(Range::Between(at(from * 3600), at(to * 3600)), now).unwrap();
        assert_eq!(hours(-1, 0).step, 10);
        assert_eq!(hours(-49, -48).step, 60, "samples are not kept so long");
        assert_eq!(hours(-24 * 16, -24 * 16 + 1).step, 3600, "nor are minutes");
        let longest = hours(-24 * 400, 0);
        assert!(longest.len() <= 360 && longest.coarsest() == 3600, "{longest:?}");
        assert_eq!(hours(-1, 5).to, now.timestamp(), "an end in the future is now");
    }

    #[test]
    fn what_cannot_be_shown_is_refused_in_words() {
        let refused = |from: i64, to: i64| {
            Window::of(Range::Between(at(from), at(to)), at(0))
                .unwrap_err()
                .problem()
                .field("range")
                .unwrap()
                .to_owned()
        };
        assert!(refused(-10, -10).contains("before it ends"));
        assert!(refused(-10, -20).contains("before it ends"));
        assert!(refused(10, 20).contains("future"));
        assert!(refused(-401 * 86_400, 0).contains("400 days"));
    }

    #[test]
    fn a_step_has_mean_least_and_most_and_empty_ones_are_empty() {
        let window = Window { from: 0, to: 180, step: 60 };
        let mut steps = Steps::new(window, &[Metric::Connections]);
        let mut block = Block::samples(3);
        for (point, value) in [(0, 1.0), (1, 2.0), (2, 6.0)] {
            block.set(Metric::Connections, point, Spread { avg: value, min: value, max: value });
        }
        steps.add(-10, 10, &block);
        let mut later = Block::samples(1);
        later.set(Metric::Connections, 0, Spread { avg: 9.0, min: 9.0, max: 9.0 });
        steps.add(120, 10, &later);
        steps.add(180, 10, &later);
        let view = steps.views().remove(0);
        assert_eq!(
            view.points[0],
            Some(Point { avg: 4.0, min: 2.0, max: 6.0 }),
            "what was before is left out"
        );
        assert_eq!((view.points[1], view.points.len()), (None, 3));
        assert_eq!((view.points[2].map(|p| p.avg), view.now), (Some(9.0), Some(9.0)));
        assert_eq!(view.all.map(|all| (all.min, all.max)), Some((2.0, 9.0)));
    }
}
