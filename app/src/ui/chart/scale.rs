//! The vertical scale of a chart: from nothing to a round value that the highest fits under, with a line at each step.
//!
//! Pure. Steps are round in the unit's own terms: powers of two for bytes, minutes and hours for times.

use types::metric::Unit;

/// At most so many steps: five lines with the one at nothing.
const MOST: f64 = 4.0;
/// A limit that is at most so many times the highest value is drawn; a farther one would flatten the data.
const NEAR: f64 = 2.5;

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

/// Whether a limit belongs on a chart whose highest value is `highest`.
#[must_use]
pub fn is_near(limit: f64, highest: f64) -> bool {
    limit > 0.0 && limit <= highest * NEAR
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
    fn a_far_limit_does_not_flatten_the_data() {
        assert!(is_near(60.0, 40.0) && is_near(60.0, 70.0));
        assert!(!is_near(60.0, 14.0) && !is_near(0.0, 14.0));
    }

    #[test]
    fn a_share_stays_in_the_chart() {
        let scale = Scale::of(Unit::Percent, 100.0);
        assert_eq!([-1.0, 0.0, 50.0, 200.0].map(|v| scale.share(v).to_string()), ["0", "0", "0.5", "1"]);
    }
}
