//! Who exists in a user's server, and what each may do.
//!
//! `<name>_owner` (no login) owns the database and schema `public`; `<name>_rw` and `<name>_ro` (no login) carry the
//! rights of later users; `<name>` is the protected user: a member of the owner, so it creates schemas, tables and
//! *trusted* extensions and goes on owning what deleted users leave to the owner. Nobody here is a superuser, creates
//! roles or databases, or replicates. The platform's own roles are weak and reachable by peer only.
//!
//! The protected user may log in only when everything else is in place; that is the mark of completeness, and the
//! reason why a superuser never enters a database in which a user could have left a trap.
//!
//! A cluster that waits in the pool has all of it already, under names that wait ([`prepare`]); then a new database is
//! one transaction that renames. Rights, memberships and default privileges hang on numbers, not on names.

use crate::{
    error::fatal,
    layout::ClusterDir,
    settings::PLATFORM_CONNECTIONS,
    sql::{BACKUP, MONITOR, PLATFORM, SIGNAL, STEWARD, Session, Unquotable, quote_ident, quote_literal},
    users,
};
use control::engine::{EngineError, NodeSpec};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use tokio_postgres::Client;

/// The database of a prepared cluster, until it gets its name. No user's database may be called so.
pub(crate) const WAITING: &str = "paddock_waiting";

/// What no role of a user may have, said in full: a default may change.
pub(crate) const WEAK: &str = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS";

/// The quoted names of one database's roles.
pub(crate) struct Names {
    pub(crate) user: String,
    pub(crate) owner: String,
    pub(crate) rw: String,
    pub(crate) ro: String,
    /// Statements that make them, each with the bare name.
    make: [(String, String); 4],
}

impl Names {
    pub(crate) fn of(name: &str) -> Result<Self, EngineError> {
        let taken = ["postgres", "template0", "template1"];
        if PLATFORM.contains(&name) || taken.contains(&name) || name.starts_with(WAITING) {
            return Err(fatal("the database's name belongs to the platform", anyhow::anyhow!("{name}")));
        }
        Self::quoted(name).map_err(|error| fatal("the database's name cannot be used", error))
    }

    fn quoted(name: &str) -> Result<Self, Unquotable> {
        let bare = ["", "_owner", "_rw", "_ro"].map(|suffix| format!("{name}{suffix}"));
        let quoted = bare.iter().map(|name| quote_ident(name)).collect::<Result<Vec<_>, Unquotable>>()?;
        let make = std::array::from_fn(|i| {
            (bare[i].clone(), format!("CREATE ROLE {} NOLOGIN INHERIT {WEAK};\n", quoted[i]))
        });
        let [user, owner, rw, ro] = std::array::from_fn(|i| quoted[i].clone());
        Ok(Self { user, owner, rw, ro, make })
    }

    /// Statements that give what has the names `self` the names `to`. In one transaction with what follows: either
    /// everything waits or everything has its name.
    fn rename(&self, to: &Self) -> String {
        let mut sql = format!("ALTER DATABASE {} RENAME TO {};\n", self.user, to.user);
        let pairs = [&self.user, &self.owner, &self.rw, &self.ro].into_iter();
        for (from, to) in pairs.zip([&to.user, &to.owner, &to.rw, &to.ro]) {
            sql += &format!("ALTER ROLE {from} RENAME TO {to};\n");
        }
        sql
    }
}

/// What is in a server.
struct Seen {
    /// Each role, whether it may log in and how often at once (-1: without limit).
    roles: BTreeMap<String, (bool, i32)>,
    databases: BTreeSet<String>,
}

impl Seen {
    /// The protected user is let in: everything is in place.
    fn ready(&self, name: &str) -> bool {
        self.roles.get(name).is_some_and(|(login, _)| *login)
    }

    /// [`prepare`] went to its end, and nobody was given the database yet.
    fn waits(&self) -> bool {
        self.roles.get(WAITING) == Some(&(false, PREPARED))
    }
}

/// The limit of the waiting user's connections that says that [`prepare`] went to its end.
const PREPARED: i32 = 0;

/// Makes the database and its roles, or finds them; sets the protected user's verifier in any case.
///
/// Answers whether anything was made.
pub(crate) async fn create_database(
    session: &Session,
    spec: &NodeSpec,
    verifier: &str,
) -> Result<bool, EngineError> {
    let (name, connections) = (spec.name.as_str(), spec.plan.connections());
    let names = Names::of(name)?;
    let quoted = quote_verifier(verifier)?;
    let user = &names.user;
    // What it makes belongs to the owner, whoever of its users makes it: each of them can change it later.
    let open = format!(
        "ALTER ROLE {user} LOGIN CONNECTION LIMIT {connections} PASSWORD {quoted};\n\
         ALTER ROLE {user} SET role = {};\n\
         ALTER DATABASE {user} CONNECTION LIMIT {};\n",
        names.owner,
        together(spec)
    );
    let rename = waiting()?.rename(&names);

    let (seen, done) = session
        .run("make the database", async |client: Client| {
            let seen = look(&client).await?;
            let sql = match () {
                () if seen.ready(name) => &open,
                () if seen.waits() => &format!("BEGIN;\n{rename}{open}COMMIT;\n"),
                () => return Ok((seen, false)),
            };
            client.batch_execute(sql).await.map(|()| (seen, true))
        })
        .await?;
    if !done {
        make(session, name, &names, &seen).await?;
        session
            .run("set the user's password", async |client: Client| client.batch_execute(&open).await)
            .await?;
    }
    Ok(!seen.ready(name))
}

/// Makes everything but the password under names that wait, in a cluster that nobody was given yet.
pub(crate) async fn prepare(session: &Session) -> Result<(), EngineError> {
    let (names, look) = (waiting()?, async |client: Client| look(&client).await);
    let seen = session.run("read the server's roles", look).await?;
    make(session, WAITING, &names, &seen).await?;
    let mark = format!("ALTER ROLE {} CONNECTION LIMIT {PREPARED}", names.user);
    session.run("mark the cluster", async |client: Client| client.batch_execute(&mark).await).await
}

/// Whether a user was given a database in this cluster: its directory tells, whether the server runs or not. Numbers
/// from 16384 on are given to what came after `initdb` (`FirstNormalObjectId`); what was prepared is marked until then.
pub(crate) fn has_database(dir: &ClusterDir) -> bool {
    if dir.waiting().exists() {
        return false;
    }
    let entries = fs::read_dir(dir.data().join("base")).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.into_iter().any(|number| number >= 16_384)
}

fn waiting() -> Result<Names, EngineError> {
    Names::quoted(WAITING).map_err(|error| fatal("the name of waiting databases cannot be used", error))
}

/// Makes what is missing, except that nobody may log in yet.
async fn make(session: &Session, name: &str, names: &Names, seen: &Seen) -> Result<(), EngineError> {
    let before = cluster_wide(names, &seen.roles.keys().cloned().collect());
    let roles = session.run("make the roles", async |client: Client| client.batch_execute(&before).await);
    // Beside each other: the database is the platform's until its rights are set, when its owner is there.
    let database = async {
        if seen.databases.contains(name) {
            return Ok(());
        }
        let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", names.user);
        session.run("make the database", async |client: Client| client.batch_execute(&create).await).await
    };
    // Both to their end: what is dropped goes on in the server, and the next try would not see it yet.
    let (roles, database) = tokio::join!(roles, database);
    roles?;
    database?;
    let inside = Session { database: name.into(), ..session.clone() };
    let rights = within(&names.user, names);
    inside
        .run("set the database's rights", async |client: Client| client.batch_execute(&rights).await)
        .await?;
    users::complete(session, names).await
}

/// Makes a second database with the rights of the user's, owned like it; nobody but the platform enters it.
pub(crate) async fn create_beside(session: &Session, of: &str, name: &str) -> Result<(), EngineError> {
    let names = Names::of(of)?;
    let create = format!(
        "CREATE DATABASE {name} OWNER {} TEMPLATE template0 ENCODING 'UTF8' CONNECTION LIMIT {}",
        names.owner, PLATFORM_CONNECTIONS
    );
    session.run("make a second database", async |client: Client| client.batch_execute(&create).await).await?;
    let inside = Session { database: name.into(), ..session.clone() };
    let rights = format!("{}GRANT CONNECT ON DATABASE {name} TO {STEWARD};", within(name, &names));
    inside.run("set the database's rights", async |client: Client| client.batch_execute(&rights).await).await
}

async fn look(client: &Client) -> Result<Seen, tokio_postgres::Error> {
    let rows = client.query(LOOK, &[]).await?;
    let mut seen = Seen { roles: BTreeMap::new(), databases: BTreeSet::new() };
    for row in rows {
        let name = row.try_get(1)?;
        if row.try_get(0)? {
            seen.roles.insert(name, (row.try_get(2)?, row.try_get(3)?));
        } else {
            seen.databases.insert(name);
        }
    }
    Ok(seen)
}

const LOOK: &str = r#"
    SELECT true, rolname::text, rolcanlogin, rolconnlimit FROM pg_catalog.pg_roles
    UNION ALL
    SELECT false, datname::text, false, 0 FROM pg_catalog.pg_database
"#;

/// Statements of the whole server, one transaction.
fn cluster_wide(names: &Names, existing: &BTreeSet<String>) -> String {
    let Names { user, owner, rw, make, .. } = names;
    let mut sql = String::from("BEGIN;\n");
    let platform = [
        (MONITOR, "LOGIN", Some("pg_monitor")),
        // It must know whom it ends, not only the number of a process.
        (SIGNAL, "LOGIN", Some("pg_signal_backend, pg_read_all_stats")),
        (BACKUP, "LOGIN BYPASSRLS", Some("pg_read_all_data")),
    ];
    for (role, rights, of) in platform {
        if !existing.contains(role) {
            sql +=
                &format!("CREATE ROLE {role} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION {rights};\n");
        }
        sql += &of.map(|of| format!("GRANT {of} TO {role};\n")).unwrap_or_default();
    }
    // From 16 on: figures can be read when users have taken every connection.
    if existing.contains("pg_use_reserved_connections") {
        sql += &format!("GRANT pg_use_reserved_connections TO {MONITOR}, {SIGNAL};\n");
    }
    sql.extend(make.iter().filter(|(role, _)| !existing.contains(role)).map(|(_, make)| make.as_str()));
    sql += &format!(
        r#"GRANT {owner}, {rw} TO {user};
GRANT {rw} TO {owner};
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE postgres TO {MONITOR}, {SIGNAL};
COMMIT;
"#
    );
    sql
}

/// Statements within a database of the user's (its quoted name), one transaction.
fn within(database: &str, names: &Names) -> String {
    let Names { user, owner, rw, ro, .. } = names;
    let mut sql = format!(
        r#"BEGIN;
ALTER DATABASE {database} OWNER TO {owner};
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {rw};
GRANT CONNECT ON DATABASE {database} TO {ro}, {BACKUP}, {MONITOR};
ALTER SCHEMA public OWNER TO {owner};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO {rw};
GRANT USAGE ON SCHEMA public TO {ro};
"#
    );
    // Whoever may only read shall not write large objects either.
    for function in
        ["lo_create(oid)", "lo_creat(integer)", "lo_from_bytea(oid, bytea)", "lo_put(oid, bigint, bytea)"]
    {
        sql += &format!("REVOKE EXECUTE ON FUNCTION pg_catalog.{function} FROM PUBLIC;\n");
        sql += &format!("GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {rw};\n");
    }
    sql += &RESERVED.replace("{rw}", rw);
    for creator in [owner, user] {
        sql += &defaults(creator, names);
    }
    sql + "COMMIT;\n"
}

/// More that is not for those who only read. Nothing goes into the write-ahead log: before 17 that function had another
/// signature, and `pg_upgrade` would stumble over its rights. And no locks that need no object: in a full table of locks
/// nobody can connect any more, not even the platform.
const RESERVED: &str = r#"DO $$ DECLARE f regprocedure; BEGIN
FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
    AND (proname ~ '^pg_(try_)?advisory_(xact_)?lock' OR proname = 'pg_logical_emit_message'
         AND current_setting('server_version_num')::int4 >= 170000) LOOP
    EXECUTE 'REVOKE EXECUTE ON FUNCTION ' || f || ' FROM PUBLIC';
    EXECUTE 'GRANT EXECUTE ON FUNCTION ' || f || $q$ TO {rw}$q$;
END LOOP; END $$;
"#;

/// A verifier as a literal.
pub(crate) fn quote_verifier(verifier: &str) -> Result<String, EngineError> {
    if !is_verifier(verifier) {
        // PostgreSQL would hash anything else as a password in clear text, and keep it in memory and logs meanwhile.
        return Err(fatal("the password's verifier is not a SCRAM verifier", anyhow::anyhow!("refused")));
    }
    quote_literal(verifier).map_err(|error| fatal("the verifier cannot be used", error))
}

/// How many sessions a database may have: those of all its users together, and the platform's own in it.
///
/// From 16 on the server keeps the platform's places itself (`reserved_connections`), and this must only leave room for as
/// many in this very database. Before, nothing else stops several users together, and the database's owner can lift it.
pub(crate) fn together(spec: &NodeSpec) -> u32 {
    let places = if spec.version.major >= 16 { 2 * PLATFORM_CONNECTIONS } else { PLATFORM_CONNECTIONS };
    spec.plan.connections() + places
}

/// Statements that give everybody their rights on what `creator` will make. Defaults hold for the creating role only, so
/// each creating role gets them; without a schema, so that they hold in later schemas too.
pub(crate) fn defaults(creator: &str, Names { rw, ro, .. }: &Names) -> String {
    [
        format!("GRANT USAGE, CREATE ON SCHEMAS TO {rw}"),
        format!("GRANT USAGE ON SCHEMAS TO {ro}"),
        // Neither TRIGGER (it would run with the rights of whoever writes next) nor MAINTAIN.
        format!("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON TABLES TO {rw}"),
        format!("GRANT SELECT ON TABLES TO {ro}"),
        format!("GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO {rw}"),
        format!("GRANT SELECT ON SEQUENCES TO {ro}"),
        "REVOKE EXECUTE ON ROUTINES FROM PUBLIC".into(),
        format!("GRANT EXECUTE ON ROUTINES TO {rw}"),
    ]
    .map(|default| format!("ALTER DEFAULT PRIVILEGES FOR ROLE {creator} {default};\n"))
    .concat()
}

/// `SCRAM-SHA-256$4096:<salt>$<stored key>:<server key>`
fn is_verifier(text: &str) -> bool {
    let base64 = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    let parts = || {
        let (iterations, rest) = text.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
        let (salt, keys) = rest.split_once('$')?;
        let (stored, server) = keys.split_once(':')?;
        let counted = iterations.parse::<u32>().is_ok_and(|n| n >= 4096);
        Some(counted && [salt, stored, server].into_iter().all(base64))
    };
    parts().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verifier_passes() {
        assert!(is_verifier("SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy"));
        for bad in [
            "",
            "secret",
            "md5900150983cd24fb0d6963f7d28e17f72",
            "SCRAM-SHA-256$1:c2FsdA==$c3RvcmVk:c2VydmVy",
            "SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk",
            "SCRAM-SHA-256$4096:c2F'sdA==$c3RvcmVk:c2VydmVy",
        ] {
            assert!(!is_verifier(bad), "{bad}");
        }
    }

    #[test]
    fn names_of_the_platform_are_refused() {
        assert!(Names::of("paddock_monitor").is_err());
        assert!(Names::of("template1").is_err());
        assert!(Names::of(WAITING).is_err());
        assert!(Names::of("paddock_waiting_rw").is_err());
        assert!(Names::of("").is_err());
        assert_eq!(Names::of("shop_4553").unwrap().owner, "\"shop_4553_owner\"");
    }

    #[test]
    fn roles_that_exist_are_not_made_again() {
        let names = Names::of("shop_1").unwrap();
        let none = cluster_wide(&names, &BTreeSet::new());
        assert_eq!(none.matches("CREATE ROLE").count(), 7);
        let some = ["shop_1", "shop_1_owner", MONITOR].map(str::to_owned);
        assert_eq!(cluster_wide(&names, &BTreeSet::from(some)).matches("CREATE ROLE").count(), 4);
    }
}
