//! The points of a space that were drawn, so that none is drawn twice.

use std::collections::HashMap;

use crate::digest::Digest;

/// Points that were drawn: each is a rank along every axis of a space. Given one that was drawn, the next that is free is found
/// over about the logarithm of their number of others on average, however few are left.
#[derive(Debug)]
pub(super) struct DrawnPoints {
    /// The lengths of the axes.
    counts: Vec<u64>,
    /// The number of points; none if it fits no number.
    size: Option<u128>,
    /// Every point that was drawn, with one behind it before which none is free.
    next: HashMap<u128, u128>,
    /// The points that look-ups of a free one went over.
    #[cfg(test)]
    passed: u64,
}

impl DrawnPoints {
    /// No points of a space with axes of these lengths.
    pub(super) fn new(counts: &[u64]) -> Self {
        let size = counts.iter().try_fold(1_u128, |size, count| size.checked_mul(u128::from(*count)));
        Self {
            counts: counts.to_vec(),
            size,
            next: HashMap::new(),
            #[cfg(test)]
            passed: 0,
        }
    }

    /// Draws this point; whether it was free.
    pub(super) fn insert(&mut self, ranks: &[u64]) -> bool {
        let index = self.index(ranks);
        if self.next.contains_key(&index) {
            return false;
        }
        self.next.insert(index, self.behind(index));
        true
    }

    /// Draws this point or the next free one. None if there is none, or the space is beyond counting and the point is drawn.
    pub(super) fn insert_next(&mut self, ranks: &[u64]) -> Option<Vec<u64>> {
        let Some(size) = self.size else { return self.insert(ranks).then(|| ranks.to_vec()) };
        if self.next.len() as u128 >= size {
            return None;
        }
        let first = self.index(ranks);
        let mut free = first;
        while let Some(next) = self.next.get(&free) {
            free = *next;
            #[cfg(test)]
            {
                self.passed += 1;
            }
        }
        let mut at = first;
        while at != free {
            let next = self.next.insert(at, free).unwrap_or(free);
            at = next;
        }
        self.next.insert(free, self.behind(free));
        Some(self.ranks(free))
    }

    /// The point's number, where points can be numbered; else a digest that no two of them have in common.
    fn index(&self, ranks: &[u64]) -> u128 {
        if self.size.is_none() {
            let bytes: Vec<u8> = ranks.iter().flat_map(|rank| rank.to_le_bytes()).collect();
            let digest = *Digest::of(&bytes).as_bytes();
            return digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        }
        let axes = self.counts.iter().zip(ranks);
        axes.fold(0, |index, (count, rank)| index * u128::from(*count) + u128::from(*rank))
    }

    fn ranks(&self, mut index: u128) -> Vec<u64> {
        let mut ranks = Vec::with_capacity(self.counts.len());
        for count in self.counts.iter().rev().copied().map(u128::from) {
            ranks.push((index % count) as u64);
            index /= count;
        }
        ranks.reverse();
        ranks
    }

    fn behind(&self, index: u128) -> u128 {
        match self.size {
            Some(size) if index + 1 == size => 0,
            _ => index.wrapping_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_found_once_and_then_none_is_left() {
        let mut drawn = DrawnPoints::new(&[3, 4]);
        assert!(drawn.insert(&[2, 3]));
        assert!(!drawn.insert(&[2, 3]));
        let mut found = vec![vec![2, 3]];
        for _ in 0..11 {
            found.push(drawn.insert_next(&[2, 3]).unwrap());
        }
        assert_eq!(found[1], [0, 0]);
        assert_eq!(drawn.insert_next(&[1, 1]), None);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 12);
    }

    #[test]
    fn a_free_point_is_found_over_few_others_on_average_however_few_are_left() {
        let mut stream = crate::random::Stream::new(7, "points");
        let points = 100_000;
        let mut drawn = DrawnPoints::new(&[points]);
        for _ in 0..points {
            assert!(drawn.insert_next(&[stream.below(points / 10)]).is_some());
        }
        assert_eq!(drawn.insert_next(&[0]), None);
        assert!(drawn.passed < u64::from(points.ilog2()) * points, "{}", drawn.passed);
    }

    #[test]
    fn a_space_beyond_counting_refuses_a_point_that_was_drawn() {
        let mut drawn = DrawnPoints::new(&[u64::MAX; 3]);
        assert!(drawn.insert(&[1, 2, 3]) && drawn.insert(&[3, 2, 1]));
        assert!(!drawn.insert(&[1, 2, 3]));
        assert_eq!(drawn.insert_next(&[1, 2, 3]), None);
        assert_eq!(drawn.insert_next(&[1, 2, 4]), Some(vec![1, 2, 4]));
    }
}
