//! What happened, newest first: operations, what the keeper saw, and changes of the app itself.

use crate::{
    Action, Actor, ControlPlane, Result,
    actor::PLATFORM,
    addon::ByViewer,
    operation::{millis, status},
    ops::{
        backup, base_backup, change_password, change_plan, delete, pitr_restore, prove_backup, provision,
        restart, restore, restore_backup, start, stop,
    },
    store::{
        self,
        addon::Filter,
        event::{AuditLine, DatabaseEvent, OperationFilter, OperationSummary},
    },
};
use durable::Status;
use std::collections::HashMap;
use types::{AddonId, OperationId, operation::duration, view::ActivityView};
use uuid::Uuid;

/// Whose activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity<'a> {
    /// Of everything that the actor may see.
    All,
    /// Of an app (name or id).
    App(&'a str),
    /// Of an add-on.
    Addon(AddonId),
}

impl ControlPlane {
    /// What happened, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn activity(&self, actor: &Actor, of: Activity<'_>, limit: u32) -> Result<Vec<ActivityView>> {
        let limit = i64::from(limit.clamp(1, 200));
        let filter = match of {
            Activity::All => OperationFilter { viewer: actor.viewer()?, limit, ..OperationFilter::default() },
            Activity::App(app) => {
                let app = self.app_access(actor, app, Action::View).await?.id.uuid();
                OperationFilter { app: Some(app), limit, ..OperationFilter::default() }
            }
            Activity::Addon(addon) => {
                self.addon_access(actor, addon, Action::View).await?;
                OperationFilter { addon: Some(addon.uuid()), limit, ..OperationFilter::default() }
            }
        };
        self.happened(&filter).await
    }

    /// What happened to databases, and to apps unless one add-on is meant; newest first.
    pub(crate) async fn happened(&self, filter: &OperationFilter) -> Result<Vec<ActivityView>> {
        let mut conn = self.store().acquire().await?;
        let operations = store::event::operations(&mut conn, filter).await?;
        let addons = Filter {
            addon: filter.addon,
            app: filter.app,
            viewer: filter.viewer,
            purged: true,
            ..Filter::default()
        };
        let databases: Vec<_> = store::addon::list(&mut conn, &addons)
            .await?
            .into_iter()
            .map(|addon| addon.database_id)
            .collect();
        let seen =
            store::event::of_databases(&mut conn, &databases, (filter.since, filter.until), filter.limit)
                .await?;
        let apps = match (filter.addon, filter.app) {
            (Some(_), _) => Vec::new(),
            (None, Some(app)) => vec![app],
            (None, None) => {
                store::app::list(&mut conn, filter.viewer).await?.into_iter().map(|app| app.id).collect()
            }
        };
        // A stretch of time is asked for by charts: they mark what changes figures, which these do not.
        let changed = if filter.since.is_some() { &[][..] } else { &databases };
        let changes = store::event::changes(&mut conn, &apps, changed, filter.limit).await?;
        drop(conn);
        let mut all: Vec<_> = operations
            .into_iter()
            .map(|row| self.of_operation(row))
            .chain(seen.into_iter().map(of_keeper))
            .chain(changes.into_iter().filter_map(of_app))
            .collect();
        all.sort_by_key(|event| std::cmp::Reverse(event.at));
        all.truncate(usize::try_from(filter.limit).unwrap_or_default());
        Ok(all)
    }

    /// The last operation of each app.
    pub(crate) async fn last_events(&self, apps: &[Uuid]) -> Result<HashMap<Uuid, ActivityView>> {
        let mut conn = self.store().acquire().await?;
        let rows = store::event::last_of_apps(&mut conn, apps).await?;
        Ok(rows.into_iter().map(|(app, row)| (app, self.of_operation(row))).collect())
    }

    fn of_operation(&self, row: OperationSummary) -> ActivityView {
        let plan = self.plan_shown(&row.plan).display_name;
        let took = row.finished_at.map(|end| millis(row.started_at.unwrap_or(row.created_at), end));
        let took = took.map(|ms| format!("in {}", duration(ms))).unwrap_or_default();
        let why = row.error.as_ref().and_then(|error| error.get("message")?.as_str()).unwrap_or_default();
        let detail = match (row.status, row.kind.as_str()) {
            (Status::Succeeded, provision::KIND) => {
                format!("PostgreSQL {}, {plan}, ready {took}", row.version)
            }
            (Status::Succeeded, change_plan::KIND) => format!("{plan}, {took}"),
            (Status::Succeeded, _) => took,
            (_, provision::KIND) if why.is_empty() => format!("PostgreSQL {}, {plan}", row.version),
            _ => why.to_owned(),
        };
        ActivityView {
            at: row.finished_at.unwrap_or(row.created_at),
            actor: Actor::from_json(&row.actor).name().to_owned(),
            title: phrase(&row.kind, row.status),
            detail,
            operation: Some(OperationId::new(row.id)),
            database: Some(row.resource_id),
            tone: status(row.status).tone().into(),
        }
    }
}

fn phrase(kind: &str, status: Status) -> String {
    let (doing, done, noun) = match kind {
        provision::KIND => ("Creating database", "Database created", "Creation"),
        delete::KIND => ("Deleting database", "Database deleted", "Deletion"),
        restore::KIND => ("Bringing database back", "Database brought back", "Bringing back"),
        start::KIND => ("Starting database", "Database started", "Start"),
        stop::KIND => ("Stopping database", "Database stopped", "Stop"),
        restart::KIND => ("Restarting database", "Database restarted", "Restart"),
        change_plan::KIND => ("Changing plan", "Plan changed", "Change of plan"),
        change_password::KIND => {
            ("Changing the URL’s password", "The URL’s password changed", "Change of the URL’s password")
        }
        backup::KIND => ("Backing up", "Backup made", "Backup"),
        prove_backup::KIND => ("Trying a backup", "Backup tried", "Trial of a backup"),
        base_backup::KIND => ("Making a base backup", "Base backup made", "Base backup"),
        pitr_restore::KIND => ("Restoring a moment", "Moment restored", "Restore to a moment"),
        restore_backup::KIND => ("Restoring a backup", "Backup restored", "Restore"),
        other => return format!("{other}: {}", self::status(status).word().to_lowercase()),
    };
    match status {
        Status::Pending | Status::Running | Status::Waiting => doing.into(),
        Status::RollingBack => format!("{noun} is being taken back"),
        Status::Succeeded => done.into(),
        Status::Failed => format!("{noun} failed"),
        Status::Cancelled => format!("{noun} cancelled"),
    }
}

fn of_keeper(event: DatabaseEvent) -> ActivityView {
    let (title, tone) = match event.kind.as_str() {
        "crashed" => ("Database stopped unexpectedly", "err"),
        "restarted" => ("Database is back", "ok"),
        "unreachable" => ("Database does not answer", "warn"),
        "missing" => ("Database's data was not found", "err"),
        "disk_filling" => ("Disk is filling up", "warn"),
        "read_only" => ("Writes stopped: the disk is nearly full", "err"),
        "writable" => ("Writes allowed again", "ok"),
        "grace" => ("Writes allowed for 15 minutes", "warn"),
        "out_of_memory" => ("Out of memory", "err"),
        "backup_refuted" => ("A backup does not restore", "err"),
        "archive_stalled" => ("Nothing reaches the archive", "err"),
        "archive_flows" => ("The archive is reached again", "ok"),
        "archive_gap" => ("A gap in the archive", "err"),
        "damaged_pages" => ("Damaged pages found", "err"),
        "backup_removed" => ("Backup removed", "off"),
        "purged" => ("Database removed for good", "off"),
        _ => ("Database seen", "off"),
    };
    ActivityView {
        at: event.at,
        actor: PLATFORM.into(),
        title: title.into(),
        detail: event.message,
        operation: None,
        database: Some(event.resource_id),
        tone: tone.into(),
    }
}

/// Changes of an app or a database, as the audit log has them. What an operation tells already is left out.
fn of_app(line: AuditLine) -> Option<ActivityView> {
    let title = match line.action.as_str() {
        "app.create" => "App created",
        "app.rename" => "App renamed",
        "variable.set" => "Variables set",
        "variable.delete" => "Variable removed",
        "hook.set" => "Restart hook changed",
        "database.reveal_password" => "Password revealed",
        "network.force_tls" => "Connections without TLS refused",
        "network.allow_plain" => "Connections without TLS allowed",
        "network.everywhere" => "Reachable from everywhere",
        "network.not_everywhere" => "Not reachable from everywhere any more",
        "network.open" => "Network opened",
        "network.change" => "Network changed",
        "network.close" => "Network closed",
        "network.expire" => "Network closed: its time was over",
        "network.end_sessions" => "Sessions ended",
        "log.slow_queries" => "Slow-query log changed",
        "database.create_extension" => "Extension enabled",
        "database.drop_extension" => "Extension disabled",
        "database.statements_on" => "Statements are counted",
        "database.statements_off" => "Statements are counted no more",
        "database.statements_reset" => "Counters of statements begun anew",
        "backup.schedule" => "Backup schedule changed",
        "backup.link" => "Link to a backup made",
        "backup.bring_back" => "What was there before a restore is back",
        "backup.drop_replaced" => "What was there before a restore dropped",
        "query.cancel" => "Query cancelled",
        "query.terminate" => "Session ended",
        "database_user.create" => "User created",
        "database_user.change_password" => "Password changed",
        "database_user.delete" => "User deleted",
        "database_user.mend_rights" => "Gaps in rights closed",
        _ => return None,
    };
    Some(ActivityView {
        at: line.at,
        actor: line.username,
        title: title.into(),
        detail: line.detail,
        operation: None,
        database: None,
        tone: "off".into(),
    })
}
