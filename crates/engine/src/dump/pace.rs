//! How fast a dump goes while others work: on a busy host a little at a time, with long rests in between.
//!
//! Shares of the processor are not enough. Where two of them are two halves of one core, whoever only spins takes from his
//! neighbour what no scheduler gives back. But a snapshot that is held keeps vacuum from its work, so the rests of one dump
//! are bounded; after that it goes on at full speed. It is never slower than its bound, and never quicker than others bear.

use crate::host::Processors;
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

/// Nobody notices a dump that is done by then.
const GRACE: Duration = Duration::from_millis(250);
/// How long it works between two rests.
const SLICE: Duration = Duration::from_millis(50);
/// How long it works before it looks again, when others do little.
const CALM: Duration = Duration::from_secs(2);
/// What is under way when it stops comes to its end: pipes are filled, a piece is counted.
const SETTLE: Duration = Duration::from_millis(30);
/// How long it looks at the processors.
const LOOK: Duration = Duration::from_millis(100);
/// A rest is so many times what was worked before, of which no more counts than [`GRACE`]: the rest may have been waiting.
const RESTS: u32 = 11;

/// The pace of everybody who works at one dump.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when it works, if it has begun; and what is known of the host.
    state: Mutex<(Option<Instant>, Rhythm)>,
}

impl Pace {
    /// Rests so long in all; not at all, when that is zero.
    pub(super) fn new(rests: Duration) -> Self {
        Self { state: Mutex::new((None, Rhythm::new(rests))) }
    }

    /// Never rests.
    pub(super) fn full() -> Self {
        Self::new(Duration::ZERO)
    }

    /// Rests no more.
    pub(super) async fn hurry(&self) {
        self.state.lock().await.1.left = Duration::ZERO;
    }

    /// Between two pieces of work: rests when it is time and others work. Whoever comes meanwhile rests, too. Answers
    /// whether the dump makes way for others at present.
    pub(super) async fn step(&self) -> bool {
        let mut state = self.state.lock().await;
        let (since, rhythm) = &mut *state;
        let worked = since.get_or_insert_with(Instant::now).elapsed();
        if rhythm.due(worked) {
            let begun = Instant::now();
            tokio::time::sleep(SETTLE).await;
            while rhythm.rests_on(worked, begun.elapsed(), others_work().await) {}
            *since = Some(Instant::now());
        }
        rhythm.makes_way()
    }
}

/// Whether others work, by one look; where the host does not tell they do not.
async fn others_work() -> bool {
    let before = Processors::look();
    tokio::time::sleep(LOOK).await;
    before.zip(Processors::look()).is_some_and(|(before, after)| after.busy_since(before))
}

/// When it rests, and for how long: without a clock.
#[derive(Debug)]
struct Rhythm {
    slice: Duration,
    /// What is left of its rests.
    left: Duration,
    busy: bool,
}

impl Rhythm {
    const fn new(rests: Duration) -> Self {
        Self { slice: GRACE, left: rests, busy: false }
    }

    /// Whether it is time to rest, or to look at least, having worked so long.
    fn due(&self, worked: Duration) -> bool {
        worked >= self.slice && !self.left.is_zero()
    }

    /// Having rested so long, after having worked so long, and found that others work, or not: whether it rests on.
    fn rests_on(&mut self, worked: Duration, rested: Duration, others: bool) -> bool {
        let ends = !others || rested >= (worked.min(GRACE) * RESTS).min(self.left);
        if ends {
            self.left = self.left.saturating_sub(rested);
            (self.busy, self.slice) = if others { (true, SLICE) } else { (false, CALM) };
        }
        !ends
    }

    const fn makes_way(&self) -> bool {
        self.busy && !self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    /// How long so much work takes, in pieces of 10 ms.
    fn takes(rhythm: &mut Rhythm, work: Duration, others: bool) -> Duration {
        let (mut worked, mut took) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..work.as_millis() / 10 {
            worked += Duration::from_millis(10);
            took += Duration::from_millis(10);
            if rhythm.due(worked) {
                let mut rested = SETTLE + LOOK;
                while rhythm.rests_on(worked, rested, others) {
                    rested += LOOK;
                }
                took += rested;
                worked = Duration::ZERO;
            }
        }
        took
    }

    #[test]
    fn a_short_dump_never_rests() {
        let work = Duration::from_millis(240);
        assert_eq!(takes(&mut Rhythm::new(LONG), work, true), work);
    }

    #[test]
    fn it_makes_way_while_others_work() {
        let (mut rhythm, work) = (Rhythm::new(LONG), Duration::from_secs(2));
        let took = takes(&mut rhythm, work, true);
        assert!(took > work * 11 && took < work * 14, "{took:?}");
        assert!(rhythm.makes_way());
        // They end: the next look finds it.
        let took = takes(&mut rhythm, work, false);
        assert!(took < work.mul_f64(1.2) && !rhythm.makes_way(), "{took:?}");
    }

    #[test]
    fn one_rest_is_bounded() {
        let mut rhythm = Rhythm::new(LONG);
        assert!(rhythm.rests_on(LONG, GRACE * RESTS - LOOK, true));
        assert!(!rhythm.rests_on(LONG, GRACE * RESTS, true));
    }

    #[test]
    fn it_hardly_rests_on_a_calm_host() {
        let (mut rhythm, work) = (Rhythm::new(LONG), Duration::from_secs(20));
        let took = takes(&mut rhythm, work, false);
        assert!(took > work && took < work.mul_f64(1.1), "{took:?}");
        assert!(!rhythm.makes_way());
    }

    #[test]
    fn its_rests_are_bounded() {
        for rests in [0, 7].map(Duration::from_secs) {
            let (mut rhythm, work) = (Rhythm::new(rests), Duration::from_secs(20));
            let took = takes(&mut rhythm, work, true);
            assert!(took >= work + rests && took <= work + rests + SETTLE + LOOK, "{took:?}");
            assert!(!rhythm.makes_way(), "nobody is told of rests that are over");
        }
    }
}
