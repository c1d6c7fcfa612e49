//! A house with one database whose metrics are collected and kept.

use chrono::{DateTime, TimeDelta, Utc};
use control::{
    Activity, Actor, ControlPlane, MasterKey,
    engine::{EngineError, Sample},
    metrics::{Collector, Keeper},
};
use testkit::House;
use types::{
    AddonId, NodeId,
    metric::{Metric, MetricsView, Range, SeriesView},
};

/// A house with one database that is watched.
pub struct Watch {
    pub house: House,
    pub owner: Actor,
    pub addon: AddonId,
    pub id: NodeId,
    pub collector: Collector,
    pub keeper: Keeper,
}

impl Watch {
    pub async fn new() -> Self {
        let house = House::new().await;
        let owner = house.person("ada", false).await;
        let addon = house.ready(&owner, "my-app").await.addon.id;
        let id = *house.engine.nodes().keys().next().unwrap();
        // A round hour, so that a test knows where blocks begin.
        house.clock.advance_to(hour(1));
        let (collector, keeper) = (Collector::new(house.plane.clone()), Keeper::new(house.plane.clone()));
        Self { house, owner, addon, id, collector, keeper }
    }

    /// Samples for so many seconds, one each ten, with work for the server in between: 10 transactions per second.
    pub async fn samples(&mut self, seconds: i64) {
        for step in 0..seconds / 10 {
            self.sample(|_| {}).await;
            // Hours go faster when the keeper looks once a minute.
            if seconds < 3600 || step % 6 == 5 {
                self.keeper.round().await;
            }
            self.house.clock.advance(TimeDelta::seconds(10));
        }
    }

    pub async fn step(&mut self, change: impl FnOnce(&mut Sample)) {
        self.sample(change).await;
        self.keeper.round().await;
        self.house.clock.advance(TimeDelta::seconds(10));
    }

    pub async fn sample(&mut self, change: impl FnOnce(&mut Sample)) {
        self.house.engine.measures(self.id, |sample| {
            sample.cpu_us += 2_500_000;
            sample.container.memory_bytes = 100 << 20;
            sample.container.memory_cache_bytes = 40 << 20;
            let server = sample.server.get_or_insert_default();
            server.connections = 7;
            server.transactions += 100;
            change(sample);
        });
        self.collector.round().await;
    }

    pub fn plane(&self) -> &ControlPlane {
        &self.house.plane
    }

    pub async fn view(&self, range: Range) -> MetricsView {
        self.plane().metrics(&self.owner, self.addon, range).await.unwrap()
    }

    pub async fn series(&self, metric: Metric, range: Range) -> SeriesView {
        self.plane().metric_series(&self.owner, self.addon, metric, range).await.unwrap().series
    }

    pub async fn told(&self, title: &str) -> Vec<String> {
        let events = self.plane().activity(&self.owner, Activity::Addon(self.addon), 100).await.unwrap();
        events.into_iter().filter(|event| event.title == title).map(|event| event.detail).collect()
    }

    pub async fn blocks(&self, resolution: i32) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM metric_block WHERE resolution = $1")
            .bind(resolution)
            .fetch_one(&self.house.store.pool)
            .await
            .unwrap()
    }

    /// Another process on the same store and the same host.
    pub async fn restart(&mut self) {
        let (store, clock) = (self.house.store.pool.clone(), self.house.clock.clone());
        let key = MasterKey::from_bytes([7; 32]);
        let config = self.plane().config().clone();
        let plane = ControlPlane::start(config, store, self.house.rooms(), clock, key).await.unwrap();
        self.collector = Collector::new(plane.clone());
        self.keeper = Keeper::new(plane.clone());
        self.house.plane = plane;
    }
}

/// So many hours after the clock's day began.
pub fn hour(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) + TimeDelta::hours(hour)
}

pub fn seen(series: &SeriesView) -> usize {
    series.points.iter().flatten().count()
}

pub fn busy() -> EngineError {
    EngineError::Other {
        message: "too busy".into(),
        source: anyhow::anyhow!("the test says so"),
        retry: true,
    }
}

/// As a block keeps bytes: to one part in 8192.
pub fn near(bytes: f64) -> f64 {
    let step = 2_f64.powi(bytes.log2().floor() as i32 - 12);
    (bytes / step).round() * step
}
