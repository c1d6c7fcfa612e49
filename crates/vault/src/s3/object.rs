//! An archive in a bucket. One that is replaced while it is read is told as such; one that is removed is gone.

use super::answer::refused;
use crate::part::Source;
use async_trait::async_trait;
use bytes::BytesMut;
use control::backup::vault::VaultError;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _, aws::AmazonS3};
use std::ops::Range;
use std::sync::Arc;

/// So many plain bytes come with one request while somebody reads on.
const AHEAD: u64 = 8 * 1024 * 1024;

/// An object, as it was when it was opened.
pub(super) struct ObjectSource {
    store: Arc<AmazonS3>,
    path: Path,
    bytes: u64,
    tag: Option<String>,
}

impl ObjectSource {
    /// Asks for its size.
    pub(super) async fn open(store: Arc<AmazonS3>, path: Path) -> Result<Self, VaultError> {
        let meta = store.head(&path).await.map_err(refused)?;
        Ok(Self { store, path, bytes: meta.size, tag: meta.e_tag })
    }
}

#[async_trait]
impl Source for ObjectSource {
    fn stored_bytes(&self) -> u64 {
        self.bytes
    }

    fn ahead(&self) -> u64 {
        AHEAD
    }

    async fn read_at(&self, range: Range<u64>) -> Result<BytesMut, VaultError> {
        let expected = range.end - range.start;
        let options = GetOptions::new().with_range(Some(range)).with_if_match(self.tag.clone());
        let answer = self.store.get_opts(&self.path, options).await.map_err(refused)?;
        let bytes = answer.bytes().await.map_err(refused)?;
        if bytes.len() as u64 != expected {
            return Err(VaultError::Damaged("the storage gave other bytes than it was asked for".into()));
        }
        Ok(bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(shared.as_ref())))
    }
}
