//! A dump lets everybody else go first.

use crate::{host, host::Host};
use async_trait::async_trait;
use control::engine::dumps::{DumpError, Dumps as _, Sink};
use engine::LocalEngine;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Looks at who dumps, once, while that one waits to be read.
struct Looks<'a>(&'a Host, &'a control::engine::NodeSpec, Vec<(i32, bool)>);

#[async_trait]
impl Sink for Looks<'_> {
    async fn write(&mut self, _: &[u8]) -> Result<(), DumpError> {
        if self.2.is_empty() {
            let dumps = |pid: &u32| {
                std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("pg_dump"))
            };
            let all: Vec<_> =
                host::inhabitants(self.0.dir(self.1).path()).into_iter().filter(dumps).collect();
            let aside = |pid| host::group(pid, "cpu").is_some_and(|dir| dir.ends_with("paddock-aside"));
            self.2 = all.iter().map(|pid| (nice_of(*pid), aside(*pid))).collect();
        }
        Ok(())
    }
}

/// The 19th field of `/proc/<pid>/stat`, proc(5).
fn nice_of(pid: u32) -> i32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    text.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_lets_everybody_else_go_first() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    // More than a pipe holds.
    let fill =
        "CREATE TABLE t AS SELECT md5(n::text) || md5((-n)::text) AS x FROM generate_series(1, 100000) n";
    host.ask(&spec, fill).await.unwrap_or_default();
    // All dumps of this host share the group, and whoever has dumped removes it when nobody is in it. Another test may
    // do so after this dump has opened its door and before it enters.
    let mut aside = false;
    for _ in 0..3 {
        let mut looks = Looks(&host, &spec, Vec::new());
        host.engine.dump(&spec, &mut looks).await.unwrap();
        let [(nice, grouped)] = looks.2[..] else { panic!("one dumps: {:?}", looks.2) };
        assert_eq!(nice, 10);
        aside = grouped;
        if aside {
            break;
        }
    }
    // Where Paddock may make no groups, the priority is all.
    assert_eq!(aside, host::may_group());
    host.end().await;
}

/// Hears whether the dump makes way.
#[derive(Default)]
struct Hears(Vec<bool>);

#[async_trait]
impl Sink for Hears {
    async fn write(&mut self, _: &[u8]) -> Result<(), DumpError> {
        Ok(())
    }

    fn makes_way(&mut self, makes_way: bool) {
        self.0.push(makes_way);
    }
}

/// Keeps every processor busy until it is dropped.
struct Spinners(Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

impl Spinners {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spin = || {
            let stop = stop.clone();
            std::thread::spawn(move || while !stop.load(Ordering::Relaxed) {})
        };
        // All that the host has, whatever share of them is ours.
        let stat = std::fs::read_to_string("/proc/stat").unwrap();
        let all = stat.lines().filter(|line| line.starts_with("cpu")).skip(1).map(|_| spin()).collect();
        Self(stop, all)
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.drain(..).for_each(|one| one.join().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_on_a_busy_host_rests_and_loses_nothing() {
    let mut host = Host::new().await;
    // Short, so that the test is; how long it rests is tried without a clock.
    host.config.make_way = Duration::from_secs(6);
    host.engine = LocalEngine::open(host.config.clone()).await.unwrap();
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    // More than is counted at a time, with a hole in it, and more work than nobody would notice.
    let fill =
        "CREATE TABLE t AS SELECT n, md5(n::text) || md5((-n)::text) AS x FROM generate_series(1, 600000) n";
    host.ask(&spec, fill).await.unwrap_or_default();
    host.ask(&spec, "DELETE FROM t WHERE n BETWEEN 100000 AND 299999").await.unwrap_or_default();
    // Settings with which a piece would cost as much as the whole.
    let slow =
        "ALTER DATABASE a_1 SET enable_tidscan = off; ALTER DATABASE a_1 SET random_page_cost = 1000000";
    host.connect(&spec, "a_1").await.unwrap().batch_execute(slow).await.unwrap();
    let spinners = Spinners::start();
    let mut hears = Hears::default();
    let dumped = host.engine.dump(&spec, &mut hears).await.unwrap();
    drop(spinners);
    // It makes way from its first rest on, which is shorter than all of them together.
    assert!(hears.0.contains(&true), "{} pieces", hears.0.len());
    assert_eq!(dumped.contents.rows["public.t"], 400_000);
    // `pg_dump` reads it once. Whoever reads is counted when his session has ended.
    let scans = "SELECT seq_scan::text FROM pg_stat_user_tables WHERE relname = 't' AND seq_scan > 0";
    let before = async || host.ask(&spec, scans).await.unwrap().pop()?.parse::<u32>().ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let read = host::eventually(host::PATIENT, before).await.expect("it is counted");
    assert!(read <= 3, "the whole was read {read} times: the rows were deleted, dumped, and little more");
    host.end().await;
}
