//! Where a number must lie for a check to hold.

use super::verdict::Verdict;
use crate::statistics::ConfidenceInterval;

/// Where a number must lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Requirement {
    /// Above this.
    Above(f64),
    /// Below this.
    Below(f64),
    /// At this or above.
    AtLeast(f64),
    /// At this or below.
    AtMost(f64),
    /// From the first to the second.
    Within(f64, f64),
}

impl Requirement {
    /// Whether a number with this interval lies there.
    pub(super) fn verdict(self, interval: ConfidenceInterval) -> Verdict {
        match self {
            Self::Above(bound) => Verdict::is_above(interval, bound),
            Self::Below(bound) => Verdict::is_above(interval.negated(), -bound),
            Self::AtLeast(bound) => Verdict::is_at_most(interval.negated(), -bound),
            Self::AtMost(bound) => Verdict::is_at_most(interval, bound),
            Self::Within(low, high) => Verdict::is_within(interval, low, high),
        }
    }

    /// How far a number lies from the nearest bound.
    pub(super) fn distance(self, number: f64) -> f64 {
        match self {
            Self::Above(bound) | Self::Below(bound) | Self::AtLeast(bound) | Self::AtMost(bound) => {
                (number - bound).abs()
            }
            Self::Within(low, high) => (number - low).abs().min((number - high).abs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{DoesntHold, Holds, Undecided};
    use super::*;

    #[test]
    fn a_bound_is_part_of_what_is_at_it() {
        let of = |low, high| ConfidenceInterval { low, high };
        assert_eq!(Requirement::AtLeast(0.5).verdict(of(0.5, 0.9)), Holds);
        assert_eq!(Requirement::AtLeast(0.5).verdict(of(0.4, 0.5)), Undecided);
        assert_eq!(Requirement::AtLeast(0.5).verdict(of(0.1, 0.49)), DoesntHold);
        assert_eq!(Requirement::Above(0.5).verdict(of(0.5, 0.9)), Undecided);
        assert_eq!(Requirement::Below(0.5).verdict(of(0.1, 0.4)), Holds);
        assert_eq!(Requirement::Below(0.5).verdict(of(0.6, 0.7)), DoesntHold);
        assert!((Requirement::Within(0.0, 1.0).distance(0.8) - 0.2).abs() < 1e-15);
    }
}
