//! Links to archives: short-lived, unguessable, bound to a person and a backup; and what a link opens.
//!
//! How it is sealed: [`crate::crypto::link`]. Whoever uses it must still be let in at that moment.

use super::{archive::TarGz, vault::Sealed};
use crate::{
    Action, Actor, ControlPlane, Error, Result, audit,
    crypto::link,
    store::{self, backup::Filter},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use types::{AddonId, BackupId, DatabaseId, UserId};

/// How long a download may begin after its link was made, and be taken up again.
const LIVES: TimeDelta = TimeDelta::hours(1);
const PURPOSE: &str = "backup:download_link";

#[derive(Serialize, Deserialize)]
struct Inside {
    backup: BackupId,
    user: UserId,
    until: DateTime<Utc>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The path below the dashboard's address.
    pub path: String,
    /// Until when it can be used.
    pub until: DateTime<Utc>,
}

/// An archive that somebody may download.
pub struct Download {
    /// Its name.
    pub name: String,
    /// How its bytes are made up.
    pub archive: TarGz,
    /// The dump in it.
    pub sealed: Box<dyn Sealed>,
    /// Names exactly these bytes.
    pub etag: String,
}

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// A link to the archive of a backup.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`; `Conflict`: the backup is not whole.
    pub async fn backup_link(&self, actor: &Actor, backup: BackupId) -> Result<Link> {
        let row = self.backup_row(actor, backup).await?;
        if row.status != "done" {
            return Err(Error::conflict("This backup is not whole: there is nothing to download."));
        }
        self.lasting_access(actor, AddonId::new(row.addon_id), Action::RevealPassword).await?;
        let user =
            actor.user_id().ok_or_else(|| Error::Forbidden("Only people download archives.".into()))?;
        let until = self.now() + LIVES;
        let token = link::seal(&self.inner.key, PURPOSE, &Inside { backup, user, until })?;
        let mut conn = self.store().acquire().await?;
        let entry = audit::Entry::new("backup.link").database(DatabaseId::new(row.database_id));
        audit::record(&mut conn, self.now(), actor, entry.detail(row.name.unwrap_or_default())).await?;
        Ok(Link { path: format!("/downloads/{token}"), until })
    }

    /// Opens what a link names.
    ///
    /// # Errors
    /// `NotFound`: no such link, its time is over, the person may not see the database any more, or the backup is gone.
    /// `Unavailable`: the archive cannot be read.
    pub async fn open_download(&self, token: &str) -> Result<Download> {
        let gone = || Error::NotFound("download");
        let inside: Inside = link::open(&self.inner.key, PURPOSE, token).ok_or_else(gone)?;
        if inside.until <= self.now() {
            return Err(gone());
        }
        let mut conn = self.store().acquire().await?;
        let user = store::user::load(&mut conn, inside.user).await?.ok_or_else(gone)?;
        let viewer = (!user.is_operator).then_some(inside.user.uuid());
        let filter = Filter { backup: Some(inside.backup.uuid()), viewer, ..Filter::default() };
        let row = store::backup::list(&mut conn, &filter).await?.pop().ok_or_else(gone)?;
        drop(conn);
        let (Some(archive), Some(name), Some(key)) =
            (super::view::archive(&row), row.name.clone(), row.key_id)
        else {
            return Err(gone());
        };
        let database = DatabaseId::new(row.database_id);
        let key = self.archive_key(database, key).await?;
        let sealed = self.open_archive(&row, &key).await.map_err(|error| Error::Unavailable {
            message: format!("The archive cannot be read: {error}."),
            source: Some(error.into()),
        })?;
        let etag = super::view::hex(row.sha256.as_deref().unwrap_or_default());
        Ok(Download { name, archive, sealed, etag })
    }
}
