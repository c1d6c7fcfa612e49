//! Making a dump: one snapshot, read twice at the same time. `pg_dump` writes what it holds; beside it a session counts, so
//! that a restore can be compared with what really was there.
//!
//! Both hold all tables, one after the other. Who wants to change one in between waits for the first and keeps the second
//! waiting, and everybody else who wants to read it. So nobody waits here for longer than a moment: all is let go, and
//! tried again.

use super::{LIMIT, Works, contents, humble, login, pace::Pace, tool, tool_failed};
use crate::{
    cgroup::aside,
    error::{retry, sql},
    sql::{BACKUP, drive},
};
use chrono::{DateTime, Utc};
use control::engine::{
    EngineError,
    dumps::{DumpError, Dumped, Sink},
};
use secrecy::SecretString;
use std::time::{Duration, SystemTime};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio_postgres::{Client, error::SqlState};

/// How often somebody is asked whether the dump is still wanted while nothing comes of it.
const LOOK: Duration = Duration::from_secs(1);

/// Read from `pg_dump` at a time, bytes.
const PIECE: usize = 256 * 1024;

/// What may wait in its pipe, bytes: it goes on writing while a piece is sealed or somebody is told of it, and stops soon
/// when it shall rest, also where twenty bytes of a table become one.
const PIPE: usize = 128 * 1024;

/// How long one attempt waits for a table, and all of them together.
const MOMENT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two attempts, so that others come first.
const PAUSE: Duration = Duration::from_millis(250);

/// The first major whose `pg_dump` compresses with zstd: three times as fast as gzip, and smaller.
const ZSTD_SINCE: u16 = 16;

/// Dumps the user's database.
pub(crate) async fn make(works: &Works<'_>, sink: &mut dyn Sink) -> Result<Dumped, DumpError> {
    let superuser = works.superuser();
    let password = login::open(&superuser, BACKUP).await?;
    let until = Instant::now() + PATIENCE;
    let made = loop {
        match with_snapshot(works, &password, sink).await {
            Ok(dumped) => break Ok(dumped),
            Err(Ended::Held(_)) if Instant::now() < until => {
                if sink.stopped().await {
                    break Err(DumpError::Stopped);
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(Ended::Held(error) | Ended::Failed(error)) => break Err(error),
        }
    };
    login::close(&superuser, BACKUP).await;
    aside::clear();
    made
}

/// How an attempt ended without a dump.
enum Ended {
    /// Somebody else holds a table, or waits to; nothing was written yet.
    Held(DumpError),
    /// Anything else.
    Failed(DumpError),
}

impl From<DumpError> for Ended {
    fn from(error: DumpError) -> Self {
        Self::Failed(error)
    }
}

impl From<EngineError> for Ended {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.into())
    }
}

async fn with_snapshot(
    works: &Works<'_>,
    password: &SecretString,
    sink: &mut dyn Sink,
) -> Result<Dumped, Ended> {
    let what = "read the database";
    let session = works.weak(BACKUP, works.name, password);
    let (client, connection) = session.open().await.map_err(|error| sql(what, error))?;
    let work = async {
        let (snapshot, at) = begin(&client).await?;
        let held = match contents::hold(&client).await {
            Ok(held) => held,
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
                return Ok(Err(Ended::Held(sql(what, error).into())));
            }
            Err(error) => return Err(error),
        };
        let pace = Pace::new(if sink.in_haste() { Duration::ZERO } else { works.make_way });
        let counting = async {
            contents::read(&client, held, &pace).await.map_err(|error| Ended::from(sql(what, error)))
        };
        let dumping = async {
            let dump = pg_dump((works, password), &snapshot, &pace, sink);
            tokio::pin!(dump);
            let stepping_back = async {
                humble::step_back(works).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                dumped = &mut dump => dumped?,
                () = stepping_back => {}
            }
            // Nobody hears of a cancel any more until the count is done.
            pace.hurry().await;
            Ok(())
        };
        Ok(tokio::try_join!(counting, dumping).map(|(contents, ())| Dumped { contents, at }))
    };
    drive(connection, work).await.map_err(|error| sql(what, error))?
}

/// Begins the transaction whose snapshot the dump shares.
async fn begin(client: &Client) -> Result<(String, DateTime<Utc>), tokio_postgres::Error> {
    client
        .batch_execute(&format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL lock_timeout = {};
                 SET LOCAL max_parallel_workers_per_gather = 0;
                 -- Tables are counted by pieces: whatever their owner has set, each piece is read once and not the whole.
                 SET LOCAL enable_tidscan = on; SET LOCAL seq_page_cost = 1; SET LOCAL random_page_cost = 4",
            MOMENT.as_millis()
        ))
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
    (works, password): (&Works<'_>, &SecretString),
    snapshot: &str,
    pace: &Pace,
    sink: &mut dyn Sink,
) -> Result<(), Ended> {
    let compress = if works.installed.version.major >= ZSTD_SINCE { "zstd:3" } else { "6" };
    let exec = tool::tool(works, "pg_dump", (BACKUP, works.name, password))
        .args(["--format=custom", "--no-subscriptions"])
        .arg(format!("--lock-wait-timeout={}", MOMENT.as_millis()))
        .arg(format!("--compress={compress}"))
        .arg(format!("--snapshot={snapshot}"))
        .limit(LIMIT);
    let piped = exec
        .piped(async |stdin, mut stdout| -> Result<u64, DumpError> {
            drop(stdin);
            let _ = rustix::pipe::fcntl_setpipe_size(&stdout, PIPE);
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
                sink.makes_way(pace.step().await);
            }
        })
        .await
        .map_err(tool_failed)??;
    if !piped.output.status.success() {
        let refused = tool::refused("pg_dump could not dump the database", &piped.output).into();
        // It waits for tables by `statement_timeout`. One may go just before that.
        let said = |words| piped.output.stderr.contains(words);
        let changed = said("LOCK TABLE") && said("timeout") || said("could not open relation with OID");
        let held = piped.work == 0 && changed;
        return Err(if held { Ended::Held(refused) } else { Ended::Failed(refused) });
    }
    if piped.work == 0 {
        // A tool that says nothing and that all is well has done nothing.
        return Err(tool::refused("pg_dump wrote nothing", &piped.output).into());
    }
    Ok(())
}
