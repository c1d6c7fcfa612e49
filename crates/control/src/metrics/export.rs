//! What other monitoring reads: the newest sample of every database and how Paddock itself does, for its operators.

use super::{memory::Counters, values::Values};
use crate::{Actor, ControlPlane, Result, operation::status, store};
use chrono::TimeDelta;
use std::collections::BTreeMap;
use types::{Plan, metric::Metric, operation::OperationStatus, status::DatabaseStatus};

/// A sample that is older is not told as the present.
const FRESH: TimeDelta = TimeDelta::seconds(30);

/// One database.
#[derive(Clone, Debug)]
pub struct DatabaseNow {
    /// `my_app_4553`
    pub name: String,
    /// Name of its app.
    pub app: String,
    /// Its plan.
    pub plan: Plan,
    /// Its newest sample, unless it is older than 30 seconds.
    pub values: Option<Values>,
    /// How much swap it may take, bytes, as its newest sample says.
    pub swap_limit_bytes: Option<u64>,
}

impl DatabaseNow {
    /// What its plan allows, in the units of the series.
    #[must_use]
    pub fn limits(&self) -> Vec<(Metric, f64)> {
        let bytes = |mib: u32| f64::from(mib) * 1_048_576.0;
        let mut limits = vec![
            (Metric::Cpu, f64::from(self.plan.cpu_milli) / 10.0),
            (Metric::Memory, bytes(self.plan.memory_mib)),
            (Metric::Connections, f64::from(self.plan.connections())),
            (Metric::DiskSize, bytes(self.plan.disk_mib)),
        ];
        limits.extend(self.swap_limit_bytes.map(|bytes| (Metric::Swap, bytes as f64)));
        limits
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Now {
    /// Every database that is not deleted.
    pub databases: Vec<DatabaseNow>,
    /// How many databases have each status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// How many operations the log has of each status.
    pub operations: BTreeMap<&'static str, u64>,
    /// How the collector does.
    pub collector: Counters,
    /// Connections to the store, and how many of them are idle.
    pub store_connections: (u32, u32),
}

impl ControlPlane {
    /// Everything as it is now.
    ///
    /// # Errors
    /// `Forbidden` for everybody but operators.
    pub async fn measured_now(&self, actor: &Actor) -> Result<Now> {
        self.require_operator(actor, "metrics.read").await?;
        let views = self.databases(actor).await?;
        let mut conn = self.store().acquire().await?;
        let rows = store::addon::list(&mut conn, &store::addon::Filter::default()).await?;
        let counted = store::event::count_operations(&mut conn).await?;
        drop(conn);
        let ids: BTreeMap<_, _> = rows.into_iter().map(|row| (row.id, row.database_id)).collect();
        let mut statuses = BTreeMap::new();
        for view in &views {
            *statuses.entry(word(view.database_status)).or_default() += 1;
        }
        let now = self.now();
        let databases = views.into_iter().map(|view| {
            let id = ids.get(&view.id.uuid());
            let newest = id.and_then(|id| self.inner.measured.newest(*id, now, FRESH));
            let swap = newest.as_ref().map(|(look, _)| look.sample.container.swap_limit_bytes);
            DatabaseNow {
                name: view.resource_id,
                app: view.app,
                plan: view.plan,
                values: newest.map(|(_, values)| values),
                swap_limit_bytes: swap,
            }
        });
        let operations =
            counted.into_iter().map(|(is, count)| (operation_word(status(is)), count.max(0).cast_unsigned()));
        Ok(Now {
            databases: databases.collect(),
            statuses,
            operations: operations.collect(),
            collector: self.inner.measured.counters(),
            store_connections: (
                self.store().size(),
                u32::try_from(self.store().num_idle()).unwrap_or(u32::MAX),
            ),
        })
    }
}

const fn word(status: DatabaseStatus) -> &'static str {
    match status {
        DatabaseStatus::Creating => "creating",
        DatabaseStatus::Running => "running",
        DatabaseStatus::Migrating => "migrating",
        DatabaseStatus::Updating => "updating",
        DatabaseStatus::Upgrading => "upgrading",
        DatabaseStatus::Stopped => "stopped",
        DatabaseStatus::Down => "down",
        DatabaseStatus::Deleted => "deleted",
    }
}

const fn operation_word(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::Pending => "pending",
        OperationStatus::Running => "running",
        OperationStatus::Waiting => "waiting",
        OperationStatus::RollingBack => "rolling_back",
        OperationStatus::Succeeded => "succeeded",
        OperationStatus::Failed => "failed",
        OperationStatus::Cancelled => "cancelled",
    }
}
