//! Kills the real executable at every named point of creating and of deleting a database, and looks at what is left.
//!
//! One Paddock with real PostgreSQL servers is walked through all points in turn: each start goes on with what the
//! last kill broke off, and is itself armed for the next kill. The points are learnt from a run without faults and
//! walked from the last to the first: an operation that is taken up again passes only points behind the one where it
//! died, so that the armed one waits for the next order.
//!
//! It refuses a fault that does not fire, and any difference between what the API says and what the disk and the
//! process table hold. Without the feature `crash-points` there is nothing to walk, and no test.

#![cfg(feature = "crash-points")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a walk that cannot go on has failed")]

mod api;
mod paddock;
mod world;

use paddock::{Armed, Paddock};
use std::collections::BTreeSet;
use world::World;

/// What is killed in the middle, and so goes on at the next start.
enum BrokenOff {
    Provision { key: String },
    Hopeless { operation: String },
    Delete { addon: String },
}

#[tokio::test]
async fn a_kill_at_any_point_of_create_and_delete_leaves_nothing_half_done() {
    let mut paddock = Paddock::new();
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let points = learn(&paddock, &mut world).await;

    let mut broken_off = None;
    for point in points {
        paddock.stop();
        paddock.start(Some(point.clone())).await;
        if let Some(last) = broken_off.take() {
            go_on(&paddock, &mut world, last).await;
        }
        broken_off = Some(order(&paddock, &mut world, &point).await);
        paddock.died_at(&point).await;
    }
    paddock.start(None).await;
    go_on(&paddock, &mut world, broken_off.expect("something was walked")).await;

    let fresh = world.create(&paddock, "after the walk").await;
    world.check(&paddock).await;
    world.delete(&paddock, &fresh).await;
    world.check(&paddock).await;
    world.bystander_never_noticed().await;
}

/// One run without faults tells the points of each step; answers in which order they are walked.
async fn learn(paddock: &Paddock, world: &mut World) -> Vec<Armed> {
    let made = world.create(paddock, "learn").await;
    world.check(paddock).await;
    world.delete(paddock, &made).await;
    world.check(paddock).await;
    let reached = paddock.reached();
    let mut walks = Vec::new();
    for (kind, operation) in ["provision", "delete"].into_iter().zip(world.operations(paddock, &made).await) {
        assert_eq!(operation["kind"], kind);
        let of_kind: Vec<_> = reached.iter().filter(|p| p.starts_with(&format!("{kind}."))).collect();
        let mut once: Vec<_> = Vec::new();
        for point in of_kind {
            if !once.contains(point) {
                once.push(point.clone());
            }
        }
        let keys = operation["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap());
        let wanted: BTreeSet<_> = keys.flat_map(|step| points_of(kind, step)).collect();
        assert_eq!(once.iter().cloned().collect::<BTreeSet<_>>(), wanted, "points of {kind}");
        once.reverse();
        walks.push(once);
    }
    let deletes = walks.pop().unwrap();
    let provisions = walks.pop().unwrap();
    assert!(provisions.len() >= deletes.len(), "each deletion needs a database that was made before");
    let mut deletes = deletes.into_iter();
    let mut points: Vec<_> = points_of("provision", "clean_up").rev().map(Armed::in_vain).collect();
    for provision in provisions {
        points.push(Armed::at(provision));
        points.extend(deletes.next().map(Armed::at));
    }
    points
}

fn points_of(kind: &str, step: &str) -> impl DoubleEndedIterator<Item = String> + use<> {
    let step = format!("{kind}.{step}");
    ["before", "acted", "committed"].into_iter().map(move |at| format!("{step}:{at}"))
}

/// Orders what leads to the armed point. The answer may be lost with the process.
async fn order(paddock: &Paddock, world: &mut World, point: &Armed) -> BrokenOff {
    let key = point.name.clone();
    if point.in_vain {
        let answer =
            paddock.api.order(world.app(), &key).await.expect("the answer comes long before the end");
        return BrokenOff::Hopeless { operation: answer["operation_id"].as_str().unwrap().into() };
    }
    if point.name.starts_with("delete.") {
        let addon = world.begin_delete();
        paddock.api.delete(&format!("/v1/apps/{}/addons/{addon}", world.app())).await;
        return BrokenOff::Delete { addon };
    }
    paddock.api.order(world.app(), &key).await;
    BrokenOff::Provision { key }
}

/// What was broken off ends by itself, and everything is as if nothing had happened.
async fn go_on(paddock: &Paddock, world: &mut World, broken_off: BrokenOff) {
    match broken_off {
        // Who lost the answer asks again with the same key, and gets the same database.
        BrokenOff::Provision { key } => drop(world.create(paddock, &key).await),
        BrokenOff::Hopeless { operation } => {
            let ended = paddock.api.ended(&operation).await;
            assert_eq!(ended["status"], "failed", "{ended:#}");
        }
        BrokenOff::Delete { addon } => world.deleted(paddock, &addon).await,
    }
    world.check(paddock).await;
}
