//! Which installed servers are offered for new databases.
//!
//! A minor under its major's floor lacks fixes for known ways to run code as the database's OS user. It is marked,
//! never hidden: databases that run on it go on, and a host that has nothing better can still be used. Pure: what is
//! installed comes in, an answer goes out.

use std::collections::BTreeMap;
use types::PgVersion;

/// Majors before this one get no fixes any more (14 ended on 2026-11-12): never offered.
pub const OLDEST_MAJOR: u16 = 15;

/// The lowest minor of each major that is thought safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floors(BTreeMap<u16, u16>);

impl Default for Floors {
    /// The round of 2026-11-12: CVE-2026-116314 (`pg_restore` runs code from a crafted archive) and everything
    /// before it.
    fn default() -> Self {
        Self::new([
            PgVersion::new(15, 20),
            PgVersion::new(16, 16),
            PgVersion::new(17, 12),
            PgVersion::new(18, 7),
        ])
    }
}

impl Floors {
    /// One version for each major; a major that is not named has no floor.
    pub fn new(floors: impl IntoIterator<Item = PgVersion>) -> Self {
        Self(floors.into_iter().map(|v| (v.major, v.minor)).collect())
    }

    /// Replaces the floors of the majors that are named.
    #[must_use]
    pub fn with(mut self, floors: impl IntoIterator<Item = PgVersion>) -> Self {
        self.0.extend(floors.into_iter().map(|v| (v.major, v.minor)));
        self
    }

    /// Is it under its major's floor? An unsupported major is under any floor.
    #[must_use]
    pub fn below(&self, version: PgVersion) -> bool {
        version.major < OLDEST_MAJOR || self.0.get(&version.major).is_some_and(|floor| version.minor < *floor)
    }
}

/// What new databases may get, newest first.
///
/// The rule, for each supported major by itself: minors at or above the floor are offered. When the major has none
/// installed, its newest minor alone is offered, marked: each of its older minors has a safer one beside it. (A safe
/// 18 does not withdraw 17: a major is chosen for compatibility, it is no replacement for another.)
#[must_use]
pub fn offered(installed: &[PgVersion], floors: &Floors) -> Vec<PgVersion> {
    let mut versions: Vec<_> = installed.iter().copied().filter(|v| v.major >= OLDEST_MAJOR).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.dedup();
    let newest = |v: PgVersion| !versions.iter().any(|other| other.major == v.major && other.minor > v.minor);
    // A minor that is safe makes its major's newest one safe too, so "newest" never lets an unsafe one pass beside it.
    versions.iter().copied().filter(|v| !floors.below(*v) || newest(*v)).collect()
}

/// What a new database gets when nobody asks for a version: the newest offered that is not below its floor, else the
/// newest offered. A safe older major thus wins over an unsafe newer one.
#[must_use]
pub fn default_version(installed: &[PgVersion], floors: &Floors) -> Option<PgVersion> {
    let offered = offered(installed, floors);
    offered.iter().copied().find(|v| !floors.below(*v)).or_else(|| offered.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(text: &str) -> Vec<PgVersion> {
        text.split_whitespace().map(|v| v.parse().unwrap()).collect()
    }

    #[test]
    fn the_offer_is_this_table() {
        // installed, offered, default
        let table = [
            ("", "", None),
            ("14.25", "", None),
            ("15.18", "15.18", Some("15.18")),
            ("15.18 15.19", "15.19", Some("15.19")),
            ("15.18 15.20", "15.20", Some("15.20")),
            ("15.20 15.21", "15.21 15.20", Some("15.21")),
            ("17.10 17.11 18.6", "18.6 17.11", Some("18.6")),
            ("15.20 18.6", "18.6 15.20", Some("15.20")),
            ("17.12 18.6 18.7", "18.7 17.12", Some("18.7")),
            ("17.11 14.23 17.11", "17.11", Some("17.11")),
            // A major that came after this table: no floor is known, nothing speaks against it.
            ("17.12 19.0", "19.0 17.12", Some("19.0")),
        ];
        for (installed, expected, default) in table {
            let (installed, floors) = (versions(installed), Floors::default());
            assert_eq!(offered(&installed, &floors), versions(expected), "{installed:?}");
            assert_eq!(
                default_version(&installed, &floors),
                default.map(|v| v.parse().unwrap()),
                "{installed:?}"
            );
        }
    }

    #[test]
    fn an_operator_can_move_a_floor() {
        let floors = Floors::default().with(versions("17.11"));
        assert!(!floors.below("17.11".parse().unwrap()));
        assert!(floors.below("18.6".parse().unwrap()));
        assert_eq!(default_version(&versions("17.11 18.6"), &floors), Some("17.11".parse().unwrap()));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_installed_something_supported_is_offered(minors in proptest::collection::vec((13u16..20, 0u16..25), 0..12)) {
            let installed: Vec<_> = minors.into_iter().map(|(major, minor)| PgVersion::new(major, minor)).collect();
            let floors = Floors::default();
            let offered = offered(&installed, &floors);
            // Every supported major that is there is offered, and nothing else.
            let majors = |of: &[PgVersion]| of.iter().map(|v| v.major).filter(|m| *m >= OLDEST_MAJOR).collect::<std::collections::BTreeSet<_>>();
            proptest::prop_assert_eq!(majors(&offered), majors(&installed));
            // Nothing unsafe is offered beside something safe of its major.
            for v in offered.iter().filter(|v| floors.below(**v)) {
                proptest::prop_assert!(!installed.iter().any(|i| i.major == v.major && !floors.below(*i)));
            }
        }
    }
}
