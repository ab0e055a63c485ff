//! How sure a verdict must be: one rule for all kinds of checks.

use super::verdict::Verdict;
use crate::statistics::LEVEL;

/// The levels at which a check is decided.
///
/// A claim holds if all its checks do: to hold falsely, one that doesn't must seem to, which its own 95 % interval
/// allows in 2.5 % of cases, however many checks there are (Berger 1982, "Multiparameter hypothesis testing and
/// acceptance sampling"). A claim is refused if any check is, so that chances add up: of k ways to be refused each has
/// an interval at 1 − 5 %/k (Bonferroni), and the claim is refused falsely in no more than 2.5 % of cases.
///
/// A claim that varies settings of its analysis holds, or is refused, where it is under every combination of them. Each combination
/// is decided at these levels: to err, all must, which they do no more often than any one of them, so that nothing is to be
/// corrected for their number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct DecisionLevels {
    /// In how many ways the claim can be refused.
    ways: usize,
    /// The level of the interval by which a check holds.
    level: f64,
}

impl DecisionLevels {
    /// The levels of each check of a claim of so many.
    pub(super) fn of_claim(checks: usize) -> Self {
        Self { ways: checks.max(1), level: LEVEL }
    }

    /// The same with another level in place of 95 %.
    pub(super) const fn at(self, level: f64) -> Self {
        Self { level, ..self }
    }

    /// The levels where the check itself is refused by any of so many comparisons.
    pub(super) fn of_each(self, comparisons: usize) -> Self {
        Self { ways: self.ways * comparisons.max(1), ..self }
    }

    /// In how many ways the claim can be refused.
    pub(super) const fn ways(self) -> usize {
        self.ways
    }

    /// The level of the interval by which a check holds.
    pub(super) const fn to_hold(self) -> f64 {
        self.level
    }

    /// The level of the interval by which it would be shown that a verdict is right to which an estimate leans.
    pub(super) fn to_show(self, verdict: Verdict) -> f64 {
        match verdict {
            Verdict::DoesntHold => self.to_refuse(),
            Verdict::Holds | Verdict::Undecided => self.to_hold(),
        }
    }

    /// The level of the interval by which a check is refused.
    pub(super) fn to_refuse(self) -> f64 {
        1.0 - (1.0 - self.level) / self.ways as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_ways_to_be_refused_each_is_as_much_rarer() {
        assert_eq!(DecisionLevels::of_claim(1).to_refuse(), DecisionLevels::of_claim(1).to_hold());
        assert!((DecisionLevels::of_claim(2).to_refuse() - 0.975).abs() < 1e-12);
        assert!((DecisionLevels::of_claim(2).of_each(5).to_refuse() - 0.995).abs() < 1e-12);
        assert_eq!(DecisionLevels::of_claim(0).ways(), 1);
    }
}
