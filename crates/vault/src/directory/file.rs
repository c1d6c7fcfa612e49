//! An archive on the disk that is held open: removing or replacing it meanwhile takes nothing from who reads it.

use super::disk;
use crate::part::{Source, blocking};
use async_trait::async_trait;
use bytes::BytesMut;
use control::backup::vault::VaultError;
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// So many plain bytes come with one read of the disk while somebody reads on.
const AHEAD: u64 = 1024 * 1024;

/// A file held open.
pub(crate) struct FileSource {
    file: Arc<File>,
    path: PathBuf,
    bytes: u64,
}

impl FileSource {
    /// Opens it. Blocks.
    pub(crate) fn open(path: &Path) -> Result<Self, VaultError> {
        let file = disk::open(path)?.ok_or(VaultError::Absent)?;
        let bytes = file.metadata().map_err(|error| disk::failed("opened", path, error))?.len();
        Ok(Self { file: Arc::new(file), path: path.to_owned(), bytes })
    }
}

#[async_trait]
impl Source for FileSource {
    fn stored_bytes(&self) -> u64 {
        self.bytes
    }

    fn ahead(&self) -> u64 {
        AHEAD
    }

    async fn read_at(&self, range: Range<u64>) -> Result<BytesMut, VaultError> {
        let (file, path) = (self.file.clone(), self.path.clone());
        blocking(move || {
            let mut bytes = BytesMut::zeroed((range.end - range.start) as usize);
            match file.read_exact_at(&mut bytes, range.start) {
                Ok(()) => Ok(bytes),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    Err(VaultError::Damaged("it was cut short while it was read".into()))
                }
                Err(error) => Err(disk::failed("read", &path, error)),
            }
        })
        .await
    }
}
