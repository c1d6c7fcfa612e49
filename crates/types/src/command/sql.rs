//! An act as SQL, and who may say it. Names and texts get into it through the two quoting functions alone.

use super::{Act, Sql, SqlBy, call::exact};
use crate::{
    rights,
    sql::{Unquotable, quote_ident, quote_literal},
};
use chrono::{DateTime, Utc};

/// `None`: no SQL does it.
pub(super) fn sql(act: &Act<'_>) -> Result<Option<Sql>, Unquotable> {
    let (by, text) = match act {
        // Files of the server, which no SQL changes.
        Act::Switch { .. }
        | Act::OpenNetwork { .. }
        | Act::CloseNetwork { .. }
        | Act::EndRefusedSessions
        | Act::LogSlowQueries { .. } => return Ok(None),
        // Made of dumps, and of the log of the whole server.
        Act::BackUp
        | Act::ScheduleBackups { .. }
        | Act::RestoreBackup { .. }
        | Act::RestoreMoment { .. }
        // Only Paddock changes it, or the URL would be wrong.
        | Act::ChangePassword { protected: true, .. } => return Ok(None),
        Act::CreateUser { database, name, read_only, .. } => {
            let user = quote_ident(name)?;
            let grants = rights::grants(database, name, *read_only)?;
            (SqlBy::Platform, format!("CREATE ROLE {user} LOGIN;\n{grants}\n\\password {user}"))
        }
        Act::DeleteUser { database, name } => (SqlBy::Platform, delete(database, name)?),
        Act::MendRights { database, name, read_only } => {
            (SqlBy::Platform, mend(database, name, *read_only)?)
        }
        Act::ChangePassword { name, .. } => {
            // Sessions of those who write begin as the owner, who may not change it.
            (SqlBy::User, format!("SET ROLE NONE;\n\\password {}", quote_ident(name)?))
        }
        Act::CreateExtension { name } => {
            (SqlBy::User, format!("CREATE EXTENSION IF NOT EXISTS {};", quote_ident(name)?))
        }
        Act::DropExtension { name } => (SqlBy::User, format!("DROP EXTENSION {};", quote_ident(name)?)),
        Act::ListQueries => (
            SqlBy::User,
            "SELECT pid, usename, state, clock_timestamp() - query_start AS duration, query\nFROM pg_stat_activity WHERE \
             datname = current_database();"
                .into(),
        ),
        Act::CancelQuery { pid, started } => (SqlBy::User, signal("pg_cancel_backend", *pid, *started)?),
        Act::TerminateQuery { pid, started } => {
            (SqlBy::User, signal("pg_terminate_backend", *pid, *started)?)
        }
        Act::CountStatements { on } => {
            let track = quote_literal(if *on { "top" } else { "none" })?;
            let set = format!("ALTER SYSTEM SET pg_stat_statements.track = {track};\nSELECT pg_reload_conf();");
            (SqlBy::Platform, set)
        }
        Act::ResetStatements => (SqlBy::Platform, "SELECT pg_stat_statements_reset();".into()),
    };
    Ok(Some(Sql { by, text }))
}

/// Without the moment of connecting another session could be meant.
fn signal(function: &str, pid: i32, started: DateTime<Utc>) -> Result<String, Unquotable> {
    let started = quote_literal(&exact(started))?;
    Ok(format!(
        "-- Sessions of your own user only.\nSET ROLE NONE;\nSELECT {function}(pid) FROM pg_stat_activity\nWHERE pid = {pid} AND \
         backend_start = {started};"
    ))
}

fn delete(database: &str, name: &str) -> Result<String, Unquotable> {
    let (user, owner) = (quote_ident(name)?, quote_ident(&format!("{database}_owner"))?);
    let literal = quote_literal(name)?;
    Ok(format!(
        "ALTER ROLE {user} NOLOGIN;\nSELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {literal};\n\
         REASSIGN OWNED BY {user} TO {owner};\nDROP OWNED BY {user};\nDROP ROLE {user};"
    ))
}

/// What belongs to a user that writes goes to the owner; the rest is rights of the two groups.
fn mend(database: &str, name: &str, read_only: bool) -> Result<String, Unquotable> {
    let group = |end: &str| quote_ident(&format!("{database}{end}"));
    let (owner, rw, ro) = (group("_owner")?, group("_rw")?, group("_ro")?);
    let reassign = match read_only {
        true => String::new(),
        false => format!("REASSIGN OWNED BY {} TO {owner};\n", quote_ident(name)?),
    };
    Ok(format!(
        "{reassign}-- And in every schema, as here in public:\n\
         REVOKE CREATE ON SCHEMA public FROM {ro} CASCADE;\n\
         REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA public FROM {ro} CASCADE;\n\
         REVOKE USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public FROM {ro} CASCADE;\n\
         GRANT USAGE, CREATE ON SCHEMA public TO {rw};\nGRANT USAGE ON SCHEMA public TO {ro};\n\
         GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON ALL TABLES IN SCHEMA public TO {rw};\n\
         GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {rw};\n\
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ro};\nGRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {ro};"
    ))
}
