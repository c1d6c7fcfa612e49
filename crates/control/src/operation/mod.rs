//! Operations as people follow them: found, listed, cancelled, tried again. What a page shows is made in `view.rs`.
//!
//! Every detail that is shown was written by a step that really ran; elapsed times are measured, the expectation is
//! the median of earlier operations of the kind.

mod view;

use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::{ByViewer, Subject},
    audit,
    ops::{self, About},
    store::{
        self,
        addon::{Addon, Filter},
        event::OperationSummary,
    },
};
use chrono::{DateTime, Utc};
use durable::{OperationRow as Row, Status};
use tokio::sync::watch;
use types::{
    AddonId, OperationId,
    operation::{OperationRow, OperationStatus, OperationView},
};

/// Events of one operation that are read at most. Only an operation that is retried for weeks has more.
const EVENTS: i64 = 5000;

/// Which operations to list.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// Only of this app (name or id).
    pub app: Option<String>,
    /// Only of this add-on.
    pub addon: Option<AddonId>,
    /// Only those that have not ended.
    pub live: bool,
    /// At most so many; 50 for 0, never more than 200.
    pub limit: u32,
}

impl ControlPlane {
    /// An operation, whole.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn operation(&self, actor: &Actor, id: OperationId) -> Result<OperationView> {
        let (row, addon) = self.operation_access(actor, id, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let events = durable::events(&mut *conn, row.id, 0, EVENTS).await?;
        let expected_ms = durable::median_ms(&mut *conn, &row.kind).await?;
        let interruption = store::interruption::of_operation(&mut conn, row.id).await?;
        drop(conn);
        let about = About { version: addon.pg_version()?, database: addon.resource_id, app: addon.app };
        let mut view = view::view(&row, &events, &about, self.now());
        view.addon_id = Some(AddonId::new(addon.id));
        view.interruption = interruption;
        view.expected_ms = expected_ms.and_then(|ms| u64::try_from(ms).ok());
        Ok(view)
    }

    /// Operations that the actor may see, newest first.
    ///
    /// # Errors
    /// `NotFound` for an app or an add-on in the filter.
    pub async fn operations(&self, actor: &Actor, filter: OperationFilter) -> Result<Vec<OperationRow>> {
        let app = match &filter.app {
            Some(app) => Some(self.app_access(actor, app, Action::View).await?.id.uuid()),
            None => None,
        };
        let viewer = match filter.addon {
            Some(addon) => {
                self.addon_access(actor, addon, Action::View).await?;
                None
            }
            None => actor.viewer()?,
        };
        let limit = i64::from(if filter.limit == 0 { 50 } else { filter.limit.min(200) });
        let filter = store::event::OperationFilter {
            app,
            addon: filter.addon.map(AddonId::uuid),
            viewer,
            live: filter.live,
            limit,
            ..store::event::OperationFilter::default()
        };
        let mut conn = self.store().acquire().await?;
        let rows = store::event::operations(&mut conn, &filter).await?;
        rows.into_iter().map(list_row).collect()
    }

    /// Asks an operation to stop and take back what it made.
    ///
    /// # Errors
    /// `Conflict`: it has ended, or is past the point of no return.
    pub async fn cancel_operation(&self, actor: &Actor, id: OperationId) -> Result<()> {
        let (row, addon) = self.operation_access(actor, id, Action::Operate).await?;
        let told = ops::told(&row.kind);
        let can = told.is_some_and(|told| told.cancellable(&row.step)) && row.unwinds_to.is_none();
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if !can || !durable::request_cancel(&mut *tx, now, row.id).await? {
            return Err(Error::Conflict {
                message: if row.status.ended() {
                    "This operation has ended already.".into()
                } else {
                    "This operation cannot be cancelled any more.".into()
                },
                operation: Some(id),
            });
        }
        let subject = addon.subject();
        let entry = audit::Entry::new("operation.cancel").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(format!("{id} {}", row.kind))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Lets a failed operation that waits for a person go on at its step.
    ///
    /// # Errors
    /// `Conflict`: nothing waits, or something else changes the database now.
    pub async fn retry_operation(&self, actor: &Actor, id: OperationId) -> Result<()> {
        let (row, addon) = self.operation_access(actor, id, Action::Operate).await?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if !durable::retry(&mut tx, now, row.id).await? {
            return Err(Error::Conflict {
                message: "There is nothing to try again: this operation is not waiting for anybody.".into(),
                operation: Some(id),
            });
        }
        let subject = addon.subject();
        let entry = audit::Entry::new("operation.retry").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(format!("{id} {}", row.kind))).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Grows whenever something in the operation log changes: a wake-up, read the truth again.
    #[must_use]
    pub fn operation_changes(&self) -> watch::Receiver<u64> {
        self.wake().subscribe()
    }

    /// Finds the operation and the add-on that it changes, also one that is purged: its log stays readable.
    async fn operation_access(&self, actor: &Actor, id: OperationId, action: Action) -> Result<(Row, Addon)> {
        let mut conn = self.store().acquire().await?;
        let not_found = || Error::NotFound("operation");
        let row = durable::load(&mut *conn, id.uuid()).await?.ok_or_else(not_found)?;
        let subject: Subject = serde_json::from_value(row.params.clone()).map_err(|_| not_found())?;
        let viewer = match actor.only_addon() {
            Some(only) if only == subject.addon => actor.user_id().map(types::UserId::uuid),
            Some(_) => return Err(not_found()),
            None => actor.viewer()?,
        };
        let filter = Filter { addon: Some(subject.addon.uuid()), viewer, purged: true, ..Filter::default() };
        let addon = store::addon::list(&mut conn, &filter).await?.pop().ok_or_else(not_found)?;
        drop(conn);
        if addon.purged_at.is_none() {
            // The table of rights has the last word.
            match self.addon_access(actor, subject.addon, action).await {
                Ok(_) => {}
                // Perhaps purged since it was read, as by an order that is just being taken back.
                Err(Error::NotFound(_)) => {
                    let mut conn = self.store().acquire().await?;
                    let again = store::addon::list(&mut conn, &filter).await?.pop();
                    let purged = again.filter(|addon| addon.purged_at.is_some());
                    return purged.map(|addon| (row, addon)).ok_or_else(not_found);
                }
                Err(other) => return Err(other),
            }
        }
        Ok((row, addon))
    }
}

/// The status in the words of pages.
pub(crate) fn status(status: Status) -> OperationStatus {
    match status {
        Status::Pending => OperationStatus::Pending,
        Status::Running => OperationStatus::Running,
        Status::Waiting => OperationStatus::Waiting,
        Status::RollingBack => OperationStatus::RollingBack,
        Status::Succeeded => OperationStatus::Succeeded,
        Status::Failed => OperationStatus::Failed,
        Status::Cancelled => OperationStatus::Cancelled,
    }
}

/// "Create database my_app_4553", for any kind.
pub(crate) fn title(kind: &str, about: &About) -> String {
    ops::told(kind).map_or_else(|| format!("{kind} {}", about.database), |told| (told.title)(about))
}

/// Milliseconds between two moments.
pub(crate) fn millis(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).num_milliseconds()).unwrap_or(0)
}

fn list_row(row: OperationSummary) -> Result<OperationRow> {
    let about = About {
        version: row.version.parse().map_err(Error::internal)?,
        database: row.resource_id,
        app: row.app,
    };
    let elapsed = row.finished_at.map(|end| millis(row.started_at.unwrap_or(row.created_at), end));
    Ok(OperationRow {
        id: OperationId::new(row.id),
        title: title(&row.kind, &about),
        status: status(row.status),
        actor: Actor::from_json(&row.actor).name().to_owned(),
        created_at: row.created_at,
        elapsed_ms: elapsed,
        database: about.database,
        app: about.app,
    })
}
