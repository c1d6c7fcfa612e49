//! A second database beside the user's: what is being restored, or what a restore has replaced. Its names begin with the
//! platform's word, so no user's database is called so, and no rule lets users in.
//!
//! Users, passwords and the address stay: they are the server's. What changes is which of two databases has the name.

use super::{Into, Works, load, login};
use crate::{
    cgroup::Limits,
    error::fatal,
    heap,
    roles::{self, Names},
    settings::PLATFORM_CONNECTIONS,
    sql::{LOADER, Session},
    users,
};
use control::{
    backup::contents::Contents,
    engine::{
        EngineError,
        dumps::{DumpError, Second, Source},
    },
};
use std::{
    fs::File,
    time::{Duration, Instant},
};
use tokio_postgres::{Client, error::SqlState};

/// What is being restored.
pub(crate) const INCOMING: &str = "paddock_incoming";
/// What was there before.
const REPLACED: &str = "paddock_replaced";
/// What is on its way from one to the other.
const SWAPPING: &str = "paddock_swapping";

/// For dropping a large database.
const DROP_LIMIT: Duration = Duration::from_secs(600);

/// Clients that come again at once are ended again, so often.
const TRIES: u32 = 50;

const fn name(second: Second) -> &'static str {
    match second {
        Second::Incoming => INCOMING,
        Second::Replaced => REPLACED,
    }
}

/// Restores a dump into a fresh second database.
pub(crate) async fn load_beside(
    works: &Works<'_>,
    (doors, limits): (Vec<File>, &Limits),
    source: &mut dyn Source,
) -> Result<Contents, DumpError> {
    let superuser = works.superuser();
    drop(&superuser, Second::Incoming).await?;
    roles::create_beside(&superuser, works.name, INCOMING).await?;
    let password = login::open(&superuser, LOADER).await?;
    let to = Into { database: INCOMING, password: &password, doors, heap: heap::of(limits) };
    let loaded = load::load(works, to, source).await;
    login::close(&superuser, LOADER).await;
    loaded?;
    Ok(load::contents(works, INCOMING).await?)
}

/// Which of them are there; the session is in `postgres`.
pub(crate) async fn seconds(session: &Session) -> Result<Vec<Second>, EngineError> {
    let names = names_beside(session).await?;
    Ok([Second::Incoming, Second::Replaced]
        .into_iter()
        .filter(|second| names.iter().any(|is| is == name(*second)))
        .collect())
}

/// The names of those that are there; the session is in `postgres`.
pub(crate) async fn names_beside(session: &Session) -> Result<Vec<String>, EngineError> {
    let ask = "SELECT datname::text FROM pg_catalog.pg_database WHERE datname = ANY ($1)";
    session
        .run("look for other databases", async |client: Client| {
            let all = [INCOMING, REPLACED].map(str::to_owned).to_vec();
            client.query(ask, &[&all]).await?.iter().map(|row| row.try_get(0)).collect()
        })
        .await
}

/// Drops one.
pub(crate) async fn drop(superuser: &Session, which: Second) -> Result<(), EngineError> {
    let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", name(which));
    // It waits for a checkpoint, and removes every file.
    let superuser = Session { limit: DROP_LIMIT, ..superuser.clone() };
    superuser.run("drop a database", async |client: Client| client.batch_execute(&sql).await).await
}

/// Gives the second database the user's name, and the user's the name [`REPLACED`]; what had that name goes, unless it is the
/// one that comes back.
pub(crate) async fn swap(superuser: &Session, database: &str, with: Second) -> Result<Duration, EngineError> {
    if !seconds(superuser).await?.contains(&with) {
        return Err(fatal(
            "there is no other database to put in its place",
            anyhow::anyhow!("{}", name(with)),
        ));
    }
    if with == Second::Incoming {
        drop(superuser, Second::Replaced).await?;
    }
    let names = Names::of(database)?;
    let (user, with) = (&names.user, name(with));
    // Users may have come since it was made.
    users::share_beside(superuser, database, with).await?;
    let connections = superuser
        .run("read the limit of connections", async |client: Client| {
            let ask = "SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = $1";
            client.query_one(ask, &[&database]).await?.try_get::<_, i32>(0)
        })
        .await?;
    // One transaction: at no moment is there no database of the user's name, or two.
    let rename = format!(
        "BEGIN;\nALTER DATABASE {user} RENAME TO {SWAPPING};\nALTER DATABASE {with} RENAME TO {user};\n\
         ALTER DATABASE {SWAPPING} RENAME TO {REPLACED};\n\
         ALTER DATABASE {REPLACED} CONNECTION LIMIT {PLATFORM_CONNECTIONS};\nALTER DATABASE {user} CONNECTION LIMIT {connections};\nCOMMIT;\n"
    );
    let end = "SELECT pg_catalog.pg_terminate_backend(pid, 1000) FROM pg_catalog.pg_stat_activity \
               WHERE datname = ANY ($1) AND backend_type <> 'autovacuum launcher'";
    let ended = [database.to_owned(), with.to_owned()].to_vec();
    let began = Instant::now();
    let swapped = superuser
        .run("put the other database in its place", async |client: Client| {
            for _ in 0..TRIES {
                client.query(end, &[&ended]).await?;
                match client.batch_execute(&rename).await {
                    Ok(()) => return Ok(true),
                    // Somebody was quicker than we: the transaction is over, and nothing has changed.
                    Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) => {
                        client.batch_execute("ROLLBACK").await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(false)
        })
        .await?;
    if swapped {
        return Ok(began.elapsed());
    }
    Err(crate::error::retry(
        "clients came back faster than they could be ended",
        anyhow::anyhow!("{TRIES} tries"),
    ))
}
