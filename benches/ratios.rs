//! The figures of CONTRIBUTING.md, from one interleaved run: `make bench`. `ONLY="create page"` runs parts of it.
//!
//! Only ratios leave this bench: ours over a reference taken in the same run, pair by pair (A B B A …), with a
//! bootstrap interval. It measures the released executable from outside, as a client does, and holds no assertion:
//! the machine decides what is fast, the ratio what is good.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints, and stops where it cannot go on"
)]
#![expect(clippy::disallowed_methods, reason = "the reference is the bare command line")]

#[path = "ratios/backup.rs"]
mod backup;
#[path = "ratios/bare.rs"]
mod bare;
#[path = "ratios/interruption.rs"]
mod interruption;
#[path = "ratios/neighbour.rs"]
mod neighbour;
#[path = "ratios/overhead.rs"]
mod overhead;
#[path = "ratios/paddock.rs"]
mod paddock;
#[path = "ratios/probe.rs"]
mod probe;
#[path = "ratios/sessions.rs"]
mod sessions;
#[path = "ratios/statistics.rs"]
mod statistics;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// Pairs per comparison, at least 10 for a median that means something.
const PAIRS: usize = 10;

#[tokio::main]
async fn main() {
    // reqwest is built without a provider of its own; the server uses the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let target = PathBuf::from(std::env::var("PADDOCK_BENCH_TARGET").expect("run this through `make bench`"));
    let only = std::env::var("ONLY").unwrap_or_default();
    let wanted = |part: &str| only.is_empty() || only.split(' ').any(|one| one == part);
    if wanted("create") {
        create(&target).await;
    }
    if wanted("interruption") {
        interruption::run(&target).await;
    }
    if wanted("overhead") {
        overhead::run(&target).await;
    }
    if wanted("neighbour") {
        neighbour::run(&target).await;
    }
    if wanted("page") {
        page(&target).await;
    }
    if wanted("sessions") {
        sessions::run(&target).await;
    }
    if wanted("backup") {
        backup::run(&target).await;
    }
}

/// From the order to the first accepted query.
async fn create(target: &Path) {
    println!(
        "create → first accepted query, over bare initdb + start + query (PostgreSQL {})",
        bare::VERSION
    );
    for (name, pool) in [("from the pool", 3), ("without the pool", 0)] {
        let paddock = paddock::Paddock::start(target, pool).await;
        let mut pairs = Vec::new();
        for round in 0..PAIRS {
            // A B B A A B …: drift of the machine hits both sides alike.
            let (mut ours, mut theirs) = (0.0, 0.0);
            for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
                paddock.settle().await;
                if side == 0 {
                    theirs = bare::create(target);
                } else {
                    ours = paddock.create().await;
                }
            }
            pairs.push((ours, theirs));
        }
        println!("  {name:<18} {}", statistics::report(&pairs));
    }

    println!("null experiment: bare over bare");
    let null: Vec<_> = (0..PAIRS).map(|_| (bare::create(target), bare::create(target))).collect();
    println!("  {:<18} {}", "noise floor", statistics::report(&null));
}

/// Bytes and time of the overview route.
async fn page(target: &Path) {
    println!("bytes of the overview route, brotli");
    let bytes = paddock::site_bytes(target);
    println!(
        "  wasm {} + js {} + css {} = {} bytes (goal: wasm + js ≤ 280000)",
        bytes[0],
        bytes[1],
        bytes[2],
        bytes.iter().sum::<u64>()
    );

    println!("server-rendered overview of a running database");
    let paddock = paddock::Paddock::start(target, 1).await;
    paddock.create().await;
    let mut pairs = Vec::new();
    for _ in 0..300 {
        pairs.push((paddock.overview().await, paddock.asset().await));
    }
    let mut times: Vec<f64> = pairs.iter().map(|(ours, _)| *ours).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "  p50 {:.1} ms, p99 {:.1} ms, over a static file: {}",
        times[150] * 1e3,
        times[297] * 1e3,
        statistics::report(&pairs)
    );
    let started = Instant::now();
    let served = paddock.hammer(8, 100).await;
    println!("  {:.0} requests/s with 8 clients", served as f64 / started.elapsed().as_secs_f64());
}
