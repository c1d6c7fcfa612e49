//! What a database takes: now, in the words of the public contract, and over time.
//!
//! What is not known (a database that does not run has no memory) is null, never nothing. Steps in which nothing was
//! seen are left out.

use super::{
    Api,
    bearer::Bearer,
    error::{ApiError, Result},
};
use axum::{
    Json,
    extract::{Path, Query, State},
};
use chrono::{DateTime, TimeDelta, Utc};
use control::Actor;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use types::{
    AddonId,
    metric::{LONGEST, Metric, Range, Unit},
    view::DatabaseView,
};
use utoipa::{IntoParams, ToSchema};

/// Where a range does not say it, hours.
const SINCE: i64 = 24;

/// What a database takes now.
#[derive(Serialize, ToSchema)]
pub struct Metrics {
    /// Per cent of one core.
    cpu_usage: Option<f64>,
    memory: Memory,
    /// Logical size of the user's database, bytes.
    database_size: Option<u64>,
    /// Bytes of all files of the server.
    real_disk_size: Option<u64>,
    database_stats: DatabaseStats,
    /// Server → what it takes.
    instances_metrics: BTreeMap<String, InstanceMetrics>,
}

/// Bytes.
#[derive(Serialize, ToSchema)]
pub struct Memory {
    memory: Option<u64>,
    /// The most since it was started.
    memory_max: Option<u64>,
    memory_limit: u64,
    swap: Option<u64>,
    swap_max: Option<u64>,
    swap_limit: Option<u64>,
}

/// What PostgreSQL says.
#[derive(Serialize, ToSchema)]
pub struct DatabaseStats {
    /// Bytes.
    data_size: Option<u64>,
    current_connections: Option<u32>,
    max_connections: u32,
}

/// What one server takes.
#[derive(Serialize, ToSchema)]
pub struct InstanceMetrics {
    instance_id: String,
    /// `host:port`
    instance_address: String,
    /// Bytes.
    real_disk_size: Option<u64>,
    cpu: InstanceCpu,
    memory: InstanceMemory,
}

/// Processor time of a server.
#[derive(Serialize, ToSchema)]
pub struct InstanceCpu {
    /// Of one core.
    usage_in_percents: Option<f64>,
}

/// Bytes.
#[derive(Serialize, ToSchema)]
pub struct InstanceMemory {
    memory_usage: Option<u64>,
    swap_usage: Option<u64>,
    memory_limit: u64,
    swap_limit: Option<u64>,
    max_memory_usage: Option<u64>,
    max_swap_usage: Option<u64>,
}

impl From<DatabaseView> for Metrics {
    fn from(view: DatabaseView) -> Self {
        let plan = &view.addon.plan;
        let figures = view.figures.as_ref();
        let container = figures.map(|figures| &figures.container);
        let bytes = |of: fn(&types::view::Container) -> u64| container.map(of);
        let memory = Memory {
            memory: bytes(|c| c.memory_bytes),
            memory_max: bytes(|c| c.memory_peak_bytes),
            memory_limit: u64::from(plan.memory_mib) << 20,
            swap: bytes(|c| c.swap_bytes),
            swap_max: bytes(|c| c.swap_peak_bytes),
            swap_limit: bytes(|c| c.swap_limit_bytes),
        };
        let cpu_usage = container.and_then(|container| container.cpu_percent);
        let real_disk_size = figures.map(|figures| figures.disk_bytes);
        let instance = InstanceMetrics {
            instance_id: view.id.to_string(),
            instance_address: view.address.clone(),
            real_disk_size,
            cpu: InstanceCpu { usage_in_percents: cpu_usage },
            memory: InstanceMemory {
                memory_usage: memory.memory,
                swap_usage: memory.swap,
                memory_limit: memory.memory_limit,
                swap_limit: memory.swap_limit,
                max_memory_usage: memory.memory_max,
                max_swap_usage: memory.swap_max,
            },
        };
        Self {
            cpu_usage,
            memory,
            database_size: figures.map(|figures| figures.data_bytes),
            real_disk_size,
            database_stats: DatabaseStats {
                data_size: figures.map(|figures| figures.data_bytes),
                current_connections: figures.map(|figures| figures.connections),
                max_connections: plan.connections(),
            },
            instances_metrics: BTreeMap::from([(instance.instance_id.clone(), instance)]),
        }
    }
}

/// What a database takes now.
#[utoipa::path(
    get, path = "/api/databases/{database}/metrics", tag = "databases", responses((status = 200, body = Metrics))
)]
pub async fn now(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path(database): Path<String>,
) -> Result<Json<Metrics>> {
    let id = api.addon_id(&actor, &database).await?;
    let view = api.control.database(&actor, id).await?;
    if view.addon.deleted_at.is_some() {
        return Err(ApiError::not_found("database"));
    }
    Ok(Json(view.into()))
}

/// Which time.
#[derive(Deserialize, IntoParams)]
pub struct Since {
    /// So many hours back, 1–9600; 24 where it is left out.
    since: Option<String>,
    /// `true`: only the last step in which something was seen.
    last: Option<String>,
}

impl Since {
    fn range(&self, now: DateTime<Utc>) -> Result<Range> {
        let most = LONGEST.num_hours();
        let hours = self.since.as_deref().map_or(Ok(SINCE), str::parse);
        match hours {
            Ok(hours) if (1..=most).contains(&hours) => {
                Ok(Range::Between(now - TimeDelta::hours(hours), now))
            }
            _ => Err(ApiError::invalid("since", format!("This is a number of hours from 1 to {most}."))),
        }
    }

    fn last(&self) -> Result<bool> {
        match self.last.as_deref() {
            None | Some("" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(ApiError::invalid("last", "This is true or false.")),
        }
    }
}

/// Something measured over time.
#[derive(Serialize, ToSchema)]
pub struct History {
    /// As asked for.
    metric: String,
    /// `percent`, `bytes`, `bytes_per_second`, `count`, `per_second`, `milliseconds` or `seconds`.
    #[schema(value_type = String)]
    unit: Unit,
    /// Seconds.
    step: u32,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// One series; two for `diskio`.
    series: Vec<Series>,
}

/// A series.
#[derive(Serialize, ToSchema)]
pub struct Series {
    metric: &'static str,
    /// One array for each step in which something was seen: when it begins (seconds since the epoch), the mean, the
    /// least and the most.
    #[schema(value_type = Vec<Vec<f64>>)]
    points: Vec<(i64, f64, f64, f64)>,
}

/// The series behind a name: a word of the public contract, or a key of ours.
fn named(name: &str) -> Option<Vec<Metric>> {
    match name {
        "disk" => Some(vec![Metric::DiskSize]),
        "diskio" => Some(vec![Metric::DiskReads, Metric::DiskWrites]),
        key => Some(vec![Metric::ALL.into_iter().find(|metric| metric.key() == key)?]),
    }
}

async fn history(
    api: &Api,
    actor: &Actor,
    id: AddonId,
    name: String,
    since: &Since,
) -> Result<Json<History>> {
    if api.control.addon(actor, id).await?.deleted_at.is_some() {
        return Err(ApiError::not_found("database"));
    }
    let metrics = named(&name).ok_or_else(|| ApiError::not_found("metric"))?;
    let (range, last) = (since.range(api.control.now())?, since.last()?);
    let mut history: Option<History> = None;
    for metric in metrics {
        let seen = api.control.metric_series(actor, id, metric, range).await?;
        let points = seen.series.points.iter().enumerate();
        let mut points = points.filter_map(|(step, point)| {
            point.map(|point| (seen.time_of(step).timestamp(), point.avg, point.min, point.max))
        });
        let points: Vec<_> = if last { points.next_back().into_iter().collect() } else { points.collect() };
        let history = history.get_or_insert_with(|| History {
            metric: name.clone(),
            unit: metric.unit(),
            step: seen.step_s,
            from: seen.from,
            to: seen.to,
            series: Vec::new(),
        });
        history.series.push(Series { metric: metric.key(), points });
    }
    history.map(Json).ok_or_else(|| ApiError::not_found("metric"))
}

/// One thing over time: `cpu`, `memory`, `swap`, `disk`, `diskio`, or the key of any series
/// (`connections`, `transactions`, `cache_hit`, `latency`, `wal_rate`, …).
#[utoipa::path(
    get, path = "/api/databases/{database}/metrics/{type}", tag = "databases", params(Since),
    responses((status = 200, body = History))
)]
pub async fn of_database(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, r#type)): Path<(String, String)>,
    Query(since): Query<Since>,
) -> Result<Json<History>> {
    let id = api.addon_id(&actor, &database).await?;
    history(&api, &actor, id, r#type, &since).await
}

/// The same of one server of a database.
#[utoipa::path(
    get, path = "/api/databases/{database}/instances/{instance}/metrics/{type}", tag = "databases", params(Since),
    responses((status = 200, body = History))
)]
pub async fn of_instance(
    State(api): State<Api>,
    Bearer(actor): Bearer,
    Path((database, instance, r#type)): Path<(String, String, String)>,
    Query(since): Query<Since>,
) -> Result<Json<History>> {
    let id = api.addon_id(&actor, &database).await?;
    if api.control.database_id(&actor, id).await?.to_string() != instance {
        return Err(ApiError::not_found("instance"));
    }
    history(&api, &actor, id, r#type, &since).await
}
