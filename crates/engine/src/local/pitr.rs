//! Point-in-time recovery, as the port asks for it: finds the place and the tool, hands over, one at a time for a node.

use super::{LocalEngine, now};
use crate::{
    configure::{self, By},
    error::fatal,
    identity::Identity,
    layout::ClusterDir,
    node,
    pitr::{self, Archive, Restore, Restoring, Tool},
    sql::{MONITOR, SUPERUSER, Session},
    versions::Installed,
    volume::room_for,
};
use async_trait::async_trait;
use control::engine::{
    Engine, EngineError, NodeSpec, Volume,
    pitr::{ArchiveState, BackupKind, BaseBackup, Pitr, Progress, Recovery, TableCount, Target, Timelines},
};
use secrecy::SecretString;
use std::time::Duration;
use types::DatabaseId;

/// For one question, connecting included.
const LIMIT: Duration = Duration::from_secs(10);

impl LocalEngine {
    async fn tool(&self) -> Result<Tool, EngineError> {
        Tool::find(&self.inner.config).await
    }

    /// The archive that a running server writes to.
    fn archive_of(&self, spec: &NodeSpec) -> Result<Archive, EngineError> {
        let id = spec.archive.ok_or_else(|| {
            fatal("nothing of this database is archived", anyhow::anyhow!("its spec names no archive"))
        })?;
        Ok(Archive::of(&self.inner.config, id))
    }

    /// Gives a node that is to be restored its place.
    async fn place_bare(&self, spec: &NodeSpec, cluster: u64) -> Result<(), EngineError> {
        let _turn = self.inner.turns.take(spec.id).await;
        match self.find(spec.id) {
            Ok(_) => Ok(()),
            Err(EngineError::Absent) => self.inner.pool.give_bare(spec.version, spec.id, cluster).await,
            Err(error) => Err(error),
        }
    }

    /// Its settings, as its note and its spec say.
    fn write(
        &self,
        spec: &NodeSpec,
        installed: &Installed,
        place: (&ClusterDir, &Identity),
    ) -> Result<bool, EngineError> {
        let super::Inner { config, ca, .. } = &*self.inner;
        let by = By { config, ca, installed: Some(installed), now: now() };
        configure::write(by, place, spec, &config.listen)
    }

    /// Files, settings, start.
    async fn bring(
        &self,
        spec: &NodeSpec,
        tool: &Tool,
        key: Option<&SecretString>,
        wanted: Restoring,
    ) -> Result<String, EngineError> {
        let installed = self.installed(spec.version).await?;
        let label = wanted.label.clone();
        let copied = {
            let _turn = self.inner.turns.take(spec.id).await;
            let (dir, identity) = self.find(spec.id)?;
            let by = Restore { config: &self.inner.config, tool, installed: &installed, spec };
            let copied = pitr::restore(by, (&dir, &identity), key, wanted).await?;
            self.write(spec, &installed, (&dir, &identity))?;
            copied
        };
        let started = self.start(spec).await;
        let (dir, _) = self.find(spec.id)?;
        started.map_err(|error| pitr::start_failed(error, &dir))?;
        Ok(if copied { format!("base backup {label} restored") } else { "replaying on".into() })
    }
}

#[async_trait]
impl Pitr for LocalEngine {
    async fn pitr_tool(&self) -> Option<String> {
        self.tool()
            .await
            .inspect_err(|error| tracing::debug!(%error, "no pgBackRest"))
            .ok()
            .map(|tool| tool.version)
    }

    async fn archive_state(&self, spec: &NodeSpec) -> Result<ArchiveState, EngineError> {
        let (dir, _) = self.running(spec.id)?;
        if let Some(id) = spec.archive {
            match pitr::seal(&Archive::of(&self.inner.config, id)).await {
                // Not made yet.
                Ok(()) | Err(EngineError::Absent) => {}
                Err(error) => return Err(error),
            }
        }
        pitr::state(&Session::new(dir.run(), spec.port, MONITOR, LIMIT)).await
    }

    async fn enable_archiving(&self, spec: &NodeSpec, key: &SecretString) -> Result<String, EngineError> {
        let tool = self.tool().await?;
        let archive = self.archive_of(spec)?;
        {
            let _turn = self.inner.turns.take(spec.id).await;
            let (dir, _) = self.running(spec.id)?;
            let (_, identity) = self.find(spec.id)?;
            archive.give((&dir, &identity), spec.port, key).await?;
            let session = Session::new(dir.run(), spec.port, SUPERUSER, LIMIT);
            pitr::enable(&tool, &archive, &session).await?;
        }
        self.configure(spec).await?;
        let state = self.archive_state(spec).await?;
        Ok(if state.on { "archiving is on".into() } else { "archiving begins with the next restart".into() })
    }

    async fn base_backup(
        &self,
        spec: &NodeSpec,
        kind: BackupKind,
        progress: Progress<'_>,
    ) -> Result<BaseBackup, EngineError> {
        let tool = self.tool().await?;
        self.running(spec.id)?;
        let archive = self.archive_of(spec)?;
        // As much as the last one took; of the first nothing is known, and what it copies is the most that it can take.
        let known = pitr::timelines(&tool, &archive).await?.backups;
        let last = known.iter().rev().find(|backup| backup.kind == BackupKind::Full);
        let bytes = match last {
            Some(full) => full.stored_bytes,
            None => self.disk_bytes(spec.id).await?,
        };
        room_for(Volume::Archive, archive.dir(), bytes)?;
        pitr::back_up(&tool, &archive, kind, progress).await
    }

    async fn archive_now(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let (dir, _) = self.running(spec.id)?;
        pitr::now_archived(&Session::new(dir.run(), spec.port, SUPERUSER, LIMIT), spec).await
    }

    async fn timelines(&self, archive: DatabaseId) -> Result<Timelines, EngineError> {
        pitr::timelines(&self.tool().await?, &Archive::of(&self.inner.config, archive)).await
    }

    async fn restore_beside(
        &self,
        spec: &NodeSpec,
        archive: DatabaseId,
        key: &SecretString,
        target: &Target,
    ) -> Result<String, EngineError> {
        let tool = self.tool().await?;
        let installed = self.installed(spec.version).await?;
        let by = Restore { config: &self.inner.config, tool: &tool, installed: &installed, spec };
        let (wanted, cluster, bytes) = by.planned(archive, target).await?;
        // What stands there is moved; only a new copy takes room.
        if matches!(self.find(spec.id), Err(EngineError::Absent)) {
            room_for(Volume::Data, self.inner.layout.root(), bytes)?;
        }
        self.place_bare(spec, cluster).await?;
        self.bring(spec, &tool, Some(key), wanted).await
    }

    async fn recovery(&self, spec: &NodeSpec) -> Result<Recovery, EngineError> {
        let (dir, identity) = self.find(spec.id)?;
        let seen = pitr::recovery((&dir, &identity), spec).await?;
        if !matches!(seen, Recovery::Reached(_)) {
            return Ok(seen);
        }
        let installed = self.installed(spec.version).await?;
        {
            let _turn = self.inner.turns.take(spec.id).await;
            if !pitr::outgrown(&installed, (&dir, &identity), spec).await? {
                return Ok(seen);
            }
            self.write(spec, &installed, (&dir, &identity))?;
        }
        self.start(spec).await.map_err(|error| pitr::start_failed(error, &dir))?;
        Ok(Recovery::Replaying(None))
    }

    async fn peek(&self, spec: &NodeSpec) -> Result<Vec<TableCount>, EngineError> {
        let (dir, _) = self.running(spec.id)?;
        pitr::peek(&dir, spec).await
    }

    async fn move_target(&self, spec: &NodeSpec, target: &Target) -> Result<String, EngineError> {
        let tool = self.tool().await?;
        let installed = self.installed(spec.version).await?;
        let (dir, _) = self.find(spec.id)?;
        let Some(archive) = pitr::discard(&dir)? else { return Err(EngineError::Absent) };
        let by = Restore { config: &self.inner.config, tool: &tool, installed: &installed, spec };
        let (wanted, ..) = by.planned(archive, target).await?;
        self.bring(spec, &tool, None, wanted).await
    }

    async fn finish_restore(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let tool = self.tool().await?;
        let installed = self.installed(spec.version).await?;
        let begun = {
            let _turn = self.inner.turns.take(spec.id).await;
            let (dir, identity) = self.find(spec.id)?;
            let by = Restore { config: &self.inner.config, tool: &tool, installed: &installed, spec };
            let begun = pitr::finish(by, (&dir, &identity)).await?;
            self.write(spec, &installed, (&dir, &identity))?;
            begun
        };
        if !begun {
            return Ok("it is a database already".into());
        }
        let (dir, _) = self.find(spec.id)?;
        self.start(spec).await.map_err(|error| pitr::start_failed(error, &dir))?;
        pitr::finished(&self.inner.config, &dir, spec).await?;
        self.configure(spec).await?;
        Ok("the restored server goes on from its target".into())
    }

    async fn discard_restore(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let dir = match node::find(&self.inner.layout, spec.id) {
            Ok((dir, _)) => dir,
            // One that never came to its place may wait half made.
            Err(EngineError::Absent) => return self.purge(spec.id).await,
            Err(error) => return Err(error),
        };
        let archive = pitr::discard(&dir)?;
        self.purge(spec.id).await?;
        archive.map_or(Ok(()), |archive| pitr::gone(&self.inner.config, archive))
    }

    async fn remove_archive(&self, archive: DatabaseId) -> Result<(), EngineError> {
        pitr::remove_archive(&self.inner.config, archive).await
    }

    async fn expire(&self, spec: &NodeSpec, days: u32) -> Result<(), EngineError> {
        pitr::expire(&self.tool().await?, &self.archive_of(spec)?, days, now()).await
    }
}
