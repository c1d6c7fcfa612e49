//! A server's own words: the end of its log files, and what they mean when it does not start. People read the log
//! through [`crate::logs`].
//!
//! What it says before its own log is open, or when it keeps none, goes to `startup.log`. The directory belongs to the
//! server's user: nothing in it is opened through a link.

use crate::{disk, error::Doing as _, layout::ClusterDir, logs::STARTUP, os_user::OsUser};
use control::engine::{EngineError, Volume};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::SystemTime,
};
use types::log::LogRecord;

/// The newest files that a tail looks into: each start begins a log and its sister, beside `startup.log`.
const NEWEST: usize = 4;
/// How far back a tail looks.
const TAIL: u64 = 128 * 1024;

/// Less than one WAL segment: no server starts with that.
const NO_ROOM: u64 = 16 << 20;

/// A fresh `startup.log`; the last start's one is kept beside it.
pub(super) fn fresh(dir: &ClusterDir, user: Option<&OsUser>) -> Result<File, EngineError> {
    let path = dir.log().join(STARTUP);
    match fs::rename(&path, dir.log().join("startup.log.1")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).doing(|| format!("keep {}", path.display()));
        }
        _ => {}
    }
    let file = disk::open_untrusted(&path, OpenOptions::new().append(true).create_new(true));
    let file = file.doing(|| format!("make {}", path.display()))?;
    if let Some((uid, gid)) = disk::owned_by(user) {
        std::os::unix::fs::fchown(&file, Some(uid), Some(gid))
            .doing(|| format!("give away {}", path.display()))?;
    }
    Ok(file)
}

/// The last lines of a server's logs, oldest first.
pub(crate) fn tail(dir: &ClusterDir, lines: usize) -> Vec<String> {
    let files = logs(dir);
    let newest = &files[files.len().saturating_sub(NEWEST)..];
    let mut all: Vec<String> = newest.iter().flat_map(|(_, path)| last_lines(path, 0)).collect();
    all.split_off(all.len().saturating_sub(lines))
}

/// How long each log was at a moment: what came later belongs to what happened later. Words of an earlier failure
/// would explain this one wrongly.
#[derive(Debug)]
pub(super) struct Mark(HashMap<PathBuf, u64>);

impl Mark {
    pub(super) fn now(dir: &ClusterDir) -> Self {
        let logs = logs(dir).into_iter();
        Self(logs.filter_map(|(_, path)| Some((path.clone(), path.symlink_metadata().ok()?.len()))).collect())
    }

    /// Lines since then, `startup.log` first.
    pub(super) fn lines_since(&self, dir: &ClusterDir) -> Vec<String> {
        let startup = dir.log().join(STARTUP);
        let mut lines = last_lines(&startup, 0);
        for (_, path) in logs(dir).into_iter().filter(|(_, path)| *path != startup) {
            lines.extend(last_lines(&path, self.0.get(&path).copied().unwrap_or(0)));
        }
        lines
    }
}

/// Log files, oldest change first.
fn logs(dir: &ClusterDir) -> Vec<(SystemTime, PathBuf)> {
    let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(dir.log())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            [&b".log"[..], b".json"].iter().any(|kind| name.as_encoded_bytes().ends_with(kind))
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    files
}

/// The last lines of a file, none from before `from` (unless it was begun anew).
fn last_lines(path: &Path, from: u64) -> Vec<String> {
    let read = || -> io::Result<(Vec<u8>, bool)> {
        let mut file = disk::open_untrusted(path, OpenOptions::new().read(true))?;
        let length = file.metadata()?.len();
        let from = if from <= length { from } else { 0 };
        let start = from.max(length.saturating_sub(TAIL));
        file.seek(SeekFrom::Start(start))?;
        let mut text = Vec::new();
        file.take(TAIL).read_to_end(&mut text)?;
        Ok((text, start > from))
    };
    // A log that cannot be read has nothing to say; the error that it should explain is reported anyway.
    let (text, cut) = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines = text.lines().skip(usize::from(cut));
    if path.extension().is_none_or(|kind| kind != "json") {
        return lines.map(str::to_owned).collect();
    }
    let plain = lines.map(|line| LogRecord::read(line).plain());
    plain.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The volume of a server that has the least room.
#[derive(Debug)]
pub(super) struct Fullest {
    pub(super) volume: Volume,
    pub(super) free_bytes: u64,
    /// Next to no inodes are left.
    pub(super) no_files: bool,
}

impl Fullest {
    fn error(&self) -> EngineError {
        let Self { volume, free_bytes, no_files } = *self;
        if no_files { EngineError::NoFiles(volume) } else { EngineError::DiskFull { volume, free_bytes } }
    }
}

/// Why a server did not start, by its own words.
pub(super) fn why(lines: &[String], port: u16, fullest: &Fullest) -> EngineError {
    let says = |words: &str| lines.iter().any(|line| line.contains(words));
    if port_taken(lines) {
        return EngineError::PortTaken(port);
    }
    if says("No space left on device") || says("Disk quota exceeded") {
        return fullest.error();
    }
    let message = match last_failure(lines) {
        Some(reason) => format!("PostgreSQL does not start: {reason}"),
        // Its last words did not fit on the disk either.
        None if fullest.no_files || fullest.free_bytes < NO_ROOM => return fullest.error(),
        None => "PostgreSQL ended right after its start".into(),
    };
    EngineError::Postgres { message, log: lines[lines.len().saturating_sub(20)..].to_vec() }
}

/// The last reason that it gave for giving up something.
pub(super) fn last_failure(lines: &[String]) -> Option<&str> {
    let said =
        lines.iter().rev().find_map(|line| ["FATAL:", "PANIC:"].iter().find_map(|l| line.split_once(l)));
    said.map(|(_, reason)| reason.trim())
}

/// It says so even when it goes on with another address: one stolen address is one too many.
pub(super) fn port_taken(lines: &[String]) -> bool {
    lines.iter().any(|line| line.contains("could not bind") && line.contains("Address already in use"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why_of(text: &str) -> EngineError {
        let fullest = Fullest { volume: Volume::Data, free_bytes: 1 << 30, no_files: false };
        why(&text.lines().map(str::to_owned).collect::<Vec<_>>(), 31000, &fullest)
    }

    #[test]
    fn the_server_s_words_become_kinds() {
        let bind = "LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\nFATAL:  could not create any TCP/IP sockets";
        assert!(matches!(why_of(bind), EngineError::PortTaken(31000)));
        let full = "FATAL:  could not write lock file \"postmaster.pid\": No space left on device";
        assert!(matches!(why_of(full), EngineError::DiskFull { .. }));
        let silent =
            |free_bytes, no_files| why(&[], 31000, &Fullest { volume: Volume::Log, free_bytes, no_files });
        let full = silent(7, false);
        assert!(
            matches!(full, EngineError::DiskFull { volume: Volume::Log, free_bytes: 7 }),
            "it could not even say so"
        );
        assert!(matches!(silent(1 << 30, true), EngineError::NoFiles(Volume::Log)));
        let other =
            "LOG: x\n2026 FATAL:  could not map anonymous shared memory: Cannot allocate memory\nLOG: y";
        assert_eq!(
            why_of(other).to_string(),
            "PostgreSQL does not start: could not map anonymous shared memory: Cannot allocate memory"
        );
        assert!(matches!(why_of(""), EngineError::Postgres { log, .. } if log.is_empty()));
    }
}
