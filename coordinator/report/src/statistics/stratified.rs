//! Intervals by resampling runs within their groups.

use basin_domain::random::Stream;

use super::confidence_interval::ConfidenceInterval;
use super::few::coverage_of_range;
use super::quantile::quantile_of_sorted;
use super::{normal, student};

/// How often the groups are drawn again: the ends of few runs' intervals lie far out in what is drawn.
const RESAMPLES: usize = 5_000;

/// The fewest runs of a group of which a bootstrap's interval can have this level. None of its ends lies beyond the range
/// of the runs, which holds the median of all with a probability of its own (see [`coverage_of_range`]).
pub(crate) fn fewest_of_bootstrap(level: f64) -> usize {
    (2..).find(|&n| coverage_of_range(n) >= level).unwrap_or(usize::MAX)
}

/// The interval at this level of a statistic of several groups of runs, each of which is drawn again by itself (Agarwal et
/// al. 2021, "Deep reinforcement learning at the edge of the statistical precipice", arXiv 2108.13264, section 4.1), by the
/// percentiles of what is drawn.
///
/// Of few runs those percentiles lie too near to the estimate, as if the variance were divided by n and the normal distribution
/// were Student's. They are taken so much farther out as that is off for a mean, with the n of the smallest group:
/// z = t·√(n/(n − 1)) (Hesterberg 2015, "What teachers should know about the bootstrap", The American Statistician 69, the
/// expanded percentile interval). Of many runs nothing remains of that.
///
/// `sizes` are those of the groups; `statistic` computes the statistic of the runs of these places in each. None of a
/// group with fewer runs than [`fewest_of_bootstrap`], or of a statistic that isn't finite. The resamples are those of the
/// random stream `name`.
pub(super) fn stratified_interval(
    sizes: &[usize],
    statistic: impl Fn(&[Vec<usize>]) -> f64,
    level: f64,
    name: &str,
) -> Option<ConfidenceInterval> {
    let n = sizes.iter().copied().min()?;
    if n < fewest_of_bootstrap(level) {
        return None;
    }
    percentiles(sizes, statistic, expanded_tail(n, level), name)
}

/// The share of resamples beyond each end.
fn expanded_tail(n: usize, level: f64) -> f64 {
    let t = student::two_sided_quantile(level, (n - 1) as f64);
    normal::probability_below(-t * (n as f64 / (n - 1) as f64).sqrt())
}

/// The statistic below which, and above which, this share of the resamples lies; none where one isn't finite.
pub(super) fn percentiles(
    sizes: &[usize],
    statistic: impl Fn(&[Vec<usize>]) -> f64,
    tail: f64,
    name: &str,
) -> Option<ConfidenceInterval> {
    let mut stream = Stream::new(0, name);
    let mut groups: Vec<Vec<usize>> = sizes.iter().map(|&size| vec![0; size]).collect();
    let mut drawn = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for (group, &size) in groups.iter_mut().zip(sizes) {
            group.fill_with(|| stream.below(size as u64) as usize);
        }
        drawn.push(statistic(&groups));
    }
    if !drawn.iter().all(|value| value.is_finite()) {
        return None;
    }
    drawn.sort_by(f64::total_cmp);
    let low = quantile_of_sorted(&drawn, tail);
    // Counted from above, so that both ends are as far in, to the last bit.
    drawn.reverse();
    Some(ConfidenceInterval { low, high: quantile_of_sorted(&drawn, tail) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_takes_six_runs_for_ninety_five_per_cent() {
        assert_eq!([0.9, 0.95, 0.975, 0.99].map(fewest_of_bootstrap), [5, 6, 7, 8]);
        let mean = |groups: &[Vec<usize>]| groups[0].iter().sum::<usize>() as f64;
        assert_eq!(stratified_interval(&[5], mean, 0.95, "few"), None);
        assert_eq!(stratified_interval(&[6, 5], mean, 0.95, "few"), None);
        assert!(stratified_interval(&[6], mean, 0.95, "few").is_some());
        assert_eq!(stratified_interval(&[9], |_| f64::NAN, 0.95, "none"), None);
    }

    /// `scipy.stats.norm.cdf(scipy.stats.t.ppf(0.025, n - 1) * sqrt(n / (n - 1)))`, what `ExpandProbs(0.025, n)` of the R package
    /// resample is.
    #[test]
    fn the_tails_of_few_runs_are_narrower() {
        assert!((expanded_tail(10, 0.95) - 0.008_550_64).abs() < 1e-7, "{}", expanded_tail(10, 0.95));
        assert!((expanded_tail(1_000, 0.95) - 0.024_804_31).abs() < 1e-7, "{}", expanded_tail(1_000, 0.95));
    }

    /// The mean of many runs has the interval that Student's has, which is exact for it.
    #[test]
    fn the_interval_of_a_mean_is_nearly_students() {
        let mut stream = Stream::new(0, "runs");
        let values: Vec<f64> = (0..60).map(|_| stream.normal()).collect();
        let mean = |groups: &[Vec<usize>]| {
            groups[0].iter().map(|&place| values[place]).sum::<f64>() / groups[0].len() as f64
        };
        let found = stratified_interval(&[60], mean, 0.95, "mean").unwrap();
        let all = values.iter().sum::<f64>() / 60.0;
        let variance = values.iter().map(|value| (value - all).powi(2)).sum::<f64>() / 59.0;
        let half = student::two_sided_quantile(0.95, 59.0) * (variance / 60.0).sqrt();
        assert!(
            (found.low - (all - half)).abs() < 0.03 && (found.high - (all + half)).abs() < 0.03,
            "{found:?}"
        );
    }
}
