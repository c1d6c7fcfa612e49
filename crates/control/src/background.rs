//! What runs beside requests: the worker of operations, the supervisor of databases, the sweeper,
//! the collector of metrics, the keeper that stores them, snapshots of statements, and the keepers of backups and archives.

use crate::{
    ControlPlane,
    backup::keeper::Keeper as BackupKeeper,
    metrics::{Collector, Keeper},
    pitr::keeper::Keeper as ArchiveKeeper,
    statements::Snapshots,
    supervisor::Supervisor,
};
use durable::{Worker, WorkerConfig, background};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Nothing that the sweeper removes is in a hurry.
const SWEEP: Duration = Duration::from_secs(60);

impl ControlPlane {
    /// Starts all of it. Everything ends when `shutdown` says true or its sender is gone; wait for the handles to let
    /// running steps end. What is killed meanwhile goes on at the next start.
    pub fn run_background(&self, shutdown: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let worker = self.worker(WorkerConfig::default());
        let (wake, stop) = (self.operation_changes(), shutdown.clone());
        let operations = background::spawn("operations", async move { worker.run(wake, stop).await });
        let supervisor = background::spawn("supervisor", Supervisor::new(self.clone()).run(shutdown.clone()));
        let collector = background::spawn("collector", Collector::new(self.clone()).run(shutdown.clone()));
        let keeper = background::spawn("metrics keeper", Keeper::new(self.clone()).run(shutdown.clone()));
        let snapshots =
            background::spawn("statement snapshots", Snapshots::new(self.clone()).run(shutdown.clone()));
        let backups =
            background::spawn("backup keeper", BackupKeeper::new(self.clone()).run(shutdown.clone()));
        let archives =
            background::spawn("archive keeper", ArchiveKeeper::new(self.clone()).run(shutdown.clone()));
        let sweeper = background::spawn("sweeper", sweep(self.clone(), shutdown));
        vec![operations, supervisor, collector, keeper, snapshots, backups, archives, sweeper]
    }

    /// A worker for the operations of this control plane.
    #[must_use]
    pub fn worker(&self, config: WorkerConfig) -> Worker {
        Worker::new(self.store().clone(), Arc::clone(&self.inner.clock), self.procedures(), config)
    }
}

async fn sweep(plane: ControlPlane, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        match plane.sweep().await {
            Ok(swept) => tracing::debug!(?swept, "Swept"),
            Err(error) => tracing::warn!(%error, "A sweep failed"),
        }
        match plane.tend().await {
            Ok(tended) => tracing::debug!(?tended, "Tended"),
            Err(error) => tracing::warn!(%error, "Databases could not be tended"),
        }
        tokio::select! {
            stop = shutdown.changed() => if stop.is_err() { return },
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}
