//! The values that a statistic or an axis can use, with those that it can't, counted by their reasons.
//!
//! Everything that is averaged, correlated, compared or drawn passes through [`Filtered`]: a value is kept, or it is counted.
//! There is no third way, so that no filter of a statistic or of a figure can lose one silently.

use std::collections::BTreeMap;

use basin_charts::scale::{Scale, is_drawable};

/// Why a run, or a value of one, isn't used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ExclusionReason {
    /// The run diverged.
    Diverged,
    /// The run has no result yet.
    Missing,
    /// The run failed.
    Failed,
    /// The run's result can't be read.
    Unreadable,
    /// The run didn't record what is asked for.
    NotRecorded,
    /// The value is NaN or infinite.
    NotFinite,
    /// The value is zero or negative where a logarithm or a ratio is taken.
    NotPositive,
    /// The value is finite and beyond what an axis can show.
    BeyondAxis,
    /// The series has too few points that differ for a rank correlation.
    NoRankCorrelation,
    /// The series has two values at one place.
    TwoAtOnePlace,
    /// The series has fewer points than the statistic takes.
    TooFewPoints,
    /// The number that ends the series isn't known.
    NoEnd,
    /// It isn't known whether the run is asked for.
    UnknownCondition,
    /// The run isn't asked for: it hasn't converged.
    NotConverged,
    /// The run isn't asked for: it ended at no certified critical point, for the reason that these words name.
    NotCertified(&'static str),
    /// The run isn't asked for: a condition isn't met.
    ConditionNotMet,
    /// The run isn't asked for: a measure lies beyond the bound of a condition.
    BeyondCondition,
}

impl ExclusionReason {
    /// The reason in words that follow a number of runs.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Diverged => "diverged",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Unreadable => "unreadable",
            Self::NotRecorded => "without the measure",
            Self::NotFinite => "without a finite value",
            Self::NotPositive => "without a positive value",
            Self::BeyondAxis => "with a value beyond the axis",
            Self::NoRankCorrelation => "without a rank correlation",
            Self::TwoAtOnePlace => "with two values at one place",
            Self::TooFewPoints => "with fewer than five points",
            Self::NoEnd => "without the number to look up to",
            Self::UnknownCondition => "in which the condition isn't known",
            Self::NotConverged => "not converged",
            Self::NotCertified(words) => words,
            Self::ConditionNotMet => "in which the condition isn't 1",
            Self::BeyondCondition => "beyond the bound of a condition",
        }
    }

    /// Whether the sweep file itself asks for the run to be left out. Every other reason means that the statistic isn't
    /// defined for all runs that it is asked of.
    const fn is_requested(self) -> bool {
        match self {
            Self::NotConverged | Self::NotCertified(_) | Self::ConditionNotMet | Self::BeyondCondition => {
                true
            }
            Self::Diverged
            | Self::Missing
            | Self::Failed
            | Self::Unreadable
            | Self::NotRecorded
            | Self::NotFinite
            | Self::NotPositive
            | Self::BeyondAxis
            | Self::NoRankCorrelation
            | Self::TwoAtOnePlace
            | Self::TooFewPoints
            | Self::NoEnd
            | Self::UnknownCondition => false,
        }
    }
}

/// How many were left out, by the reason.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Exclusions(BTreeMap<ExclusionReason, usize>);

impl Exclusions {
    /// Counts `count` more for this reason.
    pub(crate) fn add(&mut self, reason: ExclusionReason, count: usize) {
        if count > 0 {
            *self.0.entry(reason).or_default() += count;
        }
    }

    /// Counts all that `other` counts, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (&reason, &count) in &other.0 {
            self.add(reason, count);
        }
    }

    /// The reasons with their numbers, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ExclusionReason, usize)> + '_ {
        self.0.iter().map(|(&reason, &count)| (reason, count))
    }

    /// How many, for whatever reason.
    pub(crate) fn count(&self) -> usize {
        self.0.values().sum()
    }

    /// Those that nobody asked to leave out: a statistic isn't defined for them.
    pub(crate) fn undefined(&self) -> Self {
        Self(self.iter().filter(|(reason, _)| !reason.is_requested()).collect())
    }

    /// All of it in words: `1 diverged, 2 without a finite value`; empty if nothing is left out.
    pub(crate) fn words(&self) -> String {
        let parts: Vec<String> =
            self.iter().map(|(reason, count)| format!("{count} {}", reason.words())).collect();
        parts.join(", ")
    }
}

/// The values that can be used, with the count of those that can't.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filtered<T> {
    values: Vec<T>,
    left_out: Exclusions,
}

impl<T> Filtered<T> {
    /// Sorts `all` into what can be used and what can't.
    pub(crate) fn partition<I>(
        all: impl IntoIterator<Item = I>,
        usable: impl Fn(I) -> Result<T, ExclusionReason>,
    ) -> Self {
        let (mut values, mut left_out) = (Vec::new(), Exclusions::default());
        for item in all {
            match usable(item) {
                Ok(value) => values.push(value),
                Err(reason) => left_out.add(reason, 1),
            }
        }
        Self { values, left_out }
    }

    /// The values that can be used.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// How many can be used: the n of whatever is computed of them.
    pub(crate) const fn n(&self) -> usize {
        self.values.len()
    }

    /// The count of those that can't.
    pub(crate) const fn exclusions(&self) -> &Exclusions {
        &self.left_out
    }
}

/// `value`, if it is finite.
pub(crate) fn finite(value: f64) -> Result<f64, ExclusionReason> {
    if value.is_finite() { Ok(value) } else { Err(ExclusionReason::NotFinite) }
}

/// `value`, if it has a logarithm.
pub(crate) fn positive(value: f64) -> Result<f64, ExclusionReason> {
    if finite(value)? > 0.0 { Ok(value) } else { Err(ExclusionReason::NotPositive) }
}

/// `value`, if it has a place on an axis of this kind.
pub(crate) fn on_axis(scale: Scale, value: f64) -> Result<f64, ExclusionReason> {
    match scale {
        Scale::Linear => finite(value)?,
        Scale::Logarithmic => positive(value)?,
    };
    if is_drawable(scale, value) { Ok(value) } else { Err(ExclusionReason::BeyondAxis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_kept_or_counted() {
        let values = [1.0, 0.0, -2.0, f64::NAN, f64::INFINITY, 1e-320, 3.0];
        let kept = Filtered::partition(values, |value| on_axis(Scale::Logarithmic, value));
        assert_eq!(kept.values(), [1.0, 3.0]);
        assert_eq!(kept.n() + kept.exclusions().count(), values.len());
        assert_eq!(
            kept.exclusions().words(),
            "2 without a finite value, 2 without a positive value, 1 with a value beyond the axis"
        );
    }

    #[test]
    fn what_the_sweep_file_asks_to_leave_out_leaves_nothing_undefined() {
        let mut left_out = Exclusions::default();
        left_out.add(ExclusionReason::NotConverged, 3);
        assert_eq!((left_out.count(), left_out.undefined().count()), (3, 0));
        left_out.add(ExclusionReason::Diverged, 1);
        assert_eq!(left_out.undefined().words(), "1 diverged");
        assert_eq!(left_out.words(), "1 diverged, 3 not converged");
    }
}
