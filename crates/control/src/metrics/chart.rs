//! Charts: the panels of a database's page, one series, a table to take along, the sparklines, and the peaks that a
//! change of plan asks for.
//!
//! Every number comes from blocks or from memory. What was not seen is a gap and is never drawn through.

use super::{
    Peaks,
    block::Block,
    collector::place,
    steps::{Steps, Window},
};
use crate::{
    Action, Actor, ControlPlane, Result,
    store::{self, addon::Addon, event::OperationFilter},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use std::fmt::Write;
use types::{
    AddonId, Plan,
    metric::{MarkView, Metric, MetricsView, Panel, PanelView, Range, SeriesView},
    plan::size,
};
use uuid::Uuid;

/// Marks of one chart.
const MARKS: i64 = 100;
/// What the tiles of an overview show.
const SPARKS: [Metric; 4] = [Metric::Cpu, Metric::Memory, Metric::Connections, Metric::DiskSize];
/// Hours and seconds of a sparkline and its steps.
const SPARK: (i64, i64) = (24, 900);
/// A swap limit that was read longer ago says nothing about now.
const LIMIT_AGE: TimeDelta = TimeDelta::minutes(10);

/// One series over a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The first step begins here.
    pub from: DateTime<Utc>,
    /// The last step ends here.
    pub to: DateTime<Utc>,
    /// How long a step is, seconds.
    pub step_s: u32,
    /// What was seen.
    pub series: SeriesView,
}

impl Series {
    /// When a step begins.
    #[must_use]
    pub fn time_of(&self, step: usize) -> DateTime<Utc> {
        self.from + TimeDelta::seconds(i64::from(self.step_s) * step as i64)
    }
}

impl ControlPlane {
    /// The charts of a database.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a range that ends before it begins or is longer than what is kept.
    pub async fn metrics(&self, actor: &Actor, addon: AddonId, range: Range) -> Result<MetricsView> {
        let (row, window, now) = self.asked(actor, addon, range).await?;
        let views = self.seen(row.database_id, window, &Metric::ALL).await?;
        let plan = self.plan_shown(&row.plan);
        let swap = self.swap_limit(row.database_id, now);
        let panel = |panel: Panel| PanelView {
            panel,
            series: panel.metrics().iter().map(|metric| views[metric.index()].clone()).collect(),
            limit: limit(panel, &plan, swap),
        };
        Ok(MetricsView {
            range,
            from: window.begins(),
            to: window.ends(),
            step_s: u32::try_from(window.step).unwrap_or(u32::MAX),
            panels: Panel::ALL.map(panel).into(),
            marks: self.marks(addon, window).await?,
            now,
        })
    }

    /// One series of a database.
    ///
    /// # Errors
    /// As [`Self::metrics`].
    pub async fn metric_series(
        &self,
        actor: &Actor,
        addon: AddonId,
        metric: Metric,
        range: Range,
    ) -> Result<Series> {
        let (row, window, _) = self.asked(actor, addon, range).await?;
        let series = self.seen(row.database_id, window, &[metric]).await?.remove(0);
        let step_s = u32::try_from(window.step).unwrap_or(u32::MAX);
        Ok(Series { from: window.begins(), to: window.ends(), step_s, series })
    }

    /// The means of all series as CSV: the time (RFC 3339, UTC) and one column for each, empty where nothing was seen.
    ///
    /// # Errors
    /// As [`Self::metrics`].
    pub async fn metrics_csv(&self, actor: &Actor, addon: AddonId, range: Range) -> Result<String> {
        let (row, window, _) = self.asked(actor, addon, range).await?;
        let views = self.seen(row.database_id, window, &Metric::ALL).await?;
        let mut text = String::from("time");
        for metric in Metric::ALL {
            text.push(',');
            text.push_str(metric.key());
        }
        text.push_str("\r\n");
        for step in 0..window.len() {
            text.push_str(&window.time_of(step).to_rfc3339_opts(SecondsFormat::Secs, true));
            for view in &views {
                text.push(',');
                if let Some(point) = view.points[step] {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{}", (point.avg * 1e4).round() / 1e4);
                }
            }
            text.push_str("\r\n");
        }
        Ok(text)
    }

    /// What the tiles of the overview show of the last 24 hours; empty while nothing was seen.
    pub(crate) async fn sparks(&self, database: Uuid) -> Vec<SeriesView> {
        let window = Window::last(SPARK.0, SPARK.1, self.now());
        match self.seen(database, window, &SPARKS).await {
            Ok(views) if views.iter().all(|view| view.all.is_none()) => Vec::new(),
            Ok(views) => views,
            Err(error) => {
                tracing::warn!(%database, %error, "The last day of a database could not be read");
                Vec::new()
            }
        }
    }

    /// The most of a database since a moment. Within a step of a thinned block memory and file cache are known by
    /// themselves only: what is told of their difference is reached for certain, and can be a little less than the most.
    pub(crate) async fn peaks(&self, database: Uuid, since: DateTime<Utc>) -> Result<Peaks> {
        let now = self.now();
        let wanted = [Metric::Connections, Metric::Memory, Metric::MemoryCache];
        let window = Window { from: since.timestamp(), to: now.timestamp() + 1, step: 60 };
        let mut peaks = Peaks::default();
        let raise = |peak: &mut Option<u64>, value: f32| {
            let value = value.max(0.0).round() as u64;
            *peak = Some(peak.map_or(value, |known| known.max(value)));
        };
        self.read(database, window, &wanted, |_, _, block| {
            for point in 0..block.points() {
                if let Some(spread) = block.get(Metric::Connections, point) {
                    raise(&mut peaks.connections, spread.max);
                }
                let both = (block.get(Metric::Memory, point), block.get(Metric::MemoryCache, point));
                if let (Some(memory), Some(cache)) = both {
                    raise(&mut peaks.memory, (memory.max - cache.max).max(memory.avg - cache.avg));
                }
            }
        })
        .await?;
        Ok(peaks)
    }

    /// Who may see it, what, and which steps.
    async fn asked(
        &self,
        actor: &Actor,
        addon: AddonId,
        range: Range,
    ) -> Result<(Addon, Window, DateTime<Utc>)> {
        self.addon_access(actor, addon, Action::View).await?;
        let now = self.now();
        let window = Window::of(range, now)?;
        let mut conn = self.store().acquire().await?;
        Ok((self.live_row(&mut conn, addon).await?, window, now))
    }

    /// What was seen of these series in each step.
    async fn seen(&self, database: Uuid, window: Window, wanted: &[Metric]) -> Result<Vec<SeriesView>> {
        let mut steps = Steps::new(window, wanted);
        self.read(database, window, wanted, |begins, apart, block| steps.add(begins, apart, block)).await?;
        Ok(steps.views())
    }

    /// Reads the blocks of a time (their beginning, the seconds between points), and what is in memory alone as the
    /// last one.
    async fn read(
        &self,
        database: Uuid,
        window: Window,
        wanted: &[Metric],
        mut take: impl FnMut(i64, i32, &Block),
    ) -> Result<()> {
        // Before the blocks: what is stored in between is then seen twice, and left out here.
        let from = place(window.begins());
        let ring = self.inner.measured.ring_since(database, from);
        let mut conn = self.store().acquire().await?;
        let found =
            store::metric::between(&mut conn, database, window.coarsest(), window.begins(), window.ends())
                .await?;
        drop(conn);
        let mut stored = i64::MIN;
        for found in found {
            stored = stored.max(place(found.ends_at));
            match Block::decode(&found.bytes, wanted) {
                Ok(block) => take(found.starts_at.timestamp(), found.resolution, &block),
                Err(error) => {
                    let starts_at = found.starts_at;
                    tracing::warn!(%database, %starts_at, %error, "A block is left out");
                }
            }
        }
        let ring: Vec<_> = ring.into_iter().filter(|(place, _)| *place >= stored).collect();
        if let (Some((first, _)), Some((last, _))) = (ring.first(), ring.last()) {
            let mut block = Block::samples((last - first + 1) as usize);
            for (place, values) in &ring {
                block.put((place - first) as usize, values);
            }
            take(super::keeper::moment(*first).timestamp(), super::keeper::FINEST, &block);
        }
        Ok(())
    }

    fn swap_limit(&self, database: Uuid, now: DateTime<Utc>) -> Option<u64> {
        let (look, _) = self.inner.measured.newest(database, now, LIMIT_AGE)?;
        Some(look.sample.container.swap_limit_bytes).filter(|limit| *limit > 0)
    }

    /// What happened in a time, oldest first.
    async fn marks(&self, addon: AddonId, window: Window) -> Result<Vec<MarkView>> {
        let filter = OperationFilter {
            addon: Some(addon.uuid()),
            since: Some(window.begins()),
            until: Some(window.ends()),
            limit: MARKS,
            ..OperationFilter::default()
        };
        let events = self.happened(&filter).await?;
        let mark = |event: types::view::ActivityView| MarkView {
            at: event.at,
            title: event.title,
            tone: event.tone,
            operation: event.operation,
        };
        Ok(events.into_iter().rev().map(mark).collect())
    }
}

/// A plan's limit in the unit of a panel, and its words. A plan that left the configuration has none.
fn limit(panel: Panel, plan: &Plan, swap: Option<u64>) -> Option<(f64, String)> {
    let mib = |mib: u32| f64::from(mib) * 1_048_576.0;
    let (value, words) = match panel {
        Panel::Cpu => (f64::from(plan.cpu_milli) / 10.0, plan.cpu()),
        Panel::Memory => (mib(plan.memory_mib), plan.memory()),
        Panel::Connections if plan.memory_mib > 0 => {
            (f64::from(plan.connections()), format!("{} connections", plan.connections()))
        }
        Panel::Disk => (mib(plan.disk_mib), plan.disk()),
        Panel::Swap => swap.map(|bytes| (bytes as f64, size(bytes)))?,
        _ => return None,
    };
    (value > 0.0).then(|| (value, format!("{}: {words}", plan.display_name)))
}
