//! What an archive holds: pgBackRest's own list of base backups, and the segments that are really there.
//!
//! A segment that is missing between others looks like the end of the log to a server that recovers, so holes are
//! looked for here, from names alone. When a segment came is its file's time: pgBackRest writes it once.

use super::{
    STANZA,
    place::Archive,
    tool::{self, Tool},
};
use crate::{
    disk,
    error::{Doing as _, fatal},
};
use chrono::{DateTime, TimeDelta, Utc};
use control::engine::{
    EngineError, Volume,
    pitr::{BackupKind, BaseBackup, Gap, Timeline, Timelines},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// `initdb`'s size of a segment; no server here has another.
pub(super) const SEGMENT: u64 = 16 << 20;
const PER_LOG: u64 = (1 << 32) / SEGMENT;

/// What is known of an archive: the answer for others, and what a plan needs beside.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) lines: Timelines,
    /// Each timeline's segments, and when they came.
    pub(super) wal: BTreeMap<u32, BTreeMap<u64, DateTime<Utc>>>,
    /// Each timeline's parent, and the first segment that is its own.
    pub(super) parents: BTreeMap<u32, (u32, u64)>,
    /// The cluster's own number, and its major.
    pub(super) cluster: Option<(u64, u16)>,
}

/// What an archive holds.
pub(crate) async fn read(tool: &Tool, archive: &Archive) -> Result<Timelines, EngineError> {
    know(tool, archive).await.map(|known| known.lines)
}

pub(super) async fn know(tool: &Tool, archive: &Archive) -> Result<Known, EngineError> {
    let stanza = stanza(tool, archive).await?;
    let Some(db) = stanza.db.last() else { return Ok(Known::default()) };
    let id = format!("{}-{}", db.version, db.id);
    let dir = archive.repo().join("archive").join(STANZA).join(&id);
    let mut known = Known { cluster: Some((db.system_id, major(&db.version))), ..Known::default() };
    let mut histories = Vec::new();
    for (path, name) in files(&dir) {
        if let Some((timeline, number)) = segment(&name) {
            let at = fs::symlink_metadata(&path).and_then(|seen| seen.modified());
            let at = at.doing(|| format!("read {}", path.display()))?;
            known.wal.entry(timeline).or_default().insert(number, at.into());
        } else if let Some(name) = name.strip_suffix(".history") {
            histories.extend(u32::from_str_radix(name, 16).ok());
        }
    }
    for timeline in histories {
        if let Some(parent) = parent(tool, archive, timeline).await? {
            known.parents.insert(timeline, parent);
        }
    }
    let ours = stanza.backup.into_iter().filter(|one| one.database.id == db.id);
    known.lines.backups = ours.filter_map(Backup::seen).collect();
    known.lines.backups.sort_by_key(|backup| backup.to);
    known.lines.timelines = timelines(&known);
    known.lines.gaps = gaps(&known);
    Ok(known)
}

/// Files in the directories of a directory, and in itself.
fn files(dir: &Path) -> Vec<(PathBuf, String)> {
    let list = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().collect::<Vec<_>>();
    let mut all = Vec::new();
    for entry in list(dir) {
        let deeper = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let found = if deeper { list(&entry.path()) } else { vec![entry] };
        all.extend(found.into_iter().map(|e| (e.path(), e.file_name().to_string_lossy().into_owned())));
    }
    all
}

/// Timeline and number of a segment; also of a file `<segment>-<checksum>.zst`.
pub(super) fn segment(name: &str) -> Option<(u32, u64)> {
    if name.ends_with(".pgbackrest.tmp") || name.as_bytes().get(24).is_some_and(|next| *next != b'-') {
        return None;
    }
    let hex = |from: usize| u32::from_str_radix(name.get(from..from + 8)?, 16).ok();
    Some((hex(0)?, u64::from(hex(8)?) * PER_LOG + u64::from(hex(16)?)))
}

pub(super) fn name(timeline: u32, number: u64) -> String {
    format!("{timeline:08X}{:08X}{:08X}", number / PER_LOG, number % PER_LOG)
}

fn major(version: &str) -> u16 {
    version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default()
}

/// The line that a timeline left, and where, by its history file.
async fn parent(tool: &Tool, archive: &Archive, timeline: u32) -> Result<Option<(u32, u64)>, EngineError> {
    let name = format!("{timeline:08X}.history");
    let to = archive.scratch().join(format!("{name}.{}", uuid::Uuid::new_v4()));
    let exec = tool.exec(archive.ids()?, &archive.conf(), "archive-get").arg(&name).arg(&to);
    tool::run("read a timeline's history", Volume::Archive, exec).await?;
    let text = disk::read_untrusted(&to).doing(|| format!("read {}", to.display()));
    // Each reader has its own.
    let _ = fs::remove_file(&to);
    Ok(text?.lines().rev().find_map(fork))
}

/// A line of a history file: `1<tab>0/3000158<tab>why`.
fn fork(line: &str) -> Option<(u32, u64)> {
    let mut fields = line.split('\t');
    let parent = fields.next()?.trim().parse().ok()?;
    let (high, low) = fields.next()?.trim().split_once('/')?;
    let lsn = u64::from_str_radix(high, 16).ok()? << 32 | u64::from_str_radix(low, 16).ok()?;
    Some((parent, lsn / SEGMENT))
}

fn timelines(known: &Known) -> Vec<Timeline> {
    let one = |(id, wal): (&u32, &BTreeMap<u64, DateTime<Utc>>)| {
        let ((first, from), (last, to)) = (wal.first_key_value()?, wal.last_key_value()?);
        let parent = known.parents.get(id).map(|(parent, number)| (*parent, name(*parent, *number)));
        // A segment that was pushed once more is younger than the one after it.
        let at = (*from, wal.values().copied().max().unwrap_or(*to));
        Some(Timeline { id: *id, parent, wal: (name(*id, *first), name(*id, *last)), at })
    };
    known.wal.iter().filter_map(one).collect()
}

/// Holes in each timeline, from its first base backup, or its begin, to its last segment.
fn gaps(known: &Known) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for (id, wal) in &known.wal {
        let firsts = known.lines.backups.iter().filter_map(|backup| segment(&backup.first_wal));
        let of_backup = firsts.filter(|(timeline, _)| timeline == id).map(|(_, number)| number).min();
        let of_fork = known.parents.get(id).map(|(_, number)| *number);
        let Some(mut expected) = of_fork.or(of_backup) else { continue };
        let mut before = None;
        for (number, at) in wal.range(expected..) {
            if *number > expected {
                let (first, last) = (name(*id, expected), name(*id, number - 1));
                gaps.push(Gap { timeline: *id, first, last, from: before, to: Some(*at) });
            }
            (expected, before) = (number + 1, Some(*at));
        }
    }
    gaps
}

/// pgBackRest's `info --output=json`, as much of it as is used.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Stanza {
    #[serde(default)]
    backup: Vec<Backup>,
    #[serde(default)]
    db: Vec<Db>,
    #[serde(default)]
    pub(super) status: Status,
}

#[derive(Debug, Deserialize)]
struct Db {
    id: u32,
    #[serde(rename = "system-id")]
    system_id: u64,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    lock: Locks,
}

#[derive(Debug, Default, Deserialize)]
struct Locks {
    #[serde(default)]
    backup: Lock,
}

#[derive(Debug, Default, Deserialize)]
struct Lock {
    size: Option<u64>,
    #[serde(rename = "size-cplt")]
    done: Option<u64>,
}

impl Status {
    /// Bytes done and altogether of the base backup that is being made.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        self.lock.backup.done.zip(self.lock.backup.size)
    }
}

#[derive(Debug, Deserialize)]
struct Backup {
    archive: Wal,
    database: Of,
    error: Option<bool>,
    info: Sizes,
    label: String,
    timestamp: Times,
    #[serde(rename = "type")]
    kind: BackupKind,
}

#[derive(Debug, Deserialize)]
struct Wal {
    start: Option<String>,
    stop: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Of {
    id: u32,
}

#[derive(Debug, Deserialize)]
struct Sizes {
    size: u64,
    repository: Stored,
}

#[derive(Debug, Deserialize)]
struct Stored {
    delta: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Times {
    start: i64,
    stop: i64,
}

impl Backup {
    /// Only what can be restored: with its log.
    fn seen(self) -> Option<BaseBackup> {
        let (first_wal, last_wal) = self.archive.start.zip(self.archive.stop)?;
        Some(BaseBackup {
            kind: self.kind,
            from: DateTime::from_timestamp(self.timestamp.start, 0)?,
            // Told in whole seconds, rounded down.
            to: DateTime::from_timestamp(self.timestamp.stop, 0)? + TimeDelta::seconds(1),
            bytes: self.info.size,
            stored_bytes: self.info.repository.delta.unwrap_or_default(),
            timeline: segment(&first_wal)?.0,
            first_wal,
            last_wal,
            damaged: self.error.unwrap_or_default(),
            label: self.label,
        })
    }
}

pub(super) async fn stanza(tool: &Tool, archive: &Archive) -> Result<Stanza, EngineError> {
    let exec = tool.exec(archive.ids()?, &archive.conf(), "info").arg("--output=json");
    let said = tool::run("read what the archive holds", Volume::Archive, exec).await?.stdout;
    let mut all: Vec<Stanza> =
        serde_json::from_str(&said).map_err(|error| fatal("pgBackRest's list cannot be read", error))?;
    let stanza = all.pop().unwrap_or_default();
    if stanza.db.is_empty() {
        let message = format!("the archive cannot be read: {}", stanza.status.message);
        return Err(fatal(message, anyhow::anyhow!("it names no cluster")));
    }
    Ok(stanza)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments() {
        assert_eq!(segment("0000000200000001000000FE"), Some((2, 256 + 254)));
        assert_eq!(name(2, 256 + 254), "0000000200000001000000FE");
        assert_eq!(segment("000000010000000000000003-00ff.zst"), Some((1, 3)));
        let others = ["00000002.history", "000000010000000000000003.partial", "x", ""];
        assert!(others.iter().all(|name| segment(name).is_none()));
        assert_eq!(segment("000000010000000000000003-00ff.zst.pgbackrest.tmp"), None);
        assert_eq!(segment("000000010000000000000003.00000028.backup"), None);
    }

    #[test]
    fn a_history_tells_where_a_line_was_left() {
        assert_eq!(fork("1\t0/3000158\tbefore 2026-11-28"), Some((1, 3)));
        assert_eq!(fork("# a comment"), None);
    }
}
