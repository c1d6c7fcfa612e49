//! Who reads and writes, who only reads, and what everybody may do with what each of the first will make.
//!
//! Default privileges belong to one creating role in one database: a second database begins without those of the users.

use super::{House, execute};
use crate::{
    dump,
    error::fatal,
    roles::{Names, defaults},
    sql::{STEWARD, Session, quote_ident},
};
use control::engine::EngineError;
use tokio_postgres::Client;

/// Whoever reads and writes, of whom the session's role is a member: the database's own logins, too.
const WRITERS: &str = r#"
    SELECT r.rolname::text FROM pg_catalog.pg_roles r
    WHERE pg_has_role(r.oid, ($1::text || '_rw')::name, 'MEMBER') AND NOT r.rolsuper
      AND r.rolname NOT IN (($1::text || '_rw')::name, ($1::text || '_owner')::name)
      AND r.rolname NOT LIKE 'paddock\_%' AND pg_has_role(r.oid, 'USAGE')
"#;

/// Whoever only reads.
const READERS: &str = r#"
    SELECT r.rolname::text FROM pg_catalog.pg_roles r
    WHERE pg_has_role(r.oid, ($1::text || '_ro')::name, 'MEMBER') AND NOT r.rolsuper
      AND NOT pg_has_role(r.oid, ($1::text || '_rw')::name, 'MEMBER') AND r.rolname NOT LIKE 'paddock\_%'
"#;

/// The names of those who read and write, quoted.
pub(super) async fn writers(session: &Session, database: &str) -> Result<Vec<String>, EngineError> {
    names(session, WRITERS, database).await
}

/// The names of those who only read, quoted; with the group that they are in, and everybody.
pub(super) async fn readers(session: &Session, database: &str) -> Result<Vec<String>, EngineError> {
    let mut all = names(session, READERS, database).await?;
    all.push("PUBLIC".into());
    Ok(all)
}

async fn names(session: &Session, ask: &str, database: &str) -> Result<Vec<String>, EngineError> {
    let names: Vec<String> = session
        .run("read the users", async |client: Client| {
            client.query(ask, &[&database]).await?.iter().map(|row| row.try_get(0)).collect()
        })
        .await?;
    names.iter().map(|name| quote(name)).collect()
}

pub(super) fn quote(name: &str) -> Result<String, EngineError> {
    quote_ident(name).map_err(|error| fatal("a name in the database cannot be written", error))
}

/// Gives everybody their rights on what each of the users of `of` will make in its second database. The superuser stays in
/// `postgres`: the steward enters, since code of the users is in there.
pub(crate) async fn share_beside(superuser: &Session, of: &str, second: &str) -> Result<(), EngineError> {
    let names = Names::of(of)?;
    let open = format!(
        "ALTER DATABASE {second} CONNECTION LIMIT {};\nGRANT CONNECT ON DATABASE {second} TO {STEWARD};",
        crate::settings::PLATFORM_CONNECTIONS
    );
    execute(superuser, "let the steward in", &open).await?;
    let steward = Session { user: STEWARD, database: second.into(), ..superuser.clone() };
    let users = writers(&steward, of).await?;
    let all: String = users.iter().map(|user| defaults(user, &names)).collect();
    execute(&steward, "set the rights on what users will make", &format!("BEGIN;\n{all}COMMIT;")).await
}

/// The steward in every database that holds something of the users: theirs, and what is beside it.
pub(super) async fn stewards(house: &House<'_>) -> Result<Vec<Session>, EngineError> {
    let beside = dump::names_beside(&house.roles).await?.into_iter();
    let all = std::iter::once(house.spec.name.clone()).chain(beside);
    Ok(all.map(|database| Session { database, ..house.steward.clone() }).collect())
}
