//! Intervals by resampling, for statistics without a distribution of their own.

use basin_domain::random::Stream;

use super::confidence_interval::ConfidenceInterval;
use super::normal;
use super::quantile::quantile_of_sorted;

/// How often the sample is drawn again.
pub(crate) const RESAMPLES: usize = 2_000;

/// One in so many resamples, or left-out ones of the jackknife, may have no value of the statistic.
const ONE_IN: usize = 20;

/// The bias-corrected and accelerated interval of a statistic of `n` exchangeable things (runs) at this level (Efron 1987,
/// "Better bootstrap confidence intervals", Journal of the American Statistical Association 82), with the acceleration by
/// the jackknife (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", 14.15).
///
/// `statistic` computes the statistic of the things of these indices, of which a resample has some more than once and
/// others not at all; None where it isn't defined. The resamples are those of the random stream `name`, so that the
/// interval is the same wherever it is computed.
///
/// A resample in which the statistic isn't defined (all points drawn are one and the same) is left out. Where that is more
/// than one in twenty, or where the statistic of all things, or without any one of them, isn't defined, there is no
/// interval: what was left would not be a fair sample of the statistic's variation.
pub(crate) fn bca_interval(
    n: usize,
    statistic: impl Fn(&[usize]) -> Option<f64>,
    level: f64,
    name: &str,
) -> Option<ConfidenceInterval> {
    interval_of(RESAMPLES, n, statistic, level, name)
}

fn interval_of(
    resamples: usize,
    n: usize,
    statistic: impl Fn(&[usize]) -> Option<f64>,
    level: f64,
    name: &str,
) -> Option<ConfidenceInterval> {
    let defined = |things: &[usize]| statistic(things).filter(|value| value.is_finite());
    let all: Vec<usize> = (0..n).collect();
    let estimate = defined(&all)?;
    let acceleration = acceleration(&all, &defined)?;
    let mut stream = Stream::new(0, name);
    let mut things = vec![0; n];
    let mut drawn: Vec<f64> = Vec::with_capacity(resamples);
    for _ in 0..resamples {
        things.fill_with(|| stream.below(n as u64) as usize);
        drawn.extend(defined(&things));
    }
    if (resamples - drawn.len()) * ONE_IN > resamples {
        return None;
    }
    drawn.sort_by(f64::total_cmp);
    // Resamples that give the estimate itself, frequent among ranks of few runs, count half as below it.
    let tolerance = 1e-12 * estimate.abs();
    let below = drawn.iter().filter(|&&value| value < estimate - tolerance).count();
    let up_to = drawn.iter().filter(|&&value| value <= estimate + tolerance).count();
    let share = (below + up_to) as f64 / (2 * drawn.len()) as f64;
    if share <= 0.0 || share >= 1.0 {
        // All resamples lie on one side of the estimate: its bias is beyond what they can tell.
        return None;
    }
    let bias = normal::quantile(share);
    let end = |probability: f64| {
        let z = bias + normal::quantile(probability);
        quantile_of_sorted(&drawn, normal::probability_below(bias + z / (1.0 - acceleration * z)))
    };
    let tail = (1.0 - level) / 2.0;
    Some(ConfidenceInterval { low: end(tail), high: end(1.0 - tail) })
}

/// The most blocks of things that are left out in turn: each costs as much as a resample.
const BLOCKS: usize = 500;

/// A sixth of the skewness of the statistic's values without one thing each, or without one block each where there are very
/// many things (Miller 1974, "The jackknife: a review", Biometrika 61); 0 where they are all the same.
fn acceleration(all: &[usize], statistic: &impl Fn(&[usize]) -> Option<f64>) -> Option<f64> {
    let blocks = all.len().min(BLOCKS);
    let without = |block: usize| {
        let others: Vec<usize> = all.iter().copied().filter(|&thing| thing % blocks != block).collect();
        statistic(&others)
    };
    let values: Vec<f64> = (0..blocks).map(without).collect::<Option<_>>()?;
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (mean - value).powi(2)).sum();
    let cubes: f64 = values.iter().map(|value| (mean - value).powi(3)).sum();
    Some(if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::spearman;

    /// The law schools of Efron & Tibshirani 1993, "An Introduction to the Bootstrap", table 3.1: the mean score in the
    /// entrance test and the mean grade of 15 classes.
    const LSAT: [f64; 15] = [
        576.0, 635.0, 558.0, 578.0, 666.0, 580.0, 555.0, 661.0, 651.0, 605.0, 653.0, 575.0, 545.0, 572.0,
        594.0,
    ];
    const GPA: [f64; 15] =
        [3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96];

    fn pearson(things: &[usize]) -> Option<f64> {
        let n = things.len() as f64;
        let mean = |values: &[f64]| things.iter().map(|&i| values[i]).sum::<f64>() / n;
        let (x, y) = (mean(&LSAT), mean(&GPA));
        let sum = |term: &dyn Fn(usize) -> f64| things.iter().map(|&i| term(i)).sum::<f64>();
        let products = sum(&|i| (LSAT[i] - x) * (GPA[i] - y));
        let squares = sum(&|i| (LSAT[i] - x).powi(2)) * sum(&|i| (GPA[i] - y).powi(2));
        (squares > 0.0).then(|| products / squares.sqrt())
    }

    fn assert_near(interval: ConfidenceInterval, expected: (f64, f64), tolerance: f64) {
        let ConfidenceInterval { low, high } = interval;
        let near = (low - expected.0).abs() < tolerance && (high - expected.1).abs() < tolerance;
        assert!(near, "{interval:?} instead of {expected:?}");
    }

    /// The correlation 0.776 is that of the book; the intervals are those of
    /// `scipy.stats.bootstrap((lsat, gpa), r, paired=True, vectorized=False, n_resamples=100000, method="BCa",
    /// confidence_level=level, rng=seed)` of SciPy 1.17.1, whose lower ends differ by 0.01 between seeds.
    #[test]
    fn intervals_of_the_law_schools_agree_with_scipy() {
        let all: Vec<usize> = (0..15).collect();
        assert!((pearson(&all).unwrap() - 0.776_374_491_289_407).abs() < 1e-12);
        let interval = |level| interval_of(100_000, 15, pearson, level, "law schools").unwrap();
        assert_near(interval(0.95), (0.326, 0.942), 0.01);
        assert_near(interval(0.9), (0.426, 0.926), 0.01);
        let ranks = |things: &[usize]| {
            let (x, y): (Vec<f64>, Vec<f64>) = things.iter().map(|&i| (LSAT[i], GPA[i])).unzip();
            spearman(&x, &y)
        };
        assert_near(interval_of(20_000, 15, ranks, 0.95, "law schools").unwrap(), (0.425, 0.962), 0.02);
    }

    /// The interval of a mean of skewed values reaches farther up than down, as that of
    /// `scipy.stats.bootstrap((values,), np.mean, n_resamples=200000, method="BCa")` of SciPy 1.17.1 does: (1.18, 5.16).
    #[test]
    fn a_skewed_sample_has_a_skewed_interval() {
        let values = [1.2, 0.3, 5.5, 0.7, 2.2, 0.1, 9.8, 1.1, 0.6, 3.4];
        let mean = |things: &[usize]| {
            Some(things.iter().map(|&thing| values[thing]).sum::<f64>() / things.len() as f64)
        };
        assert_near(bca_interval(10, mean, 0.95, "skewed").unwrap(), (1.18, 5.16), 0.2);
    }

    #[test]
    fn an_interval_depends_on_its_name_alone() {
        let first = bca_interval(15, pearson, 0.95, "a");
        assert_eq!(first, bca_interval(15, pearson, 0.95, "a"));
        assert_ne!(first, bca_interval(15, pearson, 0.95, "b"));
    }

    #[test]
    fn a_statistic_that_is_often_undefined_has_no_interval() {
        let needs = |distinct: usize| {
            move |things: &[usize]| {
                let mut seen = things.to_vec();
                seen.sort_unstable();
                seen.dedup();
                (seen.len() >= distinct).then_some(things.iter().sum::<usize>() as f64)
            }
        };
        // Of 8 things drawn from 8, all are the same in 8⁻⁷ of resamples, and no more than 4 are distinct in 19 %.
        assert!(
            bca_interval(8, needs(2), 0.95, "seldom").is_some_and(|interval| interval.low < interval.high)
        );
        assert_eq!(bca_interval(8, needs(5), 0.95, "often"), None);
        assert_eq!(bca_interval(0, |_| None, 0.95, "never"), None);
        assert_eq!(bca_interval(5, |_| Some(f64::NAN), 0.95, "not a number"), None);
    }

    #[test]
    fn a_statistic_without_variation_has_an_interval_of_no_width() {
        assert_eq!(
            bca_interval(6, |_| Some(0.5), 0.95, "constant"),
            Some(ConfidenceInterval { low: 0.5, high: 0.5 })
        );
    }
}
