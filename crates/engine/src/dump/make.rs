//! Making a dump: one snapshot, read twice at the same time. `pg_dump` writes what it holds; beside it a session counts, so
//! that a restore can be compared with what really was there.

use super::{LIMIT, Works, contents, login, tool, tool_failed};
use crate::{
    error::{retry, sql},
    sql::{BACKUP, drive},
};
use chrono::{DateTime, Utc};
use control::engine::dumps::{DumpError, Dumped, Sink};
use secrecy::SecretString;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt as _;
use tokio_postgres::Client;

/// How often somebody is asked whether the dump is still wanted while nothing comes of it.
const LOOK: Duration = Duration::from_secs(1);

/// Read from `pg_dump` at a time, bytes.
const PIECE: usize = 256 * 1024;

/// The first major whose `pg_dump` compresses with zstd: three times as fast as gzip, and smaller.
const ZSTD_SINCE: u16 = 16;

/// Dumps the user's database.
pub(crate) async fn make(works: &Works<'_>, sink: &mut dyn Sink) -> Result<Dumped, DumpError> {
    let superuser = works.superuser();
    let password = login::open(&superuser, BACKUP).await?;
    let made = with_snapshot(works, &password, sink).await;
    login::close(&superuser, BACKUP).await;
    made
}

async fn with_snapshot(
    works: &Works<'_>,
    password: &SecretString,
    sink: &mut dyn Sink,
) -> Result<Dumped, DumpError> {
    let what = "read the database";
    let session = works.weak(BACKUP, works.name, password);
    let (client, connection) = session.open().await.map_err(|error| sql(what, error))?;
    let work = async {
        let (snapshot, at) = begin(&client).await?;
        let counting = async { contents::read(&client).await.map_err(|error| sql(what, error).into()) };
        Ok(tokio::try_join!(counting, pg_dump(works, password, &snapshot, sink))
            .map(|(contents, ())| Dumped { contents, at }))
    };
    drive(connection, work).await.map_err(|error| sql(what, error))?
}

/// Begins the transaction whose snapshot the dump shares.
async fn begin(client: &Client) -> Result<(String, DateTime<Utc>), tokio_postgres::Error> {
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = '60s'")
        .await?;
    // A table that becomes a view while we count would run what its maker wrote (CVE-2024-7348). Minors since then
    // refuse that; the setting is not there before.
    let guard = "SELECT pg_catalog.set_config(name, 'view, foreign-table', true) FROM pg_catalog.pg_settings \
                 WHERE name = 'restrict_nonsystem_relation_kind'";
    client.batch_execute(guard).await?;
    let row = client.query_one("SELECT pg_catalog.pg_export_snapshot(), pg_catalog.now()", &[]).await?;
    Ok((row.try_get(0)?, row.try_get::<_, SystemTime>(1)?.into()))
}

async fn pg_dump(
    works: &Works<'_>,
    password: &SecretString,
    snapshot: &str,
    sink: &mut dyn Sink,
) -> Result<(), DumpError> {
    let compress = if works.installed.version.major >= ZSTD_SINCE { "zstd:3" } else { "6" };
    let exec = tool::tool(works, "pg_dump", (BACKUP, works.name, password))
        .args(["--format=custom", "--lock-wait-timeout=60000", "--no-subscriptions"])
        .arg(format!("--compress={compress}"))
        .arg(format!("--snapshot={snapshot}"))
        .limit(LIMIT);
    let piped = exec
        .piped(async |stdin, mut stdout| -> Result<u64, DumpError> {
            drop(stdin);
            let (mut piece, mut all) = (vec![0; PIECE], 0);
            loop {
                // It may wait for a lock: who wants no more shall not wait with it.
                let Ok(read) = tokio::time::timeout(LOOK, stdout.read(&mut piece)).await else {
                    if sink.stopped().await {
                        return Err(DumpError::Stopped);
                    }
                    continue;
                };
                let read = read.map_err(|error| retry("could not read the dump", error))?;
                if read == 0 {
                    return Ok(all);
                }
                sink.write(&piece[..read]).await?;
                all += read as u64;
            }
        })
        .await
        .map_err(tool_failed)??;
    if !piped.output.status.success() {
        return Err(tool::refused("pg_dump could not dump the database", &piped.output).into());
    }
    if piped.work == 0 {
        // A tool that says nothing and that all is well has done nothing.
        return Err(tool::refused("pg_dump wrote nothing", &piped.output).into());
    }
    Ok(())
}
