//! What is kept: stored late rather than never, and gone with its database.

use crate::yard::*;
use chrono::TimeDelta;
use control::Actor;
use std::time::Duration;
use types::metric::{Metric, Range};

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
