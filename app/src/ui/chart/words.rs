//! What a chart says in words and figures: its summary, its legend's figures, the rows of its table. Pure.
//!
//! Chart, cursor and table show the same figures, because all of them take them from [`kept`].

use super::frame::Frame;
use std::fmt::Write as _;
use types::metric::{PanelView, Point, SeriesView, Unit};

/// A table has at most so many rows; the CSV has all.
pub const MOST_ROWS: usize = 48;

/// A value as it is shown everywhere: to a thousandth of its unit.
#[must_use]
pub fn kept(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The unit's words for a value.
#[must_use]
pub fn tell(unit: Unit, value: f64) -> String {
    unit.tell(kept(value))
}

/// The unit's words for a value, or a dash for what was not seen.
#[must_use]
pub fn tell_or_dash(unit: Unit, value: Option<f64>) -> String {
    value.map_or_else(|| "—".to_owned(), |value| tell(unit, value))
}

/// Words for a line of the scale: nothing needs no unit.
#[must_use]
pub fn tick(unit: Unit, value: f64) -> String {
    if value <= 0.0 { "0".into() } else { unit.tell(value) }
}

/// "CPU, last 24 h: 3 % to 41 %, now 12 %."
#[must_use]
pub fn summary(panel: &PanelView, frame: &Frame) -> String {
    let unit = panel.panel.unit();
    let series = |series: &SeriesView| {
        let Point { min, max, .. } = series.all?;
        let now = series.now.map(|now| format!(", now {}", tell(unit, now))).unwrap_or_default();
        let span = if tell(unit, min) == tell(unit, max) {
            tell(unit, min)
        } else {
            format!("{} to {}", tell(unit, min), tell(unit, max))
        };
        Some((series.metric.title(), format!("{span}{now}")))
    };
    let told: Vec<_> = panel.series.iter().filter_map(series).collect();
    let title = panel.panel.title();
    match &told[..] {
        [] => format!("{title}, {}: nothing was recorded.", frame.words),
        [(_, words)] if panel.series.len() == 1 => format!("{title}, {}: {words}.", frame.words),
        several => {
            let each: Vec<_> = several.iter().map(|(name, words)| format!("{name} {words}")).collect();
            format!("{title}, {}: {}.", frame.words, each.join("; "))
        }
    }
}

/// The values of all series for the cursor: `,` between steps, `;` between series, nothing where nothing was seen.
#[must_use]
pub fn packed(series: &[SeriesView]) -> String {
    let mut text = String::new();
    for (at, series) in series.iter().enumerate() {
        if at > 0 {
            text.push(';');
        }
        for (step, point) in series.points.iter().enumerate() {
            if step > 0 {
                text.push(',');
            }
            if let Some(point) = point {
                // Writing to a string cannot fail.
                let _ = write!(text, "{}", kept(point.avg));
            }
        }
    }
    text
}

/// What [`packed`] packed.
#[must_use]
pub fn unpacked(text: &str) -> Vec<Vec<Option<f64>>> {
    text.split(';').map(|series| series.split(',').map(|value| value.parse().ok()).collect()).collect()
}

/// The steps that a table shows, newest first: those where something was seen, evenly thinned. And how many there are.
#[must_use]
pub fn rows(series: &[SeriesView]) -> (Vec<usize>, usize) {
    let steps = series.iter().map(|series| series.points.len()).max().unwrap_or(0);
    let seen = |at: &usize| series.iter().any(|series| series.points.get(*at).is_some_and(Option::is_some));
    let all: Vec<usize> = (0..steps).rev().filter(seen).collect();
    let every = all.len().div_ceil(MOST_ROWS).max(1);
    (all.iter().copied().step_by(every).collect(), all.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};
    use types::metric::{Metric, Panel};

    fn series(metric: Metric, values: &[Option<f64>]) -> SeriesView {
        let point = |avg: f64| Point { avg, min: avg, max: avg };
        let seen: Vec<f64> = values.iter().flatten().copied().collect();
        let all = seen.iter().copied().reduce(f64::min).map(|min| Point {
            avg: min,
            min,
            max: seen.iter().copied().fold(min, f64::max),
        });
        SeriesView {
            metric,
            points: values.iter().map(|value| value.map(point)).collect(),
            now: seen.last().copied(),
            all,
        }
    }

    fn frame() -> Frame {
        let from: DateTime<Utc> = "2026-11-27T13:00:00Z".parse().unwrap();
        Frame { from, to: from, step_s: 10, words: "last 24 h".into(), signs: Vec::new() }
    }

    #[test]
    fn a_summary_tells_what_a_look_tells() {
        let cpu = series(Metric::Cpu, &[Some(3.0), Some(41.0), Some(12.0)]);
        let panel = PanelView { panel: Panel::Cpu, series: vec![cpu], limit: None };
        assert_eq!(summary(&panel, &frame()), "CPU, last 24 h: 3 % to 41 %, now 12 %.");
        let none = PanelView { panel: Panel::Cpu, series: vec![series(Metric::Cpu, &[None])], limit: None };
        assert_eq!(summary(&none, &frame()), "CPU, last 24 h: nothing was recorded.");
        let two = vec![series(Metric::Locks, &[Some(4.0)]), series(Metric::LocksWaiting, &[Some(0.0)])];
        let two = PanelView { panel: Panel::Locks, series: two, limit: None };
        assert_eq!(summary(&two, &frame()), "Locks, last 24 h: Locks 4, now 4; waited for 0, now 0.");
    }

    #[test]
    fn the_cursor_gets_what_the_table_shows() {
        let values = [Some(1.0 / 3.0), None, Some(412.0 * 1_048_576.0), Some(0.0)];
        let series =
            [series(Metric::Memory, &values), series(Metric::MemoryCache, &[None, None, Some(7.25), None])];
        let text = packed(&series);
        assert_eq!(text, "0.333,,432013312,0;,,7.25,");
        let back = unpacked(&text);
        for (series, back) in series.iter().zip(back) {
            let shown: Vec<_> =
                series.points.iter().map(|point| point.map(|point| kept(point.avg))).collect();
            assert_eq!(back, shown);
        }
    }

    #[test]
    fn a_table_is_thinned_and_leaves_gaps_out() {
        let sparse = series(Metric::Cpu, &[None, Some(1.0), None, Some(2.0)]);
        assert_eq!(rows(&[sparse]), (vec![3, 1], 2));
        let dense = series(Metric::Cpu, &[Some(1.0); 360]);
        let (shown, all) = rows(&[dense]);
        assert_eq!((shown.len(), all), (45, 360));
        assert_eq!(rows(&[]), (Vec::new(), 0));
    }
}
