//! What a memory hog costs its neighbour: the slowest hundredth of pgbench's transactions in one database while another
//! one's sessions are ended by the kernel again and again, over the same while the other is calm.

use crate::{PAIRS, bare::VERSION, paddock::Paddock, statistics};
use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// Seconds of one run.
const RUN: &str = "10";
/// Transactions per second that are asked for: a steady load, so that a slow answer is one and not a queue's end.
const RATE: &str = "200";
/// How often a session of the hog was ended under its client: by the kernel.
static ENDED: AtomicU32 = AtomicU32::new(0);
/// More than the plan has.
const HOG: &str = "SELECT length(repeat('x', 900000000))";

pub async fn run(target: &Path) {
    let paddock = Paddock::start(target, 2).await;
    let (_, url) = paddock.order("postgresql-starter-2048").await;
    let (_, hog_url) = paddock.order("postgresql-starter-512").await;
    let pgbench = target.join("versions").join(VERSION).join("bin/pgbench");
    let ran = Command::new(&pgbench).args(["-i", "-q", "-s", "10"]).arg(&url).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));

    println!("slowest hundredth of a neighbour's transactions beside a memory hog (goal: at most 1.10)");
    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let (mut beside, mut alone) = (0.0, 0.0);
        for hungry in if round % 2 == 0 { [false, true] } else { [true, false] } {
            let greedy = hungry.then(|| tokio::spawn(eat(hog_url.clone())));
            let (pgbench, url) = (pgbench.clone(), url.clone());
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
    println!("  {:<18} {}", "p99", statistics::report(&pairs));
    let ended = ENDED.load(Ordering::SeqCst);
    assert!(ended > 0, "the hog was never ended: nothing was measured");
    println!("  {:<18} {ended}", "sessions ended");
}

/// Wants more memory than there is, again as soon as the server is back.
async fn eat(url: String) {
    loop {
        if let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await {
            tokio::spawn(connection);
            // A refusal by PostgreSQL itself would leave the connection as it is.
            if client.batch_execute(HOG).await.is_err() && client.is_closed() {
                ENDED.fetch_add(1, Ordering::SeqCst);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
