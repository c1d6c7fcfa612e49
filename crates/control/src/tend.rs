//! What a running database needs without anybody asking: networks are closed when their time is over, files are compared
//! with the store once a day and after a start (certificates that end soon are renewed by it), old logs go, and the
//! operator is told when the CA ends.
//!
//! It works on no database that an operation changes, and one that cannot be tended keeps no other.

use crate::{
    ControlPlane, Error, Result,
    store::{
        self,
        addon::{Addon, Filter},
    },
};
use types::{AddonId, Plan};

/// What was done in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// Networks closed.
    pub networks: u64,
    /// Databases whose files were compared with the store.
    pub applied: u64,
    /// Files of logs removed.
    pub logs: u64,
    /// The operator was told that the CA ends.
    pub ca_told: bool,
}

/// So many bytes of a plan's log are kept: a fiftieth of its disk, at least 64 MiB and at most 1 GiB.
fn log_bytes(plan: &Plan) -> u64 {
    ((u64::from(plan.disk_mib) << 20) / 50).clamp(64 << 20, 1 << 30)
}

impl ControlPlane {
    /// One round.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn tend(&self) -> Result<Tended> {
        let mut tended = Tended { ca_told: self.tell_of_the_ca(), ..Tended::default() };
        let mut conn = self.store().acquire().await?;
        let expired = store::network::expired(&mut conn, self.now()).await?;
        drop(conn);
        for addon in expired {
            match self.close_expired(AddonId::new(addon)).await {
                Ok(closed) => tended.networks += closed,
                Err(Error::Conflict { .. }) => {}
                Err(error) => tracing::warn!(%addon, %error, "Could not close a network whose time is over"),
            }
        }
        let mut conn = self.store().acquire().await?;
        let rows =
            store::addon::list(&mut conn, &Filter { deleted: Some(false), ..Filter::default() }).await?;
        drop(conn);
        for row in rows.into_iter().filter(|row| row.ready && row.operation.is_none()) {
            let database = row.database_id;
            match self.apply_again(&row).await {
                Ok(done) => tended.applied += u64::from(done),
                Err(error) => {
                    tracing::warn!(%database, %error, "A database's files could not be compared with the store");
                }
            }
            let bytes = log_bytes(&self.plan_shown(&row.plan));
            match self.inner.engine.trim_log(row.node(), bytes).await {
                Ok(removed) => tended.logs += u64::from(removed),
                Err(error) => tracing::debug!(%database, %error, "Old logs could not be removed"),
            }
        }
        Ok(tended)
    }

    /// Writes the files of a database from the store, if that is due. Answers whether it was.
    async fn apply_again(&self, row: &Addon) -> Result<bool> {
        let now = self.now();
        if !self.inner.applied.is_due(row.database_id, now) || self.plan(&row.plan).is_err() {
            return Ok(false);
        }
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, row.id).await?;
        let row = self.addon_row(&mut tx, AddonId::new(row.id)).await?;
        if row.operation.is_some() || row.deleted_at.is_some() {
            return Ok(false);
        }
        self.inner.engine.configure(&self.spec(&row)?).await?;
        self.inner.applied.sure(row.database_id, now);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_take_a_small_share_of_the_disk() {
        let mut plan = Plan::defaults().remove(0);
        for (disk_mib, kept_mib) in [(512, 64), (3200, 64), (10 * 1024, 204), (1 << 20, 1024)] {
            plan.disk_mib = disk_mib;
            assert_eq!(log_bytes(&plan) >> 20, kept_mib, "{disk_mib}");
        }
    }
}
