//! What a dump looks like to whoever downloads it: one file in a tar in a gzip, `<time>_<database>.tar.gz`.
//!
//! Nothing is compressed, since the dump is already: gzip's blocks are *stored* ones. So every byte but the dump's own
//! follows from name, size, CRC-32 and time, the whole size is known beforehand, any range can be answered without making
//! the others, and two downloads of one backup are the same bytes. It does no I/O and never holds the dump.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use crc32fast::Hasher;
use std::ops::Range;
use tar::{EntryType, Header};

/// A tar's unit: headers and padding are of it.
const RECORD: u64 = 512;
/// Two records of nothing end a tar.
const END: u64 = 2 * RECORD;
/// Tar bytes of a stored block; the format has room for one less than 64 KiB.
const BLOCK: u64 = 0xffff;
/// Before each block: whether it is the last, its length, and the length's complement.
const BLOCK_HEADER: u64 = 5;
const GZIP_HEADER: u64 = 10;
const GZIP_TRAILER: u64 = 8;
/// The longest name that a tar's header has room for, bytes.
const LONGEST: usize = 100;

/// An archive that is not there, but can be read.
#[derive(Clone, Debug)]
pub struct TarGz {
    dump_bytes: u64,
    /// The tar before the dump.
    tar_header: Bytes,
    /// Of the whole tar.
    tar_crc32: u32,
    mtime: u32,
}

/// The next bytes of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These.
    Literal(Bytes),
    /// Those of the dump.
    Dump(Range<u64>),
}

impl TarGz {
    /// The archive that is called `name` (`20260131010000_shop.tar.gz`), with a dump of so many bytes with this CRC-32, made
    /// at `mtime`. The dump in it has the same name with `.pgsql` at its end.
    #[must_use]
    pub fn new(name: &str, dump_bytes: u64, crc32: u32, mtime: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(mtime.timestamp()).unwrap_or_default();
        let tar_header = tar_header(name, dump_bytes, seconds);
        let mut crc = Hasher::new();
        crc.update(&tar_header);
        crc.combine(&Hasher::new_with_initial_len(crc32, dump_bytes));
        crc.update(&vec![0; (padding(dump_bytes) + END) as usize]);
        let mtime = u32::try_from(seconds).unwrap_or_default();
        Self { dump_bytes, tar_header, tar_crc32: crc.finalize(), mtime }
    }

    /// Bytes of the whole archive.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.blocks_end() + GZIP_TRAILER
    }

    /// The parts that `range` is made of, one behind the other, each made when it is asked for. What is beyond the end
    /// is left out.
    pub fn parts(&self, range: Range<u64>) -> impl Iterator<Item = Part> + Send + use<> {
        let (archive, end) = (self.clone(), range.end.min(self.bytes()));
        let mut at = range.start;
        std::iter::from_fn(move || {
            let (part, bytes) = (at < end).then(|| archive.part(at, end))?;
            at += bytes;
            Some(part)
        })
    }

    /// What begins at `at`, up to the next border or `end`, and how long it is.
    fn part(&self, at: u64, end: u64) -> (Part, u64) {
        if at < GZIP_HEADER {
            return literal(self.gzip_header().as_slice(), at, end);
        }
        if at >= self.blocks_end() {
            return literal(self.gzip_trailer().as_slice(), at - self.blocks_end(), end - self.blocks_end());
        }
        let block = (at - GZIP_HEADER) / (BLOCK_HEADER + BLOCK);
        let block_at = GZIP_HEADER + block * (BLOCK_HEADER + BLOCK);
        let (in_block, end) = (at - block_at, end - block_at);
        let left = self.tar_bytes() - block * BLOCK;
        if in_block < BLOCK_HEADER {
            return literal(block_header(left).as_slice(), in_block, end);
        }
        let start = in_block - BLOCK_HEADER;
        self.tar(block * BLOCK + start, (end - BLOCK_HEADER).min(BLOCK).min(left) - start)
    }

    /// What the tar has from `at` on, at most so many bytes, which all lie in it.
    fn tar(&self, at: u64, most: u64) -> (Part, u64) {
        let dump_at = self.tar_header.len() as u64;
        if at < dump_at {
            return literal(&self.tar_header, at, at + most);
        }
        let at = at - dump_at;
        if at < self.dump_bytes {
            let bytes = most.min(self.dump_bytes - at);
            return (Part::Dump(at..at + bytes), bytes);
        }
        (Part::Literal(vec![0; most as usize].into()), most)
    }

    fn tar_bytes(&self) -> u64 {
        self.tar_header.len() as u64 + self.dump_bytes + padding(self.dump_bytes) + END
    }

    fn blocks_end(&self) -> u64 {
        GZIP_HEADER + self.tar_bytes() + self.tar_bytes().div_ceil(BLOCK) * BLOCK_HEADER
    }

    /// Magic, deflate, no more fields, the time, nothing said of the compression, made on Unix.
    fn gzip_header(&self) -> [u8; GZIP_HEADER as usize] {
        let [a, b, c, d] = self.mtime.to_le_bytes();
        [0x1f, 0x8b, 8, 0, a, b, c, d, 0, 3]
    }

    /// The tar's CRC-32, and its size as far as 32 bits go.
    fn gzip_trailer(&self) -> [u8; GZIP_TRAILER as usize] {
        let [a, b, c, d] = self.tar_crc32.to_le_bytes();
        let [e, f, g, h] = (self.tar_bytes() as u32).to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// The header of the block after which so many tar bytes would be left with it.
fn block_header(left: u64) -> [u8; BLOCK_HEADER as usize] {
    let length = left.min(BLOCK) as u16;
    let ([a, b], [c, d]) = (length.to_le_bytes(), (!length).to_le_bytes());
    [u8::from(left <= BLOCK), a, b, c, d]
}

/// From `at` on, up to `end` or its own end.
fn literal(bytes: &[u8], at: u64, end: u64) -> (Part, u64) {
    let end = end.min(bytes.len() as u64);
    (Part::Literal(Bytes::copy_from_slice(&bytes[at as usize..end as usize])), end - at)
}

fn padding(dump_bytes: u64) -> u64 {
    dump_bytes.next_multiple_of(RECORD) - dump_bytes
}

/// One file that its owner alone may read. A size beyond 8 GiB is written as GNU and BSD tar both read it.
fn tar_header(name: &str, dump_bytes: u64, mtime: u64) -> Bytes {
    let mut header = Header::new_gnu();
    let inside = inside(name);
    header.as_old_mut().name[..inside.len()].copy_from_slice(inside.as_bytes());
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(dump_bytes);
    header.set_mtime(mtime);
    header.set_cksum();
    Bytes::copy_from_slice(header.as_bytes())
}

/// What the dump is called: a name and no path, cut where it would not fit.
fn inside(name: &str) -> String {
    const ENDING: &str = ".pgsql";
    let stem = name.strip_suffix(".tar.gz").unwrap_or(name).replace(['/', '\0'], "_");
    let room = stem.floor_char_boundary(LONGEST - ENDING.len());
    format!("{}{ENDING}", &stem[..room])
}
