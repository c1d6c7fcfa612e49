//! The charts of a database as pages and clients get them: steps, series, limits, marks.

use super::{Metric, Panel, Range};
use crate::OperationId;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// One step of a series: what was seen between two moments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The mean.
    pub avg: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

/// One series of a chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesView {
    /// Which.
    pub metric: Metric,
    /// One for each step of the chart, from its beginning; `None` where nothing was seen.
    pub points: Vec<Option<Point>>,
    /// The last value; `None` when nothing was seen at all.
    pub now: Option<f64>,
    /// Over the whole range.
    pub all: Option<Point>,
}

/// One chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelView {
    /// Which.
    pub panel: Panel,
    /// Its series.
    pub series: Vec<SeriesView>,
    /// The plan's limit, in the chart's unit, and its words: "Starter 512M: 512 MB".
    pub limit: Option<(f64, String)>,
}

/// Something that happened, at the upper edge of every chart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MarkView {
    /// When.
    pub at: DateTime<Utc>,
    /// "Database restarted"
    pub title: String,
    /// `ok`, `run`, `warn`, `err` or `off`.
    pub tone: String,
    /// The operation that did it.
    pub operation: Option<OperationId>,
}

/// The charts of a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsView {
    /// What was asked for.
    pub range: Range,
    /// The first step begins here.
    pub from: DateTime<Utc>,
    /// The last step ends here.
    pub to: DateTime<Utc>,
    /// How long a step is, seconds.
    pub step_s: u32,
    /// The charts, in the order of the page.
    pub panels: Vec<PanelView>,
    /// What happened meanwhile, oldest first.
    pub marks: Vec<MarkView>,
    /// Now, as the server sees it.
    pub now: DateTime<Utc>,
}

impl MetricsView {
    /// When a step begins.
    #[must_use]
    pub fn time_of(&self, step: usize) -> DateTime<Utc> {
        self.from + TimeDelta::seconds(i64::from(self.step_s) * i64::try_from(step).unwrap_or(0))
    }
}
