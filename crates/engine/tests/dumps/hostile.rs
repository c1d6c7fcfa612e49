//! Dumps of those who mean harm: code in them, tables that change their nature under the dump, archives that nobody made.

use crate::{
    host::{self, Host},
    kit::{Kept, Pieces, dump},
};
use control::engine::{
    Administer as _, Engine as _,
    dumps::{Dumps as _, Second},
};
use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn code_in_a_dump_gains_nothing() {
    let host = Host::new().await;
    let spec = host.spec("d_4").await;
    host.up(&spec).await;
    // Run while the index is built, by whoever restores.
    let trap = r#"
        -- Volatile: in any other function PostgreSQL itself refuses what follows, whoever calls it.
        CREATE FUNCTION canary() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN
            BEGIN EXECUTE 'RESET ROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
            BEGIN EXECUTE 'CREATE ROLE pwned SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
            BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch /tmp/paddock-pwned'''; EXCEPTION WHEN OTHERS THEN NULL; END;
            RETURN true;
        END $$;
        CREATE FUNCTION trap(integer) RETURNS integer LANGUAGE sql IMMUTABLE
            AS $$ SELECT CASE WHEN public.canary() THEN $1 END $$;
        CREATE TABLE t (n integer);
        INSERT INTO t VALUES (1);
        CREATE INDEX ON t (trap(n));
    "#;
    let _ = fs::remove_file("/tmp/paddock-pwned");
    host.ask(&spec, trap).await.unwrap();
    let (_, bytes) = dump(&host, &spec).await;
    host.engine.try_dump(&spec, 0, &mut Pieces(bytes.clone(), 0)).await.unwrap();
    host.engine.load_beside(&spec, 0, &mut Pieces(bytes, 0)).await.unwrap();
    let client = host.inside(&spec, "postgres").await;
    let made = client.query("SELECT FROM pg_roles WHERE rolname = 'pwned'", &[]).await.unwrap();
    assert!(made.is_empty());
    assert!(!std::path::Path::new("/tmp/paddock-pwned").exists());
    // It does gain something from whoever has it.
    let superuser = host.inside(&spec, "d_4").await;
    superuser.batch_execute("SELECT public.canary()").await.unwrap();
    let made = client.query("SELECT FROM pg_roles WHERE rolname = 'pwned'", &[]).await.unwrap();
    assert_eq!((made.len(), std::path::Path::new("/tmp/paddock-pwned").exists()), (1, true));
    let _ = fs::remove_file("/tmp/paddock-pwned");
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}

/// A30, CVE-2025-8714 and 8715: names that would be commands, or statements, if anybody wrote them into a script as they are.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_commands_run_nothing() {
    let host = Host::new().await;
    let spec = host.spec("d_7").await;
    host.up(&spec).await;
    let _ = fs::remove_file("/tmp/paddock-pwned-name");
    // At most 63 bytes each.
    let evil = [
        "\n\\! touch /tmp/paddock-pwned-name\n",
        "\n;CREATE ROLE pwned SUPERUSER;--\n",
        "\n\\connect postgres\n\\.",
    ];
    let mut made = String::new();
    for (n, evil) in evil.iter().enumerate() {
        let name = engine::sql::quote_ident(&format!("{n}{evil}")).unwrap();
        let text = engine::sql::quote_literal(evil).unwrap();
        made += &format!(
            "CREATE SCHEMA {name}; CREATE TABLE {name}.{name} ({name} int PRIMARY KEY, t text DEFAULT {text});
             INSERT INTO {name}.{name} VALUES (1); CREATE VIEW {name}.v{n} AS SELECT {name} FROM {name}.{name};
             CREATE INDEX ON {name}.{name} (t); CREATE SEQUENCE {name}.q{n}; CREATE TYPE {name}.e{n} AS ENUM ({text});
             CREATE FUNCTION {name}.{name}({name} int) RETURNS int LANGUAGE sql AS 'SELECT 1';
             COMMENT ON TABLE {name}.{name} IS {text}; SELECT lo_from_bytea(0, 'x');"
        );
    }
    host.ask(&spec, &made).await.unwrap();
    let (dumped, bytes) = dump(&host, &spec).await;
    let named = dumped.contents.rows.keys().filter(|table| table.contains("touch /tmp/paddock-pwned-name"));
    assert_eq!(named.count(), 1, "it is in the dump: {:?}", dumped.contents.rows);
    let trial = host.engine.try_dump(&spec, 0, &mut Pieces(bytes.clone(), 0)).await.unwrap();
    assert_eq!(dumped.contents.differences(&trial.contents), [] as [&str; 0]);
    let loaded = host.engine.load_beside(&spec, 0, &mut Pieces(bytes, 0)).await.unwrap();
    assert_eq!(dumped.contents.differences(&loaded), [] as [&str; 0]);
    host.engine.swap(&spec, Second::Incoming).await.unwrap();
    // They are names for the rest of us, too.
    assert!(host.engine.create_user(&spec, "reader_1", true, &host::verifier()).await.unwrap());
    host.engine.mend_rights(&spec).await.unwrap();
    let rights = host.engine.rights(&spec, "reader_1").await.unwrap();
    for evil in evil {
        assert!(
            rights.iter().any(|one| one.name.contains(evil) && one.missing(true).is_empty()),
            "{rights:?}"
        );
    }
    let reader = host.connect_as(&spec, "reader_1", "d_7").await.unwrap();
    let name = engine::sql::quote_ident(&format!("0{}", evil[0])).unwrap();
    let row = reader.query_one(&format!("SELECT t FROM {name}.{name}"), &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), evil[0]);
    let client = host.inside(&spec, "postgres").await;
    assert!(client.query("SELECT FROM pg_roles WHERE rolname = 'pwned'", &[]).await.unwrap().is_empty());
    assert!(!std::path::Path::new("/tmp/paddock-pwned-name").exists());
    drop((reader, client));
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}

/// A29, CVE-2024-7348: a table that becomes a view just when it is read runs nobody's code as the role that dumps.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_becomes_a_view_is_no_door() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("d_5", version);
        host.up(&spec).await;
        let trap = "CREATE FUNCTION trap() RETURNS integer LANGUAGE plpgsql AS $$
                    BEGIN RAISE LOG 'canary of %', session_user; RETURN 1; END $$;
                    CREATE TABLE a AS SELECT n, repeat('y', 100) AS y FROM generate_series(1, 20000) n;
                    CREATE TABLE z AS SELECT 1 AS n";
        host.ask(&spec, trap).await.unwrap();
        let (over, swaps) = (AtomicBool::new(false), AtomicU32::new(0));
        let swapper = host.connect(&spec, "d_5").await.unwrap();
        // Dumps that are quick and dumps that are slow find pauses in which they come to their end.
        let mut pauses = [50, 200, 1000, 4000].into_iter().cycle();
        let swap = async {
            while !over.load(Ordering::SeqCst) {
                let there = "DROP TABLE z; CREATE VIEW z AS SELECT trap() AS n";
                swapper.batch_execute(&format!("BEGIN; {there}; COMMIT")).await.unwrap();
                swapper
                    .batch_execute("BEGIN; DROP VIEW z; CREATE TABLE z AS SELECT 1 AS n; COMMIT")
                    .await
                    .unwrap();
                swaps.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(pauses.next().unwrap())).await;
            }
        };
        let dumps = async {
            let (mut whole, mut tries) = (0, 0);
            while tries < 4 || tries < 12 && (whole == 0 || swaps.load(Ordering::SeqCst) <= 3) {
                tries += 1;
                match host.engine.dump(&spec, &mut Kept::default()).await {
                    Ok(_) => whole += 1,
                    // One that lost its table, or waited for it too long, says so; that is no harm.
                    Err(error) => {
                        let said = error.to_string();
                        let named = ["public.z", "\"z\"", "relation", "timeout"]
                            .iter()
                            .any(|word| said.contains(word));
                        assert!(named, "{version}: {said}");
                    }
                }
            }
            over.store(true, Ordering::SeqCst);
            whole
        };
        let ((), whole) = tokio::join!(swap, dumps);
        assert!(whole > 0, "{version}: none came to its end between the swaps");
        assert!(swaps.load(Ordering::SeqCst) > 3, "{version}: nothing was swapped");
        host.ask(&spec, "SELECT trap()").await.unwrap();
        // What it says reaches the file by a process of its own, in order.
        let said = async || {
            let logs = fs::read_dir(host.dir(&spec).log()).unwrap().flatten();
            let said: String = logs.map(|log| fs::read_to_string(log.path()).unwrap()).collect();
            said.contains("canary of d_5").then_some(said)
        };
        let said = host::eventually(host::PATIENT, said).await.expect("the canary sings");
        assert!(!said.contains("canary of paddock"), "{version}: it sang for us");
        host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    }
    host.end().await;
}

/// A32: what says that it is a dump and is none, or says of itself what is not true, is refused within bounds; the server
/// does not notice, and nothing of it stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_crafted_archive_is_refused_and_leaves_nothing() {
    let host = Host::new().await;
    let spec = host.spec("d_6").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT n, md5(n::text) AS m FROM generate_series(1, 2000) n")
        .await
        .unwrap();
    let (_, whole) = dump(&host, &spec).await;
    let client = host.inside(&spec, "postgres").await;
    let same = "SELECT pg_postmaster_start_time()::text || (SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles)";
    let before: String = client.query_one(same, &[]).await.unwrap().get(0);

    let spoilt = |at: usize| {
        let mut bytes = whole.clone();
        // Signs, counts and lengths at the beginning are numbers of five bytes: this makes them huge or negative.
        bytes[at..at + 4].fill(0xff);
        (format!("spoilt at {at}"), bytes)
    };
    let mut crafted: Vec<_> = (5..250).step_by(12).map(spoilt).collect();
    crafted.push(("a name only".into(), b"PGDMP".to_vec()));
    crafted.push(("a script".into(), b"\\! touch /tmp/paddock-pwned\nCREATE ROLE pwned SUPERUSER;".to_vec()));
    crafted.push(("half".into(), whole[..whole.len() / 2].to_vec()));
    crafted.push(("nothing".into(), Vec::new()));
    let mut refused = 0;
    for (what, bytes) in crafted {
        let begun = Instant::now();
        let loaded = host.engine.load_beside(&spec, 0, &mut Pieces(bytes, 0)).await;
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}: {:?}", begun.elapsed());
        refused += u32::from(loaded.is_err());
        // What is no number may be spoilt and restored all the same: then all rows are there, or none were asked for.
        assert!(loaded.is_err() || what.starts_with("spoilt"), "{what}: {loaded:?}");
        host.engine.drop_second(&spec, Second::Incoming).await.unwrap();
    }
    assert!(refused > 10, "{refused} were refused");
    assert_eq!(client.query_one(same, &[]).await.unwrap().get::<_, String>(0), before);
    assert_eq!(host.engine.seconds(&spec).await.unwrap(), [] as [Second; 0]);
    assert!(!std::path::Path::new("/tmp/paddock-pwned").exists());
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["2000"]);
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}
