//! What the two kinds of storage have to do for a sealed file, and what both of them share: errors, and work that blocks.
//! Neither knows of keys or chunks.

use async_trait::async_trait;
use bytes::BytesMut;
use control::backup::vault::VaultError;
use std::ops::Range;

/// Bytes that are being written. Dropping it removes them.
#[async_trait]
pub(crate) trait Sink: Send + Sync + 'static {
    /// Where they can be read back.
    type Source: Source;
    /// The next bytes.
    async fn put(&mut self, sealed: Vec<u8>) -> Result<(), VaultError>;
    /// Brings all of them to where they stay, and opens them anew.
    async fn settle(&mut self) -> Result<Self::Source, VaultError>;
    /// Makes them visible in their place. If that fails, nothing is left.
    async fn publish(self) -> Result<(), VaultError>;
    /// Removes them. What cannot be removed now is left to the sweep.
    async fn discard(self);
}

/// Bytes that can be read at any place.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    /// How many there are.
    fn stored_bytes(&self) -> u64;
    /// How many plain bytes one trip should bring while somebody reads on.
    fn ahead(&self) -> u64;
    /// The bytes of `range`, all of them.
    async fn read_at(&self, range: Range<u64>) -> Result<BytesMut, VaultError>;
}

/// Bytes that a small thing may have, at most.
pub(crate) const KEPT: usize = 64 * 1024;

/// Refuses what is no small thing.
pub(crate) fn small(content: &[u8]) -> Result<(), VaultError> {
    if content.len() <= KEPT {
        return Ok(());
    }
    let why = anyhow::anyhow!("{} bytes, at most {KEPT}", content.len());
    Err(storage("this is too much to be kept beside the archives", why, false))
}

/// Work that blocks: files and ciphers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
) -> Result<T, VaultError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(storage("the work on an archive was cut off", error, true)))
}

/// The storage refused.
pub(crate) fn storage(
    message: impl Into<String>,
    source: impl Into<anyhow::Error>,
    retry: bool,
) -> VaultError {
    VaultError::Storage { message: message.into(), source: source.into(), retry }
}
