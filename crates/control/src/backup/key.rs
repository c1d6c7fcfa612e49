//! The keys of archives: one per database, sealed under the master key, in the store and beside the archives.
//!
//! So an archive can be opened with the master key alone, when this store is gone. A key in clear is in memory while an
//! archive is written or read, and nowhere else.

use super::vault::ArchiveKey;
use crate::{Action, Actor, ControlPlane, Error, MasterKey, Result, audit, store};
use secrecy::{ExposeSecret as _, SecretBox};
use sqlx::PgConnection;
use types::{AddonId, DatabaseId};
use uuid::Uuid;

/// What a key is sealed for. Part of what lies beside archives: never changed.
#[must_use]
pub fn purpose(database: DatabaseId, key: Uuid) -> String {
    format!("archive_key:{}:{key}", database.uuid())
}

/// Opens a key that was sealed for this database.
///
/// # Errors
/// Another master key, or not a key.
pub fn open(master: &MasterKey, database: DatabaseId, id: Uuid, sealed: &[u8]) -> Result<ArchiveKey> {
    let plain = master.open(sealed, &purpose(database, id))?;
    let bytes: [u8; 32] = plain
        .expose_secret()
        .try_into()
        .map_err(|_| Error::internal(anyhow::anyhow!("the key of an archive has another length")))?;
    Ok(ArchiveKey { id, key: SecretBox::new(Box::new(bytes)) })
}

impl ControlPlane {
    /// The key for a new archive of a database: its newest, or a new one.
    pub(crate) async fn key_for_new_archive(&self, database: DatabaseId) -> Result<ArchiveKey> {
        let mut conn = self.store().acquire().await?;
        let id = match store::backup::newest_key(&mut conn, database.uuid()).await? {
            Some(id) => id,
            None => self.make_key(&mut conn, database).await?,
        };
        let sealed = store::backup::sealed_key(&mut conn, id).await?;
        drop(conn);
        let sealed = sealed.ok_or(Error::NotFound("archive key"))?;
        // Before the first archive that needs it, and again when somebody has removed it.
        self.inner.vault.keep(database, id, &sealed).await.map_err(Error::internal)?;
        open(&self.inner.key, database, id, &sealed)
    }

    async fn make_key(&self, conn: &mut PgConnection, database: DatabaseId) -> Result<Uuid> {
        let (id, mut key) = (Uuid::now_v7(), [0; 32]);
        rand::fill(&mut key);
        let sealed = self.inner.key.seal(&key, &purpose(database, id))?;
        store::backup::insert_key(conn, id, database.uuid(), &sealed, self.now()).await?;
        Ok(id)
    }

    /// Has the coming archives of a database sealed with a new key. Those that are there keep theirs, and stay readable.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict`: the plan has no backups, or the database was deleted.
    pub async fn rotate_archive_key(&self, actor: &Actor, addon: AddonId) -> Result<()> {
        self.addon_access(actor, addon, Action::Operate).await?;
        let mut tx = self.store().begin().await?;
        store::addon::lock(&mut tx, addon.uuid()).await?;
        let row = self.addon_row(&mut tx, addon).await?;
        let plan = self.plan_shown(&row.plan);
        if plan.manual_backups == 0 && plan.daily_backups == 0 {
            return Err(super::ask::not_offered(&plan));
        }
        if row.deleted_at.is_some() {
            return Err(Error::conflict("This database was deleted: no archive is made of it any more."));
        }
        let subject = row.subject();
        self.make_key(&mut tx, subject.database).await?;
        let entry = audit::Entry::new("backup.rotate_key").app(subject.app).database(subject.database);
        audit::record(&mut tx, self.now(), actor, entry.detail(row.resource_id)).await?;
        Ok(tx.commit().await?)
    }

    /// The key that an archive was sealed with.
    pub(crate) async fn archive_key(&self, database: DatabaseId, id: Uuid) -> Result<ArchiveKey> {
        let mut conn = self.store().acquire().await?;
        let sealed = store::backup::sealed_key(&mut conn, id).await?.ok_or(Error::NotFound("archive key"))?;
        open(&self.inner.key, database, id, &sealed)
    }
}
