//! The sweeper: removes what has had its time. Databases whose stay in the trash is over, keys of repeated requests,
//! ended sessions, and what deleted apps still held.
//!
//! Only here does data of people's databases go for good, and only after the engine has checked whose it is.

use crate::{
    ControlPlane, Result,
    store::{self, addon::Filter, database::Wanted},
};
use chrono::TimeDelta;
use uuid::Uuid;

/// How long a request with the same Idempotency-Key gets the same answer.
const KEYS_LIVE: TimeDelta = TimeDelta::hours(24);

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Databases removed for good.
    pub databases: u64,
    /// Idempotency-Keys forgotten.
    pub keys: u64,
    /// Sessions removed.
    pub sessions: u64,
}

impl ControlPlane {
    /// Sweeps once. One database that cannot be removed does not keep the rest.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn sweep(&self) -> Result<Swept> {
        let now = self.now();
        let mut conn = self.store().acquire().await?;
        let due = store::addon::due_for_purge(&mut conn, now).await?;
        let mut swept =
            Swept { keys: durable::forget_keys(&mut *conn, now - KEYS_LIVE).await?, ..Swept::default() };
        drop(conn);
        swept.sessions = self.delete_expired_sessions().await?;
        for addon in due {
            match self.purge(addon).await {
                Ok(purged) => swept.databases += u64::from(purged),
                Err(error) => {
                    tracing::error!(%addon, %error, "Could not remove a deleted database; trying again later");
                }
            }
        }
        let mut tx = self.store().begin().await?;
        store::app::forget_deleted(&mut tx).await?;
        tx.commit().await?;
        Ok(swept)
    }

    /// Removes one database for good, unless somebody is bringing it back.
    async fn purge(&self, addon: Uuid) -> Result<bool> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        // Held until the data is gone: whoever brings it back was before us, or finds it purged.
        store::addon::lock(&mut tx, addon).await?;
        if !store::addon::may_purge(&mut tx, addon, now).await? {
            return Ok(false);
        }
        let filter = Filter { addon: Some(addon), ..Filter::default() };
        let Some(row) = store::addon::list(&mut tx, &filter).await?.pop() else { return Ok(false) };
        self.inner.engine.purge(row.node()).await?;
        store::port::rest(&mut tx, row.database_id, now + self.config().port_rest).await?;
        store::database::want(&mut tx, row.database_id, Wanted::Deleted).await?;
        store::addon::purged(&mut tx, addon, now).await?;
        self.inner.measured.forget(row.database_id);
        store::metric::remove(&mut tx, row.database_id).await?;
        let words = "Its time in the trash was over; its data was removed";
        store::event::record(&mut tx, row.database_id, now, "purged", words).await?;
        tx.commit().await?;
        Ok(true)
    }
}
