//! Closing the gaps: the owner gets what its users made under their own names, everybody the rights that are promised, and
//! those who only read lose what lets them change something.

use super::{
    House, execute,
    rights::MOST,
    writers::{readers, writers},
};
use crate::roles::defaults;
use control::engine::EngineError;
use std::fmt::Write as _;
use tokio_postgres::{Client, Row};

/// Gives and takes.
pub(crate) async fn mend(house: &House<'_>) -> Result<(), EngineError> {
    let steward = &house.steward;
    let users = writers(steward, &house.spec.name).await?;
    let to = To { house, readers: readers(steward, &house.spec.name).await?.join(", ") };
    let mut sql = "BEGIN;\n".to_owned();
    let owner = &house.names.owner;
    for user in &users {
        // Writing to a String cannot fail.
        let _ = writeln!(sql, "REASSIGN OWNED BY {user} TO {owner};");
    }
    for creator in users.iter().chain([owner]) {
        sql += &defaults(creator, &house.names);
        sql += &to.no_more_by_default(creator);
    }
    let (database, rw, ro) = (&house.names.user, &house.names.rw, &house.names.ro);
    let _ = writeln!(
        sql,
        "GRANT CONNECT, TEMPORARY, CREATE ON DATABASE {database} TO {rw};\nGRANT CONNECT ON DATABASE {database} TO {ro};\n\
         REVOKE TEMPORARY, CREATE ON DATABASE {database} FROM {} CASCADE;",
        to.readers
    );
    sql += "COMMIT;";
    execute(steward, "give the owner what its users made", &sql).await?;

    let rights = steward
        .run("read what there is", async |client: Client| {
            let rows = client.query(OURS, &[&MOST]).await?;
            let read = |row: &Row| Ok((row.try_get(0)?, row.try_get(1)?));
            rows.iter().map(read).collect::<Result<Vec<(String, String)>, _>>()
        })
        .await?;
    let all: String = rights.iter().map(|(kind, name)| to.rights(kind, name)).collect();
    execute(steward, "give the rights", &format!("BEGIN;\n{all}COMMIT;")).await
}

/// Whom rights are given to and taken from.
struct To<'a> {
    house: &'a House<'a>,
    /// Everybody who reaches what those who only read reach: a list for `REVOKE`.
    readers: String,
}

impl To<'_> {
    /// What writes to a table.
    fn writing(&self) -> &'static str {
        match self.house.spec.version.major {
            ..17 => "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER",
            _ => "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN",
        }
    }

    fn no_more_by_default(&self, creator: &str) -> String {
        let (readers, writing) = (&self.readers, self.writing());
        let taken = [
            "CREATE ON SCHEMAS".to_owned(),
            format!("{writing} ON TABLES"),
            "USAGE, UPDATE ON SEQUENCES".to_owned(),
            "EXECUTE ON ROUTINES".to_owned(),
        ];
        taken
            .map(|taken| {
                format!("ALTER DEFAULT PRIVILEGES FOR ROLE {creator} REVOKE {taken} FROM {readers};\n")
            })
            .concat()
    }

    /// The promised rights on one object, whose name is as PostgreSQL wrote it. What is taken away goes from those to whom it was
    /// passed on as well (`CASCADE`); else PostgreSQL would refuse to take it.
    fn rights(&self, kind: &str, name: &str) -> String {
        let (rw, ro, readers) = (&self.house.names.rw, &self.house.names.ro, &self.readers);
        let writing = self.writing();
        match kind {
            "SCHEMA" => format!(
                "REVOKE CREATE ON SCHEMA {name} FROM {readers} CASCADE;\nGRANT USAGE, CREATE ON SCHEMA {name} TO {rw};\n\
                 GRANT USAGE ON SCHEMA {name} TO {ro};\n"
            ),
            "ROUTINE" => format!("GRANT EXECUTE ON ROUTINE {name} TO {rw};\n"),
            "DEFINER" => format!(
                "REVOKE EXECUTE ON ROUTINE {name} FROM {readers} CASCADE;\nGRANT EXECUTE ON ROUTINE {name} TO {rw};\n"
            ),
            "TYPE" => format!("GRANT USAGE ON TYPE {name} TO {rw};\n"),
            "LARGE OBJECT" => format!("REVOKE UPDATE ON LARGE OBJECT {name} FROM {readers} CASCADE;\n"),
            "SEQUENCE" => format!(
                "REVOKE USAGE, UPDATE ON SEQUENCE {name} FROM {readers} CASCADE;\n\
                 GRANT USAGE, SELECT, UPDATE ON SEQUENCE {name} TO {rw};\nGRANT SELECT ON SEQUENCE {name} TO {ro};\n"
            ),
            // With a right on the table go those on its columns.
            _ => format!(
                "REVOKE {writing} ON TABLE {name} FROM {readers} CASCADE;\n\
                 GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES ON TABLE {name} TO {rw};\n\
                 GRANT SELECT ON TABLE {name} TO {ro};\n"
            ),
        }
    }
}

/// What the steward may give rights on: kind (as in GRANT, but for functions that run with their owner's rights), and name,
/// quoted and with its schema. The types of a function's arguments are too: no schema of users is in the path.
const OURS: &str = r#"
    WITH place AS (
        SELECT oid, nspname, nspowner FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
    )
    SELECT 'SCHEMA', format('%I', nspname) FROM place WHERE pg_has_role(nspowner, 'USAGE')
    UNION ALL
    (SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%I.%I', place.nspname, c.relname)
     FROM pg_class c JOIN place ON place.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND pg_has_role(c.relowner, 'USAGE') LIMIT $1)
    UNION ALL
    (SELECT CASE WHEN p.prosecdef THEN 'DEFINER' ELSE 'ROUTINE' END, p.oid::regprocedure::text
     FROM pg_proc p JOIN place ON place.oid = p.pronamespace WHERE pg_has_role(p.proowner, 'USAGE') LIMIT $1)
    UNION ALL
    (SELECT 'TYPE', format('%I.%I', place.nspname, t.typname)
     FROM pg_type t JOIN place ON place.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c') AND pg_has_role(t.typowner, 'USAGE') LIMIT $1)
    UNION ALL
    (SELECT 'LARGE OBJECT', oid::text FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE') LIMIT $1)
"#;
