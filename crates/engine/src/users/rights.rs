//! What a user may do with each object, as PostgreSQL answers it, and closing the gaps.
//!
//! Gaps come from objects that somebody made under a name of its own (`SET ROLE NONE`), from before a user was there, and
//! from rights that somebody took away, or gave to those who only read. Members of extensions are left out: theirs are the
//! extension's business. [`super::mend()`] closes the gaps.

use super::House;
use control::engine::EngineError;
use tokio_postgres::{Client, Row};
use types::rights::{ObjectKind, ObjectRights};

/// More objects than this are not judged.
pub(super) const MOST: i64 = 20_000;

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
        "type" => ObjectKind::Type,
        "large object" => ObjectKind::LargeObject,
        _ => ObjectKind::Table,
    };
    let (schema, name, owner) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let (allowed, definer, closed) = (row.try_get(4)?, row.try_get(5)?, row.try_get(6)?);
    Ok(ObjectRights { kind, schema, name, owner, allowed, definer, closed })
}

/// Kind, schema, name, owner, the allowed verbs (manual 9.26, "Access Privilege Inquiry Functions"), whether it runs with
/// its owner's rights, and what it calls that the user may not call.
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
                 WHERE has_database_privilege(who.oid, d.oid, v)), false, '{}'::text[]
    FROM pg_database d, who WHERE datname = current_database()
    UNION ALL
    SELECT 'schema', '', n.nspname::text, pg_get_userbyid(n.nspowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['CREATE', 'USAGE']) v WHERE has_schema_privilege(who.oid, n.oid, v)),
           false, '{}'
    FROM pg_namespace n JOIN place USING (oid), who
    WHERE ('pg_namespace'::regclass, n.oid) NOT IN (SELECT * FROM own)
    UNION ALL
    (SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END, place.nspname::text, c.relname::text,
           pg_get_userbyid(c.relowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                                            'TRIGGER']) v WHERE has_table_privilege(who.oid, c.oid, v))
           -- A right of its own from 17 on; before, it came with owning.
           || CASE WHEN CASE WHEN current_setting('server_version_num')::int4 < 170000
                             THEN pg_has_role(who.oid, c.relowner, 'USAGE')
                             ELSE has_table_privilege(who.oid, c.oid, 'MAINTAIN') END
                   THEN ARRAY['MAINTAIN'] ELSE '{}' END
           || ARRAY(SELECT v || ' (columns)' FROM unnest(ARRAY['INSERT', 'UPDATE', 'REFERENCES']) v
                    WHERE has_any_column_privilege(who.oid, c.oid, v) AND NOT has_table_privilege(who.oid, c.oid, v)),
           false,
           -- What a materialised view calls, it calls when it is refreshed.
           ARRAY(SELECT DISTINCT d.refobjid::regprocedure::text
                 FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                 WHERE r.ev_class = c.oid AND c.relkind = 'v' AND d.refclassid = 'pg_proc'::regclass
                   AND NOT has_function_privilege(who.oid, d.refobjid, 'EXECUTE'))
    FROM pg_class c JOIN place ON place.oid = c.relnamespace, who
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    (SELECT 'sequence', place.nspname::text, c.relname::text, pg_get_userbyid(c.relowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['SELECT', 'USAGE', 'UPDATE']) v
                 WHERE has_sequence_privilege(who.oid, c.oid, v)), false, '{}'
    FROM pg_class c JOIN place ON place.oid = c.relnamespace, who
    WHERE c.relkind = 'S' AND ('pg_class'::regclass, c.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    (SELECT 'function', place.nspname::text,
           p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_userbyid(p.proowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['EXECUTE']) v WHERE has_function_privilege(who.oid, p.oid, v)),
           p.prosecdef, '{}'
    FROM pg_proc p JOIN place ON place.oid = p.pronamespace, who
    WHERE ('pg_proc'::regclass, p.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    (SELECT 'type', place.nspname::text, t.typname::text, pg_get_userbyid(t.typowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['USAGE']) v WHERE has_type_privilege(who.oid, t.oid, v)), false, '{}'
    FROM pg_type t JOIN place ON place.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid, who
    WHERE (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c') AND ('pg_type'::regclass, t.oid) NOT IN (SELECT * FROM own)
    ORDER BY 2, 3 LIMIT $2)
    UNION ALL
    -- `has_largeobject_privilege` is there from 18 on; this is how PostgreSQL judges them.
    (SELECT 'large object', '', l.oid::text, pg_get_userbyid(l.lomowner)::text,
           ARRAY(SELECT v FROM unnest(ARRAY['SELECT', 'UPDATE']) v
                 WHERE pg_has_role(who.oid, l.lomowner, 'USAGE')
                    OR EXISTS (SELECT FROM aclexplode(l.lomacl) a
                               WHERE a.privilege_type = v
                                 AND CASE a.grantee WHEN 0 THEN true ELSE pg_has_role(who.oid, a.grantee, 'USAGE') END)),
           false, '{}'
    FROM pg_largeobject_metadata l, who ORDER BY l.oid LIMIT $2)
"#;
