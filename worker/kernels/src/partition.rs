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
    use super::*;

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

    #[test]
    fn each_part_of_a_slice_is_as_long_as_its_range() {
        let mut elements: Vec<usize> = (0..30).collect();
        let ranges = evenly(10, 4);
        let parts = split_mut(&mut elements, &ranges, 3);
        assert_eq!(parts.len(), 4);
        for (part, range) in parts.iter().zip(&ranges) {
            assert_eq!(part.to_vec(), (range.start * 3..range.end * 3).collect::<Vec<_>>());
        }
        let mut none: [u8; 0] = [];
        assert!(split_mut(&mut none, &evenly(5, 2), 0).iter().all(|part| part.is_empty()));
    }

    #[test]
    fn parts_are_added_in_their_order_element_by_element() {
        // Longer than a chunk, with numbers whose sum depends on the order.
        let part = |number: usize| -> Vec<f32> {
            (0..20_001).map(|at| [1e8, 1.0, -1e8, 0.5][(at + number) % 4]).collect()
        };
        let parts: Vec<Vec<f32>> = (0..7).map(part).collect();
        let mut expected = parts[0].clone();
        for part in &parts[1..] {
            for (sum, value) in expected.iter_mut().zip(part) {
                *sum += *value;
            }
        }
        assert_eq!(sum(parts), expected);
        assert_eq!(sum(vec![vec![1.0_f64, 2.0]]), [1.0, 2.0]);
    }
}
