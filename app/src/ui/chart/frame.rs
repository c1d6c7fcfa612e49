//! What all charts of a page share: from when to when they go, their steps, and the numbered marks at the top edge.
//!
//! Pure. Marks that would cover each other become one sign that names the first and the last of them.

use super::{clock, line::middle};
use chrono::{DateTime, TimeDelta, Utc};
use types::metric::{MarkView, MetricsView};

/// Signs closer than this share of a chart's width would cover each other.
const APART: f64 = 0.05;

/// The common ground of charts.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// The first step begins here.
    pub from: DateTime<Utc>,
    /// The last step ends here.
    pub to: DateTime<Utc>,
    /// How long a step is, seconds.
    pub step_s: u32,
    /// "last 24 h", "between the two times": as a sentence names the range.
    pub words: String,
    /// Signs at the top edge.
    pub signs: Vec<Sign>,
}

/// A sign at the top edge: one mark or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    /// How far from the left it is, 0–1.
    pub share: f64,
    /// `2`, or `2–4`: as the list of marks numbers them.
    pub words: String,
    /// The tone of the last of them.
    pub tone: String,
    /// What happened, each on a line.
    pub title: String,
}

impl Frame {
    /// The ground of a view's charts.
    #[must_use]
    pub fn of(view: &MetricsView) -> Self {
        let words = match view.range {
            types::metric::Range::Between(..) => "in this time".to_owned(),
            range => format!("last {}", spaced(range.key())),
        };
        Self {
            from: view.from,
            to: view.to,
            step_s: view.step_s,
            words,
            signs: signs(&view.marks, view.from, view.to),
        }
    }

    /// When a step begins.
    #[must_use]
    pub fn time(&self, step: usize) -> DateTime<Utc> {
        self.from + TimeDelta::seconds(i64::from(self.step_s) * i64::try_from(step).unwrap_or(0))
    }

    /// A step as the legend and the table name it.
    #[must_use]
    pub fn name(&self, step: usize) -> String {
        clock::name(self.time(step), self.step_s, self.to - self.from)
    }
}

/// `24 h` of `24h`.
#[must_use]
pub fn spaced(key: &str) -> String {
    let at = key.find(|c: char| !c.is_ascii_digit()).unwrap_or(key.len());
    format!("{} {}", &key[..at], &key[at..])
}

fn signs(marks: &[MarkView], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Sign> {
    let mut all: Vec<(f64, usize, usize)> = Vec::new();
    for (at, mark) in marks.iter().enumerate() {
        let share = clock::share(from, to, mark.at);
        match all.last_mut().filter(|(first, ..)| share - *first < APART) {
            Some((_, _, last)) => *last = at,
            None => all.push((share, at, at)),
        }
    }
    let sign = |(share, first, last): (f64, usize, usize)| Sign {
        share,
        words: if first == last { (first + 1).to_string() } else { format!("{}–{}", first + 1, last + 1) },
        tone: marks[last].tone.clone(),
        title: marks[first..=last].iter().map(|mark| mark.title.as_str()).collect::<Vec<_>>().join("\n"),
    };
    all.into_iter().map(sign).collect()
}

/// Where a step is, as the percentage that SVG takes.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}

/// The middle of a step, likewise.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "steps of a chart")]
pub fn step_percent(at: usize, steps: usize) -> String {
    percent(middle(at, steps.max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_that_would_cover_each_other_are_one_sign() {
        let from: DateTime<Utc> = "2026-11-27T13:00:00Z".parse().unwrap();
        let mark = |minutes: i64, title: &str| MarkView {
            at: from + TimeDelta::minutes(minutes),
            title: title.into(),
            tone: "ok".into(),
            operation: None,
        };
        let marks = [mark(6, "Plan changed"), mark(7, "Restarted"), mark(30, "Stopped")];
        let signs = signs(&marks, from, from + TimeDelta::hours(1));
        let told: Vec<_> = signs.iter().map(|sign| (percent(sign.share), sign.words.as_str())).collect();
        assert_eq!(told, [("10.00%".into(), "1–2"), ("50.00%".into(), "3")]);
        assert_eq!(signs[0].title, "Plan changed\nRestarted");
    }

    #[test]
    fn a_key_reads_with_a_space() {
        assert_eq!([spaced("24h"), spaced("7d")], ["24 h", "7 d"]);
    }
}
