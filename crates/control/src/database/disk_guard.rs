//! The disk guard: a plan's disk that fills up is told early, and stops writes before PostgreSQL would stop.
//!
//! At 80, 85 and 90 per cent it says so. From 95 on new transactions are read-only by default: deletes and dumps still
//! work in a transaction that says `READ WRITE`, and whoever wants to clean up gets 15 minutes of writes by a button.
//! Below 90 writes come back by themselves. It works on no database that an operation changes.

use crate::{
    Actor, ControlPlane, Error, Result,
    store::{self, addon::Addon},
};
use chrono::{DateTime, TimeDelta, Utc};
use types::{AddonId, plan::size};

/// Told when the disk is used up to so much (per cent).
const LEVELS: [u64; 3] = [80, 85, 90];
/// From here on new transactions are read-only (per cent).
const STOP: u64 = 95;
/// Below that they are not any more: room to breathe, so that it does not go on and off.
const GO: u64 = 90;
/// How long writes are allowed when somebody asks.
const GRACE: TimeDelta = TimeDelta::minutes(15);

/// What follows from a look at the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    /// The highest level that is reached; 0: none.
    level: u64,
    /// New transactions shall be read-only.
    read_only: bool,
}

fn judge(used: u64, limit: u64, was_read_only: bool) -> Verdict {
    let percent = used.saturating_mul(100).checked_div(limit).unwrap_or(0);
    let level = LEVELS.into_iter().chain([STOP]).filter(|level| percent >= *level).max().unwrap_or(0);
    Verdict { level, read_only: percent >= STOP || (was_read_only && percent >= GO) }
}

impl ControlPlane {
    /// What follows from the bytes on disk that were counted just now: told once per level, writes stopped or allowed.
    ///
    /// # Errors
    /// The store does not answer, or the server cannot be configured.
    pub(crate) async fn guard_disk(&self, addon: AddonId, disk_bytes: u64) -> Result<()> {
        let mut tx = self.store().begin().await?;
        // Held until the server has its settings: a change of plan waits here, or is seen here. Settings of the old plan
        // must not be written over those of the new one.
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = &self.addon_row(&mut tx, addon).await?;
        let limit = u64::from(self.plan_shown(&row.plan).disk_mib) << 20;
        if limit == 0 || row.operation.is_some() || row.deleted_at.is_some() {
            return Ok(());
        }
        let now = self.now();
        let verdict = judge(disk_bytes, limit, row.read_only);
        let level = i16::try_from(verdict.level).unwrap_or_default();
        let grace_ended = row.writes_until.is_some_and(|until| until <= now);
        if level == row.disk_level && verdict.read_only == row.read_only && !grace_ended {
            return Ok(());
        }
        let told =
            format!("{} of {} are used ({} %)", size(disk_bytes), size(limit), disk_bytes * 100 / limit);
        let until = row.writes_until.filter(|_| verdict.read_only && !grace_ended);
        store::database::guard(&mut tx, row.database_id, level, verdict.read_only, until).await?;
        let event = match (row.read_only, verdict.read_only) {
            (false, true) => Some(("read_only", format!("{told}; new transactions are read-only"))),
            (true, false) => Some(("writable", format!("{told}; writes are allowed again"))),
            (true, true) if grace_ended => {
                Some(("read_only", format!("{told}; the 15 minutes of writes are over")))
            }
            _ if level > row.disk_level => Some(("disk_filling", told)),
            _ => None,
        };
        if let Some((kind, words)) = event {
            tracing::warn!(database = %row.database_id, kind, "{words}");
            store::event::record(&mut tx, row.database_id, now, kind, &words).await?;
        }
        // Before the commit: what the server could not be told is found again at the next count.
        if verdict.read_only != row.read_only || grace_ended {
            self.write_settings(row, verdict.read_only, until).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Allows writes for 15 minutes although the disk is nearly used up.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict` when writes are allowed anyway or something else changes the database.
    pub async fn allow_writes(&self, actor: &Actor, addon: AddonId) -> Result<DateTime<Utc>> {
        let mut change = self.change(actor, addon).await?;
        if !change.row.read_only {
            return Err(Error::conflict("Writes are allowed: the disk has room."));
        }
        let (until, database, level) = (change.now + GRACE, change.row.database_id, change.row.disk_level);
        store::database::guard(change.conn(), database, level, true, Some(until)).await?;
        let (words, now) = ("Writes are allowed for 15 minutes", change.now);
        store::event::record(change.conn(), database, now, "grace", words).await?;
        self.apply(change, actor, "database.allow_writes", String::new()).await?;
        Ok(until)
    }

    /// Writes the settings of a running database anew; PostgreSQL reads them within moments.
    async fn write_settings(
        &self,
        row: &Addon,
        read_only: bool,
        writes_until: Option<DateTime<Utc>>,
    ) -> Result<()> {
        let row = Addon { read_only, writes_until, ..row.clone() };
        self.inner.engine.configure(&self.spec(&row)?).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_stop_at_95_and_come_back_below_90() {
        let of = |percent, was| judge(percent, 100, was);
        assert_eq!(of(79, false), Verdict { level: 0, read_only: false });
        assert_eq!(of(80, false), Verdict { level: 80, read_only: false });
        assert_eq!(of(94, false), Verdict { level: 90, read_only: false });
        assert_eq!(of(95, false), Verdict { level: 95, read_only: true });
        assert_eq!(of(91, true), Verdict { level: 90, read_only: true }, "not on and off");
        assert_eq!(of(89, true), Verdict { level: 85, read_only: false });
        assert_eq!(judge(5, 0, false), Verdict { level: 0, read_only: false }, "a plan that says nothing");
    }
}
