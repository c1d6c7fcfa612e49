//! Everything that may happen to the bytes of an archive, over small chunks.

use super::header::{BYTES, Header};
use super::reader::Reader;
use super::sealer::Sealer;
use crate::part::Source;
use async_trait::async_trait;
use bytes::BytesMut;
use control::backup::vault::{ArchiveKey, Place, Sealed as _, VaultError, Written};
use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};
use secrecy::SecretBox;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use types::{BackupId, DatabaseId};
use uuid::Uuid;

const CHUNK: u32 = 64;

/// Stored bytes in memory, which counts the trips to them.
#[derive(Clone)]
struct Memory {
    bytes: Arc<Vec<u8>>,
    ahead: u64,
    trips: Arc<AtomicU64>,
}

impl From<Vec<u8>> for Memory {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(bytes), ahead: 256, trips: Arc::default() }
    }
}

#[async_trait]
impl Source for Memory {
    fn stored_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn ahead(&self) -> u64 {
        self.ahead
    }

    async fn read_at(&self, range: Range<u64>) -> Result<BytesMut, VaultError> {
        self.trips.fetch_add(1, Ordering::SeqCst);
        Ok(BytesMut::from(&self.bytes[range.start as usize..range.end as usize]))
    }
}

fn key(byte: u8) -> ArchiveKey {
    ArchiveKey { id: Uuid::from_bytes([7; 16]), key: SecretBox::new(Box::new([byte; 32])) }
}

fn place(byte: u8) -> Place {
    let [database, backup] = [1, byte].map(|byte| Uuid::from_bytes([byte; 16]));
    Place { database: DatabaseId::new(database), backup: BackupId::new(backup) }
}

fn seal(place: Place, key: &ArchiveKey, chunk: u32, plain: &[u8]) -> (Vec<u8>, Written) {
    let salt = std::array::from_fn(|_| rand::random());
    let mut out = Vec::new();
    let mut sealer =
        Sealer::new(&Header { chunk, place, key: key.id, salt }, key, &mut out).expect("a sealer");
    for piece in plain.chunks(chunk as usize / 2 + 5) {
        sealer.push(piece, &mut out).expect("sealed");
    }
    let written = sealer.finish(&mut out).expect("sealed to the end");
    (out, written)
}

/// Opens and reads everything, in pieces that do not fit the chunks.
async fn read_all(stored: Vec<u8>, place: Place, key: &ArchiveKey) -> Result<Vec<u8>, VaultError> {
    let reader = Reader::open(Memory::from(stored), place, key).await?;
    let mut plain = Vec::new();
    while (plain.len() as u64) < reader.bytes() {
        let at = plain.len() as u64;
        plain.extend_from_slice(&reader.read(at..reader.bytes().min(at + 100)).await?);
    }
    Ok(plain)
}

fn is_damaged<T: std::fmt::Debug>(result: Result<T, VaultError>, what: &str) {
    match result {
        Err(VaultError::Damaged(_)) => {}
        other => panic!("{what} was not noticed: {other:?}"),
    }
}

fn plain(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| (index * 31 + index / 256) as u8).collect()
}

#[tokio::test]
async fn what_was_sealed_is_read_again_at_every_border() {
    for bytes in [0, 1, 63, 64, 65, 127, 128, 129, 1000] {
        let (stored, written) = seal(place(2), &key(1), CHUNK, &plain(bytes));
        assert_eq!((written.plain_bytes, written.stored_bytes), (bytes as u64, stored.len() as u64));
        assert_eq!(written.crc32, crc32fast::hash(&plain(bytes)));
        let reader = Reader::open(Memory::from(stored.clone()), place(2), &key(1)).await.expect("opens");
        assert_eq!(reader.sum().await.expect("reads"), written);
        assert_eq!(read_all(stored, place(2), &key(1)).await.expect("reads"), plain(bytes));
    }
}

#[tokio::test]
async fn no_plain_byte_stands_in_the_file_and_no_two_files_are_alike() {
    let text = b"INSERT INTO secret VALUES".repeat(40);
    let [(first, _), (second, _)] = [(); 2].map(|()| seal(place(2), &key(1), CHUNK, &text));
    assert!(!first.windows(8).any(|window| window == &text[..8]));
    assert_ne!(first[BYTES..], second[BYTES..], "the salt makes them different");
}

#[tokio::test]
async fn ten_thousand_flipped_bits_are_noticed() {
    let mut rng = StdRng::seed_from_u64(42);
    let files: Vec<Vec<u8>> =
        [0, 1, 64, 100, 300, 640].map(|bytes| seal(place(2), &key(1), CHUNK, &plain(bytes)).0).into();
    for round in 0..10_000 {
        let mut stored = files[round % files.len()].clone();
        let bit = rng.random_range(0..stored.len() * 8);
        stored[bit / 8] ^= 1 << (bit % 8);
        is_damaged(read_all(stored, place(2), &key(1)).await, &format!("bit {bit}"));
    }
}

#[tokio::test]
async fn every_bit_of_the_header_counts() {
    let (stored, _) = seal(place(2), &key(1), CHUNK, &plain(200));
    for bit in 0..BYTES * 8 {
        let mut stored = stored.clone();
        stored[bit / 8] ^= 1 << (bit % 8);
        let opened = Reader::open(Memory::from(stored), place(2), &key(1)).await.map(|_| ());
        is_damaged(opened, &format!("bit {bit} of the header"));
    }
}

#[tokio::test]
async fn a_cut_or_longer_file_is_noticed_when_it_opens() {
    for bytes in [0, 64, 300] {
        let (stored, _) = seal(place(2), &key(1), CHUNK, &plain(bytes));
        for length in 0..stored.len() {
            let cut = Reader::open(Memory::from(stored[..length].to_vec()), place(2), &key(1)).await;
            is_damaged(cut.map(|_| ()), &format!("a cut to {length} bytes"));
        }
        for more in 1..=200 {
            let longer = [stored.clone(), vec![0; more]].concat();
            let longer = Reader::open(Memory::from(longer), place(2), &key(1)).await;
            is_damaged(longer.map(|_| ()), &format!("{more} bytes at the end"));
        }
    }
}

#[tokio::test]
async fn chunks_and_files_belong_where_they_were_written() {
    let sealed = CHUNK as usize + 16;
    let (one, _) = seal(place(2), &key(1), CHUNK, &plain(5 * 64));
    let (other, _) = seal(place(3), &key(1), CHUNK, &plain(5 * 64));
    let (again, _) = seal(place(2), &key(1), CHUNK, &plain(5 * 64));
    let at = |index: usize| BYTES + index * sealed..BYTES + (index + 1) * sealed;
    for first in 0..5 {
        for second in first + 1..5 {
            let mut swapped = one.clone();
            swapped[at(first)].copy_from_slice(&one[at(second)]);
            swapped[at(second)].copy_from_slice(&one[at(first)]);
            is_damaged(read_all(swapped, place(2), &key(1)).await, "a swap of chunks");
        }
        let mut repeated = one.clone();
        repeated[at(first)].copy_from_slice(&one[at((first + 1) % 5)]);
        is_damaged(read_all(repeated, place(2), &key(1)).await, "a chunk that stands there twice");
        for stranger in [&other, &again] {
            let mut mixed = one.clone();
            mixed[at(first)].copy_from_slice(&stranger[at(first)]);
            is_damaged(read_all(mixed, place(2), &key(1)).await, "a chunk of another file");
        }
    }
    let removed = [&one[..at(1).start], &one[at(2).start..]].concat();
    is_damaged(read_all(removed, place(2), &key(1)).await, "a chunk that was taken out");
    is_damaged(read_all(other.clone(), place(2), &key(1)).await, "a file in place of another");
    let renamed = [&other[..32], &one[32..48], &other[48..]].concat();
    is_damaged(read_all(renamed, place(2), &key(1)).await, "a file that says it is another");
    is_damaged(read_all(one.clone(), place(2), &key(9)).await, "another key of the same name");
    let named = ArchiveKey { id: Uuid::from_bytes([8; 16]), ..key(1) };
    is_damaged(read_all(one, place(2), &named).await, "a key of another name");
}

#[tokio::test]
async fn a_range_beyond_the_end_is_damage_and_no_panic() {
    let (stored, _) = seal(place(2), &key(1), CHUNK, &plain(100));
    let reader = Reader::open(Memory::from(stored), place(2), &key(1)).await.expect("opens");
    is_damaged(reader.read(0..101).await, "one byte too many");
    is_damaged(reader.read(u64::MAX - 1..u64::MAX).await, "a place far away");
    assert!(reader.read(100..100).await.expect("nothing").is_empty());
}

#[tokio::test]
async fn small_reads_in_a_row_cost_few_trips() {
    let (stored, _) = seal(place(2), &key(1), CHUNK, &plain(2560));
    let memory = Memory::from(stored);
    let reader = Reader::open(memory.clone(), place(2), &key(1)).await.expect("opens");
    let before = memory.trips.load(Ordering::SeqCst);
    for at in (0..2560).step_by(16) {
        assert_eq!(reader.read(at..at + 16).await.expect("reads")[..], plain(2560)[at as usize..][..16]);
    }
    assert_eq!(memory.trips.load(Ordering::SeqCst) - before, 10);
}

/// Not only a measurement: what is read is compared. `MEASURE_MIB` sets how much.
#[tokio::test]
async fn sequential_reading_is_measured() {
    let mib = std::env::var("MEASURE_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let all = plain(mib * 1024 * 1024);
    for chunk in [64, 256, 1024].map(|kib| kib * 1024) {
        let begun = std::time::Instant::now();
        let (stored, written) = seal(place(2), &key(1), chunk, &all);
        let sealing = mib as f64 / begun.elapsed().as_secs_f64();
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("archive");
        std::fs::write(&path, stored).expect("written");
        let source = || crate::directory::FileSource::open(&path).expect("opens");
        let begun = std::time::Instant::now();
        let reader = Reader::open(source(), place(2), &key(1)).await.expect("opens");
        for at in (0..all.len() as u64).step_by(64 * 1024) {
            let bytes = reader.read(at..at + 64 * 1024).await.expect("reads");
            assert_eq!(bytes.len(), 64 * 1024);
        }
        let reading = mib as f64 / begun.elapsed().as_secs_f64();
        let begun = std::time::Instant::now();
        let reader = Reader::open(source(), place(2), &key(1)).await.expect("opens");
        assert_eq!(reader.sum().await.expect("reads"), written);
        let proving = mib as f64 / begun.elapsed().as_secs_f64();
        println!(
            "chunks of {} KiB: seal {sealing:.0}, read in 64 KiB {reading:.0}, read and sum {proving:.0} MiB/s",
            chunk / 1024
        );
    }
}

proptest! {
    #[test]
    fn any_range_equals_the_slice(bytes in 0_usize..2000, chunk in 1_u32..200, cuts in prop::collection::vec((0.0..1.0_f64, 0.0..1.0_f64), 1..20)) {
        let (all, runtime) = (plain(bytes), tokio::runtime::Builder::new_current_thread().build().expect("a runtime"));
        let (stored, _) = seal(place(2), &key(1), chunk, &all);
        runtime.block_on(async {
            let reader = Reader::open(Memory::from(stored), place(2), &key(1)).await.expect("opens");
            for (from, to) in cuts {
                let (from, to) = ((from * bytes as f64) as usize, (to * bytes as f64) as usize);
                let (from, to) = (from.min(to), from.max(to));
                assert_eq!(reader.read(from as u64..to as u64).await.expect("reads")[..], all[from..to]);
            }
        });
    }
}
