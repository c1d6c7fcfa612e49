//! What metrics cost: bytes and time of a sample in a block, memory and time of a database, time of a chart.
//!
//! `cargo bench -p paddock --bench metrics`. The block codec is compared with plain deflate of the same numbers as 32-bit
//! columns, interleaved (A B B A …). With `DATABASE_URL` the collector of a fleet and the chart of a day are timed on a real
//! store, too. It prints and asserts nothing about time: the machine decides what is fast.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it cannot go on"
)]

#[path = "metrics/allocated.rs"]
mod allocated;
#[path = "metrics/fleet.rs"]
mod fleet;
#[path = "ratios/statistics.rs"]
mod statistics;
#[path = "metrics/streams.rs"]
mod streams;

use chrono::TimeDelta;
use control::metrics::{
    Collector, Keeper,
    block::Block,
    ring::{PLACES, Ring, WINDOW},
    values::{SERIES, Values},
};
use flate2::{Compression, write::DeflateEncoder};
use std::{hint::black_box, io::Write, time::Instant};
use streams::{Kind, Stream};
use testkit::House;
use types::metric::{Metric, Range};

/// Blocks of one stream: a day.
const BLOCKS: usize = 144;
/// Pairs per comparison.
const PAIRS: usize = 12;

fn main() {
    for kind in Kind::ALL {
        codec(kind);
    }
    for databases in [10, 100, 1000] {
        rings(databases);
    }
    if std::env::var_os("DATABASE_URL").is_some() {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            fleet::run().await;
            chart().await;
        });
    } else {
        println!("collector and chart of a day: not measured, DATABASE_URL names no store");
    }
}

fn samples() -> f64 {
    (BLOCKS * WINDOW as usize * SERIES) as f64
}

/// Ten minutes of a stream as a block.
fn block(stream: &mut Stream) -> Block {
    let mut block = Block::samples(WINDOW as usize);
    (0..WINDOW as usize).for_each(|point| block.put(point, &stream.next()));
    block
}

/// The reference: the same numbers as 32-bit columns, deflated.
fn plain(block: &Block) -> Vec<u8> {
    let mut raw = Vec::with_capacity(block.points() * SERIES * 4);
    for metric in Metric::ALL {
        for point in 0..block.points() {
            let value = block.get(metric, point).map_or(f32::NAN, |spread| spread.avg);
            raw.extend(value.to_le_bytes());
        }
    }
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::new(6));
    deflate.write_all(&raw).unwrap();
    deflate.finish().unwrap()
}

fn codec(kind: Kind) {
    let mut stream = Stream::new(kind);
    let blocks: Vec<_> = (0..BLOCKS).map(|_| block(&mut stream)).collect();
    let stored: Vec<_> = blocks.iter().map(Block::encode).collect();
    let bytes = |blocks: &[Vec<u8>]| blocks.iter().map(Vec::len).sum::<usize>() as f64 / samples();
    let reference: Vec<_> = blocks.iter().map(plain).collect();
    println!(
        "{kind:?}: {:.3} bytes per sample (goal 1.5), deflated 32-bit columns {:.3}",
        bytes(&stored),
        bytes(&reference)
    );
    let seconds = |work: &mut dyn FnMut()| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64() / samples() * 1e6
    };
    let mut ours = || blocks.iter().for_each(|block| drop(black_box(block.encode())));
    let mut theirs = || blocks.iter().for_each(|block| drop(black_box(plain(block))));
    let mut pairs = Vec::new();
    for round in 0..PAIRS {
        let (mut a, mut b) = (0.0, 0.0);
        for side in if round % 2 == 0 { [0, 1] } else { [1, 0] } {
            if side == 0 {
                a = seconds(&mut ours);
            } else {
                b = seconds(&mut theirs);
            }
        }
        pairs.push((a, b));
    }
    println!("  encode, per million samples: {}", statistics::report(&pairs));
    let mut read = || {
        for stored in &stored {
            black_box(Block::decode(stored, &Metric::ALL).unwrap());
        }
    };
    let decode = (0..PAIRS).map(|_| seconds(&mut read)).fold(f64::INFINITY, f64::min);
    println!("  decode, per million samples: {:.1} ms at best", decode * 1e3);
}

/// An hour of so many databases through rings and blocks.
fn rings(databases: usize) {
    let mut stream = Stream::new(Kind::Busy);
    let looks: Vec<Values> = (0..PLACES).map(|_| stream.next()).collect();
    let before = allocated::now();
    let mut rings = vec![Ring::default(); databases];
    let began = Instant::now();
    let (mut stored, mut most) = (0, 0);
    for (place, values) in (0_i64..).zip(&looks) {
        for ring in &mut rings {
            ring.push(place, *values);
        }
        if (place + 1) % WINDOW == 0 {
            for ring in &mut rings {
                for (start, block) in ring.unstored(place + 1) {
                    stored += block.encode().len();
                    ring.stored(start + block.points() as i64);
                    most = most.max(allocated::now());
                }
            }
        }
    }
    let took = began.elapsed().as_secs_f64();
    let kept = (allocated::now() - before) as f64 / databases as f64 / 1024.0;
    println!(
        "{databases} databases, an hour: {kept:.1} KiB of memory each (goal 200; at most {:.1} while storing), {:.2} ms \
         of work each, {:.4} of a core, {} bytes stored each",
        (most - before) as f64 / databases as f64 / 1024.0,
        took * 1e3 / databases as f64,
        took / 3600.0,
        stored / databases
    );
}

/// A day of one database on a real store, then its chart again and again.
async fn chart() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let id = *house.engine.nodes().keys().next().unwrap();
    let (mut collector, mut keeper) = (Collector::new(house.plane.clone()), Keeper::new(house.plane.clone()));
    let mut stream = Stream::new(Kind::Busy);
    for place in 0..25 * 360 {
        let values = stream.next();
        let of = |metric| values.get(metric).unwrap_or_default();
        house.engine.measures(id, |sample| {
            sample.cpu_us += (of(Metric::Cpu) * 1e5) as u64;
            sample.written_bytes += (of(Metric::DiskWrites) * 10.0) as u64;
            sample.container.memory_bytes = of(Metric::Memory) as u64;
            sample.container.memory_cache_bytes = of(Metric::MemoryCache) as u64;
            let server = sample.server.get_or_insert_default();
            server.connections = of(Metric::Connections) as u32;
            server.transactions += (of(Metric::Transactions) * 10.0) as u64;
            server.latency = std::time::Duration::from_secs_f32(of(Metric::Latency) / 1e3);
        });
        collector.round().await;
        if place % WINDOW == 0 {
            keeper.round().await;
        }
        house.clock.advance(TimeDelta::seconds(10));
    }
    for range in [Range::Hour, Range::Day] {
        let mut times = Vec::new();
        for _ in 0..200 {
            let began = Instant::now();
            black_box(house.plane.metrics(&owner, addon, range).await.unwrap());
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "chart of {}, all panels, from the store: p50 {:.1} ms, p99 {:.1} ms (goal for 24h: 20)",
            range.key(),
            times[100],
            times[197]
        );
    }
}
