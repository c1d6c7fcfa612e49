//! A dump proves itself: it is restored in a server that is made for it, listens nowhere, and is gone afterwards.
//!
//! One at a time. What a trial that was cut short has left is removed before the next, known by its place below `trials`
//! and its identity file, like everything that is removed. The server writes without care for a power cut (nobody will
//! miss it), within the memory and the processes of the database's plan. It has of the processor what others leave.

use super::{Into, LIMIT, Works, load, login, tool, tool_failed};
use crate::{
    EngineConfig,
    cgroup::{Limits, room},
    cluster::{self, Maker, Pace},
    configure::{self, By},
    error::{Doing as _, retry},
    heap,
    identity::Identity,
    keeper::{self, START_LIMIT, Server, Watch},
    layout::{ClusterDir, Layout},
    roles,
    sql::{LOADER, Session},
    tls::Ca,
    trash,
    versions::Installed,
};
use chrono::{DateTime, Utc};
use control::{
    crypto::scram,
    engine::{
        EngineError, NodeSpec,
        dumps::{DumpError, Source, Trial},
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    time::{Duration, Instant},
};
use tokio_postgres::Client;
use types::NodeId;
use uuid::Uuid;

/// Part of the socket's name; nothing listens on the network.
const PORT: u16 = 5432;
/// So many complaints are kept.
const COMPLAINTS: usize = 20;

/// What a server that nobody will miss may leave out.
const CARELESS: &str = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nautovacuum = off\n\
                        max_wal_size = '4GB'\narchive_mode = off\n";

/// What a throw-away server needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throwaway<'a> {
    pub(crate) config: &'a EngineConfig,
    pub(crate) ca: &'a Ca,
    pub(crate) layout: &'a Layout,
    pub(crate) maker: &'a Maker,
    pub(crate) installed: &'a Installed,
    pub(crate) limits: Limits,
    pub(crate) now: DateTime<Utc>,
}

/// Restores and checks. The caller sees to it that this runs once at a time.
pub(crate) async fn try_dump(
    needs: Throwaway<'_>,
    spec: &NodeSpec,
    source: &mut dyn Source,
) -> Result<Trial, DumpError> {
    sweep(needs.layout, needs.maker).await?;
    let cluster = Uuid::new_v4();
    let dir = needs.layout.trial(cluster);
    let identity = needs.maker.make(&dir, cluster, needs.installed, Pace::Aside).await?;
    let tried = run(needs, (&dir, &identity), spec, source).await;
    remove(&dir, &identity).await?;
    tried
}

/// Removes what trials have left.
pub(crate) async fn sweep(layout: &Layout, maker: &Maker) -> Result<(), EngineError> {
    for (dir, identity) in cluster::with_identity(&layout.trials()) {
        tracing::info!(dir = %dir.path().display(), "removing a trial that was cut short");
        remove(&dir, &identity).await?;
    }
    maker.sweep().await
}

async fn remove(dir: &ClusterDir, identity: &Identity) -> Result<(), EngineError> {
    keeper::stop(dir, identity, Duration::ZERO).await?;
    trash::wipe(dir, identity).await
}

async fn run(
    needs: Throwaway<'_>,
    (dir, identity): (&ClusterDir, &Identity),
    spec: &NodeSpec,
    source: &mut dyn Source,
) -> Result<Trial, DumpError> {
    let installed = needs.installed;
    let spec =
        NodeSpec::new(NodeId::new(identity.cluster), &spec.name, installed.version, PORT, spec.plan.clone());
    let by = By { config: needs.config, ca: needs.ca, installed: Some(installed), now: needs.now };
    configure::write(by, (dir, identity), &spec, &[])?;
    let settings = dir.conf().join("postgresql.conf");
    OpenOptions::new()
        .append(true)
        .open(&settings)
        .and_then(|mut file: File| file.write_all(CARELESS.as_bytes()))
        .doing(|| format!("write {}", settings.display()))?;
    let server = Server { dir, identity, installed, port: PORT, listen: &[], limits: Some(needs.limits) };
    // Its end is expected: nobody shall be woken by it.
    keeper::start(server, &Watch::default(), START_LIMIT).await?;

    let os_user = identity.os_user.as_ref();
    let works = Works { dir, os_user, installed, port: PORT, name: &spec.name, make_way: Duration::ZERO };
    let superuser = works.superuser();
    let nobody: SecretString = Uuid::new_v4().to_string().into();
    let verifier = scram::verifier(&nobody);
    roles::create_database(&superuser, &spec, verifier.expose_secret()).await?;
    // While the database is empty; later its owner's code is in it.
    let can_check = prepare_check(&superuser, &spec.name).await?;
    let password = login::open(&superuser, LOADER).await?;
    let server = keeper::postmaster(dir, identity)?;
    let doors = server.map(|server| room().doors_of(server.seen.pid, identity.group())).unwrap_or_default();
    let heap = heap::of(&needs.limits);
    let to = Into { database: &spec.name, password: &password, doors, heap };
    let began = Instant::now();
    load::load(&works, to, source).await.map_err(verdict)?;
    let took = began.elapsed();
    let contents = load::contents(&works, &spec.name).await?;
    let complaints = if can_check { Some(check(&works, &password).await?) } else { None };
    Ok(Trial { contents, took, complaints })
}

/// What these words stand in says nothing about the dump: the trial's server ended, or had no room for it.
const SURROUNDINGS: [&str; 9] = [
    // Nothing that is read ends a program like this; who is short of memory does.
    "signal 9",
    "out of memory",
    "out of shared memory",
    "No space left on device",
    "could not extend file",
    "could not write",
    "connection to server",
    "server closed the connection",
    "terminating connection",
];

/// A refusal by `pg_restore` is about the dump, unless its words are about the trial.
fn verdict(error: DumpError) -> DumpError {
    match error {
        DumpError::Engine(EngineError::Postgres { message, log }) => {
            let said =
                |words: &&str| message.contains(*words) || log.iter().any(|line| line.contains(*words));
            if SURROUNDINGS.iter().any(said) {
                retry("the trial had not what it needs", anyhow::anyhow!("{message}")).into()
            } else {
                DumpError::Refused(message)
            }
        }
        other => other,
    }
}

/// Lets the weak role run the checks of `amcheck` (manual, F.1), which looks into tables and indexes. False: the server does
/// not have it.
async fn prepare_check(superuser: &Session, database: &str) -> Result<bool, EngineError> {
    let inside = Session { database: database.to_owned(), ..superuser.clone() };
    let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'amcheck')";
    let sql = format!(
        "CREATE SCHEMA paddock_check; CREATE EXTENSION amcheck SCHEMA paddock_check; \
         GRANT USAGE ON SCHEMA paddock_check TO {LOADER}; \
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA paddock_check TO {LOADER};"
    );
    inside
        .run("prepare the checks", async |client: Client| {
            if !client.query_one(there, &[]).await?.try_get::<_, bool>(0)? {
                return Ok(false);
            }
            client.batch_execute(&sql).await.map(|()| true)
        })
        .await
}

/// Every table and index, page by page; answers what is wrong.
async fn check(works: &Works<'_>, password: &SecretString) -> Result<Vec<String>, DumpError> {
    let exec = tool::tool(works, "pg_amcheck", (LOADER, works.name, password)).limit(LIMIT);
    let output = exec.run().await.map_err(tool_failed)?;
    match output.status.code() {
        Some(0) => Ok(Vec::new()),
        // Its status when something is corrupt; what, it prints.
        Some(2) => Ok(output.stdout.lines().take(COMPLAINTS).map(str::to_owned).collect()),
        _ => Err(tool::refused("pg_amcheck could not check the restored database", &output).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_dump_holds_is_a_verdict_on_it() {
        let refused = |message: &str, line: &str| {
            verdict(EngineError::Postgres { message: message.into(), log: vec![line.into()] }.into())
        };
        let dump = refused("pg_restore could not restore the dump: input file appears to be too short", "");
        assert!(matches!(dump, DumpError::Refused(_)), "{dump:?}");
        for line in [
            "pg_restore: error: could not execute query: ERROR:  out of memory",
            "FATAL:  terminating connection",
        ] {
            let trial = refused("pg_restore could not restore the dump", line);
            assert!(matches!(trial, DumpError::Engine(EngineError::Other { retry: true, .. })), "{trial:?}");
        }
    }
}
