//! Metrics over time: collected, stored, thinned and shown; what fails leaves a gap, what is killed loses little.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::{DateTime, TimeDelta, Utc};
use control::{
    Activity, Actor, ControlPlane, MasterKey,
    engine::{EngineError, Sample},
    metrics::{Collector, Keeper},
    supervisor::Supervisor,
};
use std::time::Duration;
use testkit::{Fault, House, Method};
use types::{
    AddonId, DatabaseId,
    metric::{Metric, MetricsView, Panel, Range, SeriesView},
};

/// A house with one database that is watched.
struct Watch {
    house: House,
    owner: Actor,
    addon: AddonId,
    id: DatabaseId,
    collector: Collector,
    keeper: Keeper,
}

impl Watch {
    async fn new() -> Self {
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
    async fn samples(&mut self, seconds: i64) {
        for step in 0..seconds / 10 {
            self.sample(|_| {}).await;
            // Hours go faster when the keeper looks once a minute.
            if seconds < 3600 || step % 6 == 5 {
                self.keeper.round().await;
            }
            self.house.clock.advance(TimeDelta::seconds(10));
        }
    }

    async fn step(&mut self, change: impl FnOnce(&mut Sample)) {
        self.sample(change).await;
        self.keeper.round().await;
        self.house.clock.advance(TimeDelta::seconds(10));
    }

    async fn sample(&mut self, change: impl FnOnce(&mut Sample)) {
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

    fn plane(&self) -> &ControlPlane {
        &self.house.plane
    }

    async fn view(&self, range: Range) -> MetricsView {
        self.plane().metrics(&self.owner, self.addon, range).await.unwrap()
    }

    async fn series(&self, metric: Metric, range: Range) -> SeriesView {
        self.plane().metric_series(&self.owner, self.addon, metric, range).await.unwrap().series
    }

    async fn told(&self, title: &str) -> Vec<String> {
        let events = self.plane().activity(&self.owner, Activity::Addon(self.addon), 100).await.unwrap();
        events.into_iter().filter(|event| event.title == title).map(|event| event.detail).collect()
    }

    async fn blocks(&self, resolution: i32) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM metric_block WHERE resolution = $1")
            .bind(resolution)
            .fetch_one(&self.house.store.pool)
            .await
            .unwrap()
    }

    /// Another process on the same store and the same host.
    async fn restart(&mut self) {
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
fn hour(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_454) + TimeDelta::hours(hour)
}

fn seen(series: &SeriesView) -> usize {
    series.points.iter().flatten().count()
}

fn busy() -> EngineError {
    EngineError::Other {
        message: "too busy".into(),
        source: anyhow::anyhow!("the test says so"),
        retry: true,
    }
}

#[tokio::test]
async fn a_day_is_collected_thinned_and_shown() {
    let mut watch = Watch::new().await;
    watch.samples(26 * 3600).await;
    // 26 hours: all samples are kept, hours became minutes, and the day that ended became hours.
    assert_eq!(
        (watch.blocks(10).await, watch.blocks(60).await, watch.blocks(3600).await),
        (26 * 6 - 1, 25, 1)
    );

    let day = watch.view(Range::Day).await;
    assert_eq!((day.step_s, day.panels.len()), (300, Panel::ALL.len()));
    assert_eq!(day.panels.iter().map(|panel| panel.panel).collect::<Vec<_>>(), Panel::ALL);
    let cpu = &day.panels.iter().find(|panel| panel.panel == Panel::Cpu).unwrap();
    let series = &cpu.series[0];
    assert_eq!(
        (series.points.len(), seen(series)),
        (288, 288),
        "no hole between minutes, samples and memory"
    );
    assert!(series.points.iter().flatten().all(|point| (point.avg - 25.0).abs() < 0.01 && point.max == 25.0));
    assert_eq!((series.now, series.all.unwrap().min), (Some(25.0), 25.0));
    assert_eq!(cpu.limit, Some((50.0, "Starter 512M: 0.5 core".into())));
    let limits: Vec<_> = day.panels.iter().filter_map(|panel| panel.limit.clone()).collect();
    assert!(
        limits.iter().any(|(value, words)| *value == 512.0 * 1_048_576.0 && words == "Starter 512M: 512 MB")
    );
    assert!(limits.iter().any(|(value, words)| *value == 30.0 && words == "Starter 512M: 30 connections"));
    assert!(limits.iter().any(|(_, words)| words == "Starter 512M: 10 GB"));

    for (range, step, steps) in [(Range::Hour, 10, 360), (Range::SixHours, 60, 360), (Range::Week, 1800, 336)]
    {
        let view = watch.view(range).await;
        assert_eq!((view.step_s, view.panels[0].series[0].points.len()), (step, steps), "{range:?}");
        let transactions = watch.series(Metric::Transactions, range).await;
        assert!(
            transactions.points.iter().flatten().all(|point| (point.avg - 10.0).abs() < 0.01),
            "{range:?}"
        );
        assert_eq!(view.from.timestamp() % i64::from(step), 0);
    }
    assert_eq!(seen(&watch.series(Metric::Connections, Range::Hour).await), 360);
    let month = watch.series(Metric::Connections, Range::Month).await;
    assert_eq!((seen(&month), month.all.unwrap().max), (14, 7.0), "24 hours from 01:00, steps of two");

    let page = watch.plane().database(&watch.owner, watch.addon).await.unwrap();
    let sparks: Vec<_> =
        page.sparks.iter().map(|spark| (spark.metric, spark.points.len(), seen(spark))).collect();
    let tiles = [Metric::Cpu, Metric::Memory, Metric::Connections, Metric::DiskSize];
    assert_eq!(sparks, tiles.map(|metric| (metric, 96, 96)));

    let csv = watch.plane().metrics_csv(&watch.owner, watch.addon, Range::Day).await.unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 289);
    assert!(
        lines[0].starts_with("time,cpu,memory,") && lines[0].ends_with(",oldest_transaction"),
        "{}",
        lines[0]
    );
    assert!(
        lines[1].starts_with(&format!("{},25,104857600,", day.from.format("%Y-%m-%dT%H:%M:%SZ"))),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains(",,"), "no block was read, so there is no cache hit rate: {}", lines[1]);

    // Twice is once: a process that begins anew finds nothing to thin.
    watch.keeper.round().await;
    let before = (watch.blocks(10).await, watch.blocks(60).await, watch.blocks(3600).await);
    let bytes = "SELECT md5(string_agg(bytes, '' ORDER BY resolution, starts_at)) FROM metric_block WHERE resolution > 10";
    let sum =
        || async { sqlx::query_scalar::<_, String>(bytes).fetch_one(&watch.house.store.pool).await.unwrap() };
    let thinned = sum().await;
    Keeper::new(watch.plane().clone()).round().await;
    assert_eq!((watch.blocks(10).await, watch.blocks(60).await, watch.blocks(3600).await), before);
    assert_eq!(sum().await, thinned);

    // What is old goes, one resolution after the other.
    watch.house.clock.advance(TimeDelta::hours(49));
    watch.keeper.round().await;
    assert_eq!((watch.blocks(10).await, watch.blocks(60).await > 20), (0, true));
    let then = Range::Between(hour(2), hour(3));
    assert_eq!(watch.view(then).await.step_s, 60, "samples are gone, minutes are there");
    assert_eq!(seen(&watch.series(Metric::Cpu, then).await), 60);
    watch.house.clock.advance(TimeDelta::days(16));
    watch.keeper.round().await;
    assert_eq!((watch.blocks(60).await, watch.blocks(3600).await), (0, 2));
    let then = watch.series(Metric::Cpu, Range::Between(hour(2), hour(26))).await;
    assert_eq!((then.points.len(), seen(&then), then.all.unwrap().avg), (24, 24, 25.0));
}

#[tokio::test]
async fn an_engine_that_fails_leaves_a_gap() {
    let mut watch = Watch::new().await;
    watch.samples(60).await;
    let fired = watch.house.engine.inject(Fault::before(Method::Sample, busy).times(3));
    watch.samples(60).await;
    assert_eq!(fired.times(), 3);
    let range = Range::Between(hour(1), hour(1) + TimeDelta::seconds(120));
    let connections = watch.series(Metric::Connections, range).await;
    let there: Vec<_> = connections.points.iter().map(Option::is_some).collect();
    assert_eq!(there, [[true; 6].as_slice(), &[false; 3], &[true; 3]].concat());
    // The counters went on meanwhile: the next rate is that of the whole time, and no spike.
    let transactions = watch.series(Metric::Transactions, range).await;
    assert_eq!(transactions.points[0], None, "the first sample has no rate");
    assert!(transactions.points.iter().flatten().all(|point| (point.avg - 10.0).abs() < 0.01));
    assert_eq!(seen(&transactions), 8);
    let csv = watch.plane().metrics_csv(&watch.owner, watch.addon, range).await.unwrap();
    let empty = csv.lines().filter(|line| line.ends_with(&",".repeat(Metric::ALL.len()))).count();
    assert_eq!(empty, 3, "{csv}");
}

#[tokio::test]
async fn a_server_that_hangs_delays_no_other() {
    let mut watch = Watch::new().await;
    watch.house.order(&watch.owner, "my-app").await;
    watch.house.settle().await;
    let fired = watch.house.engine.inject(Fault::hang_before(Method::Sample));
    let began = std::time::Instant::now();
    watch.collector.round().await;
    assert_eq!((fired.times(), watch.house.engine.calls(Method::Sample)), (1, 2));
    assert!(began.elapsed() < Duration::from_secs(10), "a sample has a time limit");
    // The next round asks all of them again.
    watch.collector.round().await;
    assert_eq!(watch.house.engine.calls(Method::Sample), 4);
}

#[tokio::test]
async fn a_restart_begins_counters_anew() {
    let mut watch = Watch::new().await;
    watch.samples(60).await;
    watch.house.engine.crash(watch.id);
    Supervisor::new(watch.plane().clone()).round().await.unwrap();
    // The new server's counters are larger by chance, and mean something else.
    watch.step(|sample| sample.cpu_us += 900_000_000).await;
    watch.samples(30).await;
    let range = Range::Between(hour(1), watch.plane().now());
    let cpu = watch.series(Metric::Cpu, range).await;
    assert!(cpu.points.iter().flatten().all(|point| point.avg == 25.0), "no spike: {:?}", cpu.points);
    assert_eq!(
        cpu.points.iter().map(Option::is_none).filter(|gap| *gap).count(),
        2,
        "the first one and the restart"
    );
    assert_eq!(seen(&watch.series(Metric::Connections, range).await), 10);
    let marks: Vec<_> = watch.view(range).await.marks.into_iter().map(|mark| mark.title).collect();
    assert_eq!(marks, ["Database stopped unexpectedly", "Database is back"]);
}

#[tokio::test]
async fn what_was_not_stored_is_stored_later() {
    let mut watch = Watch::new().await;
    watch.samples(1800).await;
    let stored = watch.blocks(10).await;
    let rename = |from: &str, to: &str| format!("ALTER TABLE {from} RENAME TO {to}");
    let away = rename("metric_block", "gone");
    sqlx::raw_sql(sqlx::AssertSqlSafe(away)).execute(&watch.house.store.pool).await.unwrap();
    watch.samples(2400).await;
    let back = rename("gone", "metric_block");
    sqlx::raw_sql(sqlx::AssertSqlSafe(back)).execute(&watch.house.store.pool).await.unwrap();
    assert_eq!(watch.blocks(10).await, stored, "nothing was taken meanwhile");
    watch.samples(600).await;
    let range = Range::Between(hour(1), watch.plane().now());
    assert_eq!(
        seen(&watch.series(Metric::Connections, range).await),
        160,
        "80 minutes in steps of 30 seconds, without a hole"
    );
    assert_eq!(watch.blocks(60).await, 1, "the hour was thinned when all of it was there");

    // An hour is kept in memory; what is older is given up, and that is told.
    let away = rename("metric_block", "gone");
    sqlx::raw_sql(sqlx::AssertSqlSafe(away)).execute(&watch.house.store.pool).await.unwrap();
    watch.samples(4200).await;
    let back = rename("gone", "metric_block");
    sqlx::raw_sql(sqlx::AssertSqlSafe(back)).execute(&watch.house.store.pool).await.unwrap();
    let collector = watch.plane().measured_now(&Actor::System).await.unwrap().collector;
    assert!((115..=121).contains(&collector.dropped), "{collector:?}");
    assert!(collector.waiting <= 360, "{collector:?}");
    watch.samples(600).await;
    assert!(watch.plane().measured_now(&Actor::System).await.unwrap().collector.waiting <= 60);
}

#[tokio::test]
async fn a_killed_process_loses_ten_minutes_and_a_stopped_one_nothing() {
    let mut watch = Watch::new().await;
    watch.samples(1790).await;
    let whole = Range::Between(hour(1), hour(1) + TimeDelta::seconds(1790));
    assert_eq!(seen(&watch.series(Metric::Connections, whole).await), 179);
    watch.restart().await;
    let left = seen(&watch.series(Metric::Connections, whole).await);
    assert_eq!(left, 120, "the ten minutes that were not over are lost");

    // Stopped in the middle of ten minutes, and started again in the same: both parts are in one block.
    watch.samples(310).await;
    watch.keeper.flush().await.unwrap();
    watch.restart().await;
    watch.samples(1200).await;
    let whole = Range::Between(hour(1) + TimeDelta::seconds(1800), hour(1) + TimeDelta::seconds(3300));
    let connections = watch.series(Metric::Connections, whole).await;
    assert_eq!((connections.points.len(), seen(&connections)), (150, 150), "both parts");
    let minutes = Range::Between(hour(1) + TimeDelta::seconds(1800), hour(1) + TimeDelta::seconds(2700));
    assert_eq!(seen(&watch.series(Metric::Connections, minutes).await), 90);
}

#[tokio::test]
async fn peaks_are_those_since_the_start() {
    let mut watch = Watch::new().await;
    watch.samples(20).await;
    watch
        .step(|sample| {
            (sample.container.memory_bytes, sample.container.swap_bytes) = (300 << 20, 20 << 20);
            sample.container.memory_cache_bytes = 60 << 20;
            sample.server.get_or_insert_default().connections = 29;
        })
        .await;
    watch.house.engine.measures(watch.id, |sample| sample.container.swap_bytes = 0);
    watch.samples(20).await;
    let figures = watch.plane().figures_now(&watch.owner, watch.addon).await.unwrap().unwrap();
    assert_eq!(
        (figures.container.memory_peak_bytes, figures.container.swap_peak_bytes),
        (300 << 20, 20 << 20)
    );
    // Another process knows them from the store.
    watch.restart().await;
    let page = watch.plane().database(&watch.owner, watch.addon).await.unwrap();
    assert_eq!(page.figures.unwrap().container.memory_peak_bytes, 300 << 20);
    watch.samples(20).await;
    watch.house.clock.advance(TimeDelta::seconds(2));
    let figures = watch.plane().figures_now(&watch.owner, watch.addon).await.unwrap().unwrap();
    assert_eq!(figures.container.swap_peak_bytes, 20 << 20);
    // Another start begins anew.
    watch.house.engine.crash(watch.id);
    Supervisor::new(watch.plane().clone()).round().await.unwrap();
    watch.samples(20).await;
    let page = watch.plane().database(&watch.owner, watch.addon).await.unwrap();
    let container = page.figures.unwrap().container;
    assert_eq!((container.memory_peak_bytes, container.swap_peak_bytes), (100 << 20, 0));
}

#[tokio::test]
async fn a_change_of_plan_is_judged_by_what_was_measured() {
    let mut watch = Watch::new().await;
    watch.samples(7200).await;
    watch.step(|sample| sample.container.memory_bytes = 450 << 20).await;
    watch.samples(600).await;
    let change =
        watch.plane().plan_change(&watch.owner, watch.addon, "postgresql-starter-1024").await.unwrap();
    let told = format!("{:?}", change.fits);
    assert!(told.contains("410 MB"), "the most without file cache: {told}");
}

#[tokio::test]
async fn figures_are_read_once_a_second() {
    let watch = Watch::new().await;
    let looks = || watch.house.engine.calls(Method::Figures);
    let before = looks();
    let three = (0..3).map(|_| watch.plane().figures_now(&watch.owner, watch.addon));
    assert!(futures::future::join_all(three).await.into_iter().all(|figures| figures.unwrap().is_some()));
    assert_eq!(looks(), before + 1);
    watch.house.clock.advance(TimeDelta::seconds(1));
    watch.house.engine.crash(watch.id);
    assert_eq!(watch.plane().figures_now(&watch.owner, watch.addon).await.unwrap(), None);
    assert_eq!(looks(), before + 2);
    let eve = watch.house.person("eve", false).await;
    assert!(watch.plane().figures_now(&eve, watch.addon).await.is_err());
}

#[tokio::test]
async fn a_disk_that_fills_up_stops_writes() {
    let mut watch = Watch::new().await;
    let disk = 10_u64 << 30;
    watch.samples(60).await;
    assert!(!watch.plane().database(&watch.owner, watch.addon).await.unwrap().read_only);
    watch.house.engine.fill(watch.id, disk * 96 / 100);
    // Counted once a minute: it takes that long at most.
    watch.samples(70).await;
    let page = watch.plane().database(&watch.owner, watch.addon).await.unwrap();
    assert!(page.read_only);
    assert!(watch.house.engine.node(watch.id).unwrap().spec.read_only, "the server was told");
    assert_eq!(watch.told("Writes stopped: the disk is nearly full").await.len(), 1);
    assert_eq!(watch.series(Metric::DiskSize, Range::Hour).await.now, Some(near((disk * 96 / 100) as f64)));

    watch.plane().allow_writes(&watch.owner, watch.addon).await.unwrap();
    assert!(!watch.house.engine.node(watch.id).unwrap().spec.read_only);
    watch.samples(14 * 60).await;
    assert!(!watch.house.engine.node(watch.id).unwrap().spec.read_only, "15 minutes are not over");
    watch.samples(2 * 60).await;
    assert!(watch.house.engine.node(watch.id).unwrap().spec.read_only);

    watch.house.engine.fill(watch.id, disk * 91 / 100);
    watch.samples(70).await;
    assert!(watch.house.engine.node(watch.id).unwrap().spec.read_only, "not on and off");
    watch.house.engine.fill(watch.id, disk * 80 / 100);
    watch.samples(70).await;
    assert!(!watch.house.engine.node(watch.id).unwrap().spec.read_only);
    assert!(!watch.plane().database(&watch.owner, watch.addon).await.unwrap().read_only);
    assert_eq!(watch.told("Writes allowed again").await.len(), 1);
}

/// As a block keeps bytes: to one part in 8192.
fn near(bytes: f64) -> f64 {
    let step = 2_f64.powi(bytes.log2().floor() as i32 - 12);
    (bytes / step).round() * step
}

#[tokio::test]
async fn a_guard_that_could_not_tell_the_server_tries_again() {
    let mut watch = Watch::new().await;
    watch.samples(20).await;
    watch.house.engine.fill(watch.id, 98 * (10_u64 << 30) / 100);
    let fired = watch.house.engine.inject(Fault::before(Method::Configure, busy));
    watch.samples(70).await;
    assert_eq!(fired.times(), 1);
    assert!(watch.house.engine.node(watch.id).unwrap().spec.read_only);
    assert_eq!(watch.told("Writes stopped: the disk is nearly full").await.len(), 1);
}

/// The guard has listed the database before somebody asked for another plan, and must not write the old plan's settings
/// over the new one's.
#[tokio::test]
async fn the_guard_leaves_a_database_alone_whose_plan_begins_to_change() {
    let mut watch = Watch::new().await;
    watch.house.engine.fill(watch.id, 96 * (10_u64 << 30) / 100);
    watch.sample(|_| {}).await;
    let pool = watch.house.store.pool.clone();
    let mut asking = pool.begin().await.unwrap();
    let held = "SELECT id FROM addon WHERE id = $1 FOR UPDATE";
    sqlx::query(held).bind(watch.addon.uuid()).execute(&mut *asking).await.unwrap();
    let asked = async {
        // The guard waits for whoever asks.
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&pool).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let operation = "INSERT INTO operation
            (id, kind, subject, params, actor, status, step, run_at, created_at, time_limit, deadline)
            VALUES (gen_random_uuid(), 'change_plan', $1, '{}', '{}', 'pending', 'check', now(), now(), '1 h', now())";
        let subject = format!("database:{}", watch.id.uuid());
        sqlx::query(operation).bind(subject).execute(&mut *asking).await.unwrap();
        asking.commit().await.unwrap();
    };
    let configured = watch.house.engine.calls(Method::Configure);
    let both = async { tokio::join!(watch.keeper.round(), asked) };
    tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
    assert_eq!(watch.house.engine.calls(Method::Configure), configured);
    assert!(watch.told("Writes stopped: the disk is nearly full").await.is_empty());
}

#[tokio::test]
async fn a_process_that_the_kernel_ended_is_told_once() {
    let mut watch = Watch::new().await;
    watch.samples(20).await;
    watch.step(|sample| sample.container.oom_kills = 1).await;
    watch.samples(30).await;
    let told = watch.told("Out of memory").await;
    assert_eq!(told, ["The kernel ended a process of this database: its 512 MB of memory were used up"]);
    // Another process of ours finds the same number, and tells nothing new; then there are more.
    watch.restart().await;
    watch.samples(20).await;
    assert_eq!(watch.told("Out of memory").await.len(), 1);
    watch.step(|sample| sample.container.oom_kills = 3).await;
    assert_eq!(watch.told("Out of memory").await.len(), 2);
    // Another start counts from nothing, and one that was ended right then is told, too.
    watch.house.engine.crash(watch.id);
    Supervisor::new(watch.plane().clone()).round().await.unwrap();
    watch.step(|sample| sample.container.oom_kills = 1).await;
    watch.samples(20).await;
    assert_eq!(watch.told("Out of memory").await.len(), 3);
}

#[tokio::test]
async fn what_is_removed_for_good_leaves_no_numbers() {
    let mut watch = Watch::new().await;
    watch.samples(1800).await;
    assert!(watch.blocks(10).await >= 2);
    watch.plane().delete_addon_api(&watch.owner, watch.addon).await.unwrap();
    watch.house.settle().await;
    watch.collector.round().await;
    watch.keeper.round().await;
    let state = watch.plane().measured_now(&Actor::System).await.unwrap();
    assert_eq!((state.collector.databases, state.databases.len()), (0, 0), "nothing is kept in memory of it");
    let blocks = watch.blocks(10).await;
    assert!(blocks >= 3, "its last minutes were stored: it can be brought back");
    watch.house.clock.advance(TimeDelta::hours(73));
    assert_eq!(watch.plane().sweep().await.unwrap().databases, 1);
    assert_eq!(watch.blocks(10).await + watch.blocks(60).await, 0);
    let peaks: i64 =
        sqlx::query_scalar("SELECT count(*) FROM peak").fetch_one(&watch.house.store.pool).await.unwrap();
    assert_eq!(peaks, 0);
}

#[tokio::test]
async fn strangers_and_odd_ranges_are_refused() {
    let watch = Watch::new().await;
    let eve = watch.house.person("eve", false).await;
    assert!(matches!(
        watch.plane().metrics(&eve, watch.addon, Range::Day).await,
        Err(control::Error::NotFound("addon"))
    ));
    let now = watch.plane().now();
    let odd = [
        (now, now),
        (now, now - TimeDelta::hours(1)),
        (now + TimeDelta::hours(1), now + TimeDelta::hours(2)),
    ];
    for (from, to) in odd {
        let refused =
            watch.plane().metrics(&watch.owner, watch.addon, Range::Between(from, to)).await.unwrap_err();
        assert!(refused.problem().field("range").is_some());
    }
    let empty = watch.view(Range::Day).await;
    assert!(
        empty
            .panels
            .iter()
            .flat_map(|panel| &panel.series)
            .all(|series| series.now.is_none() && seen(series) == 0)
    );
    assert!(empty.marks.iter().any(|mark| mark.title == "Database created" && mark.operation.is_some()));
}

/// The whole loop as the server runs it stores what is in memory when it ends.
#[tokio::test]
async fn an_orderly_end_stores_what_is_in_memory() {
    let mut watch = Watch::new().await;
    watch.samples(100).await;
    assert_eq!(watch.blocks(10).await, 0);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let running = watch.plane().run_background(stopped);
    stop.send(true).unwrap();
    for task in running {
        tokio::time::timeout(Duration::from_secs(20), task).await.unwrap().unwrap();
    }
    assert_eq!(watch.blocks(10).await, 1);
    let plane = watch.plane();
    assert_eq!(plane.measured_now(&Actor::System).await.unwrap().collector.waiting, 0);
    assert!(plane.measured_now(&watch.owner).await.is_err(), "for operators only");
}
