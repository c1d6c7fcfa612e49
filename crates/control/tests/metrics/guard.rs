//! A disk that fills up stops writes, and the guard that does it gets in nobody's way.

use crate::yard::*;
use std::time::Duration;
use testkit::{Fault, Method};
use types::metric::{Metric, Range};

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
async fn a_disk_that_fills_up_is_told_once_a_level() {
    let mut watch = Watch::new().await;
    let disk = 10_u64 << 30;
    for (told, percent) in [(1, 81), (2, 86), (3, 91)] {
        watch.house.engine.fill(watch.id, disk * percent / 100);
        watch.samples(70).await;
        assert_eq!(watch.told("Disk is filling up").await.len(), told, "at {percent} %");
        // Counted twice more, and nothing new.
        watch.samples(140).await;
        assert_eq!(watch.told("Disk is filling up").await.len(), told, "it stays at {percent} %");
    }
    assert!(!watch.plane().database(&watch.owner, watch.addon).await.unwrap().read_only);
    assert!(!watch.house.engine.node(watch.id).unwrap().spec.read_only);
    assert!(watch.told("Writes stopped: the disk is nearly full").await.is_empty());
}
