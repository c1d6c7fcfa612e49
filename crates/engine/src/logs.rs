//! A server's log on disk: reading its end and what came since, listing its files, removing old ones.
//!
//! The directory belongs to the server's user: only files with the names that we chose are read, none through a link,
//! and what is removed is a name in that directory, never what it may point to.

use crate::disk;
use chrono::{DateTime, NaiveDateTime, Utc};
use control::engine::{LogFile, LogMark, LogPart};
use std::{
    fs::{self, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use types::log::LogRecord;

/// What one look at the news reads at most.
const STEP: u64 = 1 << 20;
/// Files older than that go.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many files are kept at most: a server that starts over and over begins one each time.
const FILES: usize = 500;
/// What is said past the log is emptied when it is larger, bytes.
const STARTUP_MAX: u64 = 16 << 20;
/// Name of what is said past the log.
pub(crate) const STARTUP: &str = "startup.log";

/// A file of the log as it lies there.
struct OnDisk {
    name: String,
    path: PathBuf,
    begun: DateTime<Utc>,
}

/// The files of the log, oldest first: the names tell.
fn on_disk(dir: &Path) -> Vec<OnDisk> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(OnDisk { begun: begun(&name)?, path: entry.path(), name })
        })
        .collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

/// When a file with this name was begun; `None`: it is no name that we chose.
fn begun(name: &str) -> Option<DateTime<Utc>> {
    let stamp = name.strip_prefix("postgresql-")?.strip_suffix(".json")?;
    let plain = stamp.len() == 17 && stamp.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'_');
    let stamp = Some(stamp).filter(|_| plain)?;
    NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d_%H%M%S").ok().map(|at| at.and_utc())
}

/// What stands in the last `bytes` of the log.
pub(crate) fn end(dir: &Path, bytes: u64) -> io::Result<LogPart> {
    let (mut parts, mut left, mut mark) = (Vec::new(), bytes, None);
    for file in on_disk(dir).into_iter().rev() {
        let length = match fs::symlink_metadata(&file.path) {
            Ok(seen) => seen.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let from = length.saturating_sub(left);
        let Some(read) = read(&file.path, from, left)? else { continue };
        let newest = mark.is_none();
        // The newest file may end in the middle of a record: that one comes with the next look.
        let text = if newest { whole(&read) } else { &read };
        mark.get_or_insert(LogMark { file: file.name, offset: from + count(text) });
        let mut records = records(text);
        if from > 0 && !records.is_empty() {
            // Begun before the place where we began to read.
            records.remove(0);
        }
        parts.push(records);
        left = left.saturating_sub(count(&read));
        if left == 0 {
            break;
        }
    }
    Ok(LogPart { records: parts.into_iter().rev().flatten().collect(), mark })
}

/// What came after the mark; all of it from one file, the one of the new mark.
pub(crate) fn since(dir: &Path, mark: &LogMark) -> io::Result<LogPart> {
    let files: Vec<_> = on_disk(dir).into_iter().filter(|file| file.name >= mark.file).collect();
    let (mut all, mut at) = (Vec::new(), mark.clone());
    let last = files.len().saturating_sub(1);
    for (number, file) in files.into_iter().enumerate() {
        let from = if file.name == mark.file { mark.offset } else { 0 };
        let Some(read) = read(&file.path, from, STEP)? else { continue };
        let full = count(&read) == STEP;
        // What is being written may end in the middle of a record, and so does what we cut. One that is larger than a
        // look is told in parts.
        let text = match whole(&read) {
            [] if full => &read[..],
            text if full || number == last => text,
            _ => &read[..],
        };
        all.extend(records(text));
        at = LogMark { file: file.name, offset: from + count(text) };
        if !all.is_empty() || full {
            break;
        }
    }
    Ok(LogPart { records: all, mark: Some(at) })
}

/// The files, newest first.
pub(crate) fn files(dir: &Path) -> Vec<LogFile> {
    let told = |file: OnDisk| {
        let seen = fs::symlink_metadata(&file.path).ok().filter(fs::Metadata::is_file)?;
        Some(LogFile {
            name: file.name,
            from: file.begun,
            to: seen.modified().ok()?.into(),
            bytes: seen.len(),
        })
    };
    on_disk(dir).into_iter().rev().filter_map(told).collect()
}

/// Removes the oldest files until no more than `bytes` are left and nothing is older than seven days; never those that
/// are written now. Answers how many.
pub(crate) fn trim(dir: &Path, bytes: u64, now: SystemTime) -> io::Result<u32> {
    let mut all: Vec<(SystemTime, u64, String)> = Vec::new();
    for entry in fs::read_dir(dir)?.flatten() {
        let (Ok(name), Ok(seen)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
        if seen.is_dir() || !(is_log(&name) || name == format!("{STARTUP}.1")) {
            continue;
        }
        all.push((seen.modified()?, seen.len(), name));
    }
    all.sort();
    // The file that is written, and its sister for what does not come as a record: they have one stem.
    let newest = all.iter().filter(|(.., name)| begun(name).is_some()).map(|(.., name)| name.clone()).max();
    // Rotation by size begins another file of records; the sister stays open under the name that it had.
    let of_a_start = |name: &str| name.ends_with(".log") && begun(&format!("{}.json", stem(name))).is_some();
    let sister = all.iter().filter(|(.., name)| of_a_start(name)).map(|(.., name)| name.clone()).max();
    let current = |name: &str| {
        newest.as_deref().is_some_and(|newest| stem(newest) == stem(name)) || sister.as_deref() == Some(name)
    };
    let (mut total, mut left, mut removed) =
        (all.iter().map(|(_, bytes, _)| bytes).sum::<u64>(), all.len(), 0);
    for (modified, size, name) in all {
        let old = now.duration_since(modified).is_ok_and(|age| age > KEPT);
        if current(&name) || !(old || total > bytes || left > FILES) {
            continue;
        }
        match fs::remove_file(dir.join(&name)) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        total = total.saturating_sub(size);
        left -= 1;
    }
    empty_startup(dir)?;
    Ok(removed)
}

/// `startup.log` is written by the server as long as it runs, at its end: it is emptied, not removed.
fn empty_startup(dir: &Path) -> io::Result<()> {
    let file = match disk::open_untrusted(&dir.join(STARTUP), OpenOptions::new().append(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() > STARTUP_MAX { file.set_len(0) } else { Ok(()) }
}

/// A file of a log, ours or of a former format; not `startup.log`.
fn is_log(name: &str) -> bool {
    name != STARTUP && name.rsplit_once('.').is_some_and(|(_, kind)| kind == "log" || kind == "json")
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// At most `limit` bytes of a file, from `from` on; from its beginning when it is shorter. `None`: it is gone.
fn read(path: &Path, from: u64, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut file = match disk::open_untrusted(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.take(limit).read_to_end(&mut text)?;
    Ok(Some(text))
}

/// Up to the end of the last whole line.
fn whole(text: &[u8]) -> &[u8] {
    text.iter().rposition(|byte| *byte == b'\n').map_or(&[], |at| &text[..=at])
}

fn records(text: &[u8]) -> Vec<LogRecord> {
    let text = String::from_utf8_lossy(text);
    text.split('\n').filter(|line| !line.is_empty()).map(LogRecord::read).collect()
}

fn count(text: &[u8]) -> u64 {
    text.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    const OLD: &str = "postgresql-2026-11-27_000000.json";
    const NEW: &str = "postgresql-2026-11-28_000000.json";

    fn line(text: &str) -> String {
        format!("{}\n", serde_json::json!({"message": text, "error_severity": "LOG"}))
    }

    fn said(part: &LogPart) -> Vec<&str> {
        part.records.iter().map(|record| record.text.as_str()).collect()
    }

    #[test]
    fn the_end_and_what_came_since() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert_eq!(end(dir.path(), 1000).unwrap(), LogPart::default());
        fs::write(at(OLD), line("a") + &line("b")).unwrap();
        fs::write(at(NEW), line("c") + "{\"message\":\"d").unwrap();
        fs::write(at("postgresql-evil.json"), line("x")).unwrap();
        std::os::unix::fs::symlink(at(OLD), at("postgresql-2026-11-26_000000.json")).unwrap();
        let small = end(dir.path(), 60).unwrap();
        assert_eq!(said(&small), ["c"], "only what stands within the bytes, whole");
        fs::remove_file(at("postgresql-2026-11-26_000000.json")).unwrap();
        let all = end(dir.path(), 1000).unwrap();
        assert_eq!(said(&all), ["a", "b", "c"]);
        let mark = all.mark.unwrap();
        assert_eq!((mark.file.as_str(), mark.offset), (NEW, count(line("c").as_bytes())));
        assert_eq!(said(&since(dir.path(), &mark).unwrap()), [] as [&str; 0], "half a record is none yet");
        fs::write(at(NEW), line("c") + &line("d")).unwrap();
        let later = "postgresql-2026-11-28_010000.json";
        fs::write(at(later), line("e")).unwrap();
        let part = since(dir.path(), &mark).unwrap();
        assert_eq!(said(&part), ["d"]);
        let part = since(dir.path(), &part.mark.unwrap()).unwrap();
        assert_eq!(said(&part), ["e"]);
        assert_eq!(part.mark.as_ref().unwrap().file, later);
        assert_eq!(since(dir.path(), part.mark.as_ref().unwrap()).unwrap().mark, part.mark, "nothing new");
        let gone = LogMark { file: "postgresql-2026-11-01_000000.json".into(), offset: 7 };
        assert_eq!(said(&since(dir.path(), &gone).unwrap()), ["a", "b"]);
    }

    #[test]
    fn a_huge_record_does_not_stop_the_tail() {
        let dir = tempfile::tempdir().unwrap();
        let huge = "x".repeat(usize::try_from(STEP).unwrap() + 100);
        fs::write(dir.path().join(NEW), line(&huge) + &line("after")).unwrap();
        let mut mark = LogMark { file: NEW.into(), offset: 0 };
        let mut last = String::new();
        for _ in 0..3 {
            let part = since(dir.path(), &mark).unwrap();
            last = part.records.last().map_or(last, |record| record.text.clone());
            mark = part.mark.unwrap();
        }
        assert_eq!(last, "after");
    }

    #[test]
    fn links_are_not_read_and_names_are_ours() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join(NEW)).unwrap();
        assert!(end(dir.path(), 1000).is_err());
        assert_eq!(files(dir.path()), []);
        for bad in ["../x.json", "postgresql-.json", "postgresql-2026-11-28_00000a.json", "x", "startup.log"]
        {
            assert_eq!(begun(bad), None, "{bad}");
        }
    }

    #[test]
    fn old_files_go_and_the_newest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let put = |name: &str, bytes: u64, days: u64| {
            let file = File::create(dir.path().join(name)).unwrap();
            file.set_len(bytes).unwrap();
            file.set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
        };
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap().flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        put("postgresql-2026-11-20_000000.json", 10, 8);
        put("postgresql-Mon.log", 10, 9);
        put("postgresql-2026-11-26_000000.json", 60, 2);
        let sister = "postgresql-2026-11-26_000000.log";
        put(sister, 0, 2);
        put("postgresql-2026-11-27_000000.json", 50, 1);
        put(NEW, 100, 0);
        put("startup.log", STARTUP_MAX + 1, 20);
        put("startup.log.1", 5, 20);
        fs::write(dir.path().join("keep.txt"), "x").unwrap();
        assert_eq!(trim(dir.path(), 1000, now).unwrap(), 3, "by age: two logs and what a former start said");
        assert_eq!(fs::metadata(dir.path().join("startup.log")).unwrap().len(), 0);
        assert_eq!(trim(dir.path(), 160, now).unwrap(), 1, "by size, the oldest first");
        assert_eq!(trim(dir.path(), 0, now).unwrap(), 1);
        assert_eq!(names(), ["keep.txt", sister, NEW, "startup.log"], "the newest sister may still be open");
        // A link goes, what it points to stays.
        std::os::unix::fs::symlink(dir.path().join("keep.txt"), dir.path().join("a.log")).unwrap();
        assert_eq!(trim(dir.path(), 0, now).unwrap(), 1);
        assert_eq!(names(), ["keep.txt", sister, NEW, "startup.log"]);
    }
}
