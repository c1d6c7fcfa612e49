//! Kills the real executable at every named point of creating, of deleting and of changing a database, and at every step
//! of backing it up, of restoring it and of making copies of it, and looks at what is left.
//!
//! One Paddock with real PostgreSQL servers is led through all points: armed for one, killed there in the middle of
//! an order, started again, compared. The points are learnt from a run without faults, so a new step is walked
//! without a word here; taking back is provoked by a range of ports that holds nothing but a stranger's.
//!
//! Beside the walk, what a large backup takes of the memory of the same executable is looked at, and its download is cut.
//!
//! It refuses a fault that does not fire, and any difference between what the API says and what the disk and the
//! process table hold. Without the feature `crash-points` there is nothing to walk, and no test.

#![cfg(feature = "crash-points")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a walk that cannot go on has failed")]

mod api;
mod change_plan;
mod copies;
mod large;
mod load;
mod moments;
mod outside_store;
mod paddock;
mod walk;
mod world;

use paddock::{Armed, Paddock};
use std::collections::BTreeSet;
use world::World;

#[tokio::test]
async fn a_kill_at_any_point_of_create_and_delete_leaves_nothing_half_done() {
    let mut paddock = Paddock::new();
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    for point in learn(&paddock, &mut world).await {
        println!("{}", point.name);
        paddock.stop();
        paddock.start(Some(&point)).await;
        if point.in_vain {
            break_off_in_vain(&mut paddock, &point).await;
        } else if point.name.starts_with("delete.") {
            break_off_delete(&mut paddock, &mut world, &point).await;
        } else {
            break_off_provision(&mut paddock, &mut world, &point).await;
        }
        world.check(&paddock).await;
    }
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
    let operations = world.operations(paddock, &made).await;
    let reached = paddock.reached();
    let [provisions, deletes] = ["provision", "delete"].map(|kind| {
        let operation = operations.iter().find(|operation| operation["kind"] == kind).unwrap();
        let steps = operation["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap());
        let wanted: Vec<_> = steps.flat_map(|step| points_of(kind, step)).collect();
        let of_kind: BTreeSet<_> = reached.iter().filter(|p| p.starts_with(&format!("{kind}."))).collect();
        assert_eq!(of_kind, wanted.iter().collect(), "the points of {kind} are those of its steps");
        wanted
    });
    assert!(provisions.len() >= deletes.len(), "each deletion needs a database that was made before");
    let mut points: Vec<_> = points_of("provision", "clean_up").map(Armed::in_vain).collect();
    let mut deletes = deletes.into_iter();
    for provision in provisions {
        points.push(Armed::at(provision));
        // In turn, so that few servers run at a time.
        points.extend(deletes.next().map(Armed::at));
    }
    points
}

fn points_of(kind: &str, step: &str) -> impl Iterator<Item = String> + use<> {
    let step = format!("{kind}.{step}");
    ["before", "acted", "committed"].into_iter().map(move |at| format!("{step}:{at}"))
}

/// Who lost the answer to an order asks again with the same key, and gets the same database.
async fn break_off_provision(paddock: &mut Paddock, world: &mut World, point: &Armed) {
    let first = paddock.api.order(World::APP, &point.name).await;
    paddock.died_at(point).await;
    paddock.start(None).await;
    let database = world.create(paddock, &point.name).await;
    if let Some(answer) = first {
        assert_eq!(answer["addon"]["id"], *database.addon);
    }
}

async fn break_off_delete(paddock: &mut Paddock, world: &mut World, point: &Armed) {
    let addon = world.begin_delete();
    // The answer may be lost with the process.
    let _ = paddock.api.delete(&format!("/v1/apps/{}/addons/{addon}", World::APP)).await;
    paddock.died_at(point).await;
    paddock.start(None).await;
    world.deleted(paddock, &addon).await;
}

/// Killed while an order that cannot succeed is being taken back: afterwards there is no trace of it.
async fn break_off_in_vain(paddock: &mut Paddock, point: &Armed) {
    let answer = paddock.api.order(World::APP, &point.name).await.expect("it comes long before the end");
    paddock.died_at(point).await;
    paddock.start(None).await;
    let ended = paddock.api.ended(answer["operation_id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "failed", "{ended:#}");
}
