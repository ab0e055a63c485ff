//! How work is cut into pieces: by the shapes alone, never by the number of threads.

use std::ops::{DerefMut, Range};

use rayon::prelude::*;

use crate::element::Element;

/// Cuts `0..count` into at most `most` ranges whose lengths differ by at most one.
pub(crate) fn evenly(count: usize, most: usize) -> Vec<Range<usize>> {
    let pieces = most.min(count).max(1);
    (0..pieces).map(|piece| nth(count, pieces, piece)).collect()
}

/// One of the ranges into which `0..count` is cut, of so many.
pub(crate) const fn nth(count: usize, pieces: usize, piece: usize) -> Range<usize> {
    piece * count / pieces..(piece + 1) * count / pieces
}

/// Cuts `elements` into the pieces that belong to the ranges, `each` elements an item; the ranges follow on each other from 0.
pub(crate) fn split_mut<'a, T>(
    mut elements: &'a mut [T],
    ranges: &[Range<usize>],
    each: usize,
) -> Vec<&'a mut [T]> {
    let split = |range: &Range<usize>| {
        let (piece, rest) = std::mem::take(&mut elements).split_at_mut(range.len() * each);
        elements = rest;
        piece
    };
    ranges.iter().map(split).collect()
}

/// The sum of all parts, element by element, in the order of the parts.
pub(crate) fn sum<T: Element, P: DerefMut<Target = [T]> + Send + Sync>(parts: Vec<P>) -> P {
    const CHUNK: usize = 1 << 13;
    let mut parts = parts.into_iter();
    let mut total = parts.next().expect("work has at least one piece");
    let rest: Vec<P> = parts.collect();
    total.par_chunks_mut(CHUNK).enumerate().for_each(|(index, total)| {
        for part in &rest {
            for (total, part) in total.iter_mut().zip(&part[index * CHUNK..]) {
                *total += *part;
            }
        }
    });
    total
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn pieces_cover_everything_once_and_differ_by_at_most_one() {
        for count in [0_usize, 1, 2, 7, 16, 100, 513] {
            for most in [1_usize, 3, 16] {
                let pieces = evenly(count, most);
                assert_eq!(
                    pieces.iter().flat_map(Clone::clone).collect::<Vec<_>>(),
                    (0..count).collect::<Vec<_>>()
                );
                let longest = pieces.iter().map(ExactSizeIterator::len).max();
                let shortest = pieces.iter().map(ExactSizeIterator::len).min();
                assert!(longest <= shortest.map(|length| length + 1), "{pieces:?}");
            }
        }
    }
}
