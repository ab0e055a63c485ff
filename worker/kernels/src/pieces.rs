//! How work is cut into pieces: by the shapes alone, never by the number of threads.

use std::ops::Range;

/// Cuts `0..count` into at most `most` ranges whose lengths differ by at most one.
pub(crate) fn evenly(count: usize, most: usize) -> Vec<Range<usize>> {
    let pieces = most.min(count).max(1);
    (0..pieces).map(|piece| piece * count / pieces..(piece + 1) * count / pieces).collect()
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn pieces_cover_everything_once_and_differ_by_at_most_one() {
        for count in [0_usize, 1, 2, 7, 16, 100, 513] {
            for most in [1_usize, 3, 16] {
                let pieces = evenly(count, most);
                assert_eq!(pieces.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
                let longest = pieces.iter().map(ExactSizeIterator::len).max();
                let shortest = pieces.iter().map(ExactSizeIterator::len).min();
                assert!(longest <= shortest.map(|length| length + 1), "{pieces:?}");
            }
        }
    }
}
