//! A file that is being written under a name that says so. It gets its true name only when it is on the disk and was read
//! back from there; dropped before that, it is removed.

use super::disk;
use super::file::FileSource;
use crate::name;
use crate::part::{Sink, blocking};
use async_trait::async_trait;
use control::backup::vault::VaultError;
use rustix::fs::{Advice, fadvise};
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// A half-made file.
pub(super) struct Half {
    file: Arc<File>,
    temporary: Temporary,
    to: PathBuf,
}

/// A name that goes when it is dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now is left to the sweep.
        let _ = disk::remove(&self.0);
    }
}

impl Half {
    /// Begins what shall be called `name` in `directory`, which is made. Blocks.
    pub(super) fn begin(directory: &Path, of: Uuid, name: &str) -> Result<Self, VaultError> {
        disk::make_directory(directory)?;
        let path = directory.join(name::half(of));
        let file = Arc::new(disk::create(&path)?);
        Ok(Self { file, temporary: Temporary(path), to: directory.join(name) })
    }

    /// The next bytes. Blocks.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), VaultError> {
        write(&self.file, &self.temporary.0, bytes)
    }

    /// On the disk. Blocks.
    pub(super) fn sync(&self) -> Result<(), VaultError> {
        disk::sync(&self.file, &self.temporary.0)
    }

    /// Gives it its name. If that cannot be brought to the disk, nothing has the name. Blocks.
    pub(super) fn rename(self) -> Result<(), VaultError> {
        std::fs::rename(&self.temporary.0, &self.to)
            .map_err(|error| disk::failed("renamed", &self.temporary.0, error))?;
        let synced = self.to.parent().map_or(Ok(()), disk::sync_directory);
        if synced.is_err() {
            let _ = disk::remove(&self.to);
        }
        synced
    }
}

fn write(mut file: &File, path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    file.write_all(bytes).map_err(|error| disk::failed("written", path, error))
}

#[async_trait]
impl Sink for Half {
    type Source = FileSource;

    async fn put(&mut self, sealed: Vec<u8>) -> Result<(), VaultError> {
        let (file, path) = (self.file.clone(), self.temporary.0.clone());
        blocking(move || write(&file, &path, &sealed)).await
    }

    async fn settle(&mut self) -> Result<FileSource, VaultError> {
        let (file, path) = (self.file.clone(), self.temporary.0.clone());
        blocking(move || {
            disk::sync(&file, &path)?;
            // Clean pages leave the cache, so that what is read back comes from the disk. Only advice.
            let _ = fadvise(&*file, 0, None, Advice::DontNeed);
            FileSource::open(&path)
        })
        .await
    }

    async fn publish(self) -> Result<(), VaultError> {
        blocking(move || self.rename()).await
    }

    async fn discard(self) {
        let _ = blocking(move || {
            drop(self);
            Ok(())
        })
        .await;
    }
}
