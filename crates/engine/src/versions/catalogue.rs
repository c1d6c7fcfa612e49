//! Which servers are installed on this host, read from the disk each time.
//!
//! A directory of servers holds one directory for each: `<directory>/<name>/bin/postgres`. The distribution names
//! them by major (`17`), Paddock by version (`17.11`), and neither name is believed: each binary is asked. Answers
//! are kept as long as the file is the same, so that reading again is cheap; a server that vanished drops out, and
//! one that cannot run is told apart with its loader's message. The catalogue never installs or removes anything.

use super::floor::{self, Floors};
use crate::process::{Exec, ProcessError};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use types::PgVersion;

/// Where Debian and its relatives put servers, one directory for each major.
pub const DISTRIBUTION_DIR: &str = "/usr/lib/postgresql";
/// The file that says that Paddock installed a server, in that server's directory. Holds the archive's SHA-256.
pub(super) const MARK: &str = ".installed-by-paddock";

/// Who put a server there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The host's packages; they may replace it at any time by another minor.
    Distribution,
    /// `paddock versions install`.
    Paddock,
}

/// A server that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// As the binary says it.
    pub version: PgVersion,
    /// Its programs.
    pub bin_dir: PathBuf,
    /// Its libraries and modules.
    pub lib_dir: PathBuf,
    /// Who put it there.
    pub source: Source,
    /// Its minor is below the safety floor.
    pub below_floor: bool,
}

impl Installed {
    /// The path of one of its programs: `initdb`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }
}

/// A server that is there and does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its programs.
    pub bin_dir: PathBuf,
    /// What it, or the loader, said.
    pub why: String,
}

/// Looks for servers in some directories. Clones share what was learnt.
#[derive(Clone, Debug)]
pub struct Catalogue {
    dirs: Arc<[PathBuf]>,
    floors: Arc<Floors>,
    answers: Arc<Mutex<HashMap<PathBuf, (Stamp, PgVersion)>>>,
}

/// The same stamp, the same file: device, inode, size, time of change in seconds and nanoseconds.
type Stamp = (u64, u64, u64, i64, i64);

impl Catalogue {
    /// Looks in `dirs`. Where two hold the same version, the earlier one wins: name Paddock's own first.
    #[must_use]
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs: dirs.into(), floors: Arc::default(), answers: Arc::default() }
    }

    /// Paddock's own directory, then the distribution's.
    #[must_use]
    pub fn standard(paddock: &Path) -> Self {
        Self::new(vec![paddock.to_owned(), DISTRIBUTION_DIR.into()])
    }

    /// With other safety floors.
    #[must_use]
    pub fn with_floors(mut self, floors: Floors) -> Self {
        self.floors = Arc::new(floors);
        self
    }

    /// The safety floors.
    #[must_use]
    pub fn floors(&self) -> &Floors {
        &self.floors
    }

    /// What is installed and runs, newest first, each version once. Includes what is below the floor and majors that
    /// are too old: databases may still need them.
    pub async fn all(&self) -> Vec<Installed> {
        self.look().await.0
    }

    /// The server of exactly this version.
    pub async fn find(&self, version: PgVersion) -> Option<Installed> {
        self.all().await.into_iter().find(|i| i.version == version)
    }

    /// The newest installed server of a major.
    pub async fn newest(&self, major: u16) -> Option<Installed> {
        self.all().await.into_iter().find(|i| i.version.major == major)
    }

    /// What new databases may get, newest first; see [`floor::offered`].
    pub async fn offered(&self) -> Vec<Installed> {
        let mut all = self.all().await;
        let versions: Vec<_> = all.iter().map(|i| i.version).collect();
        let offered = floor::offered(&versions, &self.floors);
        all.retain(|i| offered.contains(&i.version));
        all
    }

    /// What a new database gets when nobody asks; see [`floor::default_version`].
    pub async fn default_version(&self) -> Option<PgVersion> {
        let versions: Vec<_> = self.all().await.iter().map(|i| i.version).collect();
        floor::default_version(&versions, &self.floors)
    }

    /// What is there and does not run, for `paddock versions` and its doctor.
    pub async fn broken(&self) -> Vec<Broken> {
        self.look().await.1
    }

    async fn look(&self) -> (Vec<Installed>, Vec<Broken>) {
        let (mut installed, mut broken) = (Vec::<Installed>::new(), Vec::new());
        for home in self.dirs.iter().flat_map(|dir| homes(dir)) {
            let bin_dir = home.join("bin");
            match self.ask(&bin_dir.join("postgres")).await {
                Ok(Some(version)) if !installed.iter().any(|i| i.version == version) => {
                    installed.push(Installed {
                        version,
                        lib_dir: home.join("lib"),
                        source: if home.join(MARK).exists() { Source::Paddock } else { Source::Distribution },
                        below_floor: self.floors.below(version),
                        bin_dir,
                    });
                }
                Ok(_) => {}
                Err(why) => broken.push(Broken { bin_dir, why }),
            }
        }
        installed.sort_by_key(|i| std::cmp::Reverse(i.version));
        (installed, broken)
    }

    /// The version of a binary; `None` when it is not there.
    async fn ask(&self, postgres: &Path) -> Result<Option<PgVersion>, String> {
        // Follows links, as running it would.
        let Ok(found) = std::fs::metadata(postgres) else {
            self.answers().remove(postgres);
            return Ok(None);
        };
        let stamp = (found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec());
        if let Some((_, version)) = self.answers().get(postgres).filter(|(known, _)| *known == stamp) {
            return Ok(Some(*version));
        }
        // A failure is not remembered: the library that it misses may be installed the next moment.
        let version = ask_version(postgres).await?;
        self.answers().insert(postgres.to_owned(), (stamp, version));
        Ok(Some(version))
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, (Stamp, PgVersion)>> {
        // Only whole entries are ever put in: a panic elsewhere cannot have spoilt them.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Directories that may hold a server, by name. Names that begin with a dot are installs under way.
fn homes(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut homes: Vec<_> =
        entries.filter(|e| !e.file_name().as_encoded_bytes().starts_with(b".")).map(|e| e.path()).collect();
    homes.sort();
    homes
}

/// Runs a program with `--version` and reads the answer: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
pub(super) async fn ask_version(program: &Path) -> Result<PgVersion, String> {
    let asked = Exec::new(program).arg("--version").limit(Duration::from_secs(10)).run_ok().await;
    let output = asked.map_err(|error| match error {
        ProcessError::Failed { output, .. } => output.tail(3).join(" "),
        other => other.to_string(),
    })?;
    parse(&output.stdout).ok_or_else(|| format!("its answer names no version: {}", output.stdout.trim()))
}

fn parse(answer: &str) -> Option<PgVersion> {
    answer.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// A "server" that answers `says` when asked, by a script: these tests are about looking, not about PostgreSQL.
    fn put(dir: &Path, name: &str, says: &str) -> PathBuf {
        let bin = dir.join(name).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        let postgres = bin.join("postgres");
        // Under another name first: a program that is open for writing somewhere cannot be run.
        std::fs::write(bin.join("new"), format!("#!/bin/sh\n{says}\n")).unwrap();
        std::fs::set_permissions(bin.join("new"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(bin.join("new"), &postgres).unwrap();
        postgres
    }

    fn names(found: &[Installed]) -> Vec<String> {
        found.iter().map(|i| i.version.to_string()).collect()
    }

    #[test]
    fn answers_of_real_servers_are_understood() {
        assert_eq!(parse("postgres (PostgreSQL) 17.11\n"), Some(PgVersion::new(17, 11)));
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(parse(debian), Some(PgVersion::new(15, 18)));
        for odd in ["", "postgres (PostgreSQL) 19beta1", "mysqld 8.0", "postgres (PostgreSQL) "] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }

    #[tokio::test]
    async fn servers_come_and_go_and_change() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let catalogue = Catalogue::new(vec![own.path().into(), other.path().into(), "/nowhere".into()]);
        assert!(catalogue.all().await.is_empty());

        put(own.path(), "17.11", "echo 'postgres (PostgreSQL) 17.11'");
        std::fs::write(own.path().join("17.11").join(MARK), "").unwrap();
        put(own.path(), ".installing-18", "echo 'postgres (PostgreSQL) 18.6'");
        let apt = put(other.path(), "15", "echo 'postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)'");
        put(other.path(), "17", "echo 'postgres (PostgreSQL) 17.11'");
        put(other.path(), "16", "echo 'libssl.so.3: cannot open shared object file' >&2; exit 127");
        let all = catalogue.all().await;
        assert_eq!(names(&all), ["17.11", "15.18"]);
        assert_eq!((all[0].source, all[1].source), (Source::Paddock, Source::Distribution));
        assert!(all[0].bin_dir.starts_with(own.path()), "the earlier directory wins");
        assert!(all[1].below_floor);
        let broken = catalogue.broken().await;
        assert_eq!(broken.len(), 1);
        assert!(broken[0].why.contains("libssl.so.3"), "{broken:?}");

        // The distribution updates its server in place.
        put(other.path(), "15", "echo 'postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)'");
        assert_eq!(names(&catalogue.all().await), ["17.11", "15.20"]);
        assert_eq!(catalogue.find(PgVersion::new(15, 18)).await, None);
        std::fs::remove_file(apt).unwrap();
        assert_eq!(names(&catalogue.all().await), ["17.11"]);
    }

    #[tokio::test]
    async fn an_unchanged_server_is_asked_once() {
        let dir = tempfile::tempdir().unwrap();
        let asked = dir.path().join("asked");
        put(dir.path(), "17", &format!("echo x >> {}; echo 'postgres (PostgreSQL) 17.11'", asked.display()));
        let catalogue = Catalogue::new(vec![dir.path().into()]);
        for _ in 0..3 {
            assert_eq!(names(&catalogue.all().await), ["17.11"]);
        }
        assert_eq!(std::fs::read_to_string(asked).unwrap().lines().count(), 1);
    }
}
