//! The sessions that serve a dump step back behind those of users: they run as the server does, and only the processor's
//! scheduler tells them apart. What cannot be set is left as it is; the dump is the same.

use super::Works;
use crate::{process::HUMBLE, procs, sql::BACKUP};
use rustix::process::{Pid, Resource, Rlimit, prlimit, setpriority_process};
use std::time::Duration;
use tokio_postgres::Client;

/// The one that counts, and that of `pg_dump`.
const SESSIONS: usize = 2;
/// How long and how often it is looked for them.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(100);

/// Finds them, and lets them step back. Ends when both have, or soon.
pub(super) async fn step_back(works: &Works<'_>) {
    for _ in 0..LOOKS {
        tokio::time::sleep(LOOK).await;
        if sessions(works).await.into_iter().filter(|pid| steps_back(works, *pid)).count() >= SESSIONS {
            return;
        }
    }
    tracing::debug!(database = works.name, "the sessions of a dump were not found");
}

async fn sessions(works: &Works<'_>) -> Vec<u32> {
    // Base backups come as the same role, to another database.
    let ask = "SELECT pid FROM pg_catalog.pg_stat_activity
               WHERE usename = $1 AND datname = $2 AND backend_type = 'client backend'";
    let asked = works
        .superuser()
        .run("look for the sessions of a dump", async |client: Client| {
            client
                .query(ask, &[&BACKUP, &works.name])
                .await?
                .iter()
                .map(|row| row.try_get::<_, i32>(0))
                .collect()
        })
        .await;
    asked.unwrap_or_else(|_| Vec::new()).into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect()
}

/// Only a process of this very server.
fn steps_back(works: &Works<'_>, pid: u32) -> bool {
    let ours = procs::inode(&works.dir.data()).is_some_and(|data| procs::is_postgres_in(pid, data));
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let Some(process) = process.filter(|_| ours) else { return false };
    // A row is copied as text, several times as large as it is: no bound of one session's memory shall keep it from being saved.
    let unbound = Rlimit { current: None, maximum: None };
    if let Err(error) = prlimit(Some(process), Resource::Data, unbound) {
        tracing::debug!(%error, pid, "the memory of a dump's session stays bounded");
    }
    setpriority_process(Some(process), HUMBLE).is_ok()
}
