//! A restore beside the running database: files, then the log up to a moment, then a database of its own or nothing.
//!
//! Each step is noted before it is begun, and can be repeated after a kill. The source is never touched. Success is what
//! the server says (`pg_is_in_recovery`, the state of its pause), never that it was started.

use super::{
    config::{self, Told},
    info::{self, Known},
    place::Archive,
    plan::{self, Plan},
    recover::{self, Restoring, Stage},
    seal,
    tool::{self, Tool},
};
use crate::{
    EngineConfig, disk,
    error::{Doing as _, fatal, retry},
    identity::Identity,
    keeper,
    layout::{ClusterDir, Layout},
    os_user::OsUser,
    process::Exec,
    sql::{SUPERUSER, Session},
    versions::Installed,
};
use control::engine::{
    EngineError, NodeSpec, Volume,
    pitr::{Recovery, Target},
};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    fs, io,
    time::{Duration, SystemTime},
};
use tokio_postgres::Client;
use types::DatabaseId;

/// Copying a large server takes hours.
const COPYING: Duration = Duration::from_secs(24 * 3600);
/// A server that stands at its target has little to write.
const STOPPING: Duration = Duration::from_secs(10);
/// What PostgreSQL says when the log ends too early.
const TOO_EARLY: &str = "recovery ended before configured recovery target was reached";
/// What pgBackRest says of a segment that is there and cannot be had; one that is not there it is "unable to find".
const UNREADABLE: &str = "unable to get ";
/// Both are among so many lines of its log.
const LINES: usize = 200;

/// What a restore works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restore<'a> {
    pub(crate) config: &'a EngineConfig,
    pub(crate) tool: &'a Tool,
    pub(crate) installed: &'a Installed,
    pub(crate) spec: &'a NodeSpec,
}

impl Restore<'_> {
    /// Whether this target can be had; with the cluster's own number, and the bytes that it takes.
    pub(crate) async fn planned(
        &self,
        archive: DatabaseId,
        target: &Target,
    ) -> Result<(Restoring, u64, u64), EngineError> {
        let known = info::know(self.tool, &Archive::of(self.config, archive)).await?;
        let Plan { label, timeline } = plan::plan(&known, target)
            .map_err(|refused| fatal(refused.to_string(), anyhow::Error::new(refused)))?;
        let Known { cluster: Some((number, major)), .. } = known else {
            return Err(fatal("the archive names no cluster", anyhow::anyhow!("no history in it")));
        };
        if major != self.spec.version.major {
            let message = format!("the archive is of PostgreSQL {major}, not {}", self.spec.version.major);
            return Err(EngineError::Foreign(message));
        }
        let bytes =
            known.lines.backups.iter().find(|backup| backup.label == label).map_or(0, |backup| backup.bytes);
        let (target, stage) = (target.clone(), Stage::Copying);
        Ok((Restoring { archive, target, timeline, label, stage, least: BTreeMap::new() }, number, bytes))
    }
}

/// Brings a node's files to where a target can be reached, unless they are there; answers whether files were copied.
///
/// Its settings have to be written and it has to be started afterwards.
pub(crate) async fn restore(
    by: Restore<'_>,
    (dir, identity): (&ClusterDir, &Identity),
    key: Option<&SecretString>,
    wanted: Restoring,
) -> Result<bool, EngineError> {
    let had = Restoring::read(dir)?;
    if had.is_none() && holds_data(dir) {
        return Err(EngineError::Foreign("this is a database already: nothing was touched".into()));
    }
    if let Some(had) =
        had.as_ref().filter(|had| had.archive == wanted.archive && had.stage == Stage::Replaying)
    {
        // What has arrived just now can be read by nobody else until it is sealed.
        let archive = Archive::of(by.config, wanted.archive);
        seal(&archive).await?;
        archive.gate(true)?;
        // Where it stands it may go on, if the way is the same.
        if had.timeline == wanted.timeline && had.target.moment <= wanted.target.moment {
            if had.target != wanted.target {
                keeper::stop(dir, identity, STOPPING).await?;
                Restoring { target: wanted.target, ..had.clone() }.write(dir)?;
            }
            if keeper::postmaster(dir, identity)?.is_none() {
                // It may have read of a larger plan just before it ended.
                grow(by.installed, (dir, identity)).await?;
            }
            return Ok(false);
        }
    }
    if had.is_some_and(|had| had.stage == Stage::Finishing) {
        return Err(fatal(
            "it is becoming a database: its target stands",
            anyhow::anyhow!("finish was begun"),
        ));
    }
    keeper::stop(dir, identity, STOPPING).await?;
    wanted.write(dir)?;
    copy(by, (dir, identity), key, &wanted).await?;
    let least = recover::least(&control_data(by.installed, dir, identity).await?);
    Restoring { stage: Stage::Replaying, least, ..wanted }.write(dir)?;
    Ok(true)
}

fn holds_data(dir: &ClusterDir) -> bool {
    fs::read_dir(dir.data()).is_ok_and(|mut entries| entries.next().is_some())
}

async fn copy(
    by: Restore<'_>,
    (dir, identity): (&ClusterDir, &Identity),
    key: Option<&SecretString>,
    wanted: &Restoring,
) -> Result<(), EngineError> {
    let (archive, user) = (Archive::of(by.config, wanted.archive), identity.os_user.as_ref());
    let conf = dir.conf().join("pgbackrest.conf");
    let own = dir.fetching();
    for path in [own.clone(), own.join("lock"), own.join("log"), own.join("spool")] {
        disk::make_dir(&path, 0o700, disk::owned_by(user)).doing(|| format!("make {}", path.display()))?;
    }
    if let Some(key) = key {
        let (data, run) = (dir.data(), dir.run());
        let told = Told { repo: &archive.repo(), key, own: &own, data: &data, socket: (&run, by.spec.port) };
        disk::write_if_other(
            &conf,
            config::text(&told)?.as_bytes(),
            disk::conf_mode(user),
            disk::readable_by(user),
        )
        .doing(|| format!("write {}", conf.display()))?;
    }
    seal(&archive).await?;
    archive.gate(true)?;
    let mut exec = by.tool.exec(user.map(OsUser::ids), &conf, "restore").limit(COPYING);
    exec = exec.arg(format!("--set={}", wanted.label)).arg("--type=none");
    if holds_data(dir) {
        // One that was cut off left its list of files, or hardly anything.
        let begun = ["PG_VERSION", "backup.manifest"].iter().any(|name| dir.data().join(name).exists());
        if begun {
            exec = exec.arg("--delta");
        } else {
            disk::remove_tree(&dir.data()).await?;
            disk::make_dir(&dir.data(), 0o700, disk::owned_by(user))
                .doing(|| "begin a restore anew".into())?;
        }
    }
    tool::run("restore a base backup", Volume::Data, exec).await?;
    // What it finds in there of an earlier life must not decide where it stops.
    let signal = dir.data().join("recovery.signal");
    let made = disk::open_untrusted(&signal, fs::File::options().write(true).create_new(true));
    match made {
        Ok(file) => {
            if let Some((uid, gid)) = disk::owned_by(user) {
                std::os::unix::fs::fchown(&file, Some(uid), Some(gid)).doing(|| "begin recovery".into())?;
            }
            file.sync_all().doing(|| "begin recovery".into())?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).doing(|| format!("make {}", signal.display())),
    }
    // Without it the server would take the backup for one of its own, and open it to be written at the wrong moment.
    disk::sync_dir(&dir.data()).doing(|| "begin recovery".into())
}

async fn control_data(
    installed: &Installed,
    dir: &ClusterDir,
    identity: &Identity,
) -> Result<String, EngineError> {
    let exec = Exec::new(installed.program("pg_controldata")).arg("-D").arg(dir.data());
    let exec = exec.as_user(identity.os_user.as_ref().map(OsUser::ids)).confined();
    let said =
        exec.run_ok().await.map_err(|error| retry("could not read the restored control file", error))?;
    Ok(said.stdout)
}

/// How far a node is.
pub(crate) async fn recovery(
    (dir, identity): (&ClusterDir, &Identity),
    spec: &NodeSpec,
) -> Result<Recovery, EngineError> {
    let Some(note) = Restoring::read(dir)? else { return Ok(Recovery::Done) };
    if note.stage == Stage::Copying {
        return Ok(Recovery::Copying);
    }
    if keeper::postmaster(dir, identity)?.is_none() {
        return Ok(ended(&keeper::tail(dir, LINES)).map_or(Recovery::Stopped, Recovery::Ended));
    }
    let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(5));
    let ask = "SELECT pg_catalog.pg_get_wal_replay_pause_state(), pg_catalog.pg_last_xact_replay_timestamp()
               WHERE pg_catalog.pg_is_in_recovery()";
    let asked = session
        .run("ask how far the restore is", async |client: Client| {
            let Some(row) = client.query_opt(ask, &[]).await? else { return Ok(None) };
            let at = row.try_get::<_, Option<SystemTime>>(1)?;
            Ok(Some((row.try_get::<_, String>(0)?, at.map(Into::into))))
        })
        .await;
    Ok(match asked {
        Ok(Some((state, at))) if state == "paused" => Recovery::Reached(at),
        Ok(Some((_, at))) => Recovery::Replaying(at),
        // Promoted, and not all is said about it yet.
        Ok(None) => Recovery::Replaying(None),
        Err(error) => {
            tracing::debug!(%error, "a restored server does not answer yet");
            Recovery::Replaying(None)
        }
    })
}

/// A server that recovers pauses, too, where the log says that settings were larger from there on than they are in it
/// (manual 26.4.1): the plan was larger at that time than when the base backup was made, and than it is now. Notes what it
/// needs and stops it; answers whether it has to be configured and started again.
pub(crate) async fn outgrown(
    installed: &Installed,
    (dir, identity): (&ClusterDir, &Identity),
    spec: &NodeSpec,
) -> Result<bool, EngineError> {
    if Restoring::read(dir)?.is_none_or(|note| note.stage != Stage::Replaying) {
        return Ok(false);
    }
    let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(5));
    let ask = "SELECT name, setting::int FROM pg_catalog.pg_settings WHERE name = ANY ($1)";
    let in_force: BTreeMap<String, i32> = session
        .run("ask for the settings of a restore", async |client: Client| {
            let rows = client.query(ask, &[&recover::LEAST.as_slice()]).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        })
        .await?;
    let least = recover::least(&control_data(installed, dir, identity).await?);
    let lacks = |(name, least): (&String, &u32)| {
        in_force.get(name).is_some_and(|had| i64::from(*had) < i64::from(*least))
    };
    if !least.iter().any(lacks) {
        return Ok(false);
    }
    // Noted first: one that is started without it gives up.
    grow(installed, (dir, identity)).await?;
    keeper::stop(dir, identity, STOPPING).await?;
    Ok(true)
}

/// Notes what its control file asks for by now, beside what was asked for before: older parts of the log may be read again.
async fn grow(installed: &Installed, (dir, identity): (&ClusterDir, &Identity)) -> Result<(), EngineError> {
    let Some(note) = Restoring::read(dir)? else { return Ok(()) };
    let mut least = note.least.clone();
    for (name, value) in recover::least(&control_data(installed, dir, identity).await?) {
        let had = least.entry(name).or_default();
        *had = value.max(*had);
    }
    if least == note.least { Ok(()) } else { Restoring { least, ..note }.write(dir) }
}

/// Its words, if it ended because the log did.
fn ended(lines: &[String]) -> Option<String> {
    let said = |words: &str| lines.iter().any(|line| line.contains(words));
    said(TOO_EARLY).then(|| {
        if said(UNREADABLE) {
            "a part of the log lies in the archive and cannot be read there, so it was not replayed up to this moment"
        } else {
            "the archive ends before this moment: nothing was committed after it that has arrived there"
        }
        .to_owned()
    })
}

/// An error of a start, if it is that the log ended too early.
pub(crate) fn start_failed(error: EngineError, dir: &ClusterDir) -> EngineError {
    match ended(&keeper::tail(dir, LINES)) {
        Some(words) => fatal(words, error),
        None => error,
    }
}

/// Readies a node that stands at its target for its last start: it goes on from there, as its spec says, into its archive
/// if that is the one it came from. `false`: it is a database already.
pub(crate) async fn finish(
    by: Restore<'_>,
    (dir, identity): (&ClusterDir, &Identity),
) -> Result<bool, EngineError> {
    let Some(note) = Restoring::read(dir)? else { return Ok(false) };
    match note.stage {
        Stage::Copying => {
            return Err(fatal("the restore is not complete", anyhow::anyhow!("files are missing")));
        }
        Stage::Finishing => {}
        Stage::Replaying => {
            if !matches!(recovery((dir, identity), by.spec).await?, Recovery::Reached(_)) {
                return Err(retry(
                    "the restore has not reached its target yet",
                    anyhow::anyhow!("it does not stand there"),
                ));
            }
        }
    }
    if by.spec.archive == Some(note.archive) {
        let key = key(dir)?;
        Archive::of(by.config, note.archive).give((dir, identity), by.spec.port, &key).await?;
    }
    if note.stage == Stage::Replaying {
        keeper::stop(dir, identity, STOPPING).await?;
        Restoring { stage: Stage::Finishing, ..note }.write(dir)?;
    }
    Ok(true)
}

/// The key that it was restored with.
fn key(dir: &ClusterDir) -> Result<SecretString, EngineError> {
    let path = dir.conf().join("pgbackrest.conf");
    let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
    config::key_of(&text)
        .ok_or_else(|| fatal("the archive's key is lost", anyhow::anyhow!("{}", path.display())))
}

/// The last step: waits until it is in recovery no more, and removes what only a restore needs.
pub(crate) async fn finished(
    config: &EngineConfig,
    dir: &ClusterDir,
    spec: &NodeSpec,
) -> Result<(), EngineError> {
    let Some(note) = Restoring::read(dir)? else { return Ok(()) };
    let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(5));
    let free = session
        .run("ask whether recovery ended", async |client: Client| {
            client.query_one("SELECT NOT pg_catalog.pg_is_in_recovery()", &[]).await?.try_get::<_, bool>(0)
        })
        .await?;
    if !free {
        return Err(retry("the restored server still recovers", anyhow::anyhow!("it will end by itself")));
    }
    fs::remove_file(dir.restoring()).doing(|| "end a restore".into())?;
    // Left by a kill here they harm nobody.
    let _ = fs::remove_file(dir.conf().join("pgbackrest.conf"));
    disk::remove_tree(&dir.fetching()).await?;
    close(config, note.archive)
}

/// Somebody restores from this archive. A note that cannot be read may mean it.
fn is_read(config: &EngineConfig, archive: DatabaseId) -> bool {
    let nodes = fs::read_dir(Layout::new(&config.root).nodes()).into_iter().flatten().flatten();
    let reads = |dir: ClusterDir| {
        Restoring::read(&dir).map_or(true, |note| note.is_some_and(|note| note.archive == archive))
    };
    nodes.map(|entry| ClusterDir(entry.path())).any(reads)
}

/// Removes an archive that nobody writes to or reads from.
pub(crate) async fn remove_archive(config: &EngineConfig, id: DatabaseId) -> Result<(), EngineError> {
    let (archive, layout) = (Archive::of(config, id), Layout::new(&config.root));
    let _turn = archive.turn().await;
    let alive = |place: ClusterDir| place.path().symlink_metadata().is_ok();
    if archive.writer().is_some_and(|writer| alive(layout.node(writer)) || alive(layout.trashed(writer))) {
        return Err(EngineError::Foreign("the archive's server is still here: nothing was touched".into()));
    }
    if is_read(config, id) {
        return Err(EngineError::Foreign("somebody restores from this archive: nothing was touched".into()));
    }
    disk::remove_tree(&layout.archive(id)).await
}

/// Closes an archive's gate when nobody else restores from it.
fn close(config: &EngineConfig, archive: DatabaseId) -> Result<(), EngineError> {
    if is_read(config, archive) {
        return Ok(());
    }
    let place = Archive::of(config, archive);
    if place.conf().exists() { place.gate(false) } else { Ok(()) }
}

/// Refuses what is a database; then it may be purged. Answers what to do afterwards.
pub(crate) fn discard(dir: &ClusterDir) -> Result<Option<DatabaseId>, EngineError> {
    match Restoring::read(dir)? {
        Some(note) => Ok(Some(note.archive)),
        None => Err(EngineError::Foreign("this is a database of its own: nothing was touched".into())),
    }
}

/// After a restored node went.
pub(crate) fn gone(config: &EngineConfig, archive: DatabaseId) -> Result<(), EngineError> {
    close(config, archive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_that_cannot_be_read_is_no_end_of_the_archive() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let early = "startup FATAL:  recovery ended before configured recovery target was reached (F0000)";
        assert_eq!(ended(&lines("LOG:  redo done at 0/60030C0")), None);
        assert!(ended(&lines(early)).unwrap().starts_with("the archive ends before this moment"));
        let said = "P00  ERROR: [042]: unable to get 000000010000000000000007:\n            repo1: 18-1/0000000100000000/\
                    000000010000000000000007-a6975f.zst [FileOpenError] unable to open file for read: [13] Permission denied";
        let unread = ended(&lines(&format!("{said}\n{early}"))).unwrap();
        assert!(unread.contains("cannot be read there"), "{unread}");
        assert_eq!(ended(&lines(said)), None, "it went on all the same");
    }
}
