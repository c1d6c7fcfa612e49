//! Archives in a bucket: the same names as in a directory, below a prefix. An archive is visible from the end of its upload,
//! a moment before it was read back, because a bucket cannot rename; if reading back fails, it is removed.

mod answer;
mod object;
mod upload;

use crate::config::S3Config;
use crate::format::{CHUNK, reader, reader::Reader, writer::Writer};
use crate::name;
use crate::part::{small, storage};
use answer::{is_absent, refused};
use async_trait::async_trait;
use control::backup::vault::{ArchiveKey, Place, Room, Sealed, Sealing, Vault, VaultError};
use futures::TryStreamExt as _;
use object::ObjectSource;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, RetryConfig};
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use types::DatabaseId;
use upload::{Upload, abort, forgiving};
use url::Url;
use uuid::Uuid;

/// After so many seconds without a sign of life, an upload is nobody's.
const LEFT: i64 = 24 * 60 * 60;
/// For one request, with all that it carries.
const PATIENCE: Duration = Duration::from_secs(300);

/// A bucket of archives.
pub(crate) struct ObjectVault {
    store: Arc<AmazonS3>,
    prefix: Path,
    name: String,
}

impl ObjectVault {
    /// Speaks to nobody yet.
    pub(crate) fn open(config: S3Config) -> Result<Self, VaultError> {
        // The client finds its TLS provider there. A second call says that there is one already: fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let prefix = Path::from(config.prefix.as_str());
        let name = format!("s3://{}/{prefix}", config.bucket);
        let retry =
            RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(60), ..RetryConfig::default() };
        let builder = AmazonS3Builder::new()
            .with_endpoint(endpoint(&config)?)
            .with_region(config.region)
            .with_bucket_name(config.bucket)
            .with_access_key_id(config.access_key.expose_secret())
            .with_secret_access_key(config.secret_key.expose_secret())
            .with_virtual_hosted_style_request(!config.path_style)
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .with_client_options(
                ClientOptions::new().with_timeout(PATIENCE).with_allow_http(config.allow_http),
            );
        let store =
            builder.build().map_err(|error| storage("the storage's settings do not fit", error, false))?;
        Ok(Self { store: Arc::new(store), prefix, name })
    }

    fn of(&self, database: DatabaseId) -> Path {
        self.prefix.clone().join(database.uuid().to_string())
    }

    fn sealed(&self, place: Place) -> Path {
        self.of(place.database).join(name::sealed(place.backup))
    }

    fn kept_at(&self, database: DatabaseId, name: Uuid) -> Path {
        self.of(database).join(name::KEYS).join(name.to_string())
    }

    async fn list(&self, below: &Path) -> Result<Vec<ObjectMeta>, VaultError> {
        self.store.list(Some(below)).try_collect().await.map_err(refused)
    }

    /// The database and the file name of one of our objects.
    fn parts(&self, path: &Path) -> Option<(DatabaseId, String)> {
        let mut parts = path.prefix_match(&self.prefix)?;
        let (database, name) = (parts.next()?, parts.next()?);
        let ours = parts.next().is_none();
        let database = name::uuid(database.as_ref()).filter(|_| ours)?;
        Some((DatabaseId::new(database), name.as_ref().to_owned()))
    }

    /// Ends the upload that a marker names, and removes the marker.
    async fn end(&self, marker: &Path, database: DatabaseId, of: Uuid) -> Result<(), VaultError> {
        let id = match self.store.get(marker).await {
            Ok(answer) => answer.bytes().await.map_err(refused)?,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(refused(error)),
        };
        let upload = self.of(database).join(name::sealed(types::BackupId::new(of)));
        let id = String::from_utf8_lossy(&id).into_owned();
        abort(&self.store, &upload, &id).await?;
        forgiving(self.store.delete(marker).await)
    }
}

/// Where to send requests: the bucket is part of the host unless it is part of the path.
fn endpoint(config: &S3Config) -> Result<String, VaultError> {
    let wrong = |why: anyhow::Error| storage("the storage's address is no address", why, false);
    let mut url = Url::parse(&config.endpoint).map_err(|error| wrong(error.into()))?;
    if !config.path_style {
        let host = url.host_str().ok_or_else(|| wrong(anyhow::anyhow!("it names no host")))?;
        let host = format!("{}.{host}", config.bucket);
        url.set_host(Some(&host)).map_err(|error| wrong(error.into()))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[async_trait]
impl Vault for ObjectVault {
    fn place_name(&self) -> String {
        self.name.clone()
    }

    async fn create(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealing>, VaultError> {
        let marker = self.of(place.database).join(name::half(place.backup.uuid()));
        let upload = Upload::begin(self.store.clone(), self.sealed(place), marker).await?;
        Ok(Box::new(Writer::begin(upload, place, key, CHUNK)?))
    }

    async fn key_of(&self, place: Place) -> Result<Uuid, VaultError> {
        let source = ObjectSource::open(self.store.clone(), self.sealed(place)).await?;
        reader::key_of(&source, place).await
    }

    async fn open(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealed>, VaultError> {
        let source = ObjectSource::open(self.store.clone(), self.sealed(place)).await?;
        Ok(Box::new(Reader::open(source, place, key).await?))
    }

    async fn remove(&self, place: Place) -> Result<(), VaultError> {
        let of = place.backup.uuid();
        for meta in self.list(&self.of(place.database)).await? {
            let name = self.parts(&meta.location).map(|(_, name)| name);
            if name.and_then(|name| name::half_of(&name)) == Some(of) {
                self.end(&meta.location, place.database, of).await?;
            }
        }
        // Last: whether an upload has ended is told by what it made.
        forgiving(self.store.delete(&self.sealed(place)).await)
    }

    async fn places(&self) -> Result<Vec<Place>, VaultError> {
        let found = self.list(&self.prefix).await?.into_iter().filter_map(|meta| {
            let (database, name) = self.parts(&meta.location)?;
            Some(Place { database, backup: name::backup(&name)? })
        });
        Ok(found.collect())
    }

    async fn sweep(&self) -> Result<u32, VaultError> {
        // The bucket's own clock says how old its objects are.
        crate::probe(self).await?;
        let now = self.store.head(&self.kept_at(crate::PROBE, crate::PROBE.uuid())).await.map_err(refused)?;
        let mut removed = 0;
        for meta in self.list(&self.prefix).await? {
            let Some((database, name)) = self.parts(&meta.location) else { continue };
            let Some(of) = name::half_of(&name) else { continue };
            if (now.last_modified - meta.last_modified).num_seconds() >= LEFT {
                self.end(&meta.location, database, of).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn keep(&self, database: DatabaseId, name: Uuid, content: &[u8]) -> Result<(), VaultError> {
        small(content)?;
        let path = self.kept_at(database, name);
        self.store.put(&path, content.to_vec().into()).await.map(drop).map_err(refused)
    }

    async fn kept(&self, database: DatabaseId, name: Uuid) -> Result<Option<Vec<u8>>, VaultError> {
        let answer = match self.store.get(&self.kept_at(database, name)).await {
            Ok(answer) => answer,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        if answer.meta.size > crate::part::KEPT as u64 {
            let why = anyhow::anyhow!("{} bytes", answer.meta.size);
            return Err(storage("what lies beside the archives is too much to be ours", why, false));
        }
        let content = answer.bytes().await.map_err(refused)?;
        Ok(Some(content.into()))
    }

    async fn room(&self) -> Option<Room> {
        None
    }
}
