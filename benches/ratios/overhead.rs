//! What the collector costs the database: pgbench while Paddock measures, over pgbench while it is frozen.

use crate::{PAIRS, bare::VERSION, paddock::Paddock, statistics};
use std::{path::Path, process::Command};

/// Seconds of one run: it holds one measurement at least.
const RUN: &str = "12";

pub async fn run(target: &Path) {
    let paddock = Paddock::start(target, 1).await;
    let (_, url) = paddock.order("postgresql-starter-2048").await;
    let pgbench = |args: &[&str]| {
        let program = target.join("versions").join(VERSION).join("bin/pgbench");
        let output = Command::new(program).args(args).arg(&url).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    pgbench(&["-i", "-q", "-s", "10"]);
    println!("transactions per second with the collector over without (goal: at least 0.995)");
    for (name, args) in [("read-only", &["-n", "-S"][..]), ("read-write", &["-n"][..])] {
        let tps = |frozen: bool| {
            paddock.freeze(frozen);
            let told = pgbench(&[args, &["-c", "4", "-j", "1", "-T", RUN]].concat());
            paddock.freeze(false);
            let line = told.lines().find(|line| line.starts_with("tps = ")).expect("pgbench tells");
            line.split_whitespace().nth(2).unwrap().parse::<f64>().unwrap()
        };
        let mut pairs = Vec::new();
        for round in 0..PAIRS {
            let (first, second) = (tps(round % 2 == 0), tps(round % 2 != 0));
            pairs.push(if round % 2 == 0 { (second, first) } else { (first, second) });
        }
        // In thousandths, so that the report's milliseconds are transactions per second.
        let pairs: Vec<_> = pairs.iter().map(|(ours, theirs)| (ours / 1e3, theirs / 1e3)).collect();
        println!("  {name:<18} {}", statistics::report(&pairs).replace(" ms", " tps"));
    }
}
