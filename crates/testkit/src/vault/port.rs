//! The fake vault's calls, and those of what it gives out.

use super::{Archive, FakeVault, VaultMethod};
use async_trait::async_trait;
use bytes::Bytes;
use control::backup::vault::{ArchiveKey, Place, Room, Sealed, Sealing, Vault, VaultError, Written};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeSet, ops::Range};
use types::DatabaseId;
use uuid::Uuid;

/// Plain bytes of a chunk: what is spoilt in one cannot be read from it at all.
const CHUNK: u64 = 64 * 1024;

fn damaged(why: &str) -> VaultError {
    VaultError::Damaged(why.into())
}

fn refused(message: &str) -> VaultError {
    VaultError::Storage { message: message.into(), source: anyhow::anyhow!("the fake says no"), retry: false }
}

impl Archive {
    /// Whether nothing is spoilt in the chunks of a range.
    fn whole(&self, range: &Range<u64>) -> Result<(), VaultError> {
        let chunks = range.start / CHUNK * CHUNK..range.end.div_ceil(CHUNK) * CHUNK;
        match self.spoilt.range(chunks).next() {
            Some(at) => Err(damaged(&format!("chunk {} is not what was written", at / CHUNK))),
            None => Ok(()),
        }
    }
}

struct Writing {
    vault: FakeVault,
    place: Place,
    key: Uuid,
    secret: [u8; 32],
    content: Vec<u8>,
    failed: bool,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.vault.state().writing -= 1;
    }
}

#[async_trait]
impl Sealing for Writing {
    async fn write(&mut self, plain: &[u8]) -> Result<(), VaultError> {
        if std::mem::replace(&mut self.failed, true) {
            return Err(refused("the writing of this archive was cut off"));
        }
        let content = &mut self.content;
        let call = self.vault.call(VaultMethod::Write, |state| {
            state.written += plain.len() as u64;
            content.extend_from_slice(plain);
            Ok(())
        });
        call.await?;
        self.failed = false;
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Written, VaultError> {
        if self.failed {
            return Err(refused("the writing of this archive was cut off"));
        }
        let content = Bytes::from(std::mem::take(&mut self.content));
        let plain_bytes = content.len() as u64;
        let written = Written {
            plain_bytes,
            stored_bytes: 96 + plain_bytes + 16 * plain_bytes.div_ceil(CHUNK).max(1),
            sha256: Sha256::digest(&content).into(),
            crc32: crc32fast::hash(&content),
        };
        let (key, secret, spoilt) = (self.key, self.secret, BTreeSet::new());
        let archive = Archive { key, secret, content, plain_bytes, spoilt };
        let place = self.place;
        let call = self.vault.call(VaultMethod::Finish, |state| {
            state.archives.insert(place, archive);
            Ok(written)
        });
        call.await
    }

    async fn abort(self: Box<Self>) {
        // What cannot be removed is left to the sweep; the caller does not learn of it.
        let _ = self.vault.call(VaultMethod::Abort, |_| Ok(())).await;
    }
}

struct Opened {
    vault: FakeVault,
    archive: Archive,
}

#[async_trait]
impl Sealed for Opened {
    fn bytes(&self) -> u64 {
        self.archive.plain_bytes
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, VaultError> {
        let call = self.vault.call(VaultMethod::Read, |_| {
            if range.end > self.archive.plain_bytes {
                return Err(damaged("it is shorter than it should be"));
            }
            if range.start >= range.end {
                return Ok(Bytes::new());
            }
            self.archive.whole(&range)?;
            Ok(self.archive.content.slice(range.start as usize..range.end as usize))
        });
        call.await
    }
}

#[async_trait]
impl Vault for FakeVault {
    fn place_name(&self) -> String {
        "memory".into()
    }

    async fn create(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealing>, VaultError> {
        let (vault, id, secret) = (self.clone(), key.id, *key.key.expose_secret());
        self.call(VaultMethod::Create, |state| {
            state.writing += 1;
            Ok(())
        })
        .await?;
        Ok(Box::new(Writing { vault, place, key: id, secret, content: Vec::new(), failed: false }))
    }

    async fn key_of(&self, place: Place) -> Result<Uuid, VaultError> {
        self.call(VaultMethod::KeyOf, |state| {
            state.archives.get(&place).map(|archive| archive.key).ok_or(VaultError::Absent)
        })
        .await
    }

    async fn open(&self, place: Place, key: &ArchiveKey) -> Result<Box<dyn Sealed>, VaultError> {
        let archive = self.call(VaultMethod::Open, |state| {
            let archive = state.archives.get(&place).ok_or(VaultError::Absent)?;
            if archive.key != key.id || archive.secret != *key.key.expose_secret() {
                return Err(damaged("it was sealed with another key"));
            }
            if archive.content.len() as u64 != archive.plain_bytes {
                return Err(damaged("it was cut short"));
            }
            let last = archive.plain_bytes.saturating_sub(1);
            archive.whole(&(last..archive.plain_bytes))?;
            Ok(archive.clone())
        });
        Ok(Box::new(Opened { vault: self.clone(), archive: archive.await? }))
    }

    async fn remove(&self, place: Place) -> Result<(), VaultError> {
        self.call(VaultMethod::Remove, |state| {
            state.archives.remove(&place);
            state.halves.retain(|half| *half != place);
            Ok(())
        })
        .await
    }

    async fn places(&self) -> Result<Vec<Place>, VaultError> {
        self.call(VaultMethod::Places, |state| Ok(state.archives.keys().copied().collect())).await
    }

    async fn sweep(&self) -> Result<u32, VaultError> {
        self.call(VaultMethod::Sweep, |state| Ok(state.halves.drain(..).count() as u32)).await
    }

    async fn keep(&self, database: DatabaseId, name: Uuid, content: &[u8]) -> Result<(), VaultError> {
        self.call(VaultMethod::Keep, |state| {
            if content.len() > 64 * 1024 {
                return Err(refused("this is too much to be kept beside the archives"));
            }
            state.kept.insert((database, name), content.to_vec());
            Ok(())
        })
        .await
    }

    async fn kept(&self, database: DatabaseId, name: Uuid) -> Result<Option<Vec<u8>>, VaultError> {
        self.call(VaultMethod::Kept, |state| Ok(state.kept.get(&(database, name)).cloned())).await
    }

    async fn room(&self) -> Option<Room> {
        let state = self.state();
        let (room, since) = state.room?;
        let taken = state.written.saturating_sub(since);
        Some(Room { free_bytes: room.free_bytes.saturating_sub(taken), ..room })
    }
}
