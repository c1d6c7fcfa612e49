//! What a memory hog costs its neighbour: the slowest hundredth of pgbench's transactions in one database while another
//! one's sessions want more memory than its plan has, over the same while the other is calm. Three hogs: a query that is
//! too large alone, which is refused what it wants, again and again; sessions that are too large together, of which the
//! kernel ends one, every ten seconds; and the same again as soon as their server is back. And, to tell what of it is the
//! memory and what the processor, a session that only computes.

use crate::{bare::VERSION, paddock::Paddock, statistics};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Seconds of one run.
const RUN: &str = "20";
/// Pairs of each kind; a run is long.
const PAIRS: usize = 6;
/// Transactions per second that are asked for: a steady load, so that a slow answer is one and not a queue's end.
const RATE: &str = "200";
/// How often the hog was refused, or its session ended under it by the kernel.
static REFUSED: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);
/// Grows until it has more than the plan.
const HOG: &str =
    "SELECT cardinality(array_agg(repeat(repeat('x', 1000), 1000) || n)) FROM generate_series(1, 900) n";
/// What one session may have, and keeps; the plan's connections together have more than it has.
const KEEP: &str = "DO $$ BEGIN FOR i IN 1..5 LOOP
    PERFORM set_config('test.keep' || i, repeat(repeat('x', 1000), 12000), false); END LOOP; END $$";

/// Wants nothing but a processor.
const COMPUTE: &str = "SELECT sum(n) FROM generate_series(1, 300000) n";
/// How often it was through.
static COMPUTED: AtomicU32 = AtomicU32::new(0);

/// What kind of a hog, and how long it pauses.
#[derive(Clone, Copy)]
enum Hog {
    Computes(Duration),
    Alone(Duration),
    Together(Duration),
}

pub async fn run(target: &Path) {
    let paddock = Paddock::start(target, 2).await;
    let (_, url) = paddock.order("postgresql-starter-2048").await;
    let (_, hog_url) = paddock.order("postgresql-starter-512").await;
    let pgbench = target.join("versions").join(VERSION).join("bin/pgbench");
    let ran = Command::new(&pgbench).args(["-i", "-q", "-s", "10"]).arg(&url).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    // The first run still pays for what was just filled in.
    let (first, warm) = (pgbench.clone(), url.clone());
    tokio::task::spawn_blocking(move || slowest_hundredth(&first, &warm)).await.unwrap();
    println!("slowest hundredth of a neighbour's transactions beside a memory hog (goal: at most 1.10)");
    let (soon, later) = (Duration::from_millis(100), Duration::from_secs(10));
    for (name, hog) in [
        ("only computes", Hog::Computes(Duration::ZERO)),
        ("refused", Hog::Alone(soon)),
        ("ended every 10 s", Hog::Together(later)),
        ("ended again", Hog::Together(soon)),
    ] {
        let pairs = pairs(&pgbench, &url, &hog_url, hog).await;
        println!("  {name:<18} {}", statistics::report(&pairs));
        let fired = match hog {
            Hog::Computes(_) => &COMPUTED,
            Hog::Alone(_) => &REFUSED,
            Hog::Together(_) => &ENDED,
        };
        let fired = fired.swap(0, Ordering::SeqCst);
        assert!(fired > 0, "nothing happened to the hog: nothing was measured");
        println!("  {:<18} {fired}", "times");
    }
}

/// Runs beside the hog and without it.
async fn pairs(pgbench: &Path, url: &str, hog_url: &str, hog: Hog) -> Vec<(f64, f64)> {
    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let (mut beside, mut alone) = (0.0, 0.0);
        for hungry in if round % 2 == 0 { [false, true] } else { [true, false] } {
            let greedy = hungry.then(|| tokio::spawn(eat(hog_url.to_owned(), hog)));
            let (pgbench, url) = (pgbench.to_owned(), url.to_owned());
            let p99 = tokio::task::spawn_blocking(move || slowest_hundredth(&pgbench, &url)).await.unwrap();
            if let Some(greedy) = greedy {
                greedy.abort();
                beside = p99;
            } else {
                alone = p99;
            }
            // The other server ends its recovery.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        pairs.push((beside, alone));
    }
    pairs
}

/// Wants more memory than there is, again after a pause when the server is back.
async fn eat(url: String, hog: Hog) {
    loop {
        let pause = match hog {
            Hog::Computes(pause) => {
                let Some(client) = log_in(&url).await else { continue };
                while client.batch_execute(COMPUTE).await.is_ok() {
                    COMPUTED.fetch_add(1, Ordering::SeqCst);
                }
                pause
            }
            Hog::Alone(pause) => {
                let Some(client) = log_in(&url).await else { continue };
                let refused = client.batch_execute(HOG).await.is_err() && !client.is_closed();
                REFUSED.fetch_add(refused.into(), Ordering::SeqCst);
                pause
            }
            Hog::Together(pause) => {
                let mut all = Vec::new();
                while let Some(client) = log_in(&url).await {
                    if client.batch_execute(KEEP).await.is_err() {
                        ENDED.fetch_add(client.is_closed().into(), Ordering::SeqCst);
                        break;
                    }
                    all.push(client);
                }
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

async fn log_in(url: &str) -> Option<tokio_postgres::Client> {
    let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
    let Ok((client, connection)) = connected else {
        tokio::time::sleep(Duration::from_millis(100)).await;
        return None;
    };
    tokio::spawn(connection);
    Some(client)
}

/// Seconds that 99 of 100 transactions did not need, from pgbench's own log of each (microseconds in the third column).
fn slowest_hundredth(pgbench: &Path, url: &str) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let args = ["-n", "-c", "2", "-j", "1", "-R", RATE, "-T", RUN, "-l"];
    let ran = Command::new(pgbench).args(args).arg(url).current_dir(dir.path()).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let logs = std::fs::read_dir(dir.path()).unwrap().filter_map(Result::ok);
    let text: String = logs.map(|log| std::fs::read_to_string(log.path()).unwrap()).collect();
    let mut all: Vec<f64> =
        text.lines().map(|line| line.split(' ').nth(2).unwrap().parse::<f64>().unwrap() / 1e6).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() * 99 / 100]
}
