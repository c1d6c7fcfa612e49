//! What a database holds, counted and named, within the transaction of whoever asks.
//!
//! Names come from the catalogue as of the snapshot and are quoted by PostgreSQL itself (`format('%I.%I')`). Nothing here
//! evaluates an expression of a user's: tables are counted, views and foreign tables are not. What belongs to an extension
//! is left out, as in a dump, and what the platform made for its own checks (`paddock_…`).

use super::pace::Pace;
use control::backup::contents::Contents;
use tokio_postgres::{Client, Error};

/// Ordinary tables; partitions are among them, their parents hold nothing. With their pages, where they are a heap
/// (`HEAP_TABLE_AM_OID`).
const TABLES: &str = r#"
    SELECT c.oid, format('%I.%I', n.nspname, c.relname), n.nspname || '.' || c.relname,
           CASE WHEN c.relam = 2 THEN coalesce(pg_relation_size(c.oid) / current_setting('block_size')::bigint, 0) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^(pg|paddock)_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid
"#;

/// Everything with a name, and what makes it up: of expressions nothing, as PostgreSQL writes them otherwise after a restore.
const OBJECTS: &str = r#"
    WITH ours AS (
        SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^(pg|paddock)_' AND nspname <> 'information_schema'
    ), extension AS (
        SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
    ), object AS (
        SELECT 'pg_namespace'::regclass AS class, oid, 'schema ' || nspname AS name, '' AS made_of FROM ours
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid,
               CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
                              WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' ELSE 'table ' END
               || n.nspname || '.' || c.relname,
               c.relkind::text || c.relpersistence::text || c.relrowsecurity::text || coalesce((
                   SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                               a.atthasdef, a.attidentity, a.attgenerated), ', ' ORDER BY a.attnum)
                   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
        FROM pg_class c JOIN ours n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c') AND c.relpersistence <> 't'
        UNION ALL
        SELECT 'pg_class'::regclass, i.indrelid, 'index ' || n.nspname || '.' || c.relname,
               concat_ws(' ', t.relname, m.amname, i.indisunique, i.indisprimary, i.indisvalid, i.indnkeyatts, i.indnatts)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
        JOIN pg_am m ON m.oid = c.relam JOIN ours n ON n.oid = c.relnamespace
        WHERE i.indisvalid
        UNION ALL
        SELECT 'pg_class'::regclass, k.conrelid, 'constraint ' || k.conname || ' of ' || n.nspname || '.' || t.relname,
               concat_ws(' ', k.contype, k.condeferrable, k.condeferred, k.convalidated)
        FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN ours n ON n.oid = t.relnamespace
        WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid,
               'function ' || n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
               concat_ws(' ', p.prokind, p.prosecdef, p.provolatile, l.lanname, p.prosrc)
        FROM pg_proc p JOIN ours n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        UNION ALL
        SELECT 'pg_class'::regclass, g.tgrelid, 'trigger ' || g.tgname || ' of ' || n.nspname || '.' || t.relname,
               concat_ws(' ', g.tgtype, g.tgenabled, f.proname)
        FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid JOIN ours n ON n.oid = t.relnamespace
        JOIN pg_proc f ON f.oid = g.tgfoid
        WHERE NOT g.tgisinternal
        UNION ALL
        SELECT 'pg_type'::regclass, y.oid, 'type ' || n.nspname || '.' || y.typname,
               concat_ws(' ', y.typtype, y.typnotnull, (
                   SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = y.oid))
        FROM pg_type y JOIN ours n ON n.oid = y.typnamespace
        WHERE y.typtype IN ('d', 'e', 'r')
        UNION ALL
        SELECT 'pg_class'::regclass, l.polrelid, 'policy ' || l.polname || ' of ' || n.nspname || '.' || t.relname,
               concat_ws(' ', l.polcmd, l.polpermissive)
        FROM pg_policy l JOIN pg_class t ON t.oid = l.polrelid JOIN ours n ON n.oid = t.relnamespace
    )
    SELECT o.name, encode(sha256(convert_to(string_agg(o.made_of, E'\n' ORDER BY o.made_of), 'UTF8')), 'hex')
    FROM object o
    WHERE NOT EXISTS (SELECT FROM extension x WHERE x.classid = o.class AND x.objid = o.oid)
    GROUP BY o.name
"#;

/// Extensions with versions, large objects, bytes.
const REST: &str = r#"
    WITH extension AS (
        SELECT e.extname::text AS name, e.extversion AS version
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname <> 'plpgsql' AND n.nspname !~ '^paddock_'
    )
    SELECT (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM extension),
           (SELECT coalesce(array_agg(version ORDER BY name), '{}') FROM extension),
           (SELECT count(*) FROM pg_largeobject_metadata), pg_database_size(current_database())
"#;

/// A table that nobody changes while it is held: how it is quoted, its name, and its pages if they can be counted apart.
#[derive(Debug)]
pub(super) struct Held(String, String, Option<i64>);

/// Pages that are counted at a time: some ten milliseconds of work.
const PAGES: usize = 1024;

/// Holds all tables, as `pg_dump` does before it reads.
pub(super) async fn hold(client: &Client) -> Result<Vec<Held>, Error> {
    let mut held = Vec::new();
    for row in client.query(TABLES, &[]).await? {
        let (oid, quoted, name): (u32, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        client.batch_execute(&format!("LOCK TABLE ONLY {quoted} IN ACCESS SHARE MODE")).await?;
        let same: bool =
            client.query_one("SELECT to_regclass($1)::oid = $2", &[&quoted, &oid]).await?.try_get(0)?;
        // Another table has its name meanwhile: the dump has the old one, and so it says itself that it cannot read it.
        if same {
            held.push(Held(quoted, name, row.try_get(3)?));
        }
    }
    Ok(held)
}

/// Counts and names everything, at this pace.
pub(super) async fn read(client: &Client, held: Vec<Held>, pace: &Pace) -> Result<Contents, Error> {
    let mut contents = Contents::default();
    for Held(quoted, name, pages) in held {
        let mut rows = 0;
        for part in parts(pages) {
            pace.step().await;
            let count = client.query_one(&format!("SELECT count(*) FROM ONLY {quoted}{part}"), &[]).await?;
            rows += count.try_get::<_, i64>(0)?.cast_unsigned();
        }
        contents.rows.insert(name, rows);
    }
    for row in client.query(OBJECTS, &[]).await? {
        contents.objects.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let rest = client.query_one(REST, &[]).await?;
    let (names, versions): (Vec<String>, Vec<String>) = (rest.try_get(0)?, rest.try_get(1)?);
    contents.extensions = names.into_iter().zip(versions).collect();
    contents.large_objects = rest.try_get::<_, i64>(2)?.cast_unsigned();
    contents.data_bytes = rest.try_get::<_, i64>(3)?.cast_unsigned();
    Ok(contents)
}

/// Conditions that take a table apart by its pages. The last part has no end: a snapshot sees nothing that was added since
/// the pages were told, and whatever it sees is counted.
fn parts(pages: Option<i64>) -> impl Iterator<Item = String> {
    let mut starts = (0..pages.unwrap_or(0).max(1)).step_by(PAGES).peekable();
    std::iter::from_fn(move || {
        Some(match (starts.next()?, starts.peek()) {
            (0, None) => String::new(),
            (from, None) => format!(" WHERE ctid >= '({from},0)'"),
            (from, Some(to)) => format!(" WHERE ctid >= '({from},0)' AND ctid < '({to},0)'"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_table_are_all_of_it() {
        let all = |pages| parts(pages).collect::<Vec<_>>();
        for small in [None, Some(0), Some(1), Some(1024)] {
            assert_eq!(all(small), [""], "{small:?}");
        }
        let two = [" WHERE ctid >= '(0,0)' AND ctid < '(1024,0)'", " WHERE ctid >= '(1024,0)'"];
        assert_eq!(all(Some(1025)), two);
        assert_eq!(all(Some(2048)), two);
        assert_eq!(all(Some(3000)).len(), 3);
    }
}
