//! A weak role is let in for one job: a password is made up, its verifier given to the server, and taken away again. Cut
//! short, it ends by itself; nobody knows the password then.

use super::LIMIT;
use crate::{
    error::fatal,
    roles::quote_verifier,
    sql::{BACKUP, Session},
};
use chrono::{DateTime, SecondsFormat, Utc};
use control::{crypto::scram, engine::EngineError};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::SystemTime;
use tokio_postgres::Client;
use uuid::Uuid;

/// Lets the role in; answers the password of this job.
pub(super) async fn open(superuser: &Session, role: &'static str) -> Result<SecretString, EngineError> {
    // Two version 4 UUIDs are 244 random bits of the system's.
    let password: SecretString =
        [Uuid::new_v4(), Uuid::new_v4()].map(|half| half.simple().to_string()).concat().into();
    let verifier = quote_verifier(scram::verifier(&password).expose_secret())?;
    let until: DateTime<Utc> = SystemTime::now()
        .checked_add(LIMIT)
        .ok_or_else(|| fatal("the clock of this host cannot be used", anyhow::anyhow!("far in the future")))?
        .into();
    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut sql = format!("ALTER ROLE {role} LOGIN PASSWORD {verifier} VALID UNTIL '{until}';");
    if role == BACKUP {
        // The right to read everything leaves out large objects.
        sql += &format!("ALTER ROLE {role} SET lo_compat_privileges = on;");
    }
    superuser.run("let the job in", async |client: Client| client.batch_execute(&sql).await).await?;
    Ok(password)
}

/// Shuts it out again.
pub(super) async fn close(superuser: &Session, role: &'static str) {
    let sql = format!("ALTER ROLE {role} PASSWORD NULL");
    let closed =
        superuser.run("shut the job out", async |client: Client| client.batch_execute(&sql).await).await;
    if let Err(error) = closed {
        tracing::debug!(%error, role, "the password of a job ends by itself");
    }
}
