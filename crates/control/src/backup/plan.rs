//! Changing when a database is backed up.

use super::schedule::Schedule;
use crate::{Action, Actor, ControlPlane, Error, Result, audit, store};
use types::AddonId;

impl ControlPlane {
    /// Sets when periodic backups are made. `hour` and `zone` stay as they are where they are not given.
    ///
    /// # Errors
    /// `Invalid` on fields `hour` and `zone`; `Conflict`: the plan has no periodic backups, or the database is deleted.
    pub async fn set_backup_schedule(
        &self,
        actor: &Actor,
        addon: AddonId,
        enabled: Option<bool>,
        at: Option<(u8, String)>,
    ) -> Result<()> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        if row.deleted_at.is_some() {
            return Err(Error::conflict("This database was deleted. Bring it back first."));
        }
        let plan = self.plan_shown(&row.plan);
        if plan.daily_backups == 0 {
            return Err(super::ask::not_offered(&plan));
        }
        let stored = super::view::schedule_of(&store::backup::schedule(&mut tx, row.database_id).await?)?;
        let enabled = enabled.unwrap_or(stored.enabled());
        let schedule = match at {
            Some((hour, zone)) => Schedule::new(enabled, hour, &zone)?,
            None => stored.switched(enabled),
        };
        let (now, at) =
            (self.now(), (schedule.enabled(), i16::from(schedule.hour()), schedule.zone().name()));
        store::backup::set_schedule(&mut tx, row.database_id, at, now).await?;
        let (subject, told) = (row.subject(), super::schedule::told(&schedule, now));
        let entry = audit::Entry::new("backup.schedule").app(subject.app).database(subject.database);
        audit::record(&mut tx, now, actor, entry.detail(format!("{} {told}", row.resource_id))).await?;
        tx.commit().await?;
        Ok(())
    }
}
