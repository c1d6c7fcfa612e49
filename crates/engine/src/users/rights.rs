//! What a user may do with each object, as PostgreSQL answers it, and closing the gaps.
//!
//! Gaps come from objects that somebody made under a name of its own (`SET ROLE NONE`), from before a user was there, and
//! from rights that somebody took away. Members of extensions are left out: theirs are the extension's business.

use super::{House, execute};
use crate::{error::fatal, roles::defaults, sql::quote_ident};
use control::engine::EngineError;
use std::fmt::Write as _;
use tokio_postgres::{Client, Row};
use types::rights::{ObjectKind, ObjectRights};

/// More objects than this are not judged.
const MOST: i64 = 20_000;

/// Everything in the database with what `name` may do with it.
pub(crate) async fn read(house: &House<'_>, name: &str) -> Result<Vec<ObjectRights>, EngineError> {
    let rows = house.inside.run("read the rights", async |client: Client| {
        client.query(OBJECTS, &[&name, &MOST]).await?.iter().map(object).collect::<Result<_, _>>()
    });
    rows.await
}

fn object(row: &Row) -> Result<ObjectRights, tokio_postgres::Error> {
    let kind = match row.try_get::<_, &str>(0)? {
        "database" => ObjectKind::Database,
        "schema" => ObjectKind::Schema,
        "view" => ObjectKind::View,
        "sequence" => ObjectKind::Sequence,
        "function" => ObjectKind::Function,
        _ => ObjectKind::Table,
    };
    let (schema, name, owner) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    Ok(ObjectRights { kind, schema, name, owner, allowed: row.try_get(4)? })
}

/// Kind, schema, name, owner and the allowed verbs (manual 9.26, "Access Privilege Inquiry Functions").
const OBJECTS: &str = r#"
    WITH who AS (SELECT oid FROM pg_roles WHERE rolname = $1),
    place AS (
        SELECT oid, nspname FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
    ), own AS (
        SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
    )
    SELECT 'database', '', datname::text, pg_get_userbyid(datdba)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['CREATE', 'CONNECT', 'TEMPORARY']) v
                 WHERE has_database_privilege(who.oid, d.oid, v))
    FROM pg_database d, who WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', '', n.nspname::text, pg_get_userbyid(n.nspowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['CREATE', 'USAGE']) v WHERE has_schema_privilege(who.oid, n.oid, v))
    FROM pg_namespace n JOIN place USING (oid), who
    WHERE ('pg_namespace'::regclass, n.oid) NOT IN (SELECT * FROM own)
    UNION ALL
    (SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END, place.nspname::text, c.relname::text,
           pg_get_userbyid(c.relowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                                            'TRIGGER']) v WHERE has_table_privilege(who.oid, c.oid, v))
    FROM pg_class c JOIN place ON place.oid = c.relnamespace, who
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    (SELECT 'sequence', place.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) v
                 WHERE has_sequence_privilege(who.oid, c.oid, v))
    FROM pg_class c JOIN place ON place.oid = c.relnamespace, who
    WHERE c.relkind = 'S' AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    (SELECT 'function', place.nspname::text,
           p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_userbyid(p.proowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['EXECUTE']) v WHERE has_function_privilege(who.oid, p.oid, v))
    FROM pg_proc p JOIN place ON place.oid = p.pronamespace, who
    WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
"#;

/// Gives everybody the rights that they should have, and the owner what its users made under their own names.
pub(crate) async fn mend(house: &House<'_>) -> Result<(), EngineError> {
    let steward = &house.steward;
    let users: Vec<String> = steward
        .run("read the users", async |client: Client| {
            client.query(WRITERS, &[&house.spec.name]).await?.iter().map(|row| row.try_get(0)).collect()
        })
        .await?;
    let mut sql = "BEGIN;\n".to_owned();
    let owner = &house.names.owner;
    for user in &users {
        let user = quote(user)?;
        let _ = writeln!(sql, "REASSIGN OWNED BY {user} TO {owner};");
        sql += &defaults(&user, &house.names);
    }
    sql += &defaults(owner, &house.names);
    let (database, rw, ro) = (&house.names.user, &house.names.rw, &house.names.ro);
    let _ = writeln!(
        sql,
        "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {rw};\nGRANT CONNECT ON DATABASE {database} TO {ro};"
    );
    sql += "COMMIT;";
    execute(steward, "give the owner what its users made", &sql).await?;

    let rights = steward
        .run("read what there is", async |client: Client| {
            let rows = client.query(OURS, &[&MOST]).await?;
            let read = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
            rows.iter().map(read).collect::<Result<Vec<(String, String, Option<String>)>, _>>()
        })
        .await?;
    let mut sql = "BEGIN;\n".to_owned();
    for (kind, schema, name) in &rights {
        let name = match (kind.as_str(), name) {
            ("ROUTINE", name) => name.clone(),
            (_, name) => name.as_deref().map(quote).transpose()?,
        };
        sql += &grants(house, kind, &quote(schema)?, name.as_deref());
    }
    sql += "COMMIT;";
    execute(steward, "give the rights", &sql).await
}

/// The promised rights on one object.
fn grants(house: &House<'_>, kind: &str, schema: &str, name: Option<&str>) -> String {
    let (rw, ro) = (&house.names.rw, &house.names.ro);
    let Some(name) = name else {
        return format!(
            "GRANT USAGE, CREATE ON SCHEMA {schema} TO {rw};\nGRANT USAGE ON SCHEMA {schema} TO {ro};\n"
        );
    };
    if kind == "ROUTINE" {
        // The name comes with the types of its arguments, as PostgreSQL wrote it.
        return format!("GRANT EXECUTE ON ROUTINE {name} TO {rw};\n");
    }
    let verbs = match kind {
        "SEQUENCE" => "USAGE, SELECT, UPDATE",
        _ => "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES",
    };
    format!(
        "GRANT {verbs} ON {kind} {schema}.{name} TO {rw};\nGRANT SELECT ON {kind} {schema}.{name} TO {ro};\n"
    )
}

pub(super) fn quote(name: &str) -> Result<String, EngineError> {
    quote_ident(name).map_err(|error| fatal("a name in the database cannot be written", error))
}

/// Those who read and write, of whom the steward is a member: the database's own logins, too.
const WRITERS: &str = r#"
    SELECT r.rolname::text FROM pg_roles r
    WHERE pg_has_role(r.oid, ($1::text || '_rw')::name, 'MEMBER') AND NOT r.rolsuper
      AND r.rolname NOT IN (($1::text || '_rw')::name, ($1::text || '_owner')::name)
      AND r.rolname NOT LIKE 'paddock\_%' AND pg_has_role(r.oid, 'USAGE')
"#;

/// What the steward may give rights on: kind as in GRANT, schema, name (none: the schema itself).
const OURS: &str = r#"
    WITH place AS (
        SELECT oid, nspname, nspowner FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
    )
    SELECT 'SCHEMA', nspname::text, NULL FROM place WHERE pg_has_role(nspowner, 'USAGE')
    UNION ALL
    (SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, place.nspname::text, c.relname::text
     FROM pg_class c JOIN place ON place.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND pg_has_role(c.relowner, 'USAGE') LIMIT $1)
    UNION ALL
    -- `regprocedure` writes name and types quoted where that is needed, and with their schemas: none is in the path.
    (SELECT 'ROUTINE', place.nspname::text, p.oid::regprocedure::text
     FROM pg_proc p JOIN place ON place.oid = p.pronamespace WHERE pg_has_role(p.proowner, 'USAGE') LIMIT $1)
"#;
