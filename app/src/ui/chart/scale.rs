//! The vertical scale of a chart: from nothing to a round value that the highest fits under, with a line at each step.
//!
//! Pure. Steps are round in the unit's own terms: powers of two for bytes, minutes and hours for times.

use types::metric::Unit;

/// At most so many steps: five lines with the one at nothing.
const MOST: f64 = 4.0;
/// A limit that is at most so many times the highest value has its place in the scale: 14 of 60 still fill a quarter of
/// the chart. A farther one would flatten the data, and stands at the upper edge.
const NEAR: f64 = 5.0;

/// A scale from 0 to `top`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// The upper end, in the chart's unit.
    pub top: f64,
    /// Where the lines are, from 0 to `top`.
    pub ticks: Vec<f64>,
}

impl Scale {
    /// A scale that `highest` fits into.
    #[must_use]
    pub fn of(unit: Unit, highest: f64) -> Self {
        let step = step(unit, highest);
        let mut ticks = vec![0.0];
        let mut at = 0.0;
        for count in [1.0, 2.0, 3.0, 4.0] {
            // Two steps at least, so that a line stands between the ends. A hair above a line still ends there:
            // 0.1 + 0.2 needs no fourth step of 0.1.
            if ticks.len() > 2 && at >= highest * (1.0 - 1e-9) {
                break;
            }
            at = step * count;
            ticks.push(at);
        }
        Self { top: at, ticks }
    }

    /// How far up a value is, 0–1.
    #[must_use]
    pub fn share(&self, value: f64) -> f64 {
        if self.top > 0.0 { (value / self.top).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A plan's limit, which every chart that has one shows as a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitLine {
    /// At its value.
    Within(f64),
    /// At the upper edge, since its value is far above what was seen; its words and an arrow say so.
    Above(f64),
}

impl LimitLine {
    /// Where the limit of a chart is drawn whose highest value is `highest`; `None`: there is no limit.
    #[must_use]
    pub fn of(limit: Option<f64>, highest: f64) -> Option<Self> {
        let limit = limit.filter(|limit| *limit > 0.0)?;
        Some(if limit <= highest * NEAR { Self::Within(limit) } else { Self::Above(limit) })
    }

    /// The limit, in the chart's unit.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::Within(limit) | Self::Above(limit) => limit,
        }
    }

    /// How high the scale must reach to show what is up to `highest`.
    #[must_use]
    pub fn reach(line: Option<Self>, highest: f64) -> f64 {
        match line {
            Some(Self::Within(limit)) => limit.max(highest),
            Some(Self::Above(_)) | None => highest,
        }
    }

    /// How far up the line is, 0–1.
    #[must_use]
    pub fn share(self, scale: &Scale) -> f64 {
        match self {
            Self::Within(limit) => scale.share(limit),
            Self::Above(_) => 1.0,
        }
    }
}

/// The smallest round step of which at most [`MOST`] reach `highest`.
fn step(unit: Unit, highest: f64) -> f64 {
    let least = highest / MOST * (1.0 - 1e-9);
    match unit {
        Unit::Bytes | Unit::BytesPerSecond => least.max(1024.0).log2().ceil().exp2(),
        Unit::Count => decimal(least, &[1.0, 2.0, 5.0, 10.0]).max(1.0),
        Unit::Percent => decimal(least.max(0.25), &[1.0, 2.0, 2.5, 5.0, 10.0]),
        Unit::Seconds => clock(least.max(1.0)),
        Unit::PerSecond | Unit::Milliseconds if highest <= 0.0 => 0.25,
        Unit::PerSecond | Unit::Milliseconds => decimal(least.max(0.01), &[1.0, 2.0, 2.5, 5.0, 10.0]),
    }
}

/// The smallest of `of`, times a power of ten, that is at least `least`.
fn decimal(least: f64, of: &[f64]) -> f64 {
    if least <= 0.0 {
        return 0.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    of.iter().map(|step| step * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}

/// Round in seconds, minutes, hours and days.
fn clock(least: f64) -> f64 {
    const STEPS: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0,
        21_600.0, 43_200.0,
    ];
    let day = 86_400.0;
    STEPS
        .into_iter()
        .find(|step| *step >= least)
        .unwrap_or_else(|| decimal(least / day, &[1.0, 2.0, 5.0, 10.0]) * day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(unit: Unit, highest: f64) -> Vec<String> {
        Scale::of(unit, highest).ticks.into_iter().map(|tick| unit.tell(tick)).collect()
    }

    #[test]
    fn lines_are_at_round_values() {
        assert_eq!(words(Unit::Percent, 41.0), ["0 %", "20 %", "40 %", "60 %"]);
        assert_eq!(words(Unit::Percent, 100.0), ["0 %", "25 %", "50 %", "75 %", "100 %"]);
        assert_eq!(words(Unit::Count, 14.0), ["0", "5", "10", "15"]);
        assert_eq!(words(Unit::Count, 1.0), ["0", "1", "2"]);
        assert_eq!(words(Unit::Seconds, 200.0), ["0.0 s", "1m 00s", "2m 00s", "3m 00s", "4m 00s"]);
        let mb = f64::from(1 << 20);
        assert_eq!(words(Unit::Bytes, 412.0 * mb), ["0 bytes", "128 MB", "256 MB", "384 MB", "512 MB"]);
        assert_eq!(words(Unit::BytesPerSecond, 1.4 * mb)[1..], ["512 kB/s", "1 MB/s", "1.5 MB/s"]);
    }

    #[test]
    fn nothing_has_a_scale_too() {
        for unit in
            [Unit::Percent, Unit::Bytes, Unit::Count, Unit::PerSecond, Unit::Milliseconds, Unit::Seconds]
        {
            let scale = Scale::of(unit, 0.0);
            assert!(scale.top > 0.0, "{unit:?}");
            assert!((3..=5).contains(&scale.ticks.len()), "{unit:?}: {:?}", scale.ticks);
        }
    }

    #[test]
    fn every_value_fits_under_three_to_five_lines() {
        let units = [
            Unit::Percent,
            Unit::Bytes,
            Unit::BytesPerSecond,
            Unit::Count,
            Unit::PerSecond,
            Unit::Milliseconds,
            Unit::Seconds,
        ];
        for unit in units {
            for exponent in -30..120 {
                let highest = 1.37_f64.powi(exponent);
                let scale = Scale::of(unit, highest);
                assert!((3..=5).contains(&scale.ticks.len()), "{unit:?} {highest}: {:?}", scale.ticks);
                assert!(scale.top >= highest * (1.0 - 1e-9), "{unit:?} {highest}: {}", scale.top);
            }
        }
    }

    #[test]
    fn a_limit_is_always_a_line_and_never_flattens_the_data() {
        for (highest, drawn) in [(40.0, LimitLine::Within(60.0)), (14.0, LimitLine::Within(60.0))] {
            assert_eq!(LimitLine::of(Some(60.0), highest), Some(drawn));
            let scale = Scale::of(Unit::Count, LimitLine::reach(Some(drawn), highest));
            assert!(scale.top >= 60.0 && drawn.share(&scale) > 0.5, "the line has its place: {scale:?}");
        }
        // What was seen is above the limit, or far below it.
        assert_eq!(LimitLine::of(Some(60.0), 70.0), Some(LimitLine::Within(60.0)));
        let far = LimitLine::of(Some(60.0), 2.0);
        assert_eq!(far, Some(LimitLine::Above(60.0)));
        let scale = Scale::of(Unit::Count, LimitLine::reach(far, 2.0));
        assert!(scale.top < 10.0, "the data fill the chart: {scale:?}");
        assert_eq!(far.map(|line| line.share(&scale).to_string()).as_deref(), Some("1"), "at the upper edge");
        assert_eq!(LimitLine::of(Some(60.0), 0.0), Some(LimitLine::Above(60.0)), "nothing was used");
        assert_eq!((LimitLine::of(None, 14.0), LimitLine::of(Some(0.0), 14.0)), (None, None));
    }

    #[test]
    fn a_share_stays_in_the_chart() {
        let scale = Scale::of(Unit::Percent, 100.0);
        assert_eq!([-1.0, 0.0, 50.0, 200.0].map(|v| scale.share(v).to_string()), ["0", "0", "0.5", "1"]);
    }
}
