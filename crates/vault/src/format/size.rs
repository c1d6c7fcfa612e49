//! How many bytes an archive takes, and where a chunk lies: a pure function both ways, so that a size that cannot be
//! is noticed before anything is read.

use super::header;
use std::ops::Range;

/// Bytes of a chunk's tag.
pub(crate) const TAG: u64 = 16;
const HEADER: u64 = header::BYTES as u64;

/// The sizes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Plain bytes of every chunk but the last.
    pub(crate) chunk: u64,
    /// Plain bytes of all.
    pub(crate) plain: u64,
}

impl Sizes {
    /// Those of a file that takes `stored` bytes; `None` if no file can take that many.
    pub(crate) fn of_stored(stored: u64, chunk: u32) -> Option<Self> {
        let chunk = u64::from(chunk);
        let body = stored.checked_sub(HEADER)?;
        let chunks = body.div_ceil(chunk + TAG);
        let last = body.checked_sub(chunks.checked_sub(1)? * (chunk + TAG))?.checked_sub(TAG)?;
        // Only the archive of nothing ends with a chunk of nothing.
        (last > 0 || chunks == 1).then_some(Self { chunk, plain: (chunks - 1) * chunk + last })
    }

    /// Chunks; there is always one, so that the header is always proven.
    pub(crate) fn chunks(self) -> u64 {
        self.plain.div_ceil(self.chunk).max(1)
    }

    /// Bytes that the file takes.
    pub(crate) fn stored(self) -> u64 {
        HEADER + self.plain + self.chunks() * TAG
    }

    /// The chunks that hold a range of plain bytes.
    pub(crate) fn chunks_of(self, plain: &Range<u64>) -> Range<u64> {
        plain.start / self.chunk..plain.end.div_ceil(self.chunk)
    }

    /// Where chunks lie in the file.
    pub(crate) fn span(self, chunks: &Range<u64>) -> Range<u64> {
        let at = |chunk: u64| HEADER + chunk * (self.chunk + TAG);
        at(chunks.start)..at(chunks.end).min(self.stored())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for stored in 0..HEADER + TAG {
            assert_eq!(Sizes::of_stored(stored, 64), None, "{stored} bytes are no archive");
        }
        for last in 0..=TAG {
            let stored = HEADER + 64 + TAG + last;
            assert_eq!(Sizes::of_stored(stored, 64).is_some(), last == 0, "a last chunk of {last} bytes");
        }
    }

    proptest! {
        #[test]
        fn both_ways(plain in 0_u64..1 << 40, chunk in 1_u32..1 << 24) {
            let sizes = Sizes { chunk: u64::from(chunk), plain };
            prop_assert_eq!(Sizes::of_stored(sizes.stored(), chunk), Some(sizes));
            let spans = [0..1, sizes.chunks() - 1..sizes.chunks()].map(|chunks| sizes.span(&chunks));
            prop_assert_eq!(spans[0].start, HEADER);
            prop_assert_eq!(spans[1].end, sizes.stored());
        }
    }
}
