//! Images that go on beyond their edges as their mirror images.

/// The place `shift` before this one, reflected at the first and the last of `length` places as often as it takes; these two are not
/// repeated.
pub(crate) fn reflected(at: usize, shift: isize, length: usize) -> usize {
    let (place, last) = (at.cast_signed() - shift, length.cast_signed() - 1);
    if (0..=last).contains(&place) {
        return place.unsigned_abs();
    }
    // There and back.
    let place = place.rem_euclid((2 * last).max(1));
    place.min(2 * last - place).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::reflected;

    #[test]
    fn places_beyond_an_edge_are_those_before_it_in_turn() {
        let places = |shift| (0..4).map(|at| reflected(at, shift, 4)).collect::<Vec<_>>();
        assert_eq!(places(0), [0, 1, 2, 3]);
        assert_eq!(places(1), [1, 0, 1, 2]);
        assert_eq!(places(-1), [1, 2, 3, 2]);
        assert_eq!(places(3), [3, 2, 1, 0]);
        assert_eq!(places(-3), [3, 2, 1, 0]);
        // Beyond the other edge again.
        assert_eq!(places(5), [1, 2, 3, 2]);
        assert_eq!(places(-6), [0, 1, 2, 3]);
        assert_eq!((-3..4).map(|shift| reflected(0, shift, 1)).collect::<Vec<_>>(), [0; 7]);
    }
}
