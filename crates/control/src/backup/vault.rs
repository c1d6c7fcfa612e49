//! The vault port: where archives lie, sealed. `crates/vault` is a directory or an object store; `testkit` has a fake.
//!
//! What is written is visible under its place only after [`Sealing::finish`]: whole, on disk, read back. (A bucket cannot
//! rename: there it is visible a moment before it was read back, and removed if that fails.) Every byte that is read was
//! authenticated; a flipped bit or a cut file is [`VaultError::Damaged`], never other bytes. The vault holds no key:
//! whoever opens or writes brings the key of the database.

use async_trait::async_trait;
use bytes::Bytes;
use secrecy::SecretBox;
use std::ops::Range;
use types::{BackupId, DatabaseId};
use uuid::Uuid;

/// Where an archive lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Whose it is. It may have been deleted since.
    pub database: DatabaseId,
    /// Which one.
    pub backup: BackupId,
}

/// A volume, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that we may still write.
    pub free_bytes: u64,
    /// Bytes that it has.
    pub all_bytes: u64,
}

/// A database's key for its archives, and the name that every file sealed with it carries.
#[derive(Debug)]
pub struct ArchiveKey {
    /// Its name.
    pub id: Uuid,
    /// The key; every file derives one of its own from it.
    pub key: SecretBox<[u8; 32]>,
}

/// What was written, as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes before sealing.
    pub plain_bytes: u64,
    /// Bytes that the file takes.
    pub stored_bytes: u64,
    /// SHA-256 of the plain bytes.
    pub sha256: [u8; 32],
    /// CRC-32 (as gzip has it) of the plain bytes.
    pub crc32: u32,
}

/// Why an archive cannot be written or read. The message is for people.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Nothing lies there.
    #[error("there is no archive of this backup")]
    Absent,
    /// What lies there is not what was written: changed, cut short, or sealed with another key.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// No room where archives lie.
    #[error("the place of the backups is full: {free_bytes} bytes are free")]
    Full {
        /// What is left.
        free_bytes: u64,
    },
    /// The storage refused or did not answer.
    #[error("{message}")]
    Storage {
        /// What was tried and what came of it, for people: "the storage answered 403 Forbidden".
        message: String,
        /// The cause, for the log.
        #[source]
        source: anyhow::Error,
        /// Trying again may help.
        retry: bool,
    },
}

/// A file that is being written. Dropping it leaves nothing behind that is visible.
#[async_trait]
pub trait Sealing: Send {
    /// The next plain bytes. After an error, or when it was dropped in the middle, nothing can be added or finished.
    async fn write(&mut self, plain: &[u8]) -> Result<(), VaultError>;
    /// Seals the end, brings everything to the disk, reads it all back and compares, and only then makes it visible.
    /// What was visible under the same place before is replaced.
    async fn finish(self: Box<Self>) -> Result<Written, VaultError>;
    /// Removes what was written.
    async fn abort(self: Box<Self>);
}

/// An archive that can be read at any place. It stays readable until it is dropped where the storage allows that (a
/// directory), also when the archive is removed meanwhile.
#[async_trait]
pub trait Sealed: Send + Sync {
    /// Plain bytes.
    fn bytes(&self) -> u64;
    /// The plain bytes of `range`, all of them; none of an empty one. Memory: the range and two chunks, and while somebody
    /// reads on from where they stopped, what is read ahead (1 MiB of a file, 8 MiB of an object).
    ///
    /// # Panics
    /// Never: a range beyond the end is answered by `Damaged`, because sizes are known from the store.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, VaultError>;
}

/// Where archives lie.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Where that is, for people: `/var/lib/paddock/backups`, or `s3://bucket/prefix`.
    fn place_name(&self) -> String;
    /// Begins an archive.
    async fn create(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealing>, VaultError>;
    /// The name of the key that an archive says it was sealed with; opening it is the proof.
    async fn key_of(&self, place: Place) -> Result<Uuid, VaultError>;
    /// Opens an archive. Its size and its last chunk are checked here, so a cut file is noticed before the first byte.
    async fn open(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealed>, VaultError>;
    /// Removes an archive and what half-made ones of the same place left. Nothing there: fine.
    async fn remove(&self, place: Place) -> Result<(), VaultError>;
    /// Everything that lies there.
    async fn places(&self) -> Result<Vec<Place>, VaultError>;
    /// Removes what cut-off writings left that nobody has touched for a day, by the clock of the storage. Answers how many.
    async fn sweep(&self) -> Result<u32, VaultError>;
    /// Keeps a small thing (64 KiB) of a database beside its archives, replacing an earlier one: a wrapped key. `name` is a
    /// UUID, so that no path is made from input.
    async fn keep(&self, database: DatabaseId, name: Uuid, content: &[u8]) -> Result<(), VaultError>;
    /// What was kept.
    async fn kept(&self, database: DatabaseId, name: Uuid) -> Result<Option<Vec<u8>>, VaultError>;
    /// The volume that is written to; `None` where there is none that has an end (an object store).
    async fn room(&self) -> Option<Room>;
}
