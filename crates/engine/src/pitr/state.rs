//! Archiving of a running server: switched on, looked at, brought up to this moment.

use super::{
    info::{self, SEGMENT},
    place::Archive,
    tool::{self, Tool},
};
use crate::{
    error::{fatal, retry},
    sql::{BACKUP, Session},
};
use control::engine::{EngineError, NodeSpec, Volume, pitr::ArchiveState};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tokio_postgres::Client;

/// How long nothing may arrive in the archive while a segment is waited for: a try that failed is repeated after a minute.
/// What is slow and gets on is waited for.
const ARRIVES: Duration = Duration::from_secs(90);

/// Asked as the monitoring role.
pub(crate) async fn state(session: &Session) -> Result<ArchiveState, EngineError> {
    // PostgreSQL counts failures and does not say since when: that is when the oldest segment began to wait.
    let ask = "WITH waiting AS (
                 SELECT count(*) AS n, min(modification) AS since
                 FROM pg_catalog.pg_ls_archive_statusdir() WHERE name LIKE '%.ready')
               SELECT current_setting('archive_mode') <> 'off' AND current_setting('archive_command') <> '/bin/true',
                      a.last_archived_wal, a.last_archived_time,
                      CASE WHEN a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
                           THEN least(w.since, a.last_failed_time) END,
                      w.n, w.since,
                      -- In recovery nothing is written.
                      CASE WHEN NOT pg_catalog.pg_is_in_recovery()
                           THEN pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()) END
               FROM pg_catalog.pg_stat_archiver a, waiting w";
    session
        .run("ask how archiving goes", async |client: Client| {
            let row = client.query_one(ask, &[]).await?;
            let at =
                |column: usize| row.try_get::<_, Option<SystemTime>>(column).map(|at| at.map(Into::into));
            let waiting = u64::try_from(row.try_get::<_, i64>(4)?).unwrap_or_default();
            let writes = row.try_get::<_, Option<String>>(6)?;
            Ok(ArchiveState {
                on: row.try_get(0)?,
                timeline: writes.as_deref().and_then(info::segment).map(|(timeline, _)| timeline),
                last_wal: row.try_get(1)?,
                last_at: at(2)?,
                failing_since: at(3)?,
                waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
                waiting_bytes: waiting * SEGMENT,
                waiting_since: at(5)?,
            })
        })
        .await
}

/// Lets the role that makes backups begin and end one; makes the archive's inside. Asked as superuser in `postgres`.
pub(crate) async fn enable(tool: &Tool, archive: &Archive, session: &Session) -> Result<(), EngineError> {
    let grant = format!(
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_backup_start(text, boolean), pg_catalog.pg_backup_stop(boolean),
           pg_catalog.pg_create_restore_point(text), pg_catalog.pg_switch_wal() TO {BACKUP};
         GRANT pg_read_all_settings TO {BACKUP};
         GRANT CONNECT ON DATABASE postgres TO {BACKUP};"
    );
    session.run("let backups be made", async |client: Client| client.batch_execute(&grant).await).await?;
    // Looks first: an archive of this very cluster is fine, one of another is refused.
    let _turn = archive.turn().await;
    let exec = tool.exec(archive.ids()?, &archive.conf(), "stanza-create").arg("--no-online");
    tool::run("make the archive", Volume::Archive, exec).await.map(|_| ())
}

/// A commit after everything that was committed until now, the end of its segment, and the wait until it has arrived.
pub(crate) async fn now_archived(session: &Session, spec: &NodeSpec) -> Result<(), EngineError> {
    if spec.archive.is_none() {
        return Err(fatal(
            "nothing of this database is archived",
            anyhow::anyhow!("its spec names no archive"),
        ));
    }
    let last = session
        .run("end a segment of the log", async |client: Client| {
            client
                .query_one("SELECT pg_catalog.pg_logical_emit_message(true, 'paddock', 'moment')", &[])
                .await?;
            let row = client
                .query_one("SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_switch_wal())", &[])
                .await?;
            row.try_get::<_, String>(0)
        })
        .await?;
    let (mut until, mut before) = (Instant::now() + ARRIVES, None);
    loop {
        let seen = state(session).await?;
        let arrived = seen.last_wal.as_deref().and_then(info::segment);
        if arrived != before {
            (until, before) = (Instant::now() + ARRIVES, arrived);
        }
        if arrived.is_some() && arrived >= info::segment(&last) {
            return Ok(());
        }
        if Instant::now() >= until {
            let why = anyhow::anyhow!("{last} waits with {} others", seen.waiting);
            return Err(retry("the last seconds are not in the archive yet: archiving is behind", why));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
