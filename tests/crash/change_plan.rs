//! The same walk for a change of plan, up and down in turn, under a client that writes all the while: no row that was
//! acknowledged is lost, and the plan is the one or the other. Taking back is provoked by data that is written after
//! the change was asked for, so that it does not fit any more when nobody can write.

use crate::{
    load::Load,
    paddock::{Armed, Paddock},
    points_of,
    world::{Database, World, log_in},
};
use std::collections::BTreeSet;

const SMALL: &str = "postgresql-sandbox";
const LARGE: &str = "postgresql-large";
const NARROW: &str = "postgresql-narrow";

/// Three plans: two of the same disk, and one whose disk is soon full.
fn plans() -> String {
    let plan = |name: &str, memory: u32, disk: u32| {
        format!(
            "[[plans]]\nname = \"{name}\"\ndisplay_name = \"{name}\"\ndescription = \"For the walk.\"\n\
             memory_mib = {memory}\ndisk_mib = {disk}\ncpu_milli = 1000\nnodes = 1\ndaily_backups = 0\n\
             weekly_backups = 0\nmanual_backups = 0\npitr_days = 0\n"
        )
    };
    [plan(SMALL, 256, 4096), plan(LARGE, 384, 4096), plan(NARROW, 512, 480)].join("\n")
}

#[tokio::test]
async fn a_kill_at_any_point_of_change_plan_under_load_loses_no_acknowledged_row() {
    let mut paddock = Paddock::with(&plans());
    paddock.start(None).await;
    let mut world = World::new(&paddock).await;
    let database = world.create(&paddock, "changed").await;
    let load = Load::start(&database.url).await;

    let points = learn(&paddock, &world, &database).await;
    load.check().await;
    for (n, point) in points.iter().enumerate() {
        println!("{point}");
        let plan = if n % 2 == 0 { LARGE } else { SMALL };
        let (point, before) = (Armed::at(point.clone()), load.acknowledged());
        paddock.stop();
        paddock.start(Some(&point)).await;
        // The answer may be lost with the process.
        let _ = paddock.api.change_plan(World::APP, &database.addon, plan).await;
        paddock.died_at(&point).await;
        paddock.start(None).await;
        ended(&paddock, &world, &database, "succeeded", plan).await;
        world.check(&paddock).await;
        load.check().await;
        assert!(load.acknowledged() > before, "nobody could write");
    }
    let plan = paddock.plan_of(World::APP, &database.addon).await;
    for point in points_of("change_plan", "put_back") {
        println!("{point}");
        break_off_taking_back(&mut paddock, &database, &point).await;
        ended(&paddock, &world, &database, "failed", &plan).await;
        log_in(&database.url).await.unwrap().batch_execute("DROP TABLE filler").await.unwrap();
        world.check(&paddock).await;
        load.check().await;
    }
    world.bystander_never_noticed().await;
    let (rows, connections) = load.finish().await;
    println!("{rows} acknowledged rows over {connections} connections");
}

/// One change up and one down without faults; answers the points on the way.
async fn learn(paddock: &Paddock, world: &World, database: &Database) -> Vec<String> {
    let mut steps = Vec::new();
    for plan in [LARGE, SMALL] {
        paddock.api.change_plan(World::APP, &database.addon, plan).await.expect("an answer");
        let ended = ended(paddock, world, database, "succeeded", plan).await;
        let told = ended["steps"].as_array().unwrap().iter();
        steps = told.map(|step| step["key"].as_str().unwrap().to_owned()).collect();
        assert!(ended["interruption"]["measured_ms"].as_u64().is_some_and(|ms| ms > 0), "{ended:#}");
    }
    let wanted: Vec<_> = steps.iter().flat_map(|step| points_of("change_plan", step)).collect();
    let reached = paddock.reached();
    let reached: BTreeSet<_> = reached.iter().filter(|point| point.starts_with("change_plan.")).collect();
    assert_eq!(reached, wanted.iter().collect(), "the points are those of its steps");
    wanted
}

/// Killed once before anything is changed; then data is written that does not fit into the new plan; killed again
/// while the old plan is put back.
async fn break_off_taking_back(paddock: &mut Paddock, database: &Database, point: &str) {
    let early = Armed::at("change_plan.check:committed".into());
    paddock.stop();
    paddock.start(Some(&early)).await;
    let _ = paddock.api.change_plan(World::APP, &database.addon, NARROW).await;
    paddock.died_at(&early).await;
    let client = log_in(&database.url).await.unwrap();
    // Unlogged: its blocks count, and no write-ahead log stays behind when it is dropped.
    let fill = "CREATE UNLOGGED TABLE filler AS
                SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 500000) n";
    client.batch_execute(fill).await.unwrap();
    let point = Armed::at(point.to_owned());
    paddock.start(Some(&point)).await;
    paddock.died_at(&point).await;
    paddock.start(None).await;
}

/// Waits until the last change has ended as it should, with this plan in force.
async fn ended(
    paddock: &Paddock,
    world: &World,
    database: &Database,
    status: &str,
    plan: &str,
) -> serde_json::Value {
    let last = world.operations(paddock, database).await.pop().unwrap();
    assert_eq!(last["kind"], "change_plan");
    let ended = paddock.api.ended(last["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], status, "{ended:#}");
    assert_eq!(paddock.plan_of(World::APP, &database.addon).await, plan);
    ended
}
