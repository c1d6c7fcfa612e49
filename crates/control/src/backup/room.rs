//! Whether a dump has room where archives lie: before it begins, and while it grows. By default that is the volume of the
//! databases, and one that is full stops them all.
//!
//! What a dump will take is estimated, and said to be. Object storage has no end, so nothing is refused there.

use super::vault::{Room, Vault};
use crate::store::backup::Backup;
use std::sync::Arc;
use types::plan::size;

/// A dump that grows looks at the volume again after so many bytes.
pub(crate) const LOOK: u64 = 4 << 20;

const GIB: u64 = 1 << 30;

/// What stays free of the volume: a twentieth, 1 GiB at least and 32 GiB at most; of a small one a tenth.
fn floor(room: Room) -> u64 {
    (room.all_bytes / 20).clamp(GIB, 32 * GIB).min(room.all_bytes / 10)
}

/// What the next dump may take, bytes: half as much again as the last good one, and no more than twice what its database does
/// now, of which much may have been removed since; of the first one, what its database does.
pub(crate) fn estimate(earlier: &[Backup], database_bytes: u64) -> u64 {
    let last = earlier.iter().filter(|row| super::view::good(row)).max_by_key(|row| row.made_at);
    expected(last.map(|row| row.bytes.cast_unsigned()), database_bytes)
}

fn expected(last: Option<u64>, database_bytes: u64) -> u64 {
    last.map_or(database_bytes, |bytes| (bytes.saturating_mul(3) / 2).min(database_bytes.saturating_mul(2)))
}

/// Why a dump that may take so much is not begun.
pub(crate) async fn refusal(vault: &Arc<dyn Vault>, bytes: u64) -> Option<String> {
    let room = vault.room().await?;
    (room.free_bytes < bytes.saturating_add(floor(room))).then(|| {
        format!(
            "There is no room for this backup: it may take {}, and {} are free in {}, of which {} must stay so. The \
             operator can make room. Earlier backups are untouched.",
            size(bytes),
            size(room.free_bytes),
            vault.place_name(),
            size(floor(room)),
        )
    })
}

/// Why a dump that has taken so much is not gone on with.
pub(crate) async fn outgrown(vault: &Arc<dyn Vault>, bytes: u64) -> Option<String> {
    let room = vault.room().await?;
    (room.free_bytes < floor(room)).then(|| {
        format!(
            "The backup was ended after {}, before it filled the volume: {} are free in {}, and {} must stay so. The \
             operator can make room. Earlier backups are untouched.",
            size(bytes),
            size(room.free_bytes),
            vault.place_name(),
            size(floor(room)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Much was removed since the last one: that one's size refuses nothing.
    #[test]
    fn a_database_that_shrank_needs_no_room_for_what_it_was() {
        assert_eq!(expected(Some(100 * GIB), GIB), 2 * GIB);
        assert_eq!(expected(Some(GIB), 100 * GIB), GIB * 3 / 2);
        assert_eq!(expected(None, GIB), GIB);
    }

    #[test]
    fn a_share_of_every_volume_stays_free() {
        let of = |all_bytes| floor(Room { free_bytes: 0, all_bytes });
        assert_eq!([0, 1000, GIB].map(of), [0, 100, GIB / 10]);
        assert_eq!([10 * GIB, 20 * GIB, 100 * GIB].map(of), [GIB, GIB, 5 * GIB]);
        assert_eq!(of(10_000 * GIB), 32 * GIB);
    }
}
