//! Where archives lie, sealed: a directory, or S3-compatible object storage. Both implement [`Vault`], the port of the core.
//!
//! It holds no key, knows no schedule and decides nothing: it writes what it is given so that every byte that is read later
//! was authenticated, and it calls a thing written only after reading it back.

mod config;
mod directory;
mod format;
mod name;
mod part;
mod s3;

pub use config::{S3Config, VaultConfig};

use control::backup::vault::{Vault, VaultError};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::sync::Arc;
use types::DatabaseId;
use uuid::Uuid;

/// Nobody's database, under which [`open`] keeps a few random bytes to see that it can.
const PROBE: DatabaseId = DatabaseId::new(Uuid::nil());

/// Opens the place of the backups, and proves that something can be written and read there.
///
/// # Errors
/// It cannot; the message says what was tried.
pub async fn open(config: VaultConfig) -> Result<Arc<dyn Vault>, VaultError> {
    let vault: Arc<dyn Vault> = match config {
        VaultConfig::Directory { root } => Arc::new(directory::Directory::open(root).await?),
        VaultConfig::S3(config) => Arc::new(s3::ObjectVault::open(config)?),
    };
    probe(&*vault).await?;
    Ok(vault)
}

/// Keeps other bytes than the last time, and reads them.
async fn probe(vault: &dyn Vault) -> Result<(), VaultError> {
    let mut bytes = [0; 32];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|error| part::storage("no random bytes could be drawn", error, true))?;
    vault.keep(PROBE, PROBE.uuid(), &bytes).await?;
    if vault.kept(PROBE, PROBE.uuid()).await?.as_deref() == Some(bytes.as_slice()) {
        return Ok(());
    }
    let why = anyhow::anyhow!("other bytes came back than were written");
    Err(part::storage(format!("{} does not keep what is written", vault.place_name()), why, false))
}
