//! Archives in a directory: `<root>/<database>/<backup>.sealed`, what is kept in `<root>/<database>/keys/<uuid>`, and what is
//! being written as `<uuid>.<uuid>.half` beside them. It never follows a link and touches no other name.

mod disk;
mod file;
mod half;

use crate::format::{CHUNK, reader, reader::Reader, writer::Writer};
use crate::name;
use crate::part::{KEPT, blocking, small};
use async_trait::async_trait;
use control::backup::vault::{ArchiveKey, Place, Room, Sealed, Sealing, Vault, VaultError};
pub(crate) use file::FileSource;
use half::Half;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use types::DatabaseId;
use uuid::Uuid;

/// After so long without a write, a half-made file is nobody's.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory of archives.
pub(crate) struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Makes `root` if it is not there. One that is there keeps its rights.
    pub(crate) async fn open(root: PathBuf) -> Result<Self, VaultError> {
        blocking(move || {
            let root = std::path::absolute(&root).map_err(|error| disk::failed("found", &root, error))?;
            let missing: Vec<&Path> = root.ancestors().take_while(|path| !path.exists()).collect();
            missing.into_iter().rev().try_for_each(disk::make_directory)?;
            Ok(Self { root })
        })
        .await
    }

    fn of(&self, database: DatabaseId) -> PathBuf {
        self.root.join(database.uuid().to_string())
    }

    fn keys(&self, database: DatabaseId) -> PathBuf {
        self.of(database).join(name::KEYS)
    }

    async fn source(&self, place: Place) -> Result<FileSource, VaultError> {
        let path = self.of(place.database).join(name::sealed(place.backup));
        blocking(move || FileSource::open(&path)).await
    }

    /// What time it is where the files lie, which is what their ages are counted from.
    async fn time(&self) -> Result<SystemTime, VaultError> {
        let path = self.keys(crate::PROBE).join(crate::PROBE.uuid().to_string());
        crate::probe(self).await?;
        blocking(move || modified(&path)).await
    }
}

fn modified(path: &Path) -> Result<SystemTime, VaultError> {
    let read = std::fs::symlink_metadata(path).and_then(|meta| meta.modified());
    read.map_err(|error| disk::failed("looked at", path, error))
}

/// The directories of databases.
fn databases(root: &Path) -> Result<Vec<(Uuid, PathBuf)>, VaultError> {
    let names = disk::names(root)?;
    Ok(names.into_iter().filter_map(|name| Some((name::uuid(&name)?, root.join(name)))).collect())
}

#[async_trait]
impl Vault for Directory {
    fn place_name(&self) -> String {
        self.root.display().to_string()
    }

    async fn create(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealing>, VaultError> {
        let directory = self.of(place.database);
        let half =
            blocking(move || Half::begin(&directory, place.backup.uuid(), &name::sealed(place.backup)));
        Ok(Box::new(Writer::begin(half.await?, place, key, CHUNK)?))
    }

    async fn key_of(&self, place: Place) -> Result<Uuid, VaultError> {
        reader::key_of(&self.source(place).await?, place).await
    }

    async fn open(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealed>, VaultError> {
        Ok(Box::new(Reader::open(self.source(place).await?, place, key).await?))
    }

    async fn remove(&self, place: Place) -> Result<(), VaultError> {
        let directory = self.of(place.database);
        blocking(move || {
            let ours = |name: &String| {
                name::backup(name) == Some(place.backup) || name::half_of(name) == Some(place.backup.uuid())
            };
            let found: Vec<String> = disk::names(&directory)?.into_iter().filter(ours).collect();
            for name in &found {
                disk::remove(&directory.join(name))?;
            }
            if found.is_empty() { Ok(()) } else { disk::sync_directory(&directory) }
        })
        .await
    }

    async fn places(&self) -> Result<Vec<Place>, VaultError> {
        let root = self.root.clone();
        blocking(move || {
            let mut places = Vec::new();
            for (database, directory) in databases(&root)? {
                let backups = disk::names(&directory)?.into_iter().filter_map(|name| name::backup(&name));
                places.extend(backups.map(|backup| Place { database: DatabaseId::new(database), backup }));
            }
            Ok(places)
        })
        .await
    }

    async fn sweep(&self) -> Result<u32, VaultError> {
        let (root, now) = (self.root.clone(), self.time().await?);
        blocking(move || {
            let mut removed = 0;
            for (_, directory) in databases(&root)? {
                for directory in [directory.join(name::KEYS), directory] {
                    let names = disk::names(&directory)?;
                    for name in names.iter().filter(|name| name::half_of(name).is_some()) {
                        let path = directory.join(name);
                        // One that is gone meanwhile was finished or dropped.
                        let age = modified(&path).ok().and_then(|written| now.duration_since(written).ok());
                        if age.is_some_and(|age| age >= LEFT) && disk::remove(&path)? {
                            removed += 1;
                        }
                    }
                }
            }
            Ok(removed)
        })
        .await
    }

    async fn keep(&self, database: DatabaseId, name: Uuid, content: &[u8]) -> Result<(), VaultError> {
        small(content)?;
        let (directory, keys, content) = (self.of(database), self.keys(database), content.to_vec());
        blocking(move || {
            disk::make_directory(&directory)?;
            let half = Half::begin(&keys, name, &name.to_string())?;
            half.write(&content)?;
            half.sync()?;
            half.rename()
        })
        .await
    }

    async fn kept(&self, database: DatabaseId, name: Uuid) -> Result<Option<Vec<u8>>, VaultError> {
        let path = self.keys(database).join(name.to_string());
        blocking(move || {
            let Some(file) = disk::open(&path)? else { return Ok(None) };
            let mut content = Vec::new();
            let read = file.take(KEPT as u64 + 1).read_to_end(&mut content);
            read.map_err(|error| disk::failed("read", &path, error))?;
            small(&content).map(|()| Some(content))
        })
        .await
    }

    async fn room(&self) -> Option<Room> {
        let root = self.root.clone();
        blocking(move || Ok(disk::room(&root))).await.ok().flatten()
    }
}
