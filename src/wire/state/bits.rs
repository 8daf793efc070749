//! The 4,096 bits of a segment: as they are, or as runs where those are shorter; settled work is one run mostly.
//! Not here: which offsets they stand for.

use crate::model::{Offset, SEGMENT_BITS, SegmentBits};
use crate::wire::binary::{Cut, Pen};

const PLAIN: u8 = 0;
const RUNS: u8 = 1;
const PLAIN_BYTES: usize = 512;

/// `0` and 512 bytes, bit `offset % 8` of byte `offset / 8`; or `1` and the lengths of runs, clear and set in turn,
/// the first clear and perhaps empty, up to the last bit.
pub(super) fn write(pen: &mut Pen, bits: &SegmentBits) {
    let mut runs = Pen::default();
    lengths(bits).into_iter().for_each(|it| runs.number(it));
    let runs = runs.done();
    if runs.len() < PLAIN_BYTES {
        pen.byte(RUNS);
        pen.raw(&runs);
    } else {
        pen.byte(PLAIN);
        bits.0.iter().for_each(|it| pen.raw(&it.to_le_bytes()));
    }
}

pub(super) fn read(cut: &mut Cut<'_>) -> Option<SegmentBits> {
    match cut.byte()? {
        PLAIN => plain(cut),
        RUNS => from_runs(cut),
        _ => None,
    }
}

fn lengths(bits: &SegmentBits) -> Vec<u64> {
    let mut runs = Vec::new();
    let (mut set, mut length) = (false, 0_u64);
    for offset in 0..SEGMENT_BITS {
        if bits.has(Offset(offset)) != set {
            runs.push(length);
            (set, length) = (!set, 0);
        }
        length = length.saturating_add(1);
    }
    runs.push(length);
    runs
}

fn plain(cut: &mut Cut<'_>) -> Option<SegmentBits> {
    let mut bits = SegmentBits::default();
    let (words, _) = cut.raw(PLAIN_BYTES)?.as_chunks::<8>();
    for (word, bytes) in bits.0.iter_mut().zip(words) {
        *word = u64::from_le_bytes(*bytes);
    }
    Some(bits)
}

fn from_runs(cut: &mut Cut<'_>) -> Option<SegmentBits> {
    let mut bits = SegmentBits::default();
    let (mut set, mut from) = (false, 0_u64);
    while from < SEGMENT_BITS {
        let length = cut.number()?;
        // Only the first run may be empty: bits have one text.
        if length == 0 && (set || from != 0) {
            return None;
        }
        let to = from.checked_add(length).filter(|it| *it <= SEGMENT_BITS)?;
        if set {
            (from..to).for_each(|it| bits.set(Offset(it)));
        }
        (set, from) = (!set, to);
    }
    Some(bits)
}
