//! The moments of a database as people see them.

use super::{due, exposure, keeper::STANDS, window};
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::accept::Lane,
    engine::pitr::{BackupKind, BaseBackup, Timelines},
    ops,
    store::{self, addon::Addon, pitr::Restore},
};
use chrono::{DateTime, TimeDelta, Utc};
use durable::{OperationRow, Status};
use types::{
    AddonId, DatabaseId, OperationId, RestoreId,
    pitr::{BaseView, GapView, Mark, PitrView, RestorePoint, RestoreView, TableRows},
};

impl ControlPlane {
    /// The moments of a database, and everything else that their page says.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn pitr(&self, actor: &Actor, addon: AddonId) -> Result<PitrView> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        let now = self.now();
        let days = self.plan_shown(&row.plan).pitr_days;
        let since = now - TimeDelta::days(days.into());
        let restores = store::pitr::list(&mut conn, row.database_id).await?;
        let events =
            store::event::of_databases(&mut conn, &[row.database_id], (Some(since), None), 200).await?;
        let asked = durable::Filter {
            subjects: Some(vec![Lane::Change.subject(row.subject())]),
            live: false,
            limit: 200,
        };
        let asked = durable::list(&mut *conn, &asked).await?;
        let making = durable::live_for(&mut *conn, &Lane::Base.subject(row.subject())).await?;
        drop(conn);
        let mut view = PitrView { days, ..nothing(now) };
        view.standing = restores.iter().find(|one| one.stands()).cloned().map(restore).transpose()?;
        if days == 0 {
            return Ok(view);
        }
        if self.inner.engine.pitr_tool().await.is_none() {
            view.unavailable = Some(
                "This host has no pgBackRest that is new enough (2.60). The operator can install it.".into(),
            );
        }
        let (known, serving, live) = self.archive_now_known(&row).await?;
        let seen = self.inner.archives.get(row.database_id).unwrap_or_default();
        view.trouble = match () {
            () if view.unavailable.is_some() || !row.archives => None,
            () if !seen.state.on && seen.at != DateTime::UNIX_EPOCH => {
                Some("Archiving begins with the next restart of the database.".into())
            }
            () => exposure::stalled(&seen.state, self.disk_left(&row), now),
        };
        if let Some(window) = window::window(&known, serving, days, live, now) {
            let gap = |(from, to)| GapView { from: Some(from), to: Some(to) };
            view.gaps = window.holes.iter().copied().map(gap).collect();
            (view.from, view.to) = (Some(window.from), Some(window.to));
        }
        view.archived_at = seen.state.last_at;
        view.marks = marks(&known, &restores, &asked, events, view.from.unwrap_or(now));
        view.next_full_at = due::next_full(&known);
        view.bases = known.backups.iter().map(base).collect();
        view.making = making.map(|operation| OperationId::new(operation.id));
        view.points = restores.iter().filter_map(|restore| point(restore, &known, days, now)).collect();
        let mut took: Vec<_> = restores.iter().filter_map(|restore| restore.took_ms).collect();
        took.sort_unstable();
        view.expected_ms = took.get(took.len() / 2).and_then(|ms| u64::try_from(*ms).ok());
        Ok(view)
    }
}

impl ControlPlane {
    /// How far back the moments of a database reach, milliseconds; `None`: no moment can be had.
    pub(crate) async fn moments_reach(&self, row: &Addon) -> Result<Option<u64>> {
        let (days, now) = (self.plan_shown(&row.plan).pitr_days, self.now());
        if days == 0 {
            return Ok(None);
        }
        let (known, serving, live) = self.archive_now_known(row).await?;
        let window = window::window(&known, serving, days, live, now);
        Ok(window.and_then(|window| u64::try_from((now - window.from).num_milliseconds()).ok()))
    }

    /// When the oldest base backup of a database ended, as it was seen last.
    #[must_use]
    pub fn first_base_backup(&self, database: DatabaseId) -> Option<DateTime<Utc>> {
        self.inner.archives.get(database.uuid())?.known.backups.iter().map(|base| base.to).min()
    }
}

fn nothing(now: DateTime<Utc>) -> PitrView {
    PitrView {
        days: 0,
        unavailable: None,
        trouble: None,
        from: None,
        to: None,
        archived_at: None,
        bases: Vec::new(),
        gaps: Vec::new(),
        marks: Vec::new(),
        making: None,
        next_full_at: None,
        standing: None,
        points: Vec::new(),
        expected_ms: None,
        now,
    }
}

fn base(base: &BaseBackup) -> BaseView {
    BaseView {
        label: base.label.clone(),
        kind: kind(base.kind).into(),
        from: base.from,
        to: base.to,
        bytes: base.bytes,
        stored_bytes: base.stored_bytes,
        damaged: base.damaged,
    }
}

/// The word for a kind of base backup.
pub(crate) const fn kind(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Diff => "differential",
        BackupKind::Incr => "incremental",
    }
}

fn marks(
    known: &Timelines,
    restores: &[Restore],
    asked: &[OperationRow],
    events: Vec<store::event::DatabaseEvent>,
    from: DateTime<Utc>,
) -> Vec<Mark> {
    let bases = known.backups.iter().map(|base| Mark {
        at: base.to,
        kind: "base".into(),
        words: format!("Base backup, {}", kind(base.kind)),
    });
    let switched = restores.iter().filter(|restore| restore.status == "switched").filter_map(|restore| {
        let words = format!("Went back to {}", restore.moment.format("%d %b %H:%M:%S UTC"));
        Some(Mark { at: restore.ended_at?, kind: "restore".into(), words })
    });
    let restarts = events
        .into_iter()
        .filter(|event| matches!(event.kind.as_str(), "restarted" | "crashed" | "out_of_memory"))
        .map(|event| Mark { at: event.at, kind: "restart".into(), words: event.message });
    let asked = asked.iter().filter(|row| row.status == Status::Succeeded).filter_map(|row| {
        let words = match row.kind.as_str() {
            ops::restart::KIND => "Restarted on request",
            ops::change_plan::KIND => "Plan changed",
            ops::stop::KIND => "Stopped on request",
            ops::start::KIND => "Started on request",
            _ => return None,
        };
        Some(Mark { at: row.finished_at?, kind: "restart".into(), words: words.into() })
    });
    let mut marks: Vec<_> =
        bases.chain(switched).chain(restarts).chain(asked).filter(|mark| mark.at >= from).collect();
    marks.sort_by_key(|mark| mark.at);
    marks
}

fn restore(row: Restore) -> Result<RestoreView> {
    let tables: Option<Vec<TableRows>> =
        row.tables.map(serde_json::from_value).transpose().map_err(Error::internal)?;
    Ok(RestoreView {
        id: RestoreId::new(row.id),
        status: row.status.parse().map_err(Error::internal)?,
        moment: row.moment,
        reached_at: row.reached_at,
        tables: tables.unwrap_or_default(),
        took_ms: row.took_ms.and_then(|ms| u64::try_from(ms).ok()),
        operation: OperationId::new(row.operation_id),
        created_at: row.created_at,
        until: row.created_at + STANDS,
    })
}

/// The state that a restore has left, as long as the archive leads there.
fn point(row: &Restore, known: &Timelines, days: u16, now: DateTime<Utc>) -> Option<RestorePoint> {
    let timeline = u32::try_from(row.left_timeline?).ok()?;
    let moment = row.left_at?;
    let window = window::window(known, Some(timeline), days, false, now)?;
    window.refuses(moment).is_none().then(|| RestorePoint {
        restore: RestoreId::new(row.id),
        moment,
        timeline,
        went_to: row.moment,
    })
}
