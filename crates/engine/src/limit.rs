//! Bringing the limits of a running server to its plan, without a restart.

use crate::{
    cgroup::{Limits, room},
    error::fatal,
    layout::ClusterDir,
    procs::Handle,
    sql::{SUPERUSER, Session, quote_ident},
};
use control::engine::{EngineError, NodeSpec};
use std::time::Duration;
use tokio_postgres::Client;

/// The database's users; nobody else has a limit.
const USERS: &str = r#"
    SELECT rolname::text FROM pg_catalog.pg_roles
    WHERE rolname = $1::text::name OR rolconnlimit > 0 AND NOT rolsuper
"#;

/// Sets them; answers what people may read.
pub(crate) async fn limit(
    dir: &ClusterDir,
    server: &Handle,
    spec: &NodeSpec,
    limits: &Limits,
) -> Result<String, EngineError> {
    let connections = spec.plan.connections();
    let session = Session::new(dir.run(), spec.port, SUPERUSER, Duration::from_secs(30));
    let users: Vec<String> = session
        .run("read the users", async |client: Client| {
            client.query(USERS, &[&spec.name]).await?.iter().map(|row| row.try_get(0)).collect()
        })
        .await?;
    let database =
        quote_ident(&spec.name).map_err(|error| fatal("the database's name cannot be used", error))?;
    let mut alter = format!("ALTER DATABASE {database} CONNECTION LIMIT {};\n", crate::roles::together(spec));
    for user in users {
        let user = quote_ident(&user).map_err(|error| fatal("a user's name cannot be used", error))?;
        alter += &format!("ALTER ROLE {user} CONNECTION LIMIT {connections};\n");
    }
    session.run("limit connections", async |client: Client| client.batch_execute(&alter).await).await?;

    let mut told = format!("{}, {}, {connections} connections", spec.plan.memory(), spec.plan.cpu());
    let Some(group) = room().of(server.seen.pid, spec.id) else {
        let why = room().why_not().unwrap_or("the next restart puts it under limits");
        told += &format!("; memory, CPU and processes are advisory: {why}");
        return Ok(told);
    };
    let mut advisory = group.limit(limits).await;
    advisory.extend(room().why_not().map(str::to_owned));
    if !advisory.is_empty() {
        told += &format!("; advisory: {}", advisory.join("; "));
    }
    Ok(told)
}
