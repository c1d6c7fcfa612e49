//! How long a change of plan locks clients out, over a bare `pg_ctl restart` of a server with as much shared memory;
//! and a change that needs no restart, over doing nothing.

use crate::{PAIRS, bare::Bare, paddock::Paddock, probe::Probe, statistics};
use std::{path::Path, time::Duration};

/// Two plans that differ in memory, and a third that differs from the first in its processor share alone.
fn plans() -> String {
    let plan = |name: &str, memory: u32, cpu: u32| {
        format!(
            "[[plans]]\nname = \"{name}\"\ndisplay_name = \"{name}\"\ndescription = \"For the bench.\"\n\
             memory_mib = {memory}\ndisk_mib = 4096\ncpu_milli = {cpu}\nnodes = 1\ndaily_backups = 0\n\
             weekly_backups = 0\nmanual_backups = 0\npitr_days = 0\n"
        )
    };
    [plan("small", 512, 2000), plan("large", 640, 2000), plan("slower", 512, 1500)].join("\n")
}

pub async fn run(target: &Path) {
    let paddock = Paddock::with(target, 1, Some(&plans())).await;
    let (addon, url) = paddock.order("small").await;
    let bare = Bare::start(target);
    println!("longest time between two acknowledged rows, a row every 5 ms");

    let (mut pairs, mut told) = (Vec::new(), Vec::new());
    for round in 0..PAIRS {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            if side == 0 {
                let probe = Probe::start(&bare.url()).await;
                bare.restart();
                theirs = probe.longest_gap().await;
            } else {
                let probe = Probe::start(&url).await;
                told.extend(
                    paddock.change_plan(&addon, if round % 2 == 0 { "large" } else { "small" }).await,
                );
                ours = probe.longest_gap().await;
            }
        }
        pairs.push((ours, theirs));
    }
    told.sort_unstable();
    println!("  {:<18} {}", "with a restart", statistics::report(&pairs));
    println!("  {:<18} median {} ms", "told by itself", told[told.len() / 2]);

    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let probe = Probe::start(&url).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let theirs = probe.longest_gap().await;
        let probe = Probe::start(&url).await;
        let told = paddock.change_plan(&addon, if round % 2 == 0 { "slower" } else { "small" }).await;
        assert_eq!(told, None, "a change that needs no restart told of an interruption");
        pairs.push((probe.longest_gap().await, theirs));
    }
    println!("  {:<18} {}", "without a restart", statistics::report(&pairs));
}
