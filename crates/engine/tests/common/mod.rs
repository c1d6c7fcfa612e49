//! Real servers for tests, installed once into a directory that outlives the run, and places for their data.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a failure is a panic")]

use engine::process::Ids;
use engine::versions::install;
use std::path::{Path, PathBuf};
use types::PgVersion;

/// Where test servers live: `PADDOCK_TEST_VERSIONS`, or `target/versions` of this repository.
pub fn versions_dir() -> PathBuf {
    let fallback =
        || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("target/versions");
    std::env::var_os("PADDOCK_TEST_VERSIONS").map_or_else(fallback, PathBuf::from)
}

/// The directory of an installed server; the first test that asks downloads it.
pub async fn server(version: PgVersion) -> PathBuf {
    install(version, &versions_dir(), &|stage| println!("PostgreSQL {version}: {stage}")).await.unwrap()
}

/// A directory of an unprivileged user: PostgreSQL refuses to run as root.
pub struct Place {
    pub dir: tempfile::TempDir,
    pub ids: Option<Ids>,
}

impl Place {
    pub fn new() -> Self {
        let root = rustix::process::geteuid().is_root();
        // "nobody", on every Linux that matters.
        let ids = root.then_some(Ids { uid: 65534, gid: 65534 });
        let place = Self { dir: tempfile::tempdir().unwrap(), ids };
        place.give(place.dir.path());
        place
    }

    /// Makes it that user's.
    pub fn give(&self, path: &Path) {
        if let Some(ids) = self.ids {
            std::os::unix::fs::chown(path, Some(ids.uid), Some(ids.gid)).unwrap();
        }
    }
}
