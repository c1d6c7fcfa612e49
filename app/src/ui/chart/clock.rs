//! The horizontal scale of a chart: where the round times are, in UTC, and how a moment reads there. Pure.

use chrono::{DateTime, TimeDelta, Utc};

/// At most so many times under a chart.
const MOST: i64 = 7;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// Seconds between two of them.
const STEPS: [i64; 20] = [
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    5 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    60 * DAY,
    90 * DAY,
];

/// A time under a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// How far from the left it is, 0–1.
    pub share: f64,
    /// `14:00`, or `27 Nov` where a day begins.
    pub words: String,
}

/// The round times between two moments.
#[must_use]
pub fn ticks(from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Tick> {
    let (begin, end) = (from.timestamp(), to.timestamp());
    let span = (end - begin).max(1);
    let step = STEPS.into_iter().find(|step| span / step <= MOST).unwrap_or(span / MOST);
    let first = begin.div_euclid(step) * step + if begin.rem_euclid(step) == 0 { 0 } else { step };
    let mut all = Vec::new();
    let mut at = first;
    while at <= end {
        if let Some(time) = DateTime::from_timestamp(at, 0) {
            all.push(Tick { share: share(from, to, time), words: words(time) });
        }
        at += step;
    }
    all
}

/// How far between two moments a third one is, 0–1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share of a chart")]
pub fn share(from: DateTime<Utc>, to: DateTime<Utc>, at: DateTime<Utc>) -> f64 {
    let span = (to - from).num_milliseconds().max(1) as f64;
    ((at - from).num_milliseconds() as f64 / span).clamp(0.0, 1.0)
}

fn words(at: DateTime<Utc>) -> String {
    let format = if at.timestamp() % DAY == 0 { "%-d %b" } else { "%H:%M" };
    at.format(format).to_string()
}

/// A step of a chart, as the legend and the table name it: to the second where steps are short, with its day where
/// the chart has several.
#[must_use]
pub fn name(at: DateTime<Utc>, step_s: u32, span: TimeDelta) -> String {
    let short = step_s < 60;
    let format = match (span > TimeDelta::hours(24), short) {
        (false, true) => "%H:%M:%S",
        (false, false) => "%H:%M",
        (true, true) => "%-d %b %H:%M:%S",
        (true, false) => "%-d %b %H:%M",
    };
    at.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn told(from: &str, to: &str) -> Vec<String> {
        ticks(at(from), at(to)).into_iter().map(|tick| tick.words).collect()
    }

    #[test]
    fn times_are_round_and_few() {
        assert_eq!(
            told("2026-11-27T13:02:10Z", "2026-11-27T14:02:10Z"),
            ["13:10", "13:20", "13:30", "13:40", "13:50", "14:00"]
        );
        assert_eq!(
            told("2026-11-26T14:02:00Z", "2026-11-27T14:02:00Z"),
            ["16:00", "20:00", "27 Nov", "04:00", "08:00", "12:00"]
        );
        let days = told("2026-11-20T14:00:00Z", "2026-11-27T14:00:00Z");
        assert_eq!(days, [21, 22, 23, 24, 25, 26, 27].map(|day| format!("{day} Nov")));
    }

    #[test]
    fn any_range_has_some() {
        let to = at("2026-11-27T14:02:00Z");
        for minutes in [1, 3, 60, 361, 1_440, 10_080, 43_200, 576_000] {
            let count = ticks(to - TimeDelta::minutes(minutes), to).len();
            assert!((1..=8).contains(&count), "{minutes} minutes have {count}");
        }
    }

    #[test]
    fn shares_are_between_the_ends() {
        let (from, to) = (at("2026-11-27T13:00:00Z"), at("2026-11-27T14:00:00Z"));
        assert_eq!(ticks(from, to).first().unwrap().share.to_string(), "0");
        assert_eq!(share(from, to, at("2026-11-27T13:15:00Z")).to_string(), "0.25");
        assert_eq!(share(from, to, at("2026-11-27T15:00:00Z")).to_string(), "1");
    }

    #[test]
    fn a_step_is_named_as_exactly_as_it_is() {
        let (time, hour, week) = (at("2026-11-27T13:02:10Z"), TimeDelta::hours(1), TimeDelta::days(7));
        assert_eq!([name(time, 10, hour), name(time, 60, hour)], ["13:02:10", "13:02"]);
        assert_eq!([name(time, 10, week), name(time, 3600, week)], ["27 Nov 13:02:10", "27 Nov 13:02"]);
    }
}
