//! Removing a user: nobody new comes in, its sessions end, what it owns goes to the owner, then the role goes. Killed
//! anywhere in between, the user can log in no more, and asking again goes on.

use super::{House, create::can_login, execute, writers::stewards};
use crate::error::retry;
use control::engine::EngineError;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

/// How long its sessions are given to end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Removes one; absent is fine.
pub(crate) async fn drop(house: &House<'_>, name: &str) -> Result<(), EngineError> {
    let (user, owner) = (house.user(name)?, &house.names.owner);
    if can_login(house, name).await?.is_none() {
        return Ok(());
    }
    execute(&house.roles, "close the user's door", &format!("ALTER ROLE {user} NOLOGIN")).await?;
    let until = Instant::now() + PATIENCE;
    while end_sessions(house, name, true).await? > 0 {
        if Instant::now() > until {
            return Err(retry("a session of the user does not end", anyhow::anyhow!("{name}")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // What it was given by others goes, too, and the defaults for what it makes; in every database that knows it, or the
    // role could not go.
    let inherit = format!("BEGIN;\nREASSIGN OWNED BY {user} TO {owner};\nDROP OWNED BY {user};\nCOMMIT;");
    for steward in stewards(house).await? {
        execute(&steward, "give what the user owns to the owner", &inherit).await?;
    }
    execute(&house.roles, "remove the user", &format!("DROP ROLE {user}")).await
}

/// Ends a user's sessions, the idle ones only unless `all`; answers how many there were.
pub(super) async fn end_sessions(house: &House<'_>, name: &str, all: bool) -> Result<u32, EngineError> {
    let end = r#"
        SELECT count(*), count(CASE WHEN $2 OR state = 'idle' THEN pg_terminate_backend(pid) END)
        FROM pg_stat_activity WHERE usename = $1 AND backend_type = 'client backend'
    "#;
    let ended = async |client: Client| client.query_one(end, &[&name, &all]).await?.try_get::<_, i64>(0);
    Ok(u32::try_from(house.signal.run("end the user's sessions", ended).await?).unwrap_or(u32::MAX))
}

/// What a user owns, for people, at most `most`; and how many there are.
pub(crate) async fn owned(
    house: &House<'_>,
    name: &str,
    most: usize,
) -> Result<(Vec<String>, u64), EngineError> {
    let ask = r#"
        SELECT pg_describe_object(d.classid, d.objid, 0), count(*) OVER ()
        FROM pg_shdepend d
        WHERE d.deptype = 'o' AND d.classid <> 'pg_default_acl'::regclass AND d.refclassid = 'pg_authid'::regclass
          AND d.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
          AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        ORDER BY d.classid, 1 LIMIT $2
    "#;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = house.inside.run("look what the user owns", async |client: Client| {
        let rows = client.query(ask, &[&name, &most]).await?;
        let things = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
        let count = rows.first().map_or(Ok(0), |row| row.try_get::<_, i64>(1))?;
        Ok((things, count.unsigned_abs()))
    });
    rows.await
}
