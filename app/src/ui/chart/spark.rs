//! A line of 96 by 24 beside a figure: which way it went. Decorative: the figure beside it is what counts.

use leptos::prelude::*;
use std::fmt::Write as _;
use types::metric::SeriesView;

const WIDTH: f64 = 96.0;
const HEIGHT: f64 = 24.0;
/// More points than pixels tell nothing.
const MOST: usize = 96;

/// The path of a series, gaps left out; empty while there are fewer than two values.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a line of 96 pixels")]
pub fn spark_path(series: &SeriesView) -> String {
    let top = series.all.map_or(0.0, |all| all.max);
    let per = series.points.len().div_ceil(MOST).max(1);
    let buckets: Vec<Option<f64>> = series.points.chunks(per).map(mean).collect();
    let mut path = String::new();
    let mut open = false;
    for (at, value) in buckets.iter().enumerate() {
        if let Some(value) = value {
            let x = (at as f64 + 0.5) / buckets.len() as f64 * WIDTH;
            let y = if top > 0.0 { HEIGHT - 1.0 - value / top * (HEIGHT - 2.0) } else { HEIGHT - 1.0 };
            // Writing to a string cannot fail.
            let _ = write!(path, "{}{:.1} {:.1}", if open { 'L' } else { 'M' }, x, y);
        }
        open = value.is_some();
    }
    path
}

#[expect(clippy::cast_precision_loss, reason = "some dozens of points")]
fn mean(points: &[Option<types::metric::Point>]) -> Option<f64> {
    let seen: Vec<f64> = points.iter().flatten().map(|point| point.avg).collect();
    if seen.is_empty() { None } else { Some(seen.iter().sum::<f64>() / seen.len() as f64) }
}

/// A sparkline, as wide as its place.
#[component]
pub fn Spark(
    /// From [`spark_path`].
    path: String,
) -> impl IntoView {
    view! {
        <svg class="spark" viewBox="0 0 96 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">
            <path d=path />
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::metric::{Metric, Point};

    fn series(values: &[Option<f64>]) -> SeriesView {
        let point = |avg: f64| Point { avg, min: avg, max: avg };
        let most = values.iter().flatten().copied().fold(0.0, f64::max);
        SeriesView {
            metric: Metric::Cpu,
            points: values.iter().map(|value| value.map(point)).collect(),
            now: None,
            all: Some(point(most)),
        }
    }

    #[test]
    fn it_goes_from_nothing_to_the_highest() {
        assert_eq!(spark_path(&series(&[Some(0.0), Some(10.0)])), "M24.0 23.0L72.0 1.0");
        assert_eq!(spark_path(&series(&[Some(0.0), None, Some(0.0)])), "M16.0 23.0M80.0 23.0");
        assert_eq!(spark_path(&series(&[])), "");
    }

    #[test]
    fn many_points_become_as_many_as_pixels() {
        let path = spark_path(&series(&[Some(1.0); 1000]));
        assert_eq!(path.matches(['M', 'L']).count(), 91);
    }
}
