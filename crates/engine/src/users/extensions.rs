//! Extensions: what the server has, what the database has, and making and dropping them as its owner.
//!
//! Offered is what needs no superuser: those that their control files call *trusted* (manual 36.17.1), from the form as
//! from `psql`. Nothing here lends anybody more rights.

use super::{House, execute, writers};
use crate::{
    configure::PRELOADED,
    error::{self, fatal},
};
use control::engine::EngineError;
use tokio_postgres::{Client, Row};
use types::extension::Extension;

/// Extensions whose library must be loaded at the server's start, of those that are common.
const PRELOAD: [&str; 4] = ["pg_stat_statements", "pg_cron", "timescaledb", "pgaudit"];

/// What a server was started with, against what an extension needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    /// It is loaded, or need not be.
    Ready,
    /// It is loaded at the next start.
    AfterRestart,
    /// Paddock does not load it: without it the extension cannot be made.
    Never,
}

impl Library {
    /// `loaded`: the setting `shared_preload_libraries` of the running server.
    fn of(name: &str, loaded: &str) -> Self {
        let loaded = loaded.split(',').any(|one| one.trim().trim_matches('"') == name);
        match () {
            () if loaded || !PRELOAD.contains(&name) => Self::Ready,
            () if PRELOADED.contains(&name) => Self::AfterRestart,
            () => Self::Never,
        }
    }
}

/// All of them, by name.
pub(crate) async fn list(house: &House<'_>) -> Result<Vec<Extension>, EngineError> {
    let rows = house.inside.run("read the extensions", async |client: Client| {
        let loaded = client.query_one("SELECT current_setting('shared_preload_libraries')", &[]).await?;
        let loaded: String = loaded.try_get(0)?;
        let rows = client.query(LIST, &[]).await?;
        rows.iter().map(|row| extension(row, &loaded)).collect::<Result<_, _>>()
    });
    rows.await
}

fn extension(row: &Row, loaded: &str) -> Result<Extension, tokio_postgres::Error> {
    let name: String = row.try_get(0)?;
    let library = Library::of(&name, loaded);
    Ok(Extension {
        comment: row.try_get::<_, Option<String>>(1)?.unwrap_or_default(),
        default_version: row.try_get::<_, Option<String>>(2)?.unwrap_or_default(),
        version: row.try_get(3)?,
        schema: row.try_get(4)?,
        offered: row.try_get::<_, bool>(5)? && library != Library::Never,
        dependents: row.try_get(6)?,
        needs_restart: library == Library::AfterRestart,
        built_in: name == "plpgsql",
        name,
    })
}

/// A member of an extension carries `deptype` e; what hangs on a member and is none itself would go with it.
const LIST: &str = r#"
    SELECT a.name::text, a.comment, a.default_version, x.extversion, n.nspname::text,
           coalesce((SELECT v.trusted OR NOT v.superuser FROM pg_available_extension_versions v
                     WHERE v.name = a.name AND v.version = a.default_version), false),
           ARRAY(SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
                 FROM pg_depend m
                 -- Arrays of its types are parts of it only from 17 on.
                 LEFT JOIN pg_type array_of ON m.classid = 'pg_type'::regclass AND array_of.typelem = m.objid
                           AND array_of.typlen = -1
                 JOIN pg_depend d ON d.refclassid = m.classid AND d.refobjid IN (m.objid, array_of.oid)
                           AND d.deptype IN ('n', 'a')
                 WHERE m.refclassid = 'pg_extension'::regclass AND m.refobjid = x.oid AND m.deptype = 'e'
                   -- Parts of an operator family belong to it and carry no mark of their own.
                   AND d.classid NOT IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
                   AND NOT EXISTS (SELECT FROM pg_depend o WHERE o.classid = d.classid AND o.objid = d.objid
                                   AND o.deptype = 'e' AND o.refobjid = x.oid)
                 ORDER BY 1 LIMIT 20)
    FROM pg_available_extensions a
    LEFT JOIN pg_extension x ON x.extname = a.name
    LEFT JOIN pg_namespace n ON n.oid = x.extnamespace
    ORDER BY a.name
"#;

/// Makes one, with those that it needs; answers its version. One that is there stays as it is.
pub(crate) async fn create(house: &House<'_>, name: &str) -> Result<String, EngineError> {
    let (owner, quoted) = (&house.names.owner, writers::quote(name)?);
    // In `public`, where its users look for it, and owned by the owner.
    let sql = format!("SET ROLE {owner}; CREATE EXTENSION IF NOT EXISTS {quoted} SCHEMA public CASCADE");
    execute(&house.steward, "create the extension", &sql).await.map_err(error::refusal)?;
    let made = list(house).await?.into_iter().find(|extension| extension.name == name);
    made.and_then(|extension| extension.version)
        .ok_or_else(|| fatal("the extension was not made", anyhow::anyhow!("{name}")))
}

/// Drops one; what depends on it keeps it. Absent is fine.
pub(crate) async fn drop(house: &House<'_>, name: &str) -> Result<(), EngineError> {
    let sql = format!("DROP EXTENSION IF EXISTS {}", writers::quote(name)?);
    execute(&house.steward, "drop the extension", &sql).await.map_err(error::refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_loaded_at_the_start_or_with_the_next_or_never() {
        for (name, loaded, library) in [
            ("hstore", "", Library::Ready),
            ("pg_stat_statements", "", Library::AfterRestart),
            ("pg_stat_statements", "auto_explain", Library::AfterRestart),
            ("pg_stat_statements", "pg_stat_statements,auto_explain", Library::Ready),
            ("pg_stat_statements", "auto_explain, \"pg_stat_statements\"", Library::Ready),
            ("timescaledb", "pg_stat_statements", Library::Never),
            ("timescaledb", "timescaledb", Library::Ready),
        ] {
            assert_eq!(Library::of(name, loaded), library, "{name} with {loaded:?}");
        }
    }
}
