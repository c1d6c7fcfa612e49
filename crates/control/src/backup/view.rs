//! Backups as people see them.

use super::{
    archive::TarGz,
    health,
    retention::{self, Kept, Label, Rules},
    schedule::{self, Schedule},
};
use crate::{
    Action, Actor, ControlPlane, Error, Result,
    addon::ByViewer as _,
    store::{
        self,
        backup::{Backup, Filter},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{collections::BTreeMap, fmt::Write as _};
use types::{
    AddonId, BackupId, DatabaseId, OperationId,
    backup::{
        self, BackupMethod, BackupStatus, BackupView, BackupsView, ProofState, ProofView, ScheduleView,
    },
};

impl ControlPlane {
    /// The backups of a database, and everything else that their page says; also of one that is gone for good.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn backups(&self, actor: &Actor, addon: AddonId) -> Result<BackupsView> {
        self.lasting_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        let filter = Filter { database: Some(row.database_id), ..Filter::default() };
        let rows = store::backup::list(&mut conn, &filter).await?;
        let stored = store::backup::schedule(&mut conn, row.database_id).await?;
        let key_since = store::backup::newest_key_since(&mut conn, row.database_id).await?;
        drop(conn);
        let (now, plan) = (self.now(), self.plan_shown(&row.plan));
        let schedule = schedule_of(&stored)?;
        let (rules, zone) = (Rules::of(&plan), schedule.zone());
        let kept: Vec<_> = rows.iter().filter_map(kept).collect();
        let labels = retention::why_kept(&rules, zone, &kept, now, row.purged_at);
        let spread = schedule::spread(DatabaseId::new(row.database_id));
        let last_good = kept.iter().filter(|one| one.good).map(|one| one.made_at).max();
        let health =
            health::health(&plan, &schedule, spread, stored.since.max(row.created_at), last_good, now);
        let offered = plan.daily_backups > 0 || plan.manual_backups > 0;
        let mut planned = schedule_view(&schedule, spread, now);
        // Nothing is made of what is deleted.
        planned.next_at = planned.next_at.filter(|_| row.deleted_at.is_none());
        let manual = kept.iter().filter(|one| one.good && one.method == BackupMethod::Manual).count();
        Ok(BackupsView {
            offered,
            schedule: planned,
            kept: plan.backups(),
            manual: u32::try_from(manual).unwrap_or(u32::MAX),
            manual_kept: u32::from(plan.manual_backups),
            pushes_out: retention::oldest_manual_goes(&rules, &kept),
            health: health.map(|health| (health.state.as_str().to_owned(), health.sentence)),
            place: self.inner.vault.place_name(),
            key_since,
            replaced: stored.replaced_at.is_some() && row.deleted_at.is_none(),
            backups: rows.into_iter().map(|row| view(row, &labels)).collect::<Result<_>>()?,
        })
    }

    /// When a database is backed up; `None`: its plan has no periodic backups.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn backup_schedule(&self, actor: &Actor, addon: AddonId) -> Result<Option<ScheduleView>> {
        self.addon_access(actor, addon, Action::View).await?;
        let mut conn = self.store().acquire().await?;
        let row = self.addon_row(&mut conn, addon).await?;
        if self.plan_shown(&row.plan).daily_backups == 0 {
            return Ok(None);
        }
        let schedule = schedule_of(&store::backup::schedule(&mut conn, row.database_id).await?)?;
        let spread = schedule::spread(DatabaseId::new(row.database_id));
        Ok(Some(schedule_view(&schedule, spread, self.now())))
    }

    /// One backup, also of a database that was deleted since.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn backup(&self, actor: &Actor, id: BackupId) -> Result<BackupView> {
        view(self.backup_row(actor, id).await?, &BTreeMap::new())
    }

    /// The row of a backup that the actor may see.
    pub(crate) async fn backup_row(&self, actor: &Actor, id: BackupId) -> Result<Backup> {
        let viewer = match actor.only_addon() {
            Some(_) => actor.user_id().map(types::UserId::uuid),
            None => actor.viewer()?,
        };
        let filter = Filter { backup: Some(id.uuid()), viewer, ..Filter::default() };
        let mut conn = self.store().acquire().await?;
        let found = store::backup::list(&mut conn, &filter).await?.pop();
        let allowed = |row: &Backup| actor.only_addon().is_none_or(|only| only.uuid() == row.addon_id);
        found.filter(allowed).ok_or(Error::NotFound("backup"))
    }
}

fn schedule_view(schedule: &Schedule, spread: TimeDelta, now: DateTime<Utc>) -> ScheduleView {
    ScheduleView {
        enabled: schedule.enabled(),
        hour: schedule.hour(),
        zone: schedule.zone().name().into(),
        hour_utc: schedule::hour_in_utc(schedule, now),
        told: schedule::told(schedule, now),
        next_at: schedule::next(schedule, spread, now),
    }
}

/// A stored schedule.
pub(crate) fn schedule_of(stored: &store::backup::Schedule) -> Result<Schedule> {
    let hour = u8::try_from(stored.hour).map_err(Error::internal)?;
    Schedule::new(stored.enabled, hour, &stored.zone).map_err(Error::internal)
}

/// What retention must know of a backup; `None` while nothing has come of it yet.
pub(crate) fn kept(row: &Backup) -> Option<Kept> {
    let status: BackupStatus = row.status.parse().ok()?;
    Some(Kept {
        id: BackupId::new(row.id),
        made_at: row.made_at.unwrap_or(row.created_at),
        method: row.method.parse().ok()?,
        good: good(row),
        proven: row.proof == "proven",
        refuted_at: row.proven_at.filter(|_| status == BackupStatus::Done && !good(row)),
    })
    .filter(|_| status.ended())
}

/// Whether a backup can be counted on.
pub(crate) fn good(row: &Backup) -> bool {
    let status = row.status.parse();
    status.is_ok_and(|status| backup::good(status, proof_state(&row.proof), &row.proof_words))
}

/// A row as people see it.
pub(super) fn view(row: Backup, labels: &BTreeMap<BackupId, Label>) -> Result<BackupView> {
    let id = BackupId::new(row.id);
    let status: BackupStatus = row.status.parse().map_err(Error::internal)?;
    let archive = archive(&row);
    Ok(BackupView {
        id,
        database: DatabaseId::new(row.database_id),
        addon: AddonId::new(row.addon_id),
        resource_id: row.resource_id,
        method: row.method.parse().map_err(Error::internal)?,
        status: if row.cancelling && !status.ended() { BackupStatus::Cancelling } else { status },
        operation: OperationId::new(row.operation_id),
        late: row.late,
        created_at: row.created_at,
        started_at: row.started_at,
        ended_at: row.ended_at,
        made_at: row.made_at,
        version: row.version,
        name: row.name,
        bytes: row.bytes.cast_unsigned(),
        archive_bytes: archive.map(|archive| archive.bytes()),
        sha256: row.sha256.map(|sha256| hex(&sha256)),
        error: row.error,
        proof: ProofView {
            state: proof_state(&row.proof),
            at: row.proven_at,
            took_ms: row.proof_ms.and_then(|ms| u64::try_from(ms).ok()),
            tables: row.proof_tables.and_then(|n| u64::try_from(n).ok()),
            words: row.proof_words,
            operation: row.proof_operation.map(OperationId::new),
        },
        kept_as: labels.get(&id).map(|label| label.word().to_owned()).unwrap_or_default(),
    })
}

/// A stored word for a proof.
pub(crate) fn proof_state(text: &str) -> ProofState {
    match text {
        "running" => ProofState::Running,
        "proven" => ProofState::Proven,
        "refuted" => ProofState::Refuted,
        "failed" => ProofState::Failed,
        _ => ProofState::None,
    }
}

/// The archive that a whole backup is downloaded as.
pub(crate) fn archive(row: &Backup) -> Option<TarGz> {
    let (name, made_at): (&str, DateTime<Utc>) = (row.name.as_deref()?, row.made_at?);
    let crc32 = u32::try_from(row.crc32?).ok()?;
    Some(TarGz::new(name, row.bytes.cast_unsigned(), crc32, made_at))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
