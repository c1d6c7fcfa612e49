//! How exactly a value is kept: a code of few bits that grows with the value.
//!
//! Each unit has a smallest step and a number of fraction bits `k`. A value is off by at most half the smallest step, or
//! by 2^-(k+1) of itself where that is more: for all units but counts and bytes about 0.1 %, less than a page shows.
//! Codes are whole numbers in the order of the values, so that their differences are small and compress well. What was
//! rounded once stays what it is: a value in memory and its stored twin are the same number.

use types::metric::Unit;

/// Nothing that is measured is larger, in smallest steps.
const MOST: f64 = (1_u64 << 60) as f64;

/// The smallest step, a power of two, and the fraction bits.
const fn of(unit: Unit) -> (f64, u32) {
    match unit {
        Unit::Percent => (1.0 / 64.0, 9),
        // Whole counts are exact to 2047; means of them are not whole.
        Unit::Count => (1.0 / 16.0, 14),
        Unit::Bytes => (1.0, 12),
        Unit::BytesPerSecond => (1.0, 9),
        // One deadlock in an hour is 0.0003 per second.
        Unit::PerSecond => (1.0 / 1_048_576.0, 9),
        Unit::Milliseconds => (1.0 / 1024.0, 8),
        Unit::Seconds => (1.0 / 8.0, 12),
    }
}

/// The code of a value; `None`: it is no number. Less than nothing was never measured and counts as nothing.
#[must_use]
pub fn code(unit: Unit, value: f64) -> Option<u64> {
    if value.is_nan() {
        return None;
    }
    let (step, fraction) = of(unit);
    let whole = (value / step).round().clamp(0.0, MOST) as u64;
    let bits = u64::BITS - whole.leading_zeros();
    let Some(shift) = bits.checked_sub(fraction + 1).filter(|shift| *shift > 0) else { return Some(whole) };
    let rounded = (whole + (1 << (shift - 1))) >> shift;
    Some((u64::from(shift) << fraction) + rounded)
}

/// The value of a code. Codes that no value has become large ones.
#[must_use]
pub fn value(unit: Unit, code: u64) -> f32 {
    let (step, fraction) = of(unit);
    let shift = (code >> fraction).saturating_sub(1);
    let mantissa = code - (shift << fraction);
    // At most 15 bits of mantissa: exact in an f32.
    (mantissa as f64 * 2_f64.powi(shift.min(64) as i32) * step) as f32
}

/// The value as it is kept; NaN for what is no number.
#[must_use]
pub fn rounded(unit: Unit, number: f64) -> f32 {
    code(unit, number).map_or(f32::NAN, |code| value(unit, code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: [Unit; 7] = [
        Unit::Percent,
        Unit::Bytes,
        Unit::BytesPerSecond,
        Unit::Count,
        Unit::PerSecond,
        Unit::Milliseconds,
        Unit::Seconds,
    ];

    #[test]
    fn whole_counts_and_nothing_are_exact() {
        for count in 0..2048 {
            assert_eq!(rounded(Unit::Count, f64::from(count)), count as f32);
        }
        for unit in UNITS {
            assert_eq!((rounded(unit, 0.0), rounded(unit, -3.0)), (0.0, 0.0));
            assert!(rounded(unit, f64::NAN).is_nan());
            assert!(rounded(unit, f64::INFINITY).is_finite());
        }
    }

    proptest! {
        #[test]
        fn a_value_is_off_by_no_more_than_stated(unit in 0..UNITS.len(), value in 0.0..1e12_f64) {
            let unit = UNITS[unit];
            let (step, fraction) = of(unit);
            let kept = f64::from(rounded(unit, value));
            let allowed = (step / 2.0).max(value / f64::from(2_u32 << fraction)) * 1.0001;
            prop_assert!((kept - value).abs() <= allowed, "{value} became {kept}");
            prop_assert_eq!(f64::from(rounded(unit, kept)), kept, "rounded once for all");
        }

        #[test]
        fn codes_are_in_the_order_of_values(unit in 0..UNITS.len(), a in 0.0..1e12_f64, b in 0.0..1e12_f64) {
            let unit = UNITS[unit];
            prop_assert_eq!(a < b && code(unit, a) > code(unit, b), false);
        }
    }
}
