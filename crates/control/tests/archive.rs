//! The archive of a backup is unpacked by the program that people will unpack it with.

use chrono::DateTime;
use control::backup::archive::{Part, TarGz};

#[test]
#[expect(clippy::disallowed_methods, reason = "people unpack it with the system's tar")]
fn the_systems_own_tar_unpacks_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("20260131010000_shop.tar.gz");
    for size in [0, 1, 300_000_u32] {
        let dump: Vec<u8> = (0..size).map(|index| (index.wrapping_mul(2_654_435_761) >> 9) as u8).collect();
        let at = DateTime::from_timestamp(1_769_821_200, 0).expect("a time");
        let archive = TarGz::new("20260131010000_shop.tar.gz", dump.len() as u64, crc32fast::hash(&dump), at);
        let bytes: Vec<u8> = archive
            .parts(0..archive.bytes())
            .flat_map(|part| match part {
                Part::Literal(literal) => literal.to_vec(),
                Part::Dump(range) => dump[range.start as usize..range.end as usize].to_vec(),
            })
            .collect();
        std::fs::write(&path, bytes).expect("written");
        let tar =
            std::process::Command::new("tar").arg("-xzf").arg(&path).current_dir(directory.path()).output();
        let tar = tar.expect("tar is there");
        assert!(tar.status.success() && tar.stderr.is_empty(), "{tar:?}");
        let unpacked = std::fs::read(directory.path().join("20260131010000_shop.pgsql")).expect("unpacked");
        assert!(unpacked == dump, "{size}");
    }
}
