//! Archives are taken apart by the libraries. `tests/archive.rs` does it with the system's own program.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends there")]

use chrono::{DateTime, Utc};
use control::backup::archive::{Part, TarGz};
use flate2::read::GzDecoder;
use proptest::prelude::*;
use std::{io::Read as _, ops::Range};
use tar::Header;

const NAME: &str = "20260131010000_shop.tar.gz";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_769_821_200, 0).expect("a time")
}

fn dump(bytes: u64) -> Vec<u8> {
    (0..bytes).map(|index| (index.wrapping_mul(2_654_435_761) >> 9) as u8).collect()
}

fn archive(dump: &[u8]) -> TarGz {
    TarGz::new(NAME, dump.len() as u64, crc32fast::hash(dump), at())
}

fn read(archive: &TarGz, dump: &[u8], range: Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in archive.parts(range) {
        match part {
            Part::Literal(literal) => bytes.extend_from_slice(&literal),
            Part::Dump(range) => bytes.extend_from_slice(&dump[range.start as usize..range.end as usize]),
        }
    }
    bytes
}

/// Sizes at which something begins or ends: a record, a block, a block with the header before and the end behind.
fn borders() -> Vec<u64> {
    let around =
        [0, 512, 1024, 65_535, 65_535 - 512, 65_535 - 1536, 65_536, 2 * 65_535 - 512, 131_072, 500_000];
    around.iter().flat_map(|size: &u64| size.saturating_sub(1)..=size + 1).collect()
}

#[test]
fn it_is_read_by_gzip_and_tar() {
    for size in borders() {
        let dump = dump(size);
        let archive = archive(&dump);
        let whole = read(&archive, &dump, 0..archive.bytes());
        assert_eq!(whole.len() as u64, archive.bytes(), "{size}");
        let mut tar = Vec::new();
        let mut gzip = GzDecoder::new(whole.as_slice());
        gzip.read_to_end(&mut tar).unwrap_or_else(|error| panic!("{size}: {error}"));
        assert_eq!(gzip.header().expect("a header").mtime(), 1_769_821_200);
        assert!(gzip.into_inner().is_empty(), "nothing stands behind it");
        let mut tar = tar::Archive::new(tar.as_slice());
        let mut entries = tar.entries().expect("entries");
        let mut entry = entries.next().expect("one").expect("readable");
        assert_eq!(entry.path().expect("a name").to_str(), Some("20260131010000_shop.pgsql"));
        assert_eq!((entry.size(), entry.header().mtime().expect("a time")), (size, 1_769_821_200));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("content");
        assert!(content == dump, "{size}");
        assert!(entries.next().is_none());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "people unpack it with the system's tar")]
fn the_systems_own_tar_unpacks_it() {
    let directory = tempfile::tempdir().expect("a directory");
    for size in [0, 1, 300_000] {
        let (dump, path) = (dump(size), directory.path().join(NAME));
        let archive = archive(&dump);
        std::fs::write(&path, read(&archive, &dump, 0..u64::MAX)).expect("written");
        let tar =
            std::process::Command::new("tar").arg("-xzf").arg(&path).current_dir(directory.path()).output();
        let tar = tar.expect("tar is there");
        assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
        let unpacked = std::fs::read(directory.path().join("20260131010000_shop.pgsql")).expect("unpacked");
        assert!(unpacked == dump, "{size}");
    }
}

#[test]
fn every_byte_follows_from_what_is_told() {
    let dump = dump(100_000);
    let [one, two] = [(); 2].map(|()| read(&archive(&dump), &dump, 0..u64::MAX));
    assert!(one == two);
}

#[test]
fn a_huge_archive_costs_nothing_until_it_is_read() {
    let size = 100 << 30;
    let archive = TarGz::new(NAME, size, 0x1234_5678, at());
    let tar = 512 + size + 1024;
    assert_eq!(archive.bytes(), 10 + tar + tar.div_ceil(65_535) * 5 + 8);
    let last = archive.parts(archive.bytes() - 2000..archive.bytes());
    let bytes: u64 =
        last.map(|part| if let Part::Literal(bytes) = part { bytes.len() as u64 } else { 0 }).sum();
    assert!((1024 + 8..2000).contains(&bytes), "{bytes}");
    let mut first = archive.parts(0..u64::MAX);
    let literals: Vec<Part> = first.by_ref().take(3).collect();
    let [Part::Literal(_), Part::Literal(_), Part::Literal(header)] = literals.as_slice() else {
        panic!("{literals:?}")
    };
    let header = Header::from_byte_slice(header);
    assert_eq!(header.size().expect("a size beyond 8 GiB"), size);
    assert_eq!(first.next(), Some(Part::Dump(0..65_535 - 512)));
    assert_eq!(first.nth(1), Some(Part::Dump(65_535 - 512..2 * 65_535 - 512)));
    let all: u64 = archive
        .parts(0..u64::MAX)
        .map(|part| if let Part::Dump(range) = part { range.end - range.start } else { 0 })
        .sum();
    assert_eq!(all, size);
}

#[test]
fn no_name_breaks_it() {
    let long = format!("20260131010000_{}.tar.gz", "ü".repeat(90));
    for (name, expected) in [
        ("a.tar.gz", "a.pgsql".to_owned()),
        ("no ending", "no ending.pgsql".to_owned()),
        ("../../etc/passwd.tar.gz", ".._.._etc_passwd.pgsql".to_owned()),
        ("", ".pgsql".to_owned()),
        (&long, format!("20260131010000_{}.pgsql", "ü".repeat(39))),
    ] {
        let archive = TarGz::new(name, 3, crc32fast::hash(b"abc"), at());
        let whole = read(&archive, b"abc", 0..u64::MAX);
        let mut tar = tar::Archive::new(GzDecoder::new(whole.as_slice()));
        let entry = tar.entries().expect("entries").next().expect("one").expect("readable");
        assert_eq!(entry.path_bytes(), expected.as_bytes());
    }
}

proptest! {
    #[test]
    fn any_range_equals_the_slice_of_the_whole(size in 0_u64..200_000, from in 0.0..1.0_f64, to in 0.0..1.0_f64) {
        let dump = dump(size);
        let archive = archive(&dump);
        let whole = read(&archive, &dump, 0..archive.bytes());
        let place = |part: f64| (part * archive.bytes() as f64) as u64;
        let (from, to) = (place(from.min(to)), place(from.max(to)));
        prop_assert!(read(&archive, &dump, from..to) == whole[from as usize..to as usize]);
        for near in [0, 10, 15, 527, 65_550, 65_555, archive.bytes() - 8] {
            let range = near.saturating_sub(3).min(archive.bytes())..(near + 3).min(archive.bytes());
            prop_assert!(read(&archive, &dump, range.clone()) == whole[range.start as usize..range.end as usize]);
        }
    }
}
