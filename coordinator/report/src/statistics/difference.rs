//! The difference between the means of two samples.

use std::collections::BTreeMap;

use super::confidence_interval::ConfidenceInterval;
use super::interquartile::{self, interquartile_mean};
use super::sample_size::Design;
use super::stratified::stratified_interval;
use super::student;
use super::summary::{MIN_RUNS, mean_interval, moments, range};

/// How the interval of a difference is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Method {
    /// Student's t interval of the differences of pairs (Student 1908).
    Paired,
    /// Welch's t interval of two independent samples, whose variances may differ (Welch 1947, "The generalization of
    /// 'Student's' problem when several different population variances are involved").
    Welch,
    /// Pairs drawn again (see [`stratified_interval`]).
    ResampledPairs,
    /// The runs of each sample drawn again by themselves.
    Resampled,
}

impl Method {
    /// Its name in sentences.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Paired => "paired by seed",
            Self::Welch => "Welch",
            Self::ResampledPairs => "bootstrap, paired by seed",
            Self::Resampled => "stratified bootstrap",
        }
    }
}

/// The difference between the middles of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Difference {
    /// The middle of the first less that of the second.
    pub(crate) estimate: f64,
    /// Its interval; none where a sample has too few values.
    pub(crate) interval: Option<ConfidenceInterval>,
    /// How it is computed.
    pub(crate) method: Method,
    /// The smallest and the largest difference of a pair, where they are paired.
    pub(crate) range: Option<(f64, f64)>,
    /// What more runs would bring.
    pub(crate) design: Design,
}

/// The difference between the means of `a` and `b` at this level: values with what pairs them (their seed). They are paired
/// where both samples have the same keys, each once, and taken for independent elsewhere. None where a sample is empty or
/// has a value that isn't finite.
///
/// The degrees of freedom of independent samples are those of Welch and Satterthwaite; with equal values in both samples
/// there is no variance to estimate them from, and the interval has no width.
pub(crate) fn difference<K: Ord>(a: &[(K, f64)], b: &[(K, f64)], level: f64) -> Option<Difference> {
    let values = |sample: &[(K, f64)]| sample.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
    let (of_a, of_b) = (values(a), values(b));
    if a.is_empty() || b.is_empty() || of_a.iter().chain(&of_b).any(|value| !value.is_finite()) {
        return None;
    }
    if let Some(differences) = pairs(a, b) {
        let estimate = differences.iter().sum::<f64>() / differences.len() as f64;
        return Some(Difference {
            estimate,
            interval: mean_interval(&differences, level),
            method: Method::Paired,
            range: Some(range(&differences)),
            design: Design::OneSample { runs: differences.len() },
        });
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let estimate = mean(&of_a) - mean(&of_b);
    let interval = (of_a.len().min(of_b.len()) >= MIN_RUNS).then(|| {
        let half = welch_half_width(&of_a, &of_b, level);
        ConfidenceInterval::around(estimate, half)
    });
    let design = Design::TwoSamples { deviation: pooled_deviation(&of_a, &of_b) };
    Some(Difference { estimate, interval, method: Method::Welch, range: None, design })
}

/// The difference between the interquartile means of `a` and `b` at this level, by drawing runs again: the pairs where both
/// samples have the same keys, each once, so that what a key has in common with itself cancels; each sample by itself
/// elsewhere. None where a sample is empty or has a value that isn't finite.
pub(crate) fn interquartile_difference<K: Ord>(
    a: &[(K, f64)],
    b: &[(K, f64)],
    level: f64,
) -> Option<Difference> {
    const STREAM: &str = "difference of interquartile means";
    let values = |sample: &[(K, f64)]| sample.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
    let estimate = interquartile_mean(&values(a))? - interquartile_mean(&values(b))?;
    let middle = |values: &[f64], places: &[usize]| {
        interquartile::of(&mut places.iter().map(|&place| values[place]).collect::<Vec<f64>>())
    };
    if let Some((of_a, of_b)) = in_pairs(a, b) {
        let n = of_a.len();
        let statistic = |groups: &[Vec<usize>]| match groups {
            [pairs] => middle(&of_a, pairs) - middle(&of_b, pairs),
            _ => f64::NAN,
        };
        return Some(Difference {
            estimate,
            interval: stratified_interval(&[n], statistic, level, STREAM),
            method: Method::ResampledPairs,
            range: None,
            design: Design::OneSample { runs: n },
        });
    }
    let (of_a, of_b) = (values(a), values(b));
    let statistic = |groups: &[Vec<usize>]| match groups {
        [places_a, places_b] => middle(&of_a, places_a) - middle(&of_b, places_b),
        _ => f64::NAN,
    };
    let interval = stratified_interval(&[of_a.len(), of_b.len()], statistic, level, STREAM);
    let design = Design::TwoSamples { deviation: pooled_deviation(&of_a, &of_b) };
    Some(Difference { estimate, interval, method: Method::Resampled, range: None, design })
}

/// The standard deviation of both samples' values, each about its own mean, with equal weight; 0 of a sample of one.
fn pooled_deviation(a: &[f64], b: &[f64]) -> f64 {
    let variance = |values: &[f64]| if values.len() > 1 { moments(values).1 } else { 0.0 };
    f64::midpoint(variance(a), variance(b)).sqrt()
}

/// The differences of pairs in the order of their keys, if `a` and `b` have the same keys, each once.
fn pairs<K: Ord>(a: &[(K, f64)], b: &[(K, f64)]) -> Option<Vec<f64>> {
    let (of_a, of_b) = in_pairs(a, b)?;
    Some(of_a.into_iter().zip(of_b).map(|(a, b)| a - b).collect())
}

/// The values of both samples in the order of their keys, if `a` and `b` have the same keys, each once.
fn in_pairs<K: Ord>(a: &[(K, f64)], b: &[(K, f64)]) -> Option<(Vec<f64>, Vec<f64>)> {
    let by_key = |sample| {
        let sample: &[(K, f64)] = sample;
        sample.iter().map(|(key, value)| (key, *value)).collect::<BTreeMap<&K, f64>>()
    };
    let (of_a, of_b) = (by_key(a), by_key(b));
    let are_unique = of_a.len() == a.len() && of_b.len() == b.len();
    (are_unique && of_a.keys().eq(of_b.keys()))
        .then(|| (of_a.into_values().collect(), of_b.into_values().collect()))
}

fn welch_half_width(a: &[f64], b: &[f64], level: f64) -> f64 {
    let part = |values: &[f64]| moments(values).1 / values.len() as f64;
    let (of_a, of_b) = (part(a), part(b));
    let both = of_a + of_b;
    if both == 0.0 {
        return 0.0;
    }
    let degrees = both.powi(2) / (of_a.powi(2) / (a.len() - 1) as f64 + of_b.powi(2) / (b.len() - 1) as f64);
    student::two_sided_quantile(level, degrees) * both.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [(u64, f64); 5] = [(0, 0.71), (1, 0.74), (2, 0.69), (3, 0.80), (4, 0.77)];
    const B: [(u64, f64); 5] = [(4, 0.73), (3, 0.65), (2, 0.67), (1, 0.70), (0, 0.66)];

    fn assert_near(interval: Option<ConfidenceInterval>, low: f64, high: f64) {
        let found = interval.unwrap();
        assert!((found.low - low).abs() < 1e-12 && (found.high - high).abs() < 1e-12, "{found:?}");
    }

    /// `scipy.stats.ttest_rel(a, b).confidence_interval(0.95)` of SciPy 1.17.1, b in the order of its keys.
    #[test]
    fn samples_with_the_same_seeds_are_paired() {
        let found = difference(&A, &B, 0.95).unwrap();
        assert!((found.estimate - 0.06).abs() < 1e-12);
        assert_eq!(found.method, Method::Paired);
        assert_near(found.interval, -0.003_918_566_424_425_562_5, 0.123_918_566_424_425_53);
    }

    /// `scipy.stats.ttest_ind(a, b[:4], equal_var=False).confidence_interval(0.95)` of SciPy 1.17.1; its degrees of freedom
    /// are 6.016.
    #[test]
    fn samples_with_other_seeds_are_compared_by_welch() {
        let found = difference(&A, &B[1..], 0.95).unwrap();
        assert_eq!(found.method, Method::Welch);
        assert_near(found.interval, 0.016_741_020_727_060_546, 0.127_258_979_272_939_36);
    }

    /// A part that both samples share of each seed cancels where pairs are drawn again, and not where runs are.
    #[test]
    fn interquartile_means_are_compared_by_pairs_where_there_are_pairs() {
        let common = |seed: u64| 10.0 * (seed % 4) as f64;
        let sample = |first: u64, more: f64| -> Vec<(u64, f64)> {
            (first..first + 8).map(|seed| (seed, common(seed) + more + 0.01 * (seed % 3) as f64)).collect()
        };
        let paired = interquartile_difference(&sample(0, 1.0), &sample(0, 0.0), 0.95).unwrap();
        assert_eq!(paired.method, Method::ResampledPairs);
        assert!((paired.estimate - 1.0).abs() < 1e-12);
        assert!(
            paired
                .interval
                .is_some_and(|found| (found.low - 1.0).abs() < 1e-9 && (found.high - 1.0).abs() < 1e-9)
        );
        let apart = interquartile_difference(&sample(0, 1.0), &sample(8, 0.0), 0.95).unwrap();
        assert_eq!(apart.method, Method::Resampled);
        assert!(apart.interval.is_some_and(|found| found.low < -5.0 && found.high > 5.0), "{apart:?}");
        assert_eq!(
            interquartile_difference(&sample(0, 1.0)[..5], &sample(0, 0.0), 0.95).unwrap().interval,
            None
        );
        assert_eq!(interquartile_difference(&sample(0, 1.0)[..0], &sample(0, 0.0), 0.95), None);
    }

    #[test]
    fn a_seed_that_comes_twice_pairs_nothing() {
        let twice = [(0, 1.0), (0, 2.0), (1, 3.0)];
        assert_eq!(difference(&twice, &twice, 0.95).unwrap().method, Method::Welch);
    }

    #[test]
    fn small_samples_have_an_estimate_without_an_interval() {
        let found = difference(&A[..2], &B, 0.95).unwrap();
        assert!((found.estimate - 0.043).abs() < 1e-12);
        assert_eq!(found.interval, None);
        assert_eq!(difference(&A[..0], &B, 0.95), None);
        assert_eq!(difference(&[(0, f64::NAN), (1, 1.0), (2, 2.0)], &A, 0.95), None);
    }

    #[test]
    fn samples_without_variance_have_an_interval_of_no_width() {
        let same = |value: f64| [(0, value), (1, value), (2, value), (3, value)];
        let found = difference(&same(3.0), &same(1.0)[1..], 0.95).unwrap();
        assert_eq!((found.estimate, found.interval), (2.0, Some(ConfidenceInterval { low: 2.0, high: 2.0 })));
    }
}
