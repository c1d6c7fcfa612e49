//! Blocks: some time of a database, all series together, in few bytes.
//!
//! One column per series (samples), or three (mean, least, most of a step). A column is a list of codes
//! ([`super::precision`]) as differences from the one before, or from the least of the column where that is shorter.
//! Bytes of the same weight lie together, then all of it is deflated. Times are not stored: a block's points lie on a
//! grid, and what was not seen is a gap in it. A damaged block is refused, never guessed.
//!
//! ```text
//! 0       1        2       3..5     5..
//! version series   lanes   points   deflate(head of each column, then bytes of each column)
//! head:   width (bytes per symbol) | 16 when the differences are from the least · base code, LEB128
//! symbol: 0 a gap, else 1 + difference (zigzag when it is from the one before)
//! ```

use super::{
    precision,
    values::{SERIES, Values},
};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use std::io::{Read, Write};
use types::metric::Metric;

const VERSION: u8 = 1;
const HEAD: usize = 5;
const FROM_LEAST: u8 = 16;
/// Bytes of the largest symbol.
const WIDEST: usize = 8;
/// No block has more points.
pub const MOST_POINTS: usize = 1440;

/// A block that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block of metrics is damaged")]
pub struct Damaged;

/// What a block holds of a series at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean, or the sample itself.
    pub avg: f32,
    /// The least.
    pub min: f32,
    /// The most.
    pub max: f32,
}

/// Some time of a database on a grid of points.
#[derive(Clone, Debug)]
pub struct Block {
    points: usize,
    /// 1 for samples, 3 for steps.
    lanes: usize,
    /// By series, lane and point; NaN for a gap.
    values: Vec<f32>,
}

impl Block {
    /// One for so many samples, all of them gaps.
    #[must_use]
    pub fn samples(points: usize) -> Self {
        Self::empty(points, 1)
    }

    /// One for so many steps, all of them gaps.
    #[must_use]
    pub fn steps(points: usize) -> Self {
        Self::empty(points, 3)
    }

    fn empty(points: usize, lanes: usize) -> Self {
        let points = points.min(MOST_POINTS);
        Self { points, lanes, values: vec![f32::NAN; SERIES * lanes * points] }
    }

    /// How many points it has.
    #[must_use]
    pub const fn points(&self) -> usize {
        self.points
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(|value| value.is_nan())
    }

    fn lane(&self, series: usize, lane: usize) -> &[f32] {
        let at = (series * self.lanes + lane) * self.points;
        &self.values[at..at + self.points]
    }

    /// What was seen of a series at a point.
    #[must_use]
    pub fn get(&self, metric: Metric, point: usize) -> Option<Spread> {
        if point >= self.points {
            return None;
        }
        let of = |lane: usize| self.lane(metric.index(), lane.min(self.lanes - 1))[point];
        let spread = Spread { avg: of(0), min: of(1), max: of(2) };
        (!spread.avg.is_nan()).then_some(spread)
    }

    /// Says what was seen of a series at a point; of samples the mean is kept alone.
    pub fn set(&mut self, metric: Metric, point: usize, spread: Spread) {
        if point >= self.points {
            return;
        }
        let unit = metric.unit();
        for (lane, value) in [spread.avg, spread.min, spread.max].into_iter().take(self.lanes).enumerate() {
            let at = (metric.index() * self.lanes + lane) * self.points + point;
            self.values[at] = precision::rounded(unit, f64::from(value));
        }
    }

    /// Puts a look at a point.
    pub fn put(&mut self, point: usize, values: &Values) {
        for metric in Metric::ALL {
            if let Some(value) = values.get(metric) {
                self.set(metric, point, Spread { avg: value, min: value, max: value });
            }
        }
    }

    /// Both together: what the other one knows counts.
    #[must_use]
    pub fn merged(self, newer: &Self) -> Self {
        let mut merged = Self::empty(self.points.max(newer.points), newer.lanes);
        for block in [&self, newer] {
            for metric in Metric::ALL {
                for point in 0..block.points {
                    if let Some(spread) = block.get(metric, point) {
                        merged.set(metric, point, spread);
                    }
                }
            }
        }
        merged
    }

    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut heads = Vec::with_capacity(SERIES * self.lanes * 4);
        let mut bytes = Vec::with_capacity(self.values.len());
        for metric in Metric::ALL {
            let codes = |lane| -> Vec<Option<u64>> {
                let values = self.lane(metric.index(), lane).iter();
                values.map(|value| precision::code(metric.unit(), f64::from(*value))).collect()
            };
            let means = codes(0);
            write_column(&means, &mut heads, &mut bytes);
            for lane in 1..self.lanes {
                // How far the least and the most are from the mean; the order of codes is that of values.
                let apart = codes(lane).into_iter().zip(&means);
                let apart: Vec<_> = apart.map(|(code, mean)| Some(code?.abs_diff((*mean)?))).collect();
                write_column(&apart, &mut heads, &mut bytes);
            }
        }
        let points = u16::try_from(self.points).unwrap_or_default().to_le_bytes();
        let head = [VERSION, SERIES as u8, self.lanes as u8, points[0], points[1]];
        let mut deflate = DeflateEncoder::new(head.to_vec(), Compression::new(6));
        // Writing to memory cannot fail.
        let written = deflate.write_all(&heads).and_then(|()| deflate.write_all(&bytes));
        written.and_then(|()| deflate.finish()).unwrap_or_default()
    }

    /// From what is stored. Series that were not known when it was written are gaps, and so are those that are not
    /// wanted.
    ///
    /// # Errors
    /// [`Damaged`].
    pub fn decode(stored: &[u8], wanted: &[Metric]) -> Result<Self, Damaged> {
        let (head, deflated) = stored.split_at_checked(HEAD).ok_or(Damaged)?;
        let [version, series, lanes, low, high] = head[..] else { return Err(Damaged) };
        let (series, lanes) = (usize::from(series), usize::from(lanes));
        let points = usize::from(u16::from_le_bytes([low, high]));
        if version != VERSION || !matches!(lanes, 1 | 3) || points > MOST_POINTS {
            return Err(Damaged);
        }
        let most = series * lanes * (11 + WIDEST * points);
        let mut raw = Vec::with_capacity(series * lanes * (2 + points));
        let mut inflate = DeflateDecoder::new(deflated).take(most as u64 + 1);
        inflate.read_to_end(&mut raw).map_err(|_| Damaged)?;
        let mut rest = raw.as_slice();
        let heads: Vec<_> =
            (0..series * lanes).map(|_| Head::read(&mut rest)).collect::<Result<_, Damaged>>()?;
        let mut block = Self::empty(points, lanes);
        for (column, heads) in heads.chunks(lanes).enumerate() {
            let metric = Metric::ALL.get(column).filter(|metric| wanted.contains(metric));
            let mut means = Vec::new();
            for (lane, head) in heads.iter().enumerate() {
                let bytes = rest.split_off(..head.width * points).ok_or(Damaged)?;
                let Some(metric) = metric else { continue };
                let codes = head.codes(bytes, points);
                let at = (column * lanes + lane) * points;
                for (point, code) in codes.iter().enumerate() {
                    let code = match (lane, *code, means.get(point)) {
                        (0, code, _) => code,
                        (1, Some(apart), Some(Some(mean))) => Some(u64::saturating_sub(*mean, apart)),
                        (2, Some(apart), Some(Some(mean))) => Some(u64::saturating_add(*mean, apart)),
                        _ => None,
                    };
                    block.values[at + point] =
                        code.map_or(f32::NAN, |code| precision::value(metric.unit(), code));
                }
                if lane == 0 {
                    means = codes;
                }
            }
        }
        if rest.is_empty() { Ok(block) } else { Err(Damaged) }
    }
}

/// What stands before a column.
struct Head {
    width: usize,
    from_least: bool,
    base: u64,
}

impl Head {
    fn read(rest: &mut &[u8]) -> Result<Self, Damaged> {
        let kind = *rest.split_off_first().ok_or(Damaged)?;
        let width = usize::from(kind & !FROM_LEAST);
        if width > WIDEST {
            return Err(Damaged);
        }
        let mut base = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *rest.split_off_first().ok_or(Damaged)?;
            base |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(Self { width, from_least: kind & FROM_LEAST != 0, base });
            }
        }
        Err(Damaged)
    }

    fn write(&self, heads: &mut Vec<u8>) {
        heads.push(self.width as u8 | if self.from_least { FROM_LEAST } else { 0 });
        let mut rest = self.base;
        while rest >= 0x80 {
            heads.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        heads.push(rest as u8);
    }

    fn codes(&self, bytes: &[u8], points: usize) -> Vec<Option<u64>> {
        let mut last = self.base;
        let symbols = (0..points).map(|point| {
            (0..self.width)
                .rev()
                .fold(0_u64, |symbol, plane| symbol << 8 | u64::from(bytes[plane * points + point]))
        });
        let code = |symbol: u64| {
            let apart = symbol.checked_sub(1)?;
            if self.from_least {
                return Some(self.base.wrapping_add(apart));
            }
            last = last.wrapping_add((apart >> 1) ^ (apart & 1).wrapping_neg());
            Some(last)
        };
        symbols.map(code).collect()
    }
}

/// Differences from the one before, or from the least of the column: whichever takes fewer bits.
fn write_column(codes: &[Option<u64>], heads: &mut Vec<u8>, bytes: &mut Vec<u8>) {
    let first = codes.iter().flatten().next().copied().unwrap_or_default();
    let least = codes.iter().flatten().min().copied().unwrap_or_default();
    let mut last = first;
    let step = |code: &Option<u64>| {
        let Some(code) = *code else { return 0 };
        let apart = code.wrapping_sub(last).cast_signed();
        last = code;
        1 + ((apart << 1) ^ (apart >> 63)).cast_unsigned()
    };
    let steps: Vec<u64> = codes.iter().map(step).collect();
    let heights: Vec<u64> = codes.iter().map(|code| code.map_or(0, |code| 1 + (code - least))).collect();
    let weight =
        |symbols: &[u64]| symbols.iter().map(|symbol| u64::from(64 - symbol.leading_zeros())).sum::<u64>();
    let from_least = weight(&heights) < weight(&steps);
    let symbols = if from_least { heights } else { steps };
    let widest = symbols.iter().copied().max().unwrap_or_default();
    let width = (64 - widest.leading_zeros()).div_ceil(8) as usize;
    Head { width, from_least, base: if from_least { least } else { first } }.write(heads);
    for plane in 0..width {
        bytes.extend(symbols.iter().map(|symbol| (symbol >> (8 * plane)) as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: &[Metric] = &Metric::ALL;

    /// A series as databases have them, gaps included.
    fn series() -> impl Strategy<Value = Vec<Option<f64>>> {
        let value = prop_oneof![
            6 => (0.0..200.0_f64).prop_map(Some),
            3 => (0.0..1e12_f64).prop_map(|value| Some(value.round())),
            2 => Just(Some(0.0)),
            2 => Just(None),
        ];
        proptest::collection::vec(value, 1..=120)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// What was rounded once comes back bit by bit, and a gap stays a gap.
        #[test]
        fn samples_come_back(columns in proptest::collection::vec(series(), SERIES)) {
            let points = columns.iter().map(Vec::len).max().unwrap_or_default();
            let mut block = Block::samples(points);
            for (metric, column) in Metric::ALL.into_iter().zip(&columns) {
                for (point, value) in column.iter().enumerate() {
                    if let Some(value) = value {
                        let value = *value as f32;
                        block.set(metric, point, Spread { avg: value, min: value, max: value });
                    }
                }
            }
            let back = Block::decode(&block.encode(), ALL).unwrap();
            prop_assert_eq!(back.points(), points);
            for (metric, column) in Metric::ALL.into_iter().zip(&columns) {
                for point in 0..points {
                    let value = column.get(point).copied().flatten();
                    let expected = value.map(|value| precision::rounded(metric.unit(), f64::from(value as f32)));
                    prop_assert_eq!(back.get(metric, point).map(|spread| spread.avg), expected);
                }
            }
        }

        #[test]
        fn steps_come_back(means in series(), less in 0.0..1.0_f64, more in 1.0..9.0_f64) {
            let mut block = Block::steps(means.len());
            for (point, mean) in means.iter().enumerate() {
                if let Some(mean) = *mean {
                    let spread = Spread { avg: mean as f32, min: (mean * less) as f32, max: (mean * more) as f32 };
                    Metric::ALL.into_iter().for_each(|metric| block.set(metric, point, spread));
                }
            }
            let back = Block::decode(&block.encode(), ALL).unwrap();
            for metric in Metric::ALL {
                for (point, mean) in means.iter().enumerate() {
                    prop_assert_eq!(back.get(metric, point), block.get(metric, point));
                    prop_assert_eq!(back.get(metric, point).is_some(), mean.is_some());
                }
            }
        }

        #[test]
        fn what_is_damaged_is_refused_or_read_and_never_panics(
            mut stored in proptest::collection::vec(any::<u8>(), 0..400), at in 0..400_usize, bit in 0..8_u8
        ) {
            let _ = Block::decode(&stored, ALL);
            if let [version, series, lanes, ..] = &mut stored[..] {
                (*version, *series, *lanes) = (VERSION, SERIES as u8, 3);
            }
            let _ = Block::decode(&stored, ALL);
            let mut good = Block::samples(60).encode();
            let at = at % good.len();
            good[at] ^= 1 << bit;
            let _ = Block::decode(&good, ALL);
        }
    }

    fn one(value: f32, point: usize, points: usize) -> Block {
        let mut block = Block::samples(points);
        block.set(Metric::Connections, point, Spread { avg: value, min: value, max: value });
        block
    }

    #[test]
    fn the_newer_one_wins_where_both_know() {
        let merged = one(1.0, 0, 1).merged(&one(2.0, 3, 5));
        let seen = |block: &Block| {
            (0..block.points())
                .map(|at| block.get(Metric::Connections, at).map(|s| s.avg))
                .collect::<Vec<_>>()
        };
        assert_eq!(seen(&merged), [Some(1.0), None, None, Some(2.0), None]);
        assert_eq!(seen(&merged.merged(&one(9.0, 0, 1)))[0], Some(9.0));
    }

    #[test]
    fn only_what_is_wanted_is_read() {
        let mut block = one(3.0, 0, 2);
        block.set(Metric::Cpu, 1, Spread { avg: 50.0, min: 50.0, max: 50.0 });
        let read = Block::decode(&block.encode(), &[Metric::Cpu]).unwrap();
        assert_eq!(read.get(Metric::Cpu, 1).map(|spread| spread.max), Some(50.0));
        assert_eq!(read.get(Metric::Connections, 0), None);
    }

    #[test]
    fn another_version_and_a_cut_block_are_refused() {
        let stored = one(1.0, 0, 60).encode();
        assert!(Block::decode(&stored, ALL).is_ok());
        let mut newer = stored.clone();
        newer[0] = VERSION + 1;
        assert_eq!(Block::decode(&newer, ALL).map(drop), Err(Damaged));
        for cut in 0..stored.len() {
            assert_eq!(Block::decode(&stored[..cut], ALL).map(drop), Err(Damaged), "cut at {cut}");
        }
    }
}
