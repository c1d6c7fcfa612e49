//! All of it together, as the server runs it: requests, worker, supervisor, sweeper, and an orderly end.

use std::{future::Future, time::Duration};
use testkit::House;
use tokio::sync::watch;
use types::{operation::OperationStatus, status::DatabaseStatus};

async fn until<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let waiting = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(), "it never came: {what}");
}

#[tokio::test]
async fn it_works_and_ends() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let plane = &house.plane;
    plane.create_app(&owner, "my-app").await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let running = plane.run_background(stopped);

    let mut changes = plane.operation_changes();
    let accepted = house.order(&owner, "my-app").await;
    tokio::time::timeout(Duration::from_secs(10), changes.changed()).await.unwrap().unwrap();
    until("ready", || async { house.status(accepted.operation).await == OperationStatus::Succeeded }).await;

    let addon = accepted.addon.id;
    house.engine.crash(*house.engine.nodes().keys().next().unwrap());
    until("back", || async {
        plane.addon(&owner, addon).await.unwrap().database_status == DatabaseStatus::Running
    })
    .await;

    stop.send(true).unwrap();
    for task in running {
        tokio::time::timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
    }
    // What is asked for now waits for the next start.
    let restart = plane.restart_database(&owner, addon, None).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(house.status(restart.operation).await, OperationStatus::Pending);
    assert_eq!(house.finish(restart.operation).await, OperationStatus::Succeeded);
}
