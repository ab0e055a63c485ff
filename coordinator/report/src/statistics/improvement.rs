//! The probability that a run of one group beats one of another.

use serde::Serialize;

use super::confidence_interval::ConfidenceInterval;
use super::normal;
use super::stratified::percentiles;

/// The fewest runs of a group of which there is an interval: three runs are all above three others once in ten times though nothing
/// tells them apart, which no interval of 95 % may take for a difference.
const MIN_RUNS: usize = 5;

/// The probability of improvement: that a run of one group has a greater value than one of another, both chosen at random.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Improvement {
    /// The share of pairs of runs, one of each group, in which it is greater; equal ones count half.
    pub(crate) estimate: f64,
    /// Its interval; none of fewer than five runs in a group.
    pub(crate) interval: Option<ConfidenceInterval>,
}

/// The probability of improvement of the runs `a` over the runs `b`, with its interval at this level (Mann & Whitney 1947,
/// "On a test of whether one of two random variables is stochastically larger than the other"; Agarwal et al. 2021, arXiv
/// 2108.13264, section 4.3). None of an empty group, or of values that aren't all finite.
///
/// The interval reaches from the lower to the higher end of two: that of the stratified bootstrap, which has no width where
/// all runs of one group are above all of the other, and that of Newcombe, method 5 (2006, "Confidence intervals for an effect size
/// measure based on the Mann–Whitney statistic. Part 2", Statistics in Medicine 25), which has one.
pub(crate) fn improvement(a: &[f64], b: &[f64], level: f64) -> Option<Improvement> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|value| !value.is_finite()) {
        return None;
    }
    let estimate = share_greater(a, &mut b.to_vec());
    let interval = (a.len().min(b.len()) >= MIN_RUNS).then(|| {
        let statistic = |groups: &[Vec<usize>]| {
            let drawn = |values: &[f64], places: &[usize]| {
                places.iter().map(|&place| values[place]).collect::<Vec<f64>>()
            };
            match groups {
                [of_a, of_b] => share_greater(&drawn(a, of_a), &mut drawn(b, of_b)),
                _ => f64::NAN,
            }
        };
        let score = newcombe_interval(estimate, a.len(), b.len(), level);
        match percentiles(&[a.len(), b.len()], statistic, (1.0 - level) / 2.0, "probability of improvement") {
            Some(drawn) => {
                ConfidenceInterval { low: drawn.low.min(score.low), high: drawn.high.max(score.high) }
            }
            None => score,
        }
    });
    Some(Improvement { estimate, interval })
}

/// The share of pairs in which a number of `a` is above one of `b`, whose order it changes; equal ones count half.
fn share_greater(a: &[f64], b: &mut [f64]) -> f64 {
    b.sort_unstable_by(f64::total_cmp);
    let halves: usize = a
        .iter()
        .map(|value| b.partition_point(|other| other < value) + b.partition_point(|other| other <= value))
        .sum();
    halves as f64 / (2 * a.len() * b.len()) as f64
}

/// Newcombe's fifth interval of the probability θ from groups of `m` and `n` runs: all θ from which the estimate lies no farther
/// than z standard errors, the error being that at θ (Hanley & McNeil 1982, with (m + n)/2 − 1 in place of m − 1 and n − 1).
fn newcombe_interval(estimate: f64, m: usize, n: usize, level: f64) -> ConfidenceInterval {
    let (m, n) = (m as f64, n as f64);
    let z = normal::quantile(0.5 + level / 2.0);
    let mean = f64::midpoint(m, n) - 1.0;
    let variance = |theta: f64| {
        let of_one = (1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta);
        theta * (1.0 - theta) * (1.0 + mean * of_one) / (m * n)
    };
    let is_far = |theta: f64| (theta - estimate).powi(2) > z * z * variance(theta);
    // Far at the end, near at the estimate: halving finds where it turns.
    let turn = |end: f64| {
        let (mut far, mut near) = (end, estimate);
        for _ in 0..60 {
            let middle = f64::midpoint(far, near);
            if is_far(middle) {
                far = middle;
            } else {
                near = middle;
            }
        }
        near
    };
    ConfidenceInterval { low: turn(0.0), high: turn(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_share_of_pairs_that_are_won() {
        let of = |a: &[f64], b: &[f64]| improvement(a, b, 0.95).unwrap().estimate;
        assert_eq!(of(&[2.0, 3.0], &[1.0, 2.5]), 0.75);
        assert_eq!(of(&[1.0, 1.0], &[1.0]), 0.5);
        assert_eq!(of(&[1.0, 2.0, 3.0], &[4.0, 5.0]), 0.0);
        // `scipy.stats.mannwhitneyu(a, b).statistic / 20`, by hand: 5 + 3.5 + 4 + 2 + 5 of 25.
        assert!((of(&[9.0, 4.0, 5.0, 2.5, 7.0], &[1.0, 2.0, 3.0, 4.0, 6.0]) - 19.5 / 25.0).abs() < 1e-12);
        assert_eq!(improvement(&[], &[1.0], 0.95), None);
        assert_eq!(improvement(&[f64::NAN], &[1.0], 0.95), None);
    }

    /// Of five runs that are all above five others the bootstrap knows nothing but 1.
    #[test]
    fn a_clean_sweep_of_few_runs_is_no_certainty() {
        let clean = improvement(&[6.0, 7.0, 8.0, 9.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0], 0.95).unwrap();
        let interval = clean.interval.unwrap();
        assert!(clean.estimate == 1.0 && interval.high == 1.0);
        assert!((interval.low - LOWEST_OF_FIVE).abs() < 1e-6, "{interval:?}");
        assert_eq!(improvement(&[1.0, 2.0, 4.0, 5.0], &[3.0; 5], 0.95).unwrap().interval, None);
    }

    /// The root of (1 − θ)² = z²·V(θ) for m = n = 5, by bisection in Python.
    const LOWEST_OF_FIVE: f64 = 0.642_702_823_931;

    /// The ends for θ = 0.8 and m = n = 20, by bisection in Python.
    #[test]
    fn newcombes_interval_is_that_of_its_equation() {
        let found = newcombe_interval(0.8, 20, 20, 0.95);
        assert!(
            (found.low - 0.625_844_797_214).abs() < 1e-9 && (found.high - 0.900_454_651_262).abs() < 1e-9,
            "{found:?}"
        );
        let turned = newcombe_interval(0.2, 20, 20, 0.95);
        assert!((turned.low + found.high - 1.0).abs() < 1e-9 && (turned.high + found.low - 1.0).abs() < 1e-9);
    }
}
