//! Starting a server, or finding that it runs.
//!
//! Safe to repeat after a kill at any point: what runs is adopted, what is dead is cleared away first.

use super::{
    PidFile, Server, Watch, clear, find,
    log::{self, Fullest, Mark},
    ready::{self, Waited},
    stop::stop,
};
use crate::{
    cgroup::{self, OutOfMemory},
    cluster, disk,
    error::{Doing as _, retry},
    heap,
    layout::ClusterDir,
    os_user::OsUser,
    process::Exec,
    procs::{self, Handle},
};
use control::engine::{EngineError, Volume};
use std::{io, net::TcpListener, os::unix::fs::MetadataExt as _, path::Path, sync::LazyLock, time::Duration};

/// How it came that the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// It ran already.
    Already,
    /// Just now. When the kernel had ended processes of the last one for want of memory, it says so.
    Fresh(Option<OutOfMemory>),
}

/// Makes the server run and waits until it answers.
pub(crate) async fn start(
    server: Server<'_>,
    watch: &Watch,
    limit: Duration,
) -> Result<Started, EngineError> {
    procs::reap_orphans();
    if let Some(process) = find::postmaster(server.dir, server.identity)? {
        // Its notes name another port: it was started before the port was changed.
        let moved =
            PidFile::read(server.dir).and_then(|file| file.port).is_some_and(|port| port != server.port);
        if !moved {
            return match ready::wait(server, &process, limit).await? {
                Waited::Ready => {
                    watch.add(process);
                    Ok(Started::Already)
                }
                // The next try starts it, and hears why if it cannot.
                Waited::Died => {
                    Err(retry("the server ended just now", anyhow::anyhow!("it was found running")))
                }
            };
        }
        stop(server.dir, server.identity, Duration::from_secs(30)).await?;
    }
    clear::leftovers(server.dir).await?;
    clear::stale_files(server.dir)?;
    prove_data(server)?;
    server.listen.iter().try_for_each(|address| free_port((*address, server.port)))?;
    let died_of = cgroup::room().last_words(server.identity.group());
    let mark = Mark::now(server.dir);
    let process = match spawn(server).await? {
        Some(process) => process,
        None => return Err(why(server, &mark).await),
    };
    let waited = ready::wait(server, &process, limit).await;
    match waited {
        Ok(Waited::Ready) if log::port_taken(&mark.lines_since(server.dir)) => {
            stop(server.dir, server.identity, Duration::from_secs(10)).await?;
            Err(EngineError::PortTaken(server.port))
        }
        Ok(Waited::Ready) => {
            watch.add(process);
            Ok(Started::Fresh(died_of))
        }
        Ok(Waited::Died) => Err(why(server, &mark).await),
        // Not the cluster that it should be: what was started here is stopped here.
        Err(error @ EngineError::Foreign(_)) => {
            stop(server.dir, server.identity, Duration::from_secs(10)).await?;
            Err(error)
        }
        // It may need longer, to recover for instance.
        Err(error) => {
            watch.add(process);
            match log::last_failure(&mark.lines_since(server.dir)) {
                Some(said) => Err(retry(format!("{error}; its log says: {said}"), error)),
                None => Err(error),
            }
        }
    }
}

/// Another cluster's data in our place (a restored or swapped directory) is not started at all.
fn prove_data(server: Server<'_>) -> Result<(), EngineError> {
    let found = cluster::system_identifier(&server.dir.data())?;
    if found == server.identity.system_identifier {
        return Ok(());
    }
    let (dir, own) = (server.dir.path().display(), server.identity.system_identifier);
    Err(EngineError::Foreign(format!("the data in {dir} is cluster {found}, not {own}: nothing was touched")))
}

async fn why(server: Server<'_>, mark: &Mark) -> EngineError {
    // The log's writer outlives the server by moments, to write its last words; on a busy machine by seconds.
    for _ in 0..200 {
        if !find::is_inhabited(server.dir) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    log::why(&mark.lines_since(server.dir), server.port, &fullest(server.dir))
}

/// A server that could not make a file has made, and removed, some others before.
const FEW: u64 = 16;

/// Where the least is free, and how much: an operator may have put the log on a volume of its own.
fn fullest(dir: &ClusterDir) -> Fullest {
    let look = |volume: Volume, path: &Path| Fullest {
        volume,
        free_bytes: disk::free_bytes(path).unwrap_or(0),
        no_files: disk::free_files(path).is_ok_and(|files| files.is_some_and(|files| files < FEW)),
    };
    let device = |path: &Path| std::fs::metadata(path).map(|seen| seen.dev()).ok();
    let (data, log) = (dir.data(), dir.data().join("pg_wal"));
    let (of_data, of_log) = (look(Volume::Data, &data), look(Volume::Log, &log));
    let log_is_fuller = of_log.no_files || !of_data.no_files && of_log.free_bytes < of_data.free_bytes;
    if device(&log) != device(&data) && log_is_fuller { of_log } else { of_data }
}

/// Binds for a moment. PostgreSQL does so again, and its words count; this tells a thief apart early, before anything
/// is started.
fn free_port(address: (std::net::IpAddr, u16)) -> Result<(), EngineError> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(EngineError::PortTaken(address.1)),
        Err(error) => Err(error).doing(|| format!("listen on {} port {}", address.0, address.1)),
    }
}

/// Starts the process; `None` when it has ended already.
async fn spawn(server: Server<'_>) -> Result<Option<Handle>, EngineError> {
    let (conf, user) = (server.dir.conf(), server.identity.os_user.as_ref());
    let log = log::fresh(server.dir, user)?;
    // What decides who may connect stands on the command line: the data directory belongs to the server's user, and
    // a setting that is planted there (postgresql.auto.conf) must not move it.
    let port = server.port.to_string();
    let mut exec = Exec::new(server.installed.program("postgres"))
        .arg("-D")
        .arg(server.dir.data())
        .args(["-p", &port])
        // A list: in double quotes a comma or a blank is part of the path.
        .args(["-c", &format!("unix_socket_directories=\"{}\"", server.dir.run().display())])
        .env("PG_OOM_ADJUST_FILE", "/proc/self/oom_score_adj")
        .env("PG_OOM_ADJUST_VALUE", if may_spare() { "0" } else { PREFERRED })
        .dir(server.dir.data())
        .as_user(user.map(OsUser::ids))
        .confined();
    for (name, file) in
        [("config_file", "postgresql.conf"), ("hba_file", "pg_hba.conf"), ("ident_file", "pg_ident.conf")]
    {
        exec = exec.arg("-c").arg(format!("{name}={}", conf.join(file).display()));
    }
    if let Some(limits) = server.limits {
        exec = exec.heap(heap::of(&limits));
        let id = server.identity.group();
        // Nobody is in the last start's group any more: leftovers were ended.
        cgroup::room().clear(id).await;
        if let Some(doors) = cgroup::room().make(id, &limits).await {
            exec = exec.enter(doors);
        }
    }
    // The runtime reaps it; that it ended is told by its pidfd.
    let child = exec.start(log).map_err(|error| retry("could not start postgres", error))?;
    let Some(pid) = child.id() else { return Ok(None) };
    drop(child);
    if may_spare() {
        spare(pid);
    }
    let data = procs::inode(&server.dir.data());
    Handle::take(pid, |seen| data.is_some_and(|data| procs::is_postgres_in(seen.pid, data)))
}

/// How much sooner a session shall be taken than its server, where the server itself cannot be protected: as if it used
/// a tenth of the memory more than it does.
const PREFERRED: &str = "100";
/// CAP_SYS_RESOURCE: the right to protect a process from the memory killer. Without it a process may only be offered.
const SYS_RESOURCE: u64 = 1 << 24;

/// Whether we have that right; containers often do not.
fn may_spare() -> bool {
    static MAY: LazyLock<bool> = LazyLock::new(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let rights = line.and_then(|rights| u64::from_str_radix(rights.trim(), 16).ok());
        rights.is_some_and(|rights| rights & SYS_RESOURCE != 0)
    });
    *MAY
}

/// When memory runs out the kernel shall take a session, not the whole server (manual 18.4.4, "Linux Memory
/// Overcommit"). Helpers take the protection off by the variables that they are given.
fn spare(pid: u32) {
    if let Err(error) = std::fs::write(format!("/proc/{pid}/oom_score_adj"), "-900") {
        tracing::debug!(%error, pid, "cannot protect a server from the kernel's memory killer");
    }
}
