//! The last hour of a database in memory: every series, one place for each ten seconds.
//!
//! It is bounded whatever happens: when the store is away for longer than an hour, the oldest places are given up, and
//! how many of them were not stored yet is told.

use super::{
    block::Block,
    values::{SERIES, Values},
};

/// Seconds between two places.
pub const EVERY: i64 = 10;
/// Places of an hour.
pub const PLACES: i64 = 360;
/// Places of a stored block: ten minutes.
pub const WINDOW: i64 = 60;

/// The last hour. Places are counted from the epoch, [`EVERY`] seconds each.
#[derive(Clone, Debug)]
pub struct Ring {
    /// The oldest place that it knows.
    first: i64,
    /// Just behind the newest.
    next: i64,
    /// Everything before is stored.
    stored: i64,
    places: Box<[Values]>,
}

impl Default for Ring {
    fn default() -> Self {
        Self { first: 0, next: 0, stored: 0, places: vec![Values::GAP; PLACES as usize].into() }
    }
}

impl Ring {
    /// Bytes of its places.
    pub const BYTES: usize = PLACES as usize * SERIES * size_of::<f32>();

    /// Puts a look at its place; places in between become gaps. Answers how many places were given up unstored.
    pub fn push(&mut self, place: i64, values: Values) -> u64 {
        let empty = self.first == self.next;
        // The clock was turned back by more than what is known: begin anew.
        if empty || place < self.first {
            let lost = self.next - self.stored;
            (self.first, self.next, self.stored) = (place, place + 1, place);
            *self.at(place) = values;
            return if empty { 0 } else { lost.max(0).cast_unsigned() };
        }
        for gap in self.next.max(place - PLACES)..place {
            *self.at(gap) = Values::GAP;
        }
        *self.at(place) = values;
        self.next = self.next.max(place + 1);
        self.first = self.first.max(self.next - PLACES);
        let lost = (self.first - self.stored).max(0);
        self.stored = self.stored.max(self.first);
        lost.cast_unsigned()
    }

    fn at(&mut self, place: i64) -> &mut Values {
        &mut self.places[place.rem_euclid(PLACES) as usize]
    }

    /// What is known from this place on, oldest first.
    pub fn since(&self, place: i64) -> impl Iterator<Item = (i64, &Values)> {
        let known = self.first.max(place)..self.next;
        known.map(|place| (place, &self.places[place.rem_euclid(PLACES) as usize]))
    }

    /// What is not stored yet of the time before this place, as the blocks that it belongs to: the place where each
    /// begins and its points from there on.
    #[must_use]
    pub fn unstored(&self, before: i64) -> Vec<(i64, Block)> {
        let mut blocks: Vec<(i64, Block)> = Vec::new();
        for (place, values) in self.since(self.stored).take_while(|(place, _)| *place < before) {
            let start = place.div_euclid(WINDOW) * WINDOW;
            if blocks.last().is_none_or(|(last, _)| *last != start) {
                let end = (start + WINDOW).min(before).min(self.next);
                blocks.push((start, Block::samples((end - start) as usize)));
            }
            if let Some((_, block)) = blocks.last_mut() {
                block.put((place - start) as usize, values);
            }
        }
        blocks
    }

    /// Everything before this place is stored now.
    pub fn stored(&mut self, before: i64) {
        self.stored = self.stored.max(before.min(self.next));
    }

    /// How many places wait to be stored.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        (self.next - self.stored).cast_unsigned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::metric::Metric;

    fn values(connections: i64) -> Values {
        let mut values = Values::GAP;
        values.set(Metric::Connections, Some(connections as f64));
        values
    }

    fn seen(ring: &Ring) -> Vec<(i64, Option<f32>)> {
        ring.since(i64::MIN).map(|(place, values)| (place, values.get(Metric::Connections))).collect()
    }

    #[test]
    fn what_was_not_seen_is_a_gap() {
        let mut ring = Ring::default();
        assert_eq!(ring.push(1000, values(1)) + ring.push(1003, values(4)), 0);
        assert_eq!(seen(&ring), [(1000, Some(1.0)), (1001, None), (1002, None), (1003, Some(4.0))]);
        ring.push(5000, values(9));
        assert_eq!(seen(&ring).len(), PLACES as usize);
        assert_eq!(
            seen(&ring).iter().filter(|(_, value)| value.is_some()).count(),
            1,
            "the old ones are gone"
        );
    }

    #[test]
    fn it_holds_an_hour_and_tells_what_it_gave_up() {
        let mut ring = Ring::default();
        let lost: u64 = (0..400).map(|place| ring.push(place, values(place))).sum();
        assert_eq!((lost, ring.waiting()), (40, 360));
        assert_eq!(seen(&ring)[0], (40, Some(40.0)));
        ring.stored(400);
        assert_eq!((ring.push(400, values(400)), ring.waiting()), (0, 1), "what was stored is not lost");
    }

    #[test]
    fn blocks_lie_on_ten_minutes_and_the_last_one_ends_early() {
        let mut ring = Ring::default();
        let lost: u64 = (110..250).map(|place| ring.push(place, values(place))).sum();
        assert_eq!(lost, 0);
        let blocks = ring.unstored(250);
        let shape: Vec<_> = blocks.iter().map(|(start, block)| (*start, block.points())).collect();
        assert_eq!(shape, [(60, 60), (120, 60), (180, 60), (240, 10)]);
        assert_eq!(blocks[0].1.get(Metric::Connections, 49), None, "before the first look");
        assert_eq!(blocks[0].1.get(Metric::Connections, 50).map(|spread| spread.avg), Some(110.0));
        assert_eq!(ring.unstored(240).len(), 3);
        ring.stored(240);
        assert_eq!(ring.unstored(250).iter().map(|(start, _)| *start).collect::<Vec<_>>(), [240]);
    }

    #[test]
    fn a_clock_that_was_turned_back_far_begins_anew() {
        let mut ring = Ring::default();
        ring.push(10_000, values(1));
        assert_eq!(ring.push(100, values(2)), 1, "the one that was not stored");
        assert_eq!(seen(&ring), [(100, Some(2.0))]);
    }
}
