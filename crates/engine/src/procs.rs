//! Looking at processes without believing numbers: a process id alone proves nothing, it may have been given again.
//!
//! A [`Handle`] is a pidfd whose identity was checked after it was opened, so a signal through it reaches the process
//! that was looked at and no other.

use crate::error::Doing as _;
use chrono::{DateTime, Utc};
use control::engine::EngineError;
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions},
};
use std::{
    collections::{BTreeSet, HashSet},
    fs,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tokio::io::{Interest, unix::AsyncFd};

/// What `/proc/<pid>` says of a living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) zombie: bool,
    /// Clock ticks since the machine's boot: with the pid it names a process for good.
    pub(crate) started: u64,
    pub(crate) uid: u32,
}

/// Looks at one process; `None` when there is none.
pub(crate) fn look(pid: u32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses too.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // Not the owner of the directory in /proc: that is root for a process that may not be traced.
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().next()?.parse().ok())?;
    let zombie = matches!(fields.first()?, &"Z" | &"X");
    Some(Seen {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        zombie,
        started: fields.get(19)?.parse().ok()?,
        uid,
    })
}

/// All processes.
pub(crate) fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Users that have processes.
pub(crate) fn users() -> BTreeSet<u32> {
    all().filter_map(look).map(|seen| seen.uid).collect()
}

/// Is its executable called `postgres`, and is `dir` its working directory? By inode: a renamed directory is still
/// the same one, another directory at the old path is not.
pub(crate) fn is_postgres_in(pid: u32, dir: (u64, u64)) -> bool {
    is_in(pid, dir) && executable_is_postgres(pid)
}

/// Is `dir` its working directory?
pub(crate) fn is_in(pid: u32, dir: (u64, u64)) -> bool {
    fs::metadata(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == dir)
}

fn executable_is_postgres(pid: u32) -> bool {
    let Ok(path) = fs::read_link(format!("/proc/{pid}/exe")) else { return false };
    // An upgraded or removed executable reads "… (deleted)".
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.strip_suffix(" (deleted)").unwrap_or(name) == "postgres"
}

/// The first word of its command line. A server's helpers write "postgres: …" there.
pub(crate) fn title(pid: u32) -> String {
    words(pid).into_iter().next().unwrap_or_default()
}

/// The words of its command line; none of a process that is gone.
pub(crate) fn words(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = line.strip_suffix(&[0]).unwrap_or(&line);
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Device and inode of a directory.
pub(crate) fn inode(dir: &Path) -> Option<(u64, u64)> {
    fs::metadata(dir).ok().map(|meta| (meta.dev(), meta.ino()))
}

/// Clock ticks since boot as a time.
pub(crate) fn time_of(ticks: u64) -> DateTime<Utc> {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let boot = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()).unwrap_or(0);
    let since_boot = Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second().max(1));
    (SystemTime::UNIX_EPOCH + Duration::from_secs(boot) + since_boot).into()
}

/// A process that was looked at, held by a pidfd.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) seen: Seen,
    fd: AsyncFd<OwnedFd>,
}

impl Handle {
    /// Takes hold of a living process for which `proven` is true while the pidfd is held; `None` when there is no such
    /// process.
    pub(crate) fn take(pid: u32, proven: impl FnOnce(&Seen) -> bool) -> Result<Option<Self>, EngineError> {
        let Some(raw) = Pid::from_raw(pid.cast_signed()) else { return Ok(None) };
        let fd = match rustix::process::pidfd_open(raw, PidfdFlags::NONBLOCK) {
            Ok(fd) => fd,
            Err(Errno::SRCH | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error).doing(|| format!("watch process {pid}")),
        };
        let Some(seen) = look(pid).filter(|seen| !seen.zombie && proven(seen)) else { return Ok(None) };
        let fd = watch(fd).doing(|| format!("watch process {pid}"))?;
        Ok(Some(Self { seen, fd }))
    }

    /// Signals this very process; one that has ended is fine.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), EngineError> {
        match rustix::process::pidfd_send_signal(self.fd.get_ref(), signal) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error).doing(|| format!("signal process {}", self.seen.pid)),
        }
    }

    /// Resolves when it has ended (a zombie has).
    pub(crate) async fn ended(&self) {
        // A pidfd becomes readable once, at the end, and stays so: readiness is never cleared.
        if let Err(error) = self.fd.readable().await {
            tracing::warn!(%error, pid = self.seen.pid, "cannot watch a process");
            std::future::pending::<()>().await;
        }
    }

    /// [`Handle::ended`] within a time.
    pub(crate) async fn ends_within(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.ended()).await.is_ok()
    }
}

#[expect(unsafe_code, reason = "tokio asks for a promise about the descriptor that its type cannot make")]
fn watch(fd: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd names one descriptor and keeps it open as long as it lives, and nothing takes it out of the
    // AsyncFd.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(Into::into)
}

/// Kills every process that is proven to be one of the wanted, until none is left. `what` they are, for people.
pub(crate) async fn kill_all(what: &str, proven: impl Fn(&Seen) -> bool) -> Result<(), EngineError> {
    for _ in 0..50 {
        let mut left = Vec::new();
        for pid in all().filter(|pid| look(*pid).is_some_and(|seen| !seen.zombie && proven(&seen))) {
            left.extend(Handle::take(pid, &proven)?);
        }
        if left.is_empty() {
            return Ok(());
        }
        for process in left {
            tracing::warn!(pid = process.seen.pid, what, "ending a process");
            process.signal(Signal::KILL)?;
            process.ends_within(Duration::from_millis(200)).await;
        }
    }
    let message = format!("{what} cannot be ended; they may wait for the disk");
    Err(crate::error::retry(message, anyhow::anyhow!("processes are still there after SIGKILL")))
}

/// From now on orphans of our servers become our children: a dead postmaster's helpers are reaped here at once, and
/// not seconds later by a busy PID 1.
pub(crate) fn become_subreaper() {
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        tracing::warn!(%error, "cannot adopt orphans of servers");
    }
}

/// Reaps orphans. Children that this process started itself are reaped by the runtime within moments; a zombie that
/// is still there at a second look, seconds later, has nobody else.
pub(crate) fn reap_orphans() {
    /// When the last look was, and the zombies seen then.
    type Before = Option<(Instant, HashSet<(u32, u64)>)>;
    static BEFORE: Mutex<Before> = Mutex::new(None);
    let us = std::process::id();
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.as_ref().is_some_and(|(at, _)| at.elapsed() < Duration::from_secs(5)) {
        return;
    }
    // One question to the kernel in place of a look at every process. It reaps nothing.
    let any = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if matches!(rustix::process::waitid(WaitId::All, any), Ok(None) | Err(Errno::CHILD)) {
        *before = Some((Instant::now(), HashSet::new()));
        return;
    }
    let zombies: HashSet<_> = all()
        .filter_map(look)
        .filter(|seen| seen.zombie && seen.parent == us)
        .map(|s| (s.pid, s.started))
        .collect();
    for (pid, _) in before.iter().flat_map(|(_, old)| old.intersection(&zombies)) {
        let Some(pid) = Pid::from_raw(pid.cast_signed()) else { continue };
        // Gone meanwhile is what is wanted.
        let _ = rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
    *before = Some((Instant::now(), zombies));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let me = look(std::process::id()).unwrap();
        assert!(!me.zombie && me.parent > 0);
        assert_eq!(me.uid, rustix::process::geteuid().as_raw());
        let age = DateTime::<Utc>::from(SystemTime::now()) - time_of(me.started);
        assert!(age.num_minutes().abs() < 60, "{age}");
        assert!(look(u32::MAX / 2).is_none());
    }

    #[tokio::test]
    async fn a_process_that_is_not_the_wanted_one_is_not_taken() {
        assert!(Handle::take(std::process::id(), |_| false).unwrap().is_none());
        let me = Handle::take(std::process::id(), |seen| seen.pid == std::process::id()).unwrap().unwrap();
        assert!(!me.ends_within(Duration::from_millis(20)).await);
    }
}
