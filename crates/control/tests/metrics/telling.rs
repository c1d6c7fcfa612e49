//! What is told of it: peaks, judgements, figures, and to whom.

use crate::yard::*;
use chrono::TimeDelta;
use control::supervisor::Supervisor;
use testkit::Method;
use types::metric::Range;

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
