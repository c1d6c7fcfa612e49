//! Archives that nobody's `pg_dump` wrote, with a table of contents as long as one likes. The format is that of PostgreSQL's `pg_backup_archiver.c` and `pg_backup_custom.c`, version 1.16.

use crate::{
    host::Host,
    kit::{Pieces, dump},
};
use control::engine::{
    Engine as _,
    dumps::{DumpError, Dumps as _, Second},
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const ENTRIES: i32 = 1_000_000;

/// Numbers have a sign and four bytes.
fn int(n: i32) -> Vec<u8> {
    [&[u8::from(n < 0)][..], &n.unsigned_abs().to_le_bytes()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [int(i32::try_from(text.len()).unwrap()), text.into()].concat()
}

/// What is before the table of contents of a real archive: the magic word, six bytes of the format, the compression, the
/// date in seven numbers, and the names of the database and of two versions.
fn head(archive: &[u8]) -> &[u8] {
    assert_eq!((&archive[..7], archive[8], archive[9]), (&b"PGDMP\x01\x10"[..], 4, 8), "format 1.16");
    let mut at = 5 + 6 + 1 + 7 * 5;
    for _ in 0..3 {
        let length = u32::from_le_bytes(archive[at + 1..at + 5].try_into().unwrap());
        at += 5 + length as usize;
    }
    &archive[..at]
}

/// An entry of the table of contents with a statement that is run and no data.
fn entry(id: i32, statement: &str) -> Vec<u8> {
    let names = ["0", "0", "an entry", "COMMENT"].map(text).concat();
    // Section: before the data.
    let ours =
        [int(2), text(statement), text(""), text(""), text("public"), int(-1), int(-1), int(0)].concat();
    let end = [text("nobody"), text("false"), int(-1), vec![2], vec![0; 8]].concat();
    [int(id), int(0), names, ours, end].concat()
}

/// An archive with these statements, over and over.
fn archive(head: &[u8], entries: i32, statement: &str) -> Vec<u8> {
    let mut all = [head, &int(entries)].concat();
    for id in 1..=entries {
        all.extend(entry(id, statement));
    }
    all
}

/// What an archive could say to become more than its owner, and the words that refuse it.
const GREEDY: [(&str, &str); 8] = [
    ("ALTER ROLE d_8_owner SUPERUSER", "permission denied to alter role"),
    // It is a member of the owner and of nobody else.
    ("SET ROLE paddock", "permission denied to set role"),
    ("SET SESSION AUTHORIZATION paddock", "permission denied to set session authorization"),
    // Whom the restore logs in as has no more rights than whom it acts as.
    ("RESET ROLE; CREATE ROLE pwned SUPERUSER", "permission denied to create role"),
    ("CREATE ROLE pwned SUPERUSER", "permission denied to create role"),
    ("COPY (SELECT 1) TO PROGRAM 'touch /tmp/paddock-pwned'", "permission denied to COPY"),
    // It does not call itself a subscription, so that nothing is left out for being one.
    (
        "CREATE SUBSCRIPTION x CONNECTION 'host=127.0.0.1' PUBLICATION y WITH (connect = false)",
        "permission denied to create subscription",
    ),
    // No psql reads it, only the server.
    ("\\! touch /tmp/paddock-pwned", "syntax error"),
];

/// A31: what such an archive says is run with the rights of the database's owner, which are too few.
#[tokio::test(flavor = "multi_thread")]
async fn a_crafted_statement_gains_nothing() {
    let host = Host::new().await;
    let spec = host.spec("d_8").await;
    host.up(&spec).await;
    let _ = fs::remove_file("/tmp/paddock-pwned");
    host.ask(&spec, "CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n").await.unwrap();
    let (_, whole) = dump(&host, &spec).await;
    let client = host.inside(&spec, "postgres").await;
    let same = "SELECT pg_postmaster_start_time()::text || string_agg(concat_ws(' ', rolname, rolsuper,
                    rolcreaterole, rolcreatedb, rolreplication, rolbypassrls), ', ' ORDER BY rolname)
                FROM pg_roles";
    let before: String = client.query_one(same, &[]).await.unwrap().get(0);

    for (statement, wanted) in GREEDY {
        let crafted = archive(head(&whole), 1, statement);
        let refused = host.engine.load_beside(&spec, 0, &mut Pieces(crafted, 0)).await.unwrap_err();
        // It was understood and run: what refuses is the server.
        assert!(refused.to_string().contains(wanted), "{statement}: {refused}");
        let after: String = client.query_one(same, &[]).await.unwrap().get(0);
        assert_eq!(after, before, "{statement}");
        host.engine.drop_second(&spec, Second::Incoming).await.unwrap();
        assert_eq!(host.engine.seconds(&spec).await.unwrap(), [] as [Second; 0], "{statement}");
    }
    assert!(!Path::new("/tmp/paddock-pwned").exists());
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["100"]);
    drop(client);
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}

/// A32: ten, to know that such an archive is understood; and a million, for which the smallest plan has not the memory. The
/// server notices nothing, and no trial takes it for a fault of the dump.
#[tokio::test(flavor = "multi_thread")]
async fn a_million_entries_are_read_within_bounds() {
    let host = Host::new().await;
    let spec = host.spec("d_7").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n").await.unwrap();
    let (_, whole) = dump(&host, &spec).await;
    let client = host.connect(&spec, "d_7").await.unwrap();

    let few = archive(head(&whole), 10, "CREATE SEQUENCE IF NOT EXISTS s;");
    let loaded = host.engine.load_beside(&spec, 0, &mut Pieces(few, 0)).await.unwrap();
    let found = loaded.objects.keys().any(|object| object.contains("public.s"));
    assert!(found && !loaded.rows.contains_key("public.t"), "ten were understood: {loaded:?}");

    let many = archive(head(&whole), ENTRIES, "SELECT nothing_of_the_kind;");
    let began = Instant::now();
    let refused = host.engine.load_beside(&spec, 0, &mut Pieces(many.clone(), 0)).await.unwrap_err();
    assert!(refused.to_string().contains("out of memory"), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(300), "{:?}", began.elapsed());
    host.engine.drop_second(&spec, Second::Incoming).await.unwrap();
    let tried = host.engine.try_dump(&spec, 0, &mut Pieces(many, 0)).await.unwrap_err();
    assert!(!matches!(tried, DumpError::Refused(_)), "{tried:?}");
    client.simple_query("SELECT 1").await.expect("a session that was there does not notice");
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}
