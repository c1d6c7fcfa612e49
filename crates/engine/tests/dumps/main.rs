//! Dumps of a real server: made at a snapshot, restored in a throw-away server, put in the place of what was there; on
//! every installed major. And what goes wrong on the way.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod alone;
mod aside;
mod crafted;
#[cfg(test)]
#[path = "../host/mod.rs"]
mod host;
mod hostile;
mod kit;
mod tools;

use async_trait::async_trait;
use control::engine::{
    Engine as _, EngineError,
    dumps::{DumpError, Dumps as _, Second, Sink},
};
use host::Host;
use kit::{Pieces, dump, nothing_stays};
use std::time::{Duration, Instant};

/// Stops after the first bytes, and before them when there are none.
struct Stopper {
    /// Whether it says so when asked, and not only at the first piece: a busy machine's `pg_dump` may be quiet for longer
    /// than it takes until somebody is asked.
    when_asked: bool,
    pieces: u32,
    asked: u32,
}

impl Stopper {
    fn new(when_asked: bool) -> Self {
        Self { when_asked, pieces: 0, asked: 0 }
    }
}

#[async_trait]
impl Sink for Stopper {
    async fn write(&mut self, _: &[u8]) -> Result<(), DumpError> {
        self.pieces += 1;
        Err(DumpError::Stopped)
    }

    async fn stopped(&mut self) -> bool {
        self.asked += 1;
        self.when_asked
    }
}

const FIXTURE: &str = r#"
    CREATE EXTENSION hstore;
    CREATE SCHEMA "Odd; name";
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
    CREATE TABLE a (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, h hstore, n positive, t text);
    INSERT INTO a (m, h, n, t) SELECT 'ok', 'a=>1', i, repeat('x', 500) FROM generate_series(1, 4000) i;
    CREATE TABLE "Odd; name"."t""x" (a integer CHECK (a IN (1, 2)), v varchar(9) CHECK (v IN ('p', 'q')));
    INSERT INTO "Odd; name"."t""x" VALUES (1, 'p'), (2, 'q');
    CREATE TABLE part (at date NOT NULL, n integer) PARTITION BY RANGE (at);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO part SELECT '2026-02-01', i FROM generate_series(1, 50) i;
    CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
    CREATE INDEX a_f ON a (f(n));
    CREATE VIEW v AS SELECT id, m FROM a WHERE n > 3;
    CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM a;
    CREATE TABLE secret (owner text, x integer);
    INSERT INTO secret VALUES ('nobody', 1), ('x', 2);
    ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
    ALTER TABLE secret FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON secret USING (owner = current_user);
    SELECT lo_from_bytea(0, 'abc');
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_restores_without_a_difference() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = host::spec("d_1", version);
        host.up(&spec).await;
        host.ask(&spec, FIXTURE).await.unwrap();
        let (dumped, bytes) = dump(&host, &spec).await;
        let rows = &dumped.contents.rows;
        assert_eq!(
            (rows["public.a"], rows["public.part_1"], rows["Odd; name.t\"x"]),
            (4000, 50, 2),
            "{version}"
        );
        assert_eq!(rows["public.secret"], 2, "{version}: row security hides nothing from a backup");
        assert_eq!(dumped.contents.large_objects, 1);
        assert!(dumped.contents.extensions.contains_key("hstore"));

        let trial = host.engine.try_dump(&spec, 0, &mut Pieces(bytes.clone(), 0)).await.unwrap();
        assert_eq!(dumped.contents.differences(&trial.contents), [] as [&str; 0], "{version}");
        assert_eq!(trial.complaints.as_deref(), Some(&[] as &[String]), "{version}");
        assert_eq!(
            std::fs::read_dir(host.layout().trials()).unwrap().count(),
            0,
            "nothing of the trial stays"
        );

        // What is lost or changed on the way is found.
        let mut less = dumped.contents.clone();
        less.rows.insert("public.a".into(), 3999);
        assert_eq!(less.differences(&trial.contents), ["table public.a has 4000 rows, and had 3999"]);
        host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    }
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_takes_the_place_and_can_be_taken_back() {
    let host = Host::new().await;
    let spec = host.spec("d_2").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t (n integer); INSERT INTO t VALUES (1)").await.unwrap();
    let (dumped, bytes) = dump(&host, &spec).await;
    host.ask(&spec, "INSERT INTO t VALUES (2)").await.unwrap();

    let open = host.connect(&spec, "d_2").await.unwrap();
    let loaded = host.engine.load_beside(&spec, 0, &mut Pieces(bytes.clone(), 0)).await.unwrap();
    assert_eq!(dumped.contents.differences(&loaded), [] as [&str; 0]);
    // Reachable as before until the switch, and the second one by nobody.
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["2"]);
    assert!(host.connect(&spec, "paddock_incoming").await.is_err());
    assert_eq!(host.engine.seconds(&spec).await.unwrap(), [Second::Incoming]);

    host.engine.swap(&spec, Second::Incoming).await.unwrap();
    assert!(open.simple_query("SELECT 1").await.is_err(), "its sessions were ended");
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["1"]);
    host.ask(&spec, "INSERT INTO t VALUES (7); CREATE TABLE u ()").await.unwrap();
    assert_eq!(
        host.ask(&spec, "SELECT tableowner FROM pg_tables WHERE tablename = 't'").await.unwrap(),
        ["d_2_owner"]
    );
    assert_eq!(host.engine.seconds(&spec).await.unwrap(), [Second::Replaced]);

    host.engine.swap(&spec, Second::Replaced).await.unwrap();
    assert_eq!(host.ask(&spec, "SELECT n FROM t ORDER BY n").await.unwrap(), ["1", "2"]);
    host.engine.drop_second(&spec, Second::Replaced).await.unwrap();
    host.engine.drop_second(&spec, Second::Replaced).await.unwrap();
    assert_eq!(host.engine.seconds(&spec).await.unwrap(), []);
    assert!(host.engine.swap(&spec, Second::Replaced).await.is_err());

    // What does not fit on the host is not begun: the others need what there is.
    let huge = host.engine.load_beside(&spec, u64::MAX / 2, &mut Pieces(bytes.clone(), 0)).await;
    assert!(matches!(huge, Err(DumpError::Engine(EngineError::DiskFull { .. }))), "{huge:?}");
    let huge = host.engine.try_dump(&spec, u64::MAX / 2, &mut Pieces(bytes.clone(), 0)).await;
    assert!(matches!(huge, Err(DumpError::Engine(EngineError::DiskFull { .. }))), "{huge:?}");
    assert_eq!(host.engine.seconds(&spec).await.unwrap(), []);

    // Half a dump is none, wherever it was cut, and leaves the user's database alone.
    for cut in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        let half = host.engine.load_beside(&spec, 0, &mut Pieces(bytes[..cut].to_vec(), 0)).await;
        assert!(matches!(half, Err(DumpError::Engine(EngineError::Postgres { .. }))), "{cut}: {half:?}");
    }
    assert_eq!(host.ask(&spec, "SELECT count(*) FROM t").await.unwrap(), ["2"]);
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_waits_for_nobody_and_stops_when_told() {
    let host = Host::new().await;
    let spec = host.spec("d_3").await;
    host.up(&spec).await;
    host.ask(&spec, "CREATE TABLE t AS SELECT i, repeat('y', 1000) FROM generate_series(1, 20000) i")
        .await
        .unwrap();
    let mut stopper = Stopper::new(false);
    let stopped = host.engine.dump(&spec, &mut stopper).await;
    assert!(matches!(stopped, Err(DumpError::Stopped)), "{stopped:?}");
    assert_eq!(stopper.pieces, 1);
    // One that waits for a lock stops as well.
    let holder = host.connect(&spec, "d_3").await.unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let (mut stopper, began) = (Stopper::new(true), Instant::now());
    let stopped = host.engine.dump(&spec, &mut stopper).await;
    assert!(matches!(stopped, Err(DumpError::Stopped)), "{stopped:?}");
    assert_eq!((stopper.pieces, stopper.asked), (0, 1));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop(holder);
    nothing_stays(&host, &spec).await;
    host.engine.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    host.end().await;
}
