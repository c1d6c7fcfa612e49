//! Making one cluster: its directory, its OS user, `initdb`, and at last its identity file.
//!
//! Every cluster is really initialised: a copy would share its system identifier, and replication and archives of two
//! customers could be mixed up. A kill at any point leaves a directory without an identity file, which `sweep`
//! removes together with its OS user and with what still runs in it.

use crate::{
    disk,
    error::{Doing as _, fatal, retry},
    host,
    identity::Identity,
    keeper,
    layout::{ClusterDir, Layout},
    os_user::{self, OsUser},
    prepare::Preparation,
    process::{Exec, ProcessError},
    procs,
    versions::Installed,
};
use control::engine::{EngineError, Volume};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Read as _,
    ops::RangeInclusive,
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, SystemTime},
};
use tokio::sync::Mutex;
use types::{NodeId, PgVersion};
use uuid::Uuid;

/// What a new cluster needs at the least; a fresh one takes 40 MB.
const ROOM: u64 = 128 << 20;
/// Files of a new cluster with a database, and some more.
const FILES: u64 = 2048;

/// Makes clusters; one at a time chooses numbers and names.
#[derive(Debug)]
pub(crate) struct Maker {
    layout: Layout,
    uids: RangeInclusive<u32>,
    choosing: Mutex<()>,
}

/// Whether somebody waits for a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace<'a> {
    /// Somebody does: the processor is theirs.
    Awaited,
    /// Nobody, and it will not be given away.
    Aside,
    /// Nobody yet. It is prepared as well: that takes longer, and the database that it is given to comes sooner.
    Ahead(Preparation<'a>),
}

/// Written first: whom to remove when the making was cut short.
#[derive(Debug, Serialize, Deserialize)]
struct Making {
    cluster: Uuid,
    os_user: Option<OsUser>,
}

impl Maker {
    pub(crate) fn new(layout: Layout, uids: RangeInclusive<u32>) -> Self {
        Self { layout, uids, choosing: Mutex::new(()) }
    }

    /// Initialises a cluster in `dir`, which must not exist, with an OS user of its own when there can be one.
    pub(crate) async fn make(
        &self,
        dir: &ClusterDir,
        cluster: Uuid,
        installed: &Installed,
        pace: Pace<'_>,
    ) -> Result<Identity, EngineError> {
        let free_bytes = disk::free_bytes(self.layout.root()).doing(|| "ask for free space".into())?;
        if free_bytes < ROOM {
            return Err(EngineError::DiskFull { volume: Volume::Data, free_bytes });
        }
        let files = disk::free_files(self.layout.root()).doing(|| "ask for free inodes".into())?;
        if files.is_some_and(|files| files < FILES) {
            return Err(EngineError::NoFiles(Volume::Data));
        }
        // Held until the end: a locked directory is being made, not left half made.
        let (_lock, os_user) = self.begin(dir, cluster).await?;
        furnish(dir, os_user.as_ref()).doing(|| format!("make room in {}", dir.path().display()))?;
        initdb(dir, os_user.as_ref(), installed, pace).await?;
        let identity = Identity {
            cluster,
            node: None,
            version: installed.version,
            os_user,
            system_identifier: system_identifier(&dir.data())?,
            made_at: SystemTime::now().into(),
        };
        if let Pace::Ahead(preparation) = pace {
            preparation.run(dir, &identity, installed).await?;
        }
        identity.write(dir)?;
        fs::remove_file(dir.making()).doing(|| format!("finish {}", dir.path().display()))?;
        Ok(identity)
    }

    /// A cluster without data, for a database whose data will be restored into it.
    pub(crate) async fn make_bare(
        &self,
        dir: &ClusterDir,
        cluster: Uuid,
        version: PgVersion,
        (node, system_identifier): (NodeId, u64),
    ) -> Result<(), EngineError> {
        let (_lock, os_user) = self.begin(dir, cluster).await?;
        furnish(dir, os_user.as_ref()).doing(|| format!("make room in {}", dir.path().display()))?;
        let (node, made_at) = (Some(node), SystemTime::now().into());
        Identity { cluster, node, version, os_user, system_identifier, made_at }.write(dir)?;
        fs::remove_file(dir.making()).doing(|| format!("finish {}", dir.path().display()))
    }

    async fn begin(&self, dir: &ClusterDir, cluster: Uuid) -> Result<(File, Option<OsUser>), EngineError> {
        let _choosing = self.choosing.lock().await;
        fs::create_dir(dir.path()).doing(|| format!("make {}", dir.path().display()))?;
        let lock =
            lock(dir)?.ok_or_else(|| EngineError::Foreign("somebody else makes this cluster".into()))?;
        let mut refused = self.named();
        loop {
            let number = || os_user::free_number(&self.uids, &refused).map(OsUser::numbered);
            let os_user = os_user::are_root().then(number).transpose()?;
            let making = serde_json::to_vec(&Making { cluster, os_user: os_user.clone() });
            let making = making.map_err(|error| fatal("could not describe a new cluster", error))?;
            disk::write_atomic(&dir.making(), &making, 0o600, None).doing(|| "begin a cluster".into())?;
            let Some(user) = os_user else { return Ok((lock, None)) };
            match os_user::make(&user, cluster).await {
                Ok(()) => return Ok((lock, Some(user))),
                // A directory service may know numbers that the files do not.
                Err(error) if refused.len() > 10_000 => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, user = user.name, "an OS user cannot be made, trying the next number");
                    os_user::remove(&user, cluster).await?;
                    refused.insert(user.uid);
                    if refused.range(self.uids.clone()).count() >= self.uids.clone().count() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Numbers that any directory of ours names or belongs to, whatever state it is in.
    fn named(&self) -> BTreeSet<u32> {
        // Archives outlive their servers, and stay their users'.
        let mut named: BTreeSet<_> = crate::pitr::owners(&self.layout.archives()).into_iter().collect();
        for parent in [
            self.layout.nodes(),
            self.layout.pool(),
            self.layout.trash(),
            self.layout.trials(),
            self.layout.root().to_owned(),
        ] {
            for dir in clusters(&parent) {
                let identity = Identity::read(&dir).ok().flatten().and_then(|identity| identity.os_user);
                let making = making(&dir).and_then(|making| making.os_user);
                named.extend(identity.into_iter().chain(making).map(|user| user.uid));
                named.extend(dir.data().symlink_metadata().ok().map(|data| data.uid()));
            }
        }
        named
    }

    /// Removes what was left half made, with its OS users.
    pub(crate) async fn sweep(&self) -> Result<(), EngineError> {
        let _choosing = self.choosing.lock().await;
        let parents = [self.layout.pool(), self.layout.trials()];
        for dir in parents.iter().flat_map(|parent| clusters(parent)) {
            match Identity::read(&dir) {
                Ok(None) => {}
                Ok(Some(_)) => {
                    // Killed between the last two steps.
                    let _ = fs::remove_file(dir.making());
                    continue;
                }
                Err(error) => {
                    tracing::error!(%error, "a directory is left alone");
                    continue;
                }
            }
            let Some(_lock) = lock(&dir)? else { continue };
            tracing::info!(dir = %dir.path().display(), "removing a half-made cluster");
            if let Err(error) = remove_half_made(&dir).await {
                tracing::warn!(%error, dir = %dir.path().display(), "a half-made cluster stays until the next sweep");
            }
        }
        Ok(())
    }
}

/// Removes a directory that has no identity file but the first file of its making, and the OS user that this names.
/// Without both files it must be empty: data whose identity got lost is nothing to throw away.
pub(crate) async fn remove_half_made(dir: &ClusterDir) -> Result<(), EngineError> {
    let Some(Making { cluster, os_user }) = making(dir) else {
        // Killed while it wrote the very first file.
        let _ = fs::remove_file(disk::temp_of(&dir.making()));
        return fs::remove_dir(dir.path()).map_err(|_| {
            EngineError::Foreign(format!(
                "{} has no identity file: nothing was touched",
                dir.path().display()
            ))
        });
    };
    // A server that was being prepared takes its shared memory with it when it is told to end.
    keeper::discard(dir, os_user.as_ref()).await?;
    // An initdb may have outlived the Paddock that began it.
    let inodes: Vec<_> =
        [dir.path().to_owned(), dir.data()].iter().filter_map(|path| procs::inode(path)).collect();
    let inside = |seen: &procs::Seen| inodes.iter().any(|inode| procs::is_in(seen.pid, *inode));
    procs::kill_all("leftovers of initdb", inside).await?;
    if let Some(user) = os_user {
        os_user::remove(&user, cluster).await?;
    }
    disk::remove_tree(dir.path()).await
}

fn making(dir: &ClusterDir) -> Option<Making> {
    serde_json::from_slice(&fs::read(dir.making()).ok()?).ok()
}

/// Directories with an identity; one whose identity cannot be read is left alone.
pub(crate) fn with_identity(parent: &Path) -> Vec<(ClusterDir, Identity)> {
    let read = |dir: ClusterDir| match Identity::read(&dir) {
        Ok(identity) => identity.map(|identity| (dir, identity)),
        Err(error) => {
            tracing::error!(%error, dir = %dir.path().display(), "a directory is left alone");
            None
        }
    };
    clusters(parent).into_iter().filter_map(read).collect()
}

/// Directories that may be clusters.
pub(crate) fn clusters(parent: &Path) -> Vec<ClusterDir> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| ClusterDir(e.path())).collect()
}

fn lock(dir: &ClusterDir) -> Result<Option<File>, EngineError> {
    let file = File::open(dir.path()).doing(|| format!("open {}", dir.path().display()))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).doing(|| format!("lock {}", dir.path().display())),
    }
}

/// The directories of a cluster. What the server may only read belongs to Paddock, with the server's group.
fn furnish(dir: &ClusterDir, user: Option<&OsUser>) -> std::io::Result<()> {
    let (shared, closed) = if user.is_some() { (0o750, 0o710) } else { (0o700, 0o700) };
    disk::make_dir(dir.path(), closed, disk::readable_by(user))?;
    for path in [dir.conf(), dir.tls()] {
        disk::make_dir(&path, shared, disk::readable_by(user))?;
    }
    for path in [dir.data(), dir.run(), dir.log()] {
        disk::make_dir(&path, 0o700, disk::owned_by(user))?;
    }
    Ok(())
}

async fn initdb(
    dir: &ClusterDir,
    user: Option<&OsUser>,
    installed: &Installed,
    pace: Pace<'_>,
) -> Result<(), EngineError> {
    let mut exec = Exec::new(installed.program("initdb"))
        .arg("-D")
        .arg(dir.data())
        .args(["-U", crate::sql::SUPERUSER, "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8"])
        // What is in force stands in our own files; these are for the moment before they do.
        .args(["--auth-local=peer", "--auth-host=reject", "--no-instructions"])
        .dir(dir.path())
        .as_user(user.map(OsUser::ids))
        .limit(Duration::from_secs(120));
    let awaited = matches!(pace, Pace::Awaited);
    if !awaited {
        exec = exec.humble();
    }
    if installed.version.major >= 17 {
        exec = exec.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
        if awaited && host::syncs_whole_systems() {
            exec = exec.arg("--sync-method=syncfs");
        }
    }
    match exec.run_ok().await {
        Ok(_) => Ok(()),
        Err(ProcessError::Failed { output, .. }) if output.stderr.contains("No space left on device") => {
            let free_bytes = disk::free_bytes(dir.path()).unwrap_or(0);
            Err(EngineError::DiskFull { volume: Volume::Data, free_bytes })
        }
        Err(ProcessError::Failed { output, .. }) => Err(EngineError::Postgres {
            message: format!("initdb of PostgreSQL {} failed", installed.version),
            log: output.tail(20),
        }),
        Err(ProcessError::Start { .. }) if !installed.program("initdb").exists() => {
            Err(EngineError::VersionMissing(installed.version))
        }
        Err(error) => Err(retry("could not initialise a cluster", error)),
    }
}

/// The first field of `pg_control`, since ever and on every major: the cluster's own number.
pub(crate) fn system_identifier(data: &Path) -> Result<u64, EngineError> {
    let path = data.join("global/pg_control");
    let mut bytes = [0; 8];
    let file = disk::open_untrusted(&path, File::options().read(true));
    let read = file.and_then(|mut file| file.read_exact(&mut bytes));
    read.doing(|| format!("read {}", path.display()))?;
    Ok(u64::from_ne_bytes(bytes))
}
