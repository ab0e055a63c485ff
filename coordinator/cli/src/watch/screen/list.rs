//! Moving through lists that are longer than the screen: only the rows that are seen are ever made.

use std::ops::Range;

/// A step through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Up,
    Down,
    /// So many rows up: a page of them.
    PageUp(usize),
    PageDown(usize),
    First,
    Last,
}

impl Step {
    /// The row of a list of so many that is chosen after the step, if this one was before.
    pub(super) fn from(self, at: usize, length: usize) -> usize {
        let last = length.saturating_sub(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at.saturating_add(1),
            Self::PageUp(rows) => at.saturating_sub(rows),
            Self::PageDown(rows) => at.saturating_add(rows),
            Self::First => 0,
            Self::Last => last,
        };
        to.min(last)
    }
}

/// The rows of a list of so many that are seen through a window of this height, with the chosen one in its middle as far as the list
/// reaches.
pub(super) fn seen(length: usize, chosen: usize, height: usize) -> Range<usize> {
    let first = chosen.saturating_sub(height / 2).min(length.saturating_sub(height));
    first..(first + height).min(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_at_the_ends() {
        assert_eq!([Step::Up.from(0, 5), Step::Down.from(4, 5), Step::Down.from(1, 5)], [0, 4, 2]);
        assert_eq!([Step::PageUp(3).from(2, 5), Step::PageDown(3).from(0, 5)], [0, 3]);
        assert_eq!([Step::First.from(3, 5), Step::Last.from(0, 5), Step::Last.from(0, 0)], [0, 4, 0]);
        assert_eq!(Step::Down.from(9, 5), 4, "the list became shorter");
    }

    #[test]
    fn the_chosen_row_is_always_seen() {
        assert_eq!(seen(10_000, 0, 20), 0..20);
        assert_eq!(seen(10_000, 5_000, 20), 4_990..5_010);
        assert_eq!(seen(10_000, 9_999, 20), 9_980..10_000);
        assert_eq!(seen(3, 2, 20), 0..3);
        assert_eq!(seen(0, 0, 20), 0..0);
        for chosen in 0..50 {
            assert!(seen(50, chosen, 7).contains(&chosen));
        }
    }
}
