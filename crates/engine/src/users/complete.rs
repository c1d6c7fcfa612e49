//! What the platform needs to administer a server beside what its creation needs: three weak roles and one question that
//! they may ask. Done in idle time for clusters that wait in the pool, and for others when somebody first asks.
//!
//! Everything happens in the database `postgres`, where no user can leave anything behind. Repeating it is fine.

use crate::{
    roles::Names,
    sql::{BACKUP, LOADER, MONITOR, ROLES, SIGNAL, STEWARD, Session},
};
use control::engine::EngineError;
use tokio_postgres::Client;

/// Makes what is missing; the session is the superuser's, in `postgres`.
pub(crate) async fn complete(session: &Session, names: &Names) -> Result<(), EngineError> {
    session
        .run("prepare the administration", async |client: Client| {
            let rows = client.query("SELECT rolname::text FROM pg_catalog.pg_roles", &[]).await?;
            let there = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
            client.batch_execute(&statements(names, &there)).await
        })
        .await
}

fn statements(Names { user, owner, rw, ro, .. }: &Names, there: &[String]) -> String {
    let has = |role: &str| there.iter().any(|name| name == role);
    // Since 16 a role that makes roles rules those that it made and was given, and a membership says what it is for.
    let since_16 = has("pg_use_reserved_connections");
    let mut sql = "BEGIN;\n".to_owned();
    if !has(ROLES) {
        sql += &format!(
            "CREATE ROLE {ROLES} LOGIN NOINHERIT NOSUPERUSER NOCREATEDB CREATEROLE NOREPLICATION NOBYPASSRLS;\n"
        );
    }
    for role in [STEWARD, LOADER].into_iter().filter(|role| !has(role)) {
        sql += &format!(
            "CREATE ROLE {role} LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;\n"
        );
    }
    let to_give = if since_16 { "ADMIN TRUE, INHERIT FALSE, SET FALSE" } else { "ADMIN OPTION" };
    sql += &format!(
        r#"GRANT {owner}, {rw}, {ro}, {user} TO {ROLES} WITH {to_give};
GRANT {owner}, {user} TO {STEWARD};
GRANT {owner} TO {LOADER};
GRANT CONNECT ON DATABASE postgres TO {ROLES};
GRANT CONNECT ON DATABASE {user} TO {STEWARD};
GRANT pg_read_all_stats TO {SIGNAL};
"#
    );
    if since_16 {
        sql += &format!(
            "GRANT pg_use_reserved_connections TO {ROLES}, {STEWARD}, {LOADER}, {BACKUP} WITH INHERIT TRUE;\n"
        );
    }
    // Its owner may limit the transactions of a database; what the platform does there may take its time. Since 17.
    if has("pg_maintain") {
        for role in [MONITOR, STEWARD, LOADER, BACKUP] {
            sql += &format!("ALTER ROLE {role} SET transaction_timeout = 0;\n");
        }
    }
    // How a password is stored stands beside the password's verifier; only the first is told.
    sql += &format!(
        r#"CREATE SCHEMA IF NOT EXISTS paddock;
REVOKE ALL ON SCHEMA paddock FROM PUBLIC;
GRANT USAGE ON SCHEMA paddock TO {MONITOR};
CREATE OR REPLACE FUNCTION paddock.password_encryption(OUT name text, OUT kind text)
    RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT rolname::text, CASE WHEN rolpassword IS NULL THEN 'none'
                                     WHEN rolpassword LIKE 'SCRAM-SHA-256$%' THEN 'scram-sha-256'
                                     ELSE 'md5' END
          FROM pg_catalog.pg_authid $$;
REVOKE ALL ON FUNCTION paddock.password_encryption() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION paddock.password_encryption() TO {MONITOR};
COMMIT;
"#
    );
    sql
}
