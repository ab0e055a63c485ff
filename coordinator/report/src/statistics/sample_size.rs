//! How many runs a question takes.

use serde::{Serialize, Serializer};

use super::correlation::MIN_PAIRS_OF_INTERVAL;
use super::{normal, student};

/// The most runs that are proposed.
pub(crate) const MOST_RUNS: usize = 1_000;

/// In so many of repeated sweeps the runs should be enough (Cohen 1988, "Statistical Power Analysis for the Behavioral
/// Sciences", 2.4).
pub(crate) const POWER: f64 = 0.8;

/// How the runs of a comparison stand to each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Design {
    /// Runs, or pairs of runs, of one sample.
    OneSample {
        /// How many.
        runs: usize,
    },
    /// Two samples of different runs, of as many each.
    TwoSamples {
        /// The standard deviation within a sample.
        deviation: f64,
    },
}

/// The number of runs that a question takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum RunsNeeded {
    /// It isn't known: there is no estimate, or no formula.
    #[default]
    Unknown,
    /// So many; of each sample, where two are compared.
    Runs(usize),
    /// More than [`MOST_RUNS`].
    TooMany,
}

impl RunsNeeded {
    /// The greater one of two questions that both must be answered; not known where one isn't.
    pub(crate) fn max(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::TooMany, _) | (_, Self::TooMany) => Self::TooMany,
            (Self::Runs(one), Self::Runs(two)) => Self::Runs(one.max(two)),
        }
    }

    fn of(found: Option<usize>) -> Self {
        found.map_or(Self::TooMany, Self::Runs)
    }
}

/// Files have the number, or null.
impl Serialize for RunsNeeded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Runs(runs) => serializer.serialize_some(runs),
            Self::Unknown | Self::TooMany => serializer.serialize_none(),
        }
    }
}

/// The number of runs of which Student's test at this level of its interval tells an effect in four of five sweeps, if there is
/// one of this size: a distance of `effect` standard deviations, from a bound or between two means. Of each sample, where there are
/// two. None above [`MOST_RUNS`].
///
/// It is the normal approximation n = p·(z₁ + z₂)²/effect², p being the number of samples and z₁, z₂ the quantiles of level and
/// power (Cohen 1988, 12.8; Julious 2010, "Sample Sizes for Clinical Trials", 3.2), with Student's quantiles of the n that
/// comes out in place of the normal ones. It agrees with the tables of the noncentral t distribution to one run.
pub(crate) fn runs_of_effect(samples: usize, effect: f64, level: f64) -> Option<usize> {
    if effect.is_nan() || effect <= 0.0 {
        return None;
    }
    let is_enough = |&runs: &usize| {
        let degrees = (samples * (runs - 1)) as f64;
        let quantiles = student::two_sided_quantile(level, degrees)
            + student::two_sided_quantile(2.0 * POWER - 1.0, degrees);
        quantiles * (samples as f64 / runs as f64).sqrt() <= effect
    };
    (3..=MOST_RUNS).find(is_enough)
}

/// The number of runs that would tell at this level, if the estimate is right: it lies `distance` from the bound, and its
/// interval reaches `half` to each side.
pub(crate) fn runs_needed(design: Design, half: f64, distance: f64, level: f64) -> RunsNeeded {
    let (samples, deviation) = match design {
        Design::OneSample { runs } if runs >= 2 => {
            (1, half * (runs as f64).sqrt() / student::two_sided_quantile(level, (runs - 1) as f64))
        }
        Design::OneSample { .. } => return RunsNeeded::Unknown,
        Design::TwoSamples { deviation } => (2, deviation),
    };
    if !(deviation.is_finite() && distance.is_finite() && deviation > 0.0) {
        return RunsNeeded::Unknown;
    }
    RunsNeeded::of(runs_of_effect(samples, distance / deviation, level))
}

/// The number of independent pairs of which the interval of a rank correlation of this size leaves 0 out at this level, in four of
/// five sweeps: n = ((z₁ + z₂)/artanh ρ)²·(1 + ρ²/2) + 3 (Bonett & Wright 2000, "Sample size requirements for estimating
/// Pearson, Kendall and Spearman correlations", Psychometrika 65; Cohen 1988, 12.3, for Pearson's, without the last factor).
/// At least the fewest of which there is an interval.
pub(crate) fn pairs_of_correlation(correlation: f64, level: f64) -> RunsNeeded {
    let size = correlation.abs();
    if size.is_nan() || size <= 0.0 {
        return RunsNeeded::TooMany;
    }
    let quantiles = normal::quantile(0.5 + level / 2.0) + normal::quantile(POWER);
    let pairs = ((quantiles / size.atanh()).powi(2) * (1.0 + size * size / 2.0) + 3.0).ceil();
    if pairs > MOST_RUNS as f64 {
        RunsNeeded::TooMany
    } else {
        RunsNeeded::Runs((pairs as usize).max(MIN_PAIRS_OF_INTERVAL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cohen 1988, table 2.4.1, two-sided 5 %, power 0.80: 393, 64 and 26 runs a group. His 393 is rounded from 393.4
    /// (`power.t.test(delta = 0.2, power = 0.8)$n` of R): 393 runs aren't quite enough. For pairs, by his 2.3.4, 198.2,
    /// 33.4 and 14.3.
    #[test]
    fn runs_are_those_of_the_published_tables() {
        let two = |effect| runs_of_effect(2, effect, 0.95);
        assert_eq!([two(0.2), two(0.5), two(0.8)], [Some(394), Some(64), Some(26)]);
        let one = |effect| runs_of_effect(1, effect, 0.95);
        assert_eq!([one(0.2), one(0.5), one(0.8)], [Some(199), Some(34), Some(15)]);
        assert_eq!((two(0.0), two(0.1), two(f64::NAN), one(50.0)), (None, None, None, Some(3)));
        // At 1 % 95.1 and 38.2 are exact.
        assert_eq!([0.5, 0.8].map(|effect| runs_of_effect(2, effect, 0.99)), [Some(95), Some(39)]);
    }

    #[test]
    fn half_a_standard_deviation_takes_thirty_four_pairs() {
        // Four runs with a standard deviation of 1: t(3) = 3.182 446, half = 1.591 223.
        let of = |half, distance| runs_needed(Design::OneSample { runs: 4 }, half, distance, 0.95);
        assert_eq!(of(1.591_223, 0.5), RunsNeeded::Runs(34));
        assert_eq!(of(1.591_223, 5.0), RunsNeeded::Runs(3));
        assert_eq!(of(1.591_223, 1e-3), RunsNeeded::TooMany);
        assert_eq!(of(1.591_223, 0.0), RunsNeeded::TooMany);
        assert_eq!(of(0.0, 1.0), RunsNeeded::Unknown);
        assert_eq!(runs_needed(Design::OneSample { runs: 1 }, 1.0, 1.0, 0.95), RunsNeeded::Unknown);
        let two = runs_needed(Design::TwoSamples { deviation: 2.0 }, f64::NAN, 1.6, 0.95);
        assert_eq!(two, RunsNeeded::Runs(26));
    }

    /// By hand: (1.959 964 + 0.841 621)² = 7.848 88; for 0.3, /0.309 520² = 81.93, which with 3 is the 85 of Cohen's table 3.4.1;
    /// ·1.045 + 3 = 88.6 for ranks.
    #[test]
    fn a_rank_correlation_takes_a_little_more_pairs_than_one_of_numbers() {
        let of = |correlation| pairs_of_correlation(correlation, 0.95);
        assert_eq!(
            [of(0.3), of(-0.3), of(0.5)],
            [RunsNeeded::Runs(89), RunsNeeded::Runs(89), RunsNeeded::Runs(33)]
        );
        assert_eq!(
            [of(1.0), of(0.0), of(0.01)],
            [RunsNeeded::Runs(5), RunsNeeded::TooMany, RunsNeeded::TooMany]
        );
    }

    #[test]
    fn of_two_questions_the_greater_number_answers_both() {
        let (five, nine) = (RunsNeeded::Runs(5), RunsNeeded::Runs(9));
        assert_eq!([five.max(nine), nine.max(RunsNeeded::TooMany)], [nine, RunsNeeded::TooMany]);
        assert_eq!(five.max(RunsNeeded::Unknown), RunsNeeded::Unknown);
        assert_eq!(serde_json::to_string(&[nine, RunsNeeded::TooMany]).unwrap(), "[9,null]");
    }
}
