//! How long to wait after a failure. A pure function: chance comes in as an argument.

use std::time::Duration;

/// Failures of one step in a row that are tried again before `on_failure` decides.
pub(crate) const RETRIES: i32 = 8;

const CAP: f64 = 60.0;

/// The pause after the n-th failure in a row: half a second, then 2, 4, 8 … up to 60 s. `jitter` in 0..1 shortens
/// it by up to a quarter, so that operations that failed together do not come back together.
pub(crate) fn backoff(failures: i32, jitter: f64) -> Duration {
    let full = if failures <= 1 { 0.5 } else { 2f64.powi(failures - 1).min(CAP) };
    Duration::from_secs_f64(full * (1.0 - 0.25 * jitter.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_half_a_second_to_a_minute() {
        let pauses: Vec<_> = (1..=9).map(|n| backoff(n, 0.0).as_secs_f64()).collect();
        assert_eq!(pauses, [0.5, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]);
    }

    #[test]
    fn jitter_only_shortens() {
        assert_eq!(backoff(7, 1.0), Duration::from_secs(45));
        assert_eq!(backoff(i32::MAX, 0.5), Duration::from_secs_f64(52.5));
    }
}
