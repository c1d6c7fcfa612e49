//! An archive on its way to a bucket, in parts of a size that does not change while it is small, since some storages want
//! that. A marker beside it names the upload, so that a later sweep finds what a killed process left: buckets do
//! not list unfinished uploads among their objects, and take money for them.

use super::answer::{is_absent, refused};
use super::object::ObjectSource;
use crate::part::{Sink, storage};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use control::backup::vault::VaultError;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload, aws::AmazonS3};
use std::sync::Arc;

const MIB: usize = 1024 * 1024;
/// S3 takes no more parts.
const PARTS: usize = 10_000;
/// So many parts after each writing of the marker: whoever uploads is never taken for dead.
const SIGN_OF_LIFE: usize = 64;

/// Bytes of a part: 16 MiB for the first 78 GiB, then 64 MiB for another 312.
fn part_bytes(index: usize) -> usize {
    if index < PARTS / 2 { 16 * MIB } else { 64 * MIB }
}

/// An upload.
pub(super) struct Upload {
    /// Nothing when there is nothing to clean up any more.
    begun: Option<Begun>,
    parts: Vec<PartId>,
    gathered: BytesMut,
}

/// What an upload leaves in the bucket.
#[derive(Clone)]
struct Begun {
    store: Arc<AmazonS3>,
    path: Path,
    marker: Path,
    id: String,
    /// Completing was asked for; the answer may have been lost.
    completing: bool,
    /// It was answered: there is an object, and no upload any more.
    completed: bool,
}

impl Begun {
    async fn mark(&self) -> Result<(), VaultError> {
        let id = PutPayload::from(self.id.clone());
        self.store.put(&self.marker, id).await.map(drop).map_err(refused)
    }

    async fn remove(&self) -> Result<(), VaultError> {
        if !self.completed {
            abort(&self.store, &self.path, &self.id).await?;
        }
        if self.completing {
            forgiving(self.store.delete(&self.path).await)?;
        }
        forgiving(self.store.delete(&self.marker).await)
    }

    /// Leaves nothing, as far as the storage lets us; else the marker stays for the sweep.
    async fn clean(self) {
        let cleaned = self.remove().await;
        if let Err(error) = cleaned {
            tracing::warn!(%error, upload = %self.marker, "An upload could not be removed; the sweep will");
        }
    }
}

/// Ends an upload, or finds that it has ended: some storages refuse, with an error of their own, for one that is an object
/// already.
pub(super) async fn abort(store: &AmazonS3, path: &Path, id: &String) -> Result<(), VaultError> {
    match forgiving(store.abort_multipart(path, id).await) {
        Err(refused) => store.head(path).await.map(drop).map_err(|_| refused),
        done => done,
    }
}

/// Something that is not there need not be removed.
pub(super) fn forgiving(removed: object_store::Result<()>) -> Result<(), VaultError> {
    match removed {
        Err(error) if !is_absent(&error) => Err(refused(error)),
        _ => Ok(()),
    }
}

impl Upload {
    /// Begins the upload of `path`, and leaves its marker.
    pub(super) async fn begin(store: Arc<AmazonS3>, path: Path, marker: Path) -> Result<Self, VaultError> {
        let id = store.create_multipart(&path).await.map_err(refused)?;
        let begun = Begun { store, path, marker, id, completing: false, completed: false };
        // From here on, dropping it cleans up.
        let upload = Self { begun: Some(begun.clone()), parts: Vec::new(), gathered: BytesMut::new() };
        begun.mark().await?;
        Ok(upload)
    }

    fn begun(&self) -> Result<&Begun, VaultError> {
        let gone =
            || storage("this upload has ended", anyhow::anyhow!("it was published or discarded"), false);
        self.begun.as_ref().ok_or_else(gone)
    }

    async fn part(&mut self, bytes: Bytes) -> Result<(), VaultError> {
        let index = self.parts.len();
        if index == PARTS {
            let why = anyhow::anyhow!("{PARTS} parts are the most that S3 takes");
            return Err(storage("the archive is larger than the storage takes", why, false));
        }
        let begun = self.begun()?;
        if index > 0 && index.is_multiple_of(SIGN_OF_LIFE) {
            begun.mark().await?;
        }
        let part =
            begun.store.put_part(&begun.path, &begun.id, index, bytes.into()).await.map_err(refused)?;
        self.parts.push(part);
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        if tokio::runtime::Handle::try_current().is_ok() {
            durable::background::spawn("vault.abort", begun.clean());
        }
    }
}

#[async_trait]
impl Sink for Upload {
    type Source = ObjectSource;

    async fn put(&mut self, sealed: Vec<u8>) -> Result<(), VaultError> {
        self.gathered.extend_from_slice(&sealed);
        while self.gathered.len() >= part_bytes(self.parts.len()) {
            let bytes = self.gathered.split_to(part_bytes(self.parts.len())).freeze();
            self.part(bytes).await?;
        }
        Ok(())
    }

    async fn settle(&mut self) -> Result<ObjectSource, VaultError> {
        if !self.gathered.is_empty() {
            let rest = self.gathered.split().freeze();
            self.part(rest).await?;
        }
        if let Some(begun) = &mut self.begun {
            begun.completing = true;
        }
        let (begun, parts) = (self.begun()?, self.parts.clone());
        begun.store.complete_multipart(&begun.path, &begun.id, parts).await.map_err(refused)?;
        let begun = begun.clone();
        if let Some(begun) = &mut self.begun {
            begun.completed = true;
        }
        ObjectSource::open(begun.store.clone(), begun.path.clone()).await
    }

    async fn publish(mut self) -> Result<(), VaultError> {
        // A marker that stays is removed by the sweep; the archive is there and proven.
        if let Some(begun) = self.begun.take() {
            let removed = forgiving(begun.store.delete(&begun.marker).await);
            if let Err(error) = removed {
                tracing::warn!(%error, upload = %begun.marker, "The marker of an upload could not be removed");
            }
        }
        Ok(())
    }

    async fn discard(mut self) {
        if let Some(begun) = self.begun.take() {
            begun.clean().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_carry_hundreds_of_gibibytes() {
        let all: usize = (0..PARTS).map(part_bytes).sum();
        assert_eq!(all / (1024 * MIB), 390);
    }
}
