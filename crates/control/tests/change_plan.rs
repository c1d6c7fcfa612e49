//! Changing a plan: what the preview says, what is refused when, and that the old plan is back when it fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{Config, engine::EngineError};
use testkit::{Fault, House, Method, broken};
use types::{
    AddonId, NodeId, Plan,
    operation::{Interruption, OperationStatus as Status},
    plan_change::Verdict,
    status::AddonStatus,
};

const SMALL: &str = "postgresql-starter-512";
const LARGE: &str = "postgresql-starter-1024";
const GIB: u64 = 1 << 30;

async fn database(house: &House, owner: &control::Actor, addon: AddonId) -> NodeId {
    house.plane.node_id(owner, addon).await.unwrap()
}

async fn plan_of(house: &House, owner: &control::Actor, addon: AddonId) -> String {
    house.plane.addon(owner, addon).await.unwrap().plan.name
}

#[tokio::test]
async fn up_and_down_and_the_answer_has_the_new_plan_at_once() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    for plan in [LARGE, SMALL] {
        let before = house.engine.calls(Method::Checkpoint);
        let accepted = house.plane.change_plan(&owner, addon, plan, "", None).await.unwrap();
        assert_eq!(accepted.addon.plan.name, plan);
        assert_eq!(accepted.addon.status, AddonStatus::Provisioning);
        // The same wish again is the same operation.
        let again = house.plane.change_plan(&owner, addon, plan, "", None).await.unwrap();
        assert_eq!(again.operation, accepted.operation);
        assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
        assert_eq!(plan_of(&house, &owner, addon).await, plan);
        assert_eq!(house.engine.calls(Method::Checkpoint) - before, 2, "written out before the stop");
        let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
        assert!(view.interruption.is_some(), "{view:#?}");
    }
    assert_eq!(broken(&house).await, Vec::<String>::new());
    let told = house.plane.activity(&owner, control::Activity::Addon(addon), 20).await.unwrap();
    assert_eq!(told.iter().filter(|event| event.title == "Plan changed").count(), 2, "{told:#?}");
}

#[tokio::test]
async fn the_preview_changes_nothing_and_learns_from_the_last_interruption() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let first = house.plane.plan_change(&owner, addon, LARGE).await.unwrap();
    assert_eq!((first.predicted_ms, &*first.last_ms), (None, &[][..]), "nothing was measured yet");
    assert_eq!(first.verdict, Verdict::Safe);
    assert!(first.at_restart.iter().any(|change| change.name == "shared_buffers"), "{first:#?}");
    assert_eq!(house.engine.calls(Method::Stop), 0);
    let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    let second = house.plane.plan_change(&owner, addon, SMALL).await.unwrap();
    assert_eq!((second.predicted_ms, second.last_ms.len()), (Some(0), 1), "the test's clock stands still");
    let same = house.plane.plan_change(&owner, addon, LARGE).await.unwrap_err().problem();
    assert!(same.field("plan").is_some(), "{same:?}");
}

#[tokio::test]
async fn what_needs_no_restart_closes_no_connection() {
    let same_memory = Plan { name: "faster".into(), cpu_milli: 4000, ..Plan::defaults().remove(1) };
    let mut plans = Plan::defaults();
    plans.push(Plan { display_name: "Faster".into(), ..same_memory });
    let house = House::with(Config { plans, ..Config::default() }, 31000..=31999).await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = database(&house, &owner, addon).await;
    let since = house.engine.node(id).unwrap().running;
    let preview = house.plane.plan_change(&owner, addon, "faster").await.unwrap();
    assert_eq!((preview.at_restart.len(), preview.predicted_ms), (0, Some(0)), "{preview:#?}");
    let accepted = house.plane.change_plan(&owner, addon, "faster", "", None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    assert_eq!(house.engine.calls(Method::Stop), 0);
    assert_eq!(house.engine.node(id).unwrap().running, since);
    let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
    assert_eq!(view.interruption, None);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_tight_needs_the_name() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let ordered = house.ready(&owner, "my-app").await.addon;
    let id = database(&house, &owner, ordered.id).await;
    let accepted = house.plane.change_plan(&owner, ordered.id, LARGE, "", None).await.unwrap();
    house.finish(accepted.operation).await;

    house.engine.fill(id, 12 * GIB);
    let refused = house.plane.plan_change(&owner, ordered.id, SMALL).await.unwrap();
    assert_eq!(refused.verdict, Verdict::Refused);
    for answer in [
        house.plane.change_plan(&owner, ordered.id, SMALL, &ordered.resource_id, None).await,
        house.plane.change_plan_api(&owner, ordered.id, SMALL, None).await,
    ] {
        let problem = answer.unwrap_err().problem();
        assert!(problem.field("plan").is_some_and(|words| words.contains("12 GB of 10 GB")), "{problem:?}");
    }

    house.engine.fill(id, 8 * GIB + GIB / 2);
    let tight = house.plane.change_plan(&owner, ordered.id, SMALL, "", None).await.unwrap_err().problem();
    assert!(tight.field("confirm").is_some_and(|words| words.contains(&ordered.resource_id)), "{tight:?}");
    let accepted =
        house.plane.change_plan(&owner, ordered.id, SMALL, &ordered.resource_id, None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    assert_eq!(plan_of(&house, &owner, ordered.id).await, SMALL);
}

/// Everything fits, and yet backups would go and moments end: that is told before, and typed.
#[tokio::test]
async fn a_plan_that_keeps_less_is_tight_and_says_what_is_lost() {
    const SANDBOX: &str = "postgresql-sandbox";
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let ordered = house.ready(&owner, "my-app").await.addon;
    let young = house.plane.plan_change(&owner, ordered.id, SANDBOX).await.unwrap();
    assert_eq!((young.verdict, young.lost), (Verdict::Safe, None), "there is nothing to lose yet");

    control::pitr::keeper::Keeper::new(house.plane.clone()).round().await.unwrap();
    house.settle().await;
    for _ in 0..3 {
        house.plane.back_up(&owner, ordered.id, None).await.unwrap();
        house.settle().await;
        house.clock.advance(TimeDelta::minutes(1));
    }
    let listed = house.plane.apps(&owner).await.unwrap();
    let last = listed[0].last_backup(ordered.id).unwrap().made_at;
    assert_eq!(house.plane.now() - last, TimeDelta::minutes(1), "the newest of the three");
    house.clock.advance(TimeDelta::hours(26));
    let preview = house.plane.plan_change(&owner, ordered.id, SANDBOX).await.unwrap();
    assert_eq!(preview.verdict, Verdict::Tight, "{preview:#?}");
    let lost = preview.lost.unwrap();
    assert!(lost.contains("2 of 3 backups"), "the last good one stays: {lost}");
    assert!(lost.contains("every moment of the last 26 hours"), "{lost}");
    let rule = |title: &str| preview.fits.iter().find(|fit| fit.title == title).unwrap();
    assert_eq!(rule("Backups").detail, "none instead of 7 daily, 4 weekly, 10 manual");
    assert_eq!(rule("Point-in-time recovery").verdict, Verdict::Tight);
    let more = house.plane.plan_change(&owner, ordered.id, LARGE).await.unwrap();
    assert_eq!((more.verdict, more.lost), (Verdict::Safe, None), "the same rules");

    let refused = house.plane.change_plan(&owner, ordered.id, SANDBOX, "", None).await.unwrap_err().problem();
    let words = refused.field("confirm").unwrap();
    assert!(words.contains("2 of 3 backups") && words.contains(&ordered.resource_id), "{words}");
    // Clients of the API ask their user themselves.
    let accepted = house.plane.change_plan_api(&owner, ordered.id, SANDBOX, None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
}

/// It fitted when it was asked for, and does not when nobody can write any more.
#[tokio::test]
async fn refused_again_after_writes_stopped_the_old_plan_is_back() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = database(&house, &owner, addon).await;
    let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
    house.finish(accepted.operation).await;
    let looks_to_grow = house.engine.calls(Method::DiskBytes);
    let accepted = house.plane.change_plan(&owner, addon, SMALL, "", None).await.unwrap();
    // check, configure, checkpoint
    let worker = house.worker();
    for _ in 0..3 {
        assert!(worker.run_once().await.unwrap());
    }
    assert_eq!(house.engine.calls(Method::Stop), 1, "of the change before");
    house.engine.fill(id, 11 * GIB);
    assert_eq!(house.finish(accepted.operation).await, Status::Failed);
    let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
    assert!(view.error.unwrap().contains("Disk does not fit into Starter 512M"));
    // A disk that grows is not looked through once more while nobody can connect.
    assert_eq!(house.engine.calls(Method::DiskBytes) - looks_to_grow, looks_to_grow + 1);
    assert_eq!(plan_of(&house, &owner, addon).await, LARGE);
    assert_eq!(broken(&house).await, Vec::<String>::new(), "it runs with the old plan");
}

#[tokio::test]
async fn a_start_that_fails_with_the_new_plan_brings_the_old_one_back() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let fired = house.engine.inject(
        Fault::before(Method::Start, || EngineError::Postgres {
            message: "PostgreSQL does not start: could not map anonymous shared memory".into(),
            log: vec!["FATAL: could not map anonymous shared memory".into()],
        })
        .times(3),
    );
    let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Failed);
    assert_eq!(fired.times(), 3);
    let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
    assert!(!view.error_log.is_empty(), "PostgreSQL's own words are told");
    assert_eq!(plan_of(&house, &owner, addon).await, SMALL);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stopped_database_stays_stopped_with_its_new_plan() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let stopped = house.plane.stop_database(&owner, addon, None).await.unwrap();
    house.finish(stopped.operation).await;
    let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    let id = database(&house, &owner, addon).await;
    let node = house.engine.node(id).unwrap();
    assert_eq!((node.running, node.spec.plan.name.as_str()), (None, LARGE));
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn cancelled_before_the_restart_the_old_plan_stays() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    for steps in 0..4 {
        let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
        let worker = house.worker();
        for _ in 0..steps {
            assert!(worker.run_once().await.unwrap());
        }
        house.plane.cancel_operation(&owner, accepted.operation).await.unwrap();
        assert_eq!(house.finish(accepted.operation).await, Status::Cancelled, "after {steps} steps");
        assert_eq!(plan_of(&house, &owner, addon).await, SMALL);
        assert_eq!(broken(&house).await, Vec::<String>::new(), "after {steps} steps");
    }
}

/// What is expected of the second interruption is what was measured of the first.
#[tokio::test]
async fn what_was_expected_of_an_interruption_stands_beside_what_was_measured() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    // The test's clock goes on only where something is tried again.
    let fired = house.engine.inject(Fault::before(Method::Start, || EngineError::Postgres {
        message: "PostgreSQL does not start".into(),
        log: Vec::new(),
    }));
    let mut seen = Vec::new();
    for plan in [LARGE, SMALL] {
        let accepted = house.plane.change_plan(&owner, addon, plan, "", None).await.unwrap();
        assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
        let view = house.plane.operation(&owner, accepted.operation).await.unwrap();
        seen.push(view.interruption.unwrap());
    }
    assert_eq!(fired.times(), 1);
    let first = seen[0].measured_ms;
    assert!(first > 0, "{seen:?}");
    assert_eq!(seen[0], Interruption { predicted_ms: None, measured_ms: first });
    assert_eq!(seen[1], Interruption { predicted_ms: Some(first), measured_ms: 0 });
}

#[tokio::test]
async fn the_app_is_told_once_the_plan_is_in_force() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let url = "https://app.example.org/restart";
    house.plane.set_hook(&owner, "my-app", Some(url.into()), vec![]).await.unwrap();
    let accepted = house.plane.change_plan(&owner, addon, LARGE, "", None).await.unwrap();
    let worker = house.worker();
    while worker.run_once().await.unwrap() {
        // Views show the new plan at once; the store has it when it is in force.
        let plan: String = sqlx::query_scalar("SELECT plan FROM addon WHERE id = $1")
            .bind(addon.uuid())
            .fetch_one(&house.store.pool)
            .await
            .unwrap();
        assert!(plan == LARGE || house.postman.posted().is_empty(), "told with {plan}");
    }
    assert_eq!(house.status(accepted.operation).await, Status::Succeeded);
    let posted = house.postman.posted();
    assert_eq!((posted.len(), posted[0].url.as_str()), (1, url));
    let body: serde_json::Value = serde_json::from_str(&posted[0].body).unwrap();
    assert_eq!(body["type"], "database.plan_changed");
    assert_eq!(body["data"]["operation_id"], accepted.operation.to_string());
}
