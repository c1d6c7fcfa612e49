//! An archive's place: `<root>/archive/<database>`.
//!
//! ```text
//! pgbackrest.conf  keys/              Paddock's own; the first may be read by the server's user
//! repo/  lock/  log/  spool/          the user's of the server that writes; what is sealed in repo/ is root's
//! ```
//! It is nobody's node: it stays when its database goes, and is handed to the server that takes that one's place.

use super::{
    STANZA,
    config::{self, Told},
    seal,
};
use crate::{
    EngineConfig, disk,
    error::Doing as _,
    identity::Identity,
    layout::{ClusterDir, Layout},
    process::Ids,
    turns::Turns,
};
use control::engine::EngineError;
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::LazyLock,
};
use tokio::sync::OwnedMutexGuard;
use types::{DatabaseId, NodeId};

/// Whose turn it is to seal, unseal or hand over, by directory.
static TURNS: LazyLock<Turns<PathBuf>> = LazyLock::new(Turns::default);

/// One archive.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    dir: PathBuf,
}

impl Archive {
    pub(crate) fn of(config: &EngineConfig, id: DatabaseId) -> Self {
        Self { dir: Layout::new(&config.root).archive(id) }
    }

    /// Where it lies: it may be on a volume of its own.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Nobody else changes whose its files are while this is held.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        TURNS.take(self.dir.clone()).await
    }

    pub(crate) fn conf(&self) -> PathBuf {
        self.dir.join("pgbackrest.conf")
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.dir.join("repo")
    }

    /// Copies of the files that hold the backups' own keys; for Paddock alone.
    pub(super) fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// A place where its server's user may write for a moment.
    pub(super) fn scratch(&self) -> PathBuf {
        self.dir.join("lock")
    }

    /// The user that writes there; it may be a number only, when its server is gone.
    ///
    /// # Errors
    /// [`EngineError::Absent`]: there is no such archive.
    pub(crate) fn ids(&self) -> Result<Option<Ids>, EngineError> {
        let seen = fs::symlink_metadata(self.dir.join("spool")).map_err(|_| EngineError::Absent)?;
        Ok((seen.uid() != 0)
            .then_some(Ids { uid: seen.uid(), gid: seen.gid() })
            .filter(|_| crate::os_user::are_root()))
    }

    /// The node that writes there, by its settings.
    pub(super) fn writer(&self) -> Option<NodeId> {
        let text = fs::read_to_string(self.conf()).ok()?;
        let data = text.lines().find_map(|line| line.strip_prefix("pg1-path="))?;
        let node = Path::new(data).parent()?.file_name()?.to_str()?;
        node.parse().ok().map(NodeId::new)
    }

    /// Whether pgBackRest made its inside once. Before that nothing in it is sealed: pgBackRest still writes everywhere.
    pub(super) fn is_made(&self) -> Result<bool, EngineError> {
        let own = |kind: &str| self.repo().join(kind).join(STANZA).join(format!("{kind}.info"));
        let there = |path: &Path| match fs::symlink_metadata(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            // It may be there: a volume that fails for a moment has not lost anything.
            Err(error) => Err(error).doing(|| format!("look for {}", path.display())),
        };
        Ok(there(&self.keys().join("backup.info"))? || there(&own("archive"))? && there(&own("backup"))?)
    }

    /// pgBackRest refuses an inside that it began to make and did not end. Where nothing was kept in it yet, it goes.
    fn clear_half_made(&self) -> Result<(), EngineError> {
        let (repo, gone) = (self.repo(), self.dir.join("repo.half-made"));
        let doing = || format!("clear {}", gone.display());
        if repo.exists() && !self.is_made()? && seal::holds_nothing(&repo)? {
            // Out of its user's reach first.
            disk::move_dir(&repo, &gone).doing(doing)?;
        }
        if gone.exists() { fs::remove_dir_all(&gone).doing(doing) } else { Ok(()) }
    }

    /// Makes it, or hands it to this server.
    pub(crate) async fn give(
        &self,
        (dir, identity): (&ClusterDir, &Identity),
        port: u16,
        key: &SecretString,
    ) -> Result<(), EngineError> {
        let _turn = self.turn().await;
        let user = identity.os_user.as_ref();
        let doing = || format!("make {}", self.dir.display());
        let other = |had: SecretString| had.expose_secret() != key.expose_secret();
        if fs::read_to_string(self.conf()).ok().and_then(|text| config::key_of(&text)).is_some_and(other) {
            return Err(EngineError::Foreign("the archive has another key: nothing was touched".into()));
        }
        let before = self.ids().unwrap_or(None);
        let closed = if user.is_some() { 0o710 } else { 0o700 };
        // An open gate stays open: somebody restores.
        let mode = fs::metadata(&self.dir).map_or(closed, |seen| seen.permissions().mode() & 0o711 | closed);
        disk::make_dir(&self.dir, mode, disk::readable_by(user)).doing(doing)?;
        self.clear_half_made()?;
        disk::make_dir(&self.keys(), 0o700, None).doing(doing)?;
        for name in ["repo", "lock", "log", "spool"] {
            let path = self.dir.join(name);
            if !path.exists() {
                disk::make_dir(&path, 0o750, disk::owned_by(user)).doing(doing)?;
            }
        }
        if let Some((from, to)) = before.zip(user).filter(|(from, to)| from.uid != to.uid) {
            seal::hand_over(&self.dir, from, to.ids())?;
        }
        let told =
            Told { repo: &self.repo(), key, own: &self.dir, data: &dir.data(), socket: (&dir.run(), port) };
        disk::write_if_other(
            &self.conf(),
            config::text(&told)?.as_bytes(),
            disk::conf_mode(user),
            disk::readable_by(user),
        )
        .doing(doing)?;
        Ok(())
    }

    /// Lets restored servers in, or nobody any more.
    pub(super) fn gate(&self, open: bool) -> Result<(), EngineError> {
        if !crate::os_user::are_root() {
            return Ok(());
        }
        let mode = if open { 0o711 } else { 0o710 };
        fs::set_permissions(&self.dir, fs::Permissions::from_mode(mode)).doing(|| "open an archive".into())
    }
}

/// Numbers of users that archives belong to: nobody else may get them.
pub(crate) fn owners(archives: &Path) -> Vec<u32> {
    let all = fs::read_dir(archives).into_iter().flatten().flatten();
    all.filter_map(|dir| Some(fs::symlink_metadata(dir.path().join("spool")).ok()?.uid())).collect()
}
