//! `pg_dump` and `pg_restore`: whose, as whom, and how what they refuse is told.
//!
//! Where they connect to is in their environment, not in their arguments: names are data, and a password is seen by
//! nobody.

use super::Works;
use crate::process::{Exec, Output, describe};
use control::engine::EngineError;
use secrecy::{ExposeSecret as _, SecretString};

/// The lines of a tool's words that people are shown.
const LINES: usize = 8;

/// A tool of the server's own version, ready to connect.
pub(super) fn tool(
    works: &Works<'_>,
    name: &str,
    (role, database, password): (&str, &str, &SecretString),
) -> Exec {
    Exec::new(works.installed.program(name))
        .as_user(works.os_user.map(crate::os_user::OsUser::ids))
        .confined()
        .dir(works.dir.run())
        .env("PGHOST", works.dir.run())
        .env("PGPORT", works.port.to_string())
        .env("PGUSER", role)
        .env("PGDATABASE", database)
        .env("PGPASSWORD", password.expose_secret())
        .env("PGAPPNAME", "paddock")
        .env(
            "PGOPTIONS",
            "-c local_preload_libraries= -c role=none -c default_transaction_read_only=off -c idle_in_transaction_session_timeout=0",
        )
        .arg("--no-password")
        .limit(super::LIMIT)
        .humble()
}

/// Its failure, with its last words.
pub(super) fn refused(what: &str, output: &Output) -> EngineError {
    let log = output.tail(LINES);
    let said = log.iter().find_map(|line| line.split_once("error: ").map(|(_, said)| said.to_owned()));
    let said = said.or_else(|| log.last().cloned()).unwrap_or_else(|| describe(output.status));
    EngineError::Postgres { message: format!("{what}: {said}"), log }
}
