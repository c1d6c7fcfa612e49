//! The fake's archives: base backups and one moment up to which everything has arrived, in memory. A restore reaches its
//! target at once, unless a test says otherwise.

use crate::{FakeEngine, Method, Node, port::refused};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use control::engine::{
    EngineError, NodeSpec,
    pitr::{
        ArchiveState, BackupKind, BaseBackup, Gap, Pitr, Progress, Recovery, TableCount, Target, Timeline,
        Timelines,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use types::{DatabaseId, NodeId};

/// An archive as it is in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeArchive {
    /// Who writes there.
    pub writer: Option<NodeId>,
    /// What it was encrypted with.
    pub key: String,
    /// Its base backups.
    pub backups: Vec<BaseBackup>,
    /// Up to where everything has arrived.
    pub until: Option<DateTime<Utc>>,
    /// Timelines; one for each restore that went on there, beside the first.
    pub timelines: u32,
    /// Holes that a test made.
    pub gaps: Vec<Gap>,
    /// What a test says about archiving.
    pub state: ArchiveState,
    /// Base backups find pages with wrong checksums.
    pub damaged: bool,
}

impl FakeArchive {
    fn timelines(&self) -> Timelines {
        let line = |(id, at)| {
            let wal = format!("{id:08X}0000000000000001");
            let parent = (id > 1).then(|| (id - 1, wal.clone()));
            Timeline { id, parent, wal: (wal.clone(), wal), at: (at, self.until.unwrap_or(at)) }
        };
        let from = self.backups.first().map(|backup| backup.from);
        let timelines = (1..=self.timelines).zip(from.into_iter().cycle()).map(line).collect();
        Timelines { backups: self.backups.clone(), timelines, gaps: self.gaps.clone() }
    }

    fn allows(&self, moment: DateTime<Utc>) -> Result<(), EngineError> {
        let window = self.timelines().window();
        let behind = |gap: &Gap| gap.from.is_some_and(|from| moment > from);
        match window {
            Some((from, to)) if moment >= from && moment <= to && !self.gaps.iter().any(behind) => Ok(()),
            Some(_) => Err(refused_for_good("this moment cannot be restored")),
            None => Err(refused_for_good("nothing can be restored yet")),
        }
    }
}

/// A restored node that is no database yet.
#[derive(Clone, Debug)]
pub struct FakeRestore {
    /// From where.
    pub archive: DatabaseId,
    /// To which moment.
    pub target: Target,
    /// How far it is.
    pub state: Recovery,
    /// What is seen in it.
    pub tables: Vec<TableCount>,
}

fn refused_for_good(message: &str) -> EngineError {
    EngineError::Other { message: message.into(), source: anyhow::anyhow!("the fake says no"), retry: false }
}

fn archive_of(spec: &NodeSpec) -> Result<DatabaseId, EngineError> {
    spec.archive.ok_or_else(|| refused_for_good("nothing of this database is archived"))
}

impl FakeEngine {
    /// There is no tool on this host from now on, or there is one.
    pub fn lacks_pitr(&self, lacks: bool) {
        self.state().without_tool = lacks;
    }

    /// Changes what an archive is.
    pub fn archives(&self, id: DatabaseId, change: impl FnOnce(&mut FakeArchive)) {
        change(self.state().archives.entry(id).or_default());
    }

    /// An archive.
    #[must_use]
    pub fn archive(&self, id: DatabaseId) -> Option<FakeArchive> {
        self.state().archives.get(&id).cloned()
    }

    /// Changes how far a restored node is.
    pub fn restores(&self, id: NodeId, change: impl FnOnce(&mut FakeRestore)) {
        if let Some(restore) = self.state().restores.get_mut(&id) {
            change(restore);
        }
    }

    /// A restored node that is no database yet.
    #[must_use]
    pub fn restore(&self, id: NodeId) -> Option<FakeRestore> {
        self.state().restores.get(&id).cloned()
    }

    fn moment(&self) -> DateTime<Utc> {
        durable::Clock::now(&*self.clock)
    }
}

#[async_trait]
impl Pitr for FakeEngine {
    async fn pitr_tool(&self) -> Option<String> {
        let tool =
            self.call(Method::PitrTool, |state| Ok((!state.without_tool).then(|| "2.60.0".to_owned()))).await;
        tool.ok().flatten()
    }

    async fn archive_state(&self, spec: &NodeSpec) -> Result<ArchiveState, EngineError> {
        self.call(Method::ArchiveState, |state| {
            state.live(spec.id)?;
            let archive = spec.archive.and_then(|id| state.archives.get(&id));
            let told = |archive: &FakeArchive| ArchiveState {
                timeline: Some(archive.timelines),
                ..archive.state.clone()
            };
            Ok(archive.map(told).unwrap_or_default())
        })
        .await
    }

    async fn enable_archiving(&self, spec: &NodeSpec, key: &SecretString) -> Result<String, EngineError> {
        self.call(Method::EnableArchiving, |state| {
            if state.live(spec.id)?.running.is_none() {
                return Err(refused("it does not run"));
            }
            if state.without_tool {
                return Err(refused_for_good("point-in-time recovery is not available on this host"));
            }
            let archive = state.archives.entry(archive_of(spec)?).or_default();
            if !archive.key.is_empty() && archive.key != key.expose_secret() {
                return Err(refused_for_good("the archive has another key"));
            }
            (archive.writer, archive.key) = (Some(spec.id), key.expose_secret().to_owned());
            archive.timelines = archive.timelines.max(1);
            archive.state.on = true;
            Ok("archiving is on".into())
        })
        .await
    }

    async fn base_backup(
        &self,
        spec: &NodeSpec,
        kind: BackupKind,
        progress: Progress<'_>,
    ) -> Result<BaseBackup, EngineError> {
        let now = self.moment();
        self.call(Method::BaseBackup, |state| {
            let bytes = state.live(spec.id)?.disk_bytes;
            let archive = state.archives.get_mut(&archive_of(spec)?).ok_or(EngineError::Absent)?;
            progress(bytes, bytes);
            let timeline = archive.timelines.max(1);
            let wal = format!("{timeline:08X}0000000000000001");
            let backup = BaseBackup {
                label: format!("{}F", now.format("%Y%m%d-%H%M%S")),
                kind,
                from: now,
                to: now,
                bytes,
                stored_bytes: bytes / 8,
                timeline,
                first_wal: wal.clone(),
                last_wal: wal,
                damaged: archive.damaged,
            };
            archive.backups.push(backup.clone());
            archive.until = archive.until.max(Some(now));
            Ok(backup)
        })
        .await
    }

    async fn archive_now(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        let now = self.moment();
        self.call(Method::ArchiveNow, |state| {
            if state.live(spec.id)?.running.is_none() {
                return Err(refused("it does not run"));
            }
            let archive = state.archives.get_mut(&archive_of(spec)?).ok_or(EngineError::Absent)?;
            (archive.until, archive.state.last_at) = (Some(now), Some(now));
            archive.state.last_wal = Some(format!("{:08X}0000000000000001", archive.timelines));
            Ok(())
        })
        .await
    }

    async fn timelines(&self, archive: DatabaseId) -> Result<Timelines, EngineError> {
        self.call(Method::Timelines, |state| {
            state.archives.get(&archive).map(FakeArchive::timelines).ok_or(EngineError::Absent)
        })
        .await
    }

    async fn restore_beside(
        &self,
        spec: &NodeSpec,
        archive: DatabaseId,
        key: &SecretString,
        target: &Target,
    ) -> Result<String, EngineError> {
        let now = self.moment();
        self.call(Method::RestoreBeside, |state| {
            let held = state.archives.get(&archive).ok_or(EngineError::Absent)?;
            held.allows(target.moment)?;
            if held.key != key.expose_secret() {
                return Err(refused_for_good("the archive has another key"));
            }
            if state.nodes.contains_key(&spec.id) && !state.restores.contains_key(&spec.id) {
                return Err(EngineError::Foreign("this is a database already".into()));
            }
            state.clusters += 1;
            let node = Node {
                spec: spec.clone(),
                cluster: state.clusters,
                configured: None,
                running: Some(now),
                trashed: false,
                verifier: None,
                users: BTreeMap::new(),
                extensions: BTreeSet::new(),
                started_with: None,
                limited_as: None,
                disk_bytes: crate::port::FRESH,
                sample: control::engine::Sample::default(),
                sessions: Vec::new(),
                certificate_until: None,
                log: Vec::new(),
            };
            if let Some(data) = held.writer.and_then(|writer| state.data.get(&writer)).cloned() {
                state.data.insert(spec.id, data);
            }
            state.nodes.insert(spec.id, node);
            let (target, reached) = (target.clone(), Recovery::Reached(Some(target.moment)));
            state
                .restores
                .insert(spec.id, FakeRestore { archive, target, state: reached, tables: Vec::new() });
            Ok("base backup restored".into())
        })
        .await
    }

    async fn recovery(&self, spec: &NodeSpec) -> Result<Recovery, EngineError> {
        self.call(Method::Recovery, |state| {
            state.live(spec.id)?;
            Ok(state.restores.get(&spec.id).map_or(Recovery::Done, |restore| restore.state.clone()))
        })
        .await
    }

    async fn peek(&self, spec: &NodeSpec) -> Result<Vec<TableCount>, EngineError> {
        self.call(Method::Peek, |state| {
            state.restores.get(&spec.id).map(|restore| restore.tables.clone()).ok_or(EngineError::Absent)
        })
        .await
    }

    async fn move_target(&self, spec: &NodeSpec, target: &Target) -> Result<String, EngineError> {
        self.call(Method::MoveTarget, |state| {
            let archive = state.restores.get(&spec.id).ok_or(EngineError::Absent)?.archive;
            state.archives.get(&archive).ok_or(EngineError::Absent)?.allows(target.moment)?;
            if let Some(restore) = state.restores.get_mut(&spec.id) {
                (restore.target, restore.state) = (target.clone(), Recovery::Reached(Some(target.moment)));
            }
            Ok("replaying on".into())
        })
        .await
    }

    async fn finish_restore(&self, spec: &NodeSpec) -> Result<String, EngineError> {
        let now = self.moment();
        self.call(Method::FinishRestore, |state| {
            let Some(restore) = state.restores.get(&spec.id) else {
                return Ok("it is a database already".into());
            };
            if !matches!(restore.state, Recovery::Reached(_)) {
                return Err(refused("the restore has not reached its target yet"));
            }
            let from = restore.archive;
            if spec.archive == Some(from)
                && let Some(archive) = state.archives.get_mut(&from)
            {
                archive.writer = Some(spec.id);
                archive.timelines += 1;
            }
            state.restores.remove(&spec.id);
            let taken = state.nodes.values().any(|other| {
                other.spec.id != spec.id && other.running.is_some() && other.configured == Some(spec.port)
            });
            if taken {
                return Err(EngineError::PortTaken(spec.port));
            }
            let node = state.live(spec.id)?;
            (node.configured, node.running, node.spec) = (Some(spec.port), Some(now), spec.clone());
            node.started_with = Some(spec.plan.memory_mib);
            node.limited_as = Some(spec.plan.name.clone());
            Ok("the restored server goes on from its target".into())
        })
        .await
    }

    async fn discard_restore(&self, spec: &NodeSpec) -> Result<(), EngineError> {
        self.call(Method::DiscardRestore, |state| {
            if !state.nodes.contains_key(&spec.id) {
                return Ok(());
            }
            if state.restores.remove(&spec.id).is_none() {
                return Err(EngineError::Foreign("this is a database of its own".into()));
            }
            state.nodes.remove(&spec.id);
            Ok(())
        })
        .await
    }

    async fn remove_archive(&self, archive: DatabaseId) -> Result<(), EngineError> {
        self.call(Method::RemoveArchive, |state| {
            let writer = state.archives.get(&archive).and_then(|archive| archive.writer);
            let reads = state.restores.values().any(|restore| restore.archive == archive);
            if reads || writer.is_some_and(|writer| state.nodes.contains_key(&writer)) {
                return Err(refused_for_good("the archive is in use"));
            }
            state.archives.remove(&archive);
            Ok(())
        })
        .await
    }

    async fn expire(&self, spec: &NodeSpec, days: u32) -> Result<(), EngineError> {
        let oldest = self.moment() - chrono::TimeDelta::days(days.into());
        self.call(Method::Expire, |state| {
            let archive = state.archives.get_mut(&archive_of(spec)?).ok_or(EngineError::Absent)?;
            let full = |one: &&BaseBackup| one.kind == BackupKind::Full && one.to <= oldest;
            let kept = archive.backups.iter().filter(full).map(|one| one.from).max();
            archive.backups.retain(|one| kept.is_none_or(|kept| one.from >= kept));
            Ok(())
        })
        .await
    }
}
