//! Archives without a running Paddock: what lies in the place of the backups, and its dumps, for the day when the store is
//! gone. The place of the backups and the master key are enough: keys of archives lie beside them, sealed.
//!
//! Nothing is changed and nothing is removed here. What is written is a plain dump: whoever runs this says where to.

use crate::{boot::settings, config::Config, secrets::master_key};
use control::{
    MasterKey,
    backup::{
        key,
        vault::{Place, Vault},
    },
};
use secrecy::ExposeSecret as _;
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};
use types::{BackupId, DatabaseId};

/// Read at a time, bytes.
const PIECE: u64 = 4 << 20;

/// Why there is no dump.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The place of the backups is not configured as it must be.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// The place of the backups, or the archive in it.
    #[error("{0}")]
    Vault(#[from] control::backup::vault::VaultError),
    /// The master key.
    #[error(transparent)]
    Key(#[from] master_key::MasterKeyError),
    /// The archive's key does not open.
    #[error("the key of this archive does not open under this master key: it was sealed under another")]
    Other,
    /// The archive's key is not there.
    #[error(
        "the key of this archive is not beside it: look for keys/{0} in a copy of the place of the backups"
    )]
    NoKey(uuid::Uuid),
    /// There is no archive of this id.
    #[error("no archive of {0} lies there")]
    Absent(BackupId),
    /// The dump cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

async fn vault(config: &Config) -> Result<Arc<dyn Vault>, ArchiveError> {
    Ok(vault::open(settings::vault(config)?).await?)
}

/// What lies there, one archive a line: its id, and its database's.
///
/// # Errors
/// The place of the backups cannot be used.
pub async fn list(config: &Config) -> Result<String, ArchiveError> {
    let vault = vault(config).await?;
    let mut all = vault.places().await?;
    all.sort_unstable();
    let line = |Place { database, backup }: &Place| format!("{backup}  of {database}\n");
    Ok(format!("{} in {}\n{}", all.len(), vault.place_name(), all.iter().map(line).collect::<String>()))
}

/// Writes the dump of an archive to a new file that only its owner reads; answers what people may read.
///
/// # Errors
/// See [`ArchiveError`]. A file that was begun is removed again.
pub async fn extract(config: &Config, backup: BackupId, to: &Path) -> Result<String, ArchiveError> {
    let vault = vault(config).await?;
    let place = vault.places().await?.into_iter().find(|place| place.backup == backup);
    let place = place.ok_or(ArchiveError::Absent(backup))?;
    let key = archive_key(config, &*vault, place).await?;
    let sealed = vault.open(place, &key).await?;
    let failed = |source| ArchiveError::Write { path: to.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    let copy = async |file: &mut File| -> Result<(), ArchiveError> {
        let mut at = 0;
        while at < sealed.bytes() {
            let next = (at + PIECE).min(sealed.bytes());
            file.write_all(&sealed.read(at..next).await?).map_err(failed)?;
            at = next;
        }
        file.sync_all().map_err(failed)
    };
    match copy(&mut file).await {
        Ok(()) => Ok(format!(
            "{} bytes in {}. Every byte was authenticated. Restore it: pg_restore --no-owner --no-privileges -d … {}\n",
            sealed.bytes(),
            to.display(),
            to.display()
        )),
        Err(error) => {
            let _ = std::fs::remove_file(to);
            Err(error)
        }
    }
}

async fn archive_key(
    config: &Config,
    vault: &dyn Vault,
    place: Place,
) -> Result<control::backup::vault::ArchiveKey, ArchiveError> {
    let bytes = master_key::load(&config.data.root, false)?;
    let mut master = [0; 32];
    master.copy_from_slice(bytes.expose_secret());
    let master = MasterKey::from_bytes(master);
    let id = vault.key_of(place).await?;
    let database: DatabaseId = place.database;
    let sealed = vault.kept(database, id).await?.ok_or(ArchiveError::NoKey(id))?;
    key::open(&master, database, id, &sealed).map_err(|_| ArchiveError::Other)
}
