//! Values as paths: a line with its gaps, dots for values that have no neighbour, and the band from lowest to highest.
//!
//! Pure. Paths are drawn in a box of [`WIDTH`] by [`HEIGHT`] that is stretched over the chart; strokes are not.

use super::scale::Scale;
use std::fmt::Write as _;
use types::metric::Point;

/// Of the box that paths are drawn in.
pub const WIDTH: f64 = 1000.0;
/// Of the box that paths are drawn in.
pub const HEIGHT: f64 = 200.0;

/// A series, drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// From value to value.
    pub line: String,
    /// Values that have no neighbour: lines of no length, which a round stroke makes dots.
    pub dots: String,
}

/// Runs of steps that were seen: each step's place and value.
fn runs<T: Copy>(points: impl Iterator<Item = Option<T>>) -> Vec<Vec<(usize, T)>> {
    let mut all: Vec<Vec<(usize, T)>> = Vec::new();
    let mut open = false;
    for (at, point) in points.enumerate() {
        match (point, all.last_mut().filter(|_| open)) {
            (Some(value), Some(run)) => run.push((at, value)),
            (Some(value), None) => all.push(vec![(at, value)]),
            (None, _) => {}
        }
        open = point.is_some();
    }
    all
}

/// The means of a series.
#[must_use]
pub fn lines(points: &[Option<Point>], scale: &Scale) -> Lines {
    let mut drawn = Lines::default();
    for run in runs(points.iter().map(|point| point.map(|point| point.avg))) {
        if let [(at, value)] = run[..] {
            corner(&mut drawn.dots, 'M', x(at, points.len()), y(value, scale));
            drawn.dots.push_str("h0");
        } else {
            trace(&mut drawn.line, 'M', run.into_iter(), points.len(), scale);
        }
    }
    drawn
}

/// Between the lowest and the highest of each step; empty where steps hold one value each.
#[must_use]
pub fn band(points: &[Option<Point>], scale: &Scale) -> String {
    let wide = |point: &Point| scale.share(point.max) - scale.share(point.min) > 0.01;
    let mut path = String::new();
    if !points.iter().flatten().any(wide) {
        return path;
    }
    for run in runs(points.iter().copied()) {
        if run.len() > 1 {
            trace(&mut path, 'M', run.iter().map(|(at, p)| (*at, p.max)), points.len(), scale);
            trace(&mut path, 'L', run.iter().rev().map(|(at, p)| (*at, p.min)), points.len(), scale);
            path.push('Z');
        }
    }
    path
}

fn trace(
    path: &mut String,
    first: char,
    run: impl Iterator<Item = (usize, f64)>,
    steps: usize,
    scale: &Scale,
) {
    let mut command = first;
    for (at, value) in run {
        corner(path, command, x(at, steps), y(value, scale));
        command = 'L';
    }
}

fn corner(path: &mut String, command: char, x: f64, y: f64) {
    // Writing to a string cannot fail.
    let _ = write!(path, "{command}{} {}", tenth(x), tenth(y));
}

/// The middle of a step.
#[expect(clippy::cast_precision_loss, reason = "steps of a chart")]
fn x(at: usize, steps: usize) -> f64 {
    middle(at, steps.max(1) as f64) * WIDTH
}

/// The middle of a step, as a share of all.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "steps of a chart")]
pub fn middle(at: usize, steps: f64) -> f64 {
    (at as f64 + 0.5) / steps
}

fn y(value: f64, scale: &Scale) -> f64 {
    HEIGHT * (1.0 - scale.share(value))
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::metric::Unit;

    fn points(values: &[Option<f64>]) -> Vec<Option<Point>> {
        values.iter().map(|value| value.map(|avg| Point { avg, min: avg, max: avg })).collect()
    }

    fn hundred() -> Scale {
        Scale::of(Unit::Percent, 100.0)
    }

    #[test]
    fn gaps_stay_gaps() {
        let seen = points(&[Some(0.0), Some(50.0), None, Some(100.0), Some(100.0)]);
        assert_eq!(lines(&seen, &hundred()).line, "M100 200L300 100M700 0L900 0");
    }

    #[test]
    fn a_lonely_value_is_a_dot() {
        let seen = points(&[None, Some(50.0), None, Some(0.0)]);
        let drawn = lines(&seen, &hundred());
        assert_eq!((drawn.line.as_str(), drawn.dots.as_str()), ("", "M375 100h0M875 200h0"));
    }

    #[test]
    fn nothing_draws_nothing() {
        assert_eq!(lines(&points(&[None, None]), &hundred()), Lines::default());
        assert_eq!(lines(&[], &hundred()), Lines::default());
    }

    #[test]
    fn a_band_goes_there_and_back() {
        let step = |min, max| Some(Point { avg: f64::midpoint(min, max), min, max });
        assert_eq!(
            band(&[step(0.0, 50.0), step(25.0, 100.0)], &hundred()),
            "M250 100L750 0L750 150L250 200Z"
        );
        assert_eq!(band(&points(&[Some(3.0), Some(4.0)]), &hundred()), "");
    }
}
