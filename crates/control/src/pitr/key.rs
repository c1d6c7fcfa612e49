//! What the archive of a database is encrypted with: one passphrase per database, sealed under the master key.
//!
//! Made before the first archive is, and never again: with another one everything that was archived would be lost.

use crate::{ControlPlane, Error, Result, store};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use types::DatabaseId;

fn purpose(database: DatabaseId) -> String {
    format!("pitr_archive:{}", database.uuid())
}

impl ControlPlane {
    /// The passphrase of a database's archive; made and kept when there is none.
    pub(crate) async fn archive_passphrase(&self, database: DatabaseId) -> Result<SecretString> {
        let mut conn = self.store().acquire().await?;
        let mut sealed = store::pitr::archive_key(&mut conn, database.uuid()).await?;
        if sealed.is_none() {
            let mut bytes = [0_u8; 32];
            rand::fill(&mut bytes);
            let made = SecretString::from(BASE64_URL_SAFE_NO_PAD.encode(bytes));
            let new = self.inner.key.seal(made.expose_secret().as_bytes(), &purpose(database))?;
            store::pitr::give_archive_key(&mut conn, database.uuid(), &new).await?;
            // Somebody may have been faster: what is in the store counts.
            sealed = store::pitr::archive_key(&mut conn, database.uuid()).await?;
        }
        let sealed = sealed.ok_or(Error::NotFound("database"))?;
        let plain = self.inner.key.open(&sealed, &purpose(database))?;
        let text = std::str::from_utf8(plain.expose_secret()).map_err(Error::internal)?;
        Ok(SecretString::from(text.to_owned()))
    }
}
