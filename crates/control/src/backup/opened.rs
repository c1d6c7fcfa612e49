//! Archives as they are read, by whomever: what is found damaged has its backup refuted, so that nothing counts on it.
//!
//! Only damage says something about a backup. A storage that does not answer, or has lost the file for now, does not.

use super::vault::{ArchiveKey, Place, Sealed, VaultError};
use crate::{
    ControlPlane,
    store::{self, backup::Backup},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use types::{BackupId, DatabaseId};

/// An archive that tells of its own damage.
struct Opened {
    plane: ControlPlane,
    place: Place,
    sealed: Box<dyn Sealed>,
}

impl ControlPlane {
    /// Opens the archive of a backup for reading.
    pub(crate) async fn open_archive(
        &self,
        row: &Backup,
        key: &ArchiveKey,
    ) -> Result<Box<dyn Sealed>, VaultError> {
        let place = Place { database: DatabaseId::new(row.database_id), backup: BackupId::new(row.id) };
        match self.inner.vault.open(place, key).await {
            Ok(sealed) => Ok(Box::new(Opened { plane: self.clone(), place, sealed })),
            Err(error) => Err(self.noting(place, error).await),
        }
    }

    async fn noting(&self, place: Place, error: VaultError) -> VaultError {
        if let VaultError::Damaged(_) = &error
            && let Err(untold) = self.refute(place, &error.to_string()).await
        {
            // Whoever reads learns of the damage all the same, and the next one tells again.
            tracing::warn!(backup = %place.backup, %untold, "a damaged archive could not be written down");
        }
        error
    }

    /// Once for each backup.
    async fn refute(&self, place: Place, why: &str) -> sqlx::Result<()> {
        let mut tx = self.store().begin().await?;
        if store::backup::damaged(&mut tx, place.backup.uuid(), self.now(), why).await? {
            let words = refuted(why);
            let database = place.database.uuid();
            store::event::record(&mut tx, database, self.now(), "backup_refuted", &words).await?;
        }
        tx.commit().await
    }
}

/// That a backup is no good, for the activity.
pub(crate) fn refuted(why: &str) -> String {
    format!("A backup does not restore as it should: {why}")
}

#[async_trait]
impl Sealed for Opened {
    fn bytes(&self) -> u64 {
        self.sealed.bytes()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, VaultError> {
        match self.sealed.read(range).await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.plane.noting(self.place, error).await),
        }
    }
}
