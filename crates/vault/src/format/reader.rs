//! Reads an archive at any place. It fetches the chunks that hold a range and, while somebody reads on from where
//! they stopped, some more, so that small reads in a row cost few trips to the storage.

use super::cipher::Cipher;
use super::digest::Digest;
use super::header::{self, Header, damaged};
use super::size::{Sizes, TAG};
use crate::part::{Source, blocking};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use control::backup::vault::{ArchiveKey, Place, Sealed, VaultError, Written};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// Plain bytes that are asked for at once when everything is read.
const PIECE: u64 = 1024 * 1024;

/// An open archive.
pub(crate) struct Reader<S> {
    source: S,
    cipher: Arc<Cipher>,
    sizes: Sizes,
    ahead: Mutex<Ahead>,
}

/// What was read beyond what was asked for.
#[derive(Default)]
struct Ahead {
    /// Where the last read ended.
    next: u64,
    /// Where `bytes` begin.
    start: u64,
    bytes: Bytes,
}

/// The header of what lies at `place`.
pub(crate) async fn header(source: &impl Source, place: Place) -> Result<Header, VaultError> {
    if source.stored_bytes() < header::BYTES as u64 {
        return Err(damaged("it was cut short"));
    }
    let read = source.read_at(0..header::BYTES as u64).await?;
    let bytes = read.as_ref().try_into().map_err(|_| damaged("it was cut short"))?;
    Header::parse_at(place, bytes)
}

/// The name of the key of what lies at `place`.
pub(crate) async fn key_of(source: &impl Source, place: Place) -> Result<Uuid, VaultError> {
    Ok(header(source, place).await?.key)
}

impl<S: Source> Reader<S> {
    /// Reads the header and proves it by the last chunk.
    pub(crate) async fn open(source: S, place: Place, key: &ArchiveKey) -> Result<Self, VaultError> {
        let header = header(&source, place).await?;
        if header.key != key.id {
            return Err(damaged("it was sealed with another key"));
        }
        let sizes = Sizes::of_stored(source.stored_bytes(), header.chunk);
        let sizes = sizes.ok_or_else(|| damaged("it was cut short"))?;
        let cipher = Arc::new(Cipher::derive(&header, key)?);
        let reader = Self { source, cipher, sizes, ahead: Mutex::default() };
        let last = reader.sizes.chunks() - 1;
        reader.fetch(last..last + 1).await?;
        Ok(reader)
    }

    /// Reads everything and says what it was.
    pub(crate) async fn sum(&self) -> Result<Written, VaultError> {
        let mut digest = Digest::default();
        while digest.bytes() < self.sizes.plain {
            let at = digest.bytes();
            let piece = self.read(at..self.sizes.plain.min(at + PIECE)).await?;
            digest = blocking(move || {
                digest.update(&piece);
                Ok(digest)
            })
            .await?;
        }
        Ok(digest.written(self.sizes.stored()))
    }

    /// The plain bytes of whole chunks. They are opened where they stand, and move together on the way.
    async fn fetch(&self, chunks: Range<u64>) -> Result<Bytes, VaultError> {
        let bytes = self.source.read_at(self.sizes.span(&chunks)).await?;
        let (cipher, all, chunk) = (self.cipher.clone(), self.sizes.chunks(), self.sizes.chunk as usize);
        blocking(move || open(&cipher, chunk, chunks, all, bytes)).await
    }

    fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens `chunks` of `all`, which stand in `bytes` one behind the other.
fn open(
    cipher: &Cipher,
    chunk: usize,
    chunks: Range<u64>,
    all: u64,
    mut bytes: BytesMut,
) -> Result<Bytes, VaultError> {
    let tag = TAG as usize;
    let mut plain = 0;
    let mut gone = 0;
    for index in chunks {
        let end = bytes.len().min(plain + gone + chunk + tag);
        cipher.open(index, index + 1 == all, &mut bytes[plain..end], gone)?;
        plain = end - gone - tag;
        gone += tag;
    }
    bytes.truncate(plain);
    Ok(bytes.freeze())
}

#[async_trait]
impl<S: Source> Sealed for Reader<S> {
    fn bytes(&self) -> u64 {
        self.sizes.plain
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, VaultError> {
        if range.start >= range.end {
            return Ok(Bytes::new());
        }
        if range.end > self.sizes.plain {
            return Err(damaged("it is shorter than it should be"));
        }
        let in_a_row = {
            let mut ahead = self.ahead();
            let in_a_row = ahead.next == range.start;
            ahead.next = range.end;
            if ahead.start <= range.start && range.end <= ahead.start + ahead.bytes.len() as u64 {
                return Ok(cut(&ahead.bytes, ahead.start, &range));
            }
            ahead.bytes = Bytes::new();
            in_a_row
        };
        let more = if in_a_row { self.source.ahead() } else { 0 };
        let end = range.end.max(range.start.saturating_add(more)).min(self.sizes.plain);
        let chunks = self.sizes.chunks_of(&(range.start..end));
        let start = chunks.start * self.sizes.chunk;
        let bytes = self.fetch(chunks).await?;
        let asked = cut(&bytes, start, &range);
        if end > range.end {
            let mut ahead = self.ahead();
            ahead.start = start;
            ahead.bytes = bytes;
        }
        Ok(asked)
    }
}

/// `range` of bytes that begin at `start`.
fn cut(bytes: &Bytes, start: u64, range: &Range<u64>) -> Bytes {
    bytes.slice((range.start - start) as usize..(range.end - start) as usize)
}
