//! What is collected: a day of it, and what an engine that fails, hangs or begins anew makes of it.

use crate::yard::*;
use chrono::TimeDelta;
use control::{metrics::Keeper, supervisor::Supervisor};
use std::time::Duration;
use testkit::{Fault, Method};
use types::metric::{Metric, Panel, Range};

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
    // The first sample of a database counts its disk, and may take longer than the others.
    watch.samples(10).await;
    let before = watch.house.engine.calls(Method::Sample);
    let fired = watch.house.engine.inject(Fault::hang_before(Method::Sample));
    // It would hang for ever: that the round ends at all is the limit.
    let round = tokio::time::timeout(Duration::from_secs(60), watch.collector.round());
    round.await.expect("a sample has a time limit");
    assert_eq!((fired.times(), watch.house.engine.calls(Method::Sample)), (1, before + 2));
    // The next round asks all of them again.
    watch.collector.round().await;
    assert_eq!(watch.house.engine.calls(Method::Sample), before + 4);
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
