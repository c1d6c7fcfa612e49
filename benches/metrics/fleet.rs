//! A fleet of simulated databases before the real collector and the real keeper, with a real store behind them: does a
//! sample of one of a thousand cost what one of ten costs?

use crate::allocated;
use chrono::TimeDelta;
use control::{
    Config,
    metrics::{
        Collector, Keeper,
        ring::{PLACES, WINDOW},
    },
};
use std::time::Instant;
use testkit::House;

/// From small to large: each is ten times the one before.
const FLEETS: [usize; 3] = [10, 100, 1000];

pub async fn run() {
    let config =
        Config { max_addons_per_app: u16::MAX, password_overlap: TimeDelta::zero(), ..Config::default() };
    let house = House::with(config, 31000..=32999).await;
    let owner = house.person("ada", true).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let (mut collector, mut keeper) = (Collector::new(house.plane.clone()), Keeper::new(house.plane.clone()));
    let (mut there, mut before) = (0, None::<f64>);
    for databases in FLEETS {
        for _ in there..databases {
            house.order(&owner, "my-app").await;
        }
        house.settle().await;
        there = databases;
        let nodes = house.engine.nodes();
        assert_eq!(nodes.values().filter(|node| node.running.is_some()).count(), databases);
        drop(nodes);
        let empty = allocated::now();
        let (mut collecting, mut keeping) = (0.0, 0.0);
        for place in 1..=PLACES {
            let began = Instant::now();
            collector.round().await;
            collecting += began.elapsed().as_secs_f64();
            if place % WINDOW == 0 {
                let began = Instant::now();
                keeper.round().await;
                keeping += began.elapsed().as_secs_f64();
            }
            house.clock.advance(TimeDelta::seconds(10));
        }
        let of_one = |seconds: f64| seconds / (PLACES as f64 * databases as f64) * 1e6;
        let sample = of_one(collecting + keeping);
        let linear = before.replace(sample).map(|before| {
            format!(", {:.2} times as much work for ten times as many", sample * 10.0 / before)
        });
        println!(
            "{databases} databases, an hour before the collector: {sample:.0} µs a sample, {:.0} of them to keep it{}; {:.1} KiB of memory each came to be",
            of_one(keeping),
            linear.unwrap_or_default(),
            (allocated::now().saturating_sub(empty)) as f64 / databases as f64 / 1024.0
        );
    }
}
