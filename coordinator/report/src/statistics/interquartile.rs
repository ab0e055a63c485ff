//! The interquartile mean.

use super::confidence_interval::ConfidenceInterval;
use super::stratified::stratified_interval;

/// A quarter is cut off at each end.
const ONE_IN: usize = 4;

/// The mean of the middle half of `values`: without the ⌊n/4⌋ smallest and as many of the largest ones (Agarwal et al. 2021,
/// arXiv 2108.13264, section 4.3). Runs apart from the others, up to a quarter at each end, have no part in it. None of no
/// value, or of values that aren't all finite.
pub(crate) fn interquartile_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    Some(of(&mut sorted))
}

/// The same of finite values, whose order it changes.
pub(super) fn of(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let cut = values.len() / ONE_IN;
    let middle = &values[cut..values.len() - cut];
    middle.iter().sum::<f64>() / middle.len() as f64
}

/// Its interval at this level, by drawing the runs again (see [`stratified_interval`]): one group of runs.
pub(crate) fn interquartile_interval(values: &[f64], level: f64) -> Option<ConfidenceInterval> {
    interquartile_mean(values)?;
    let statistic = |groups: &[Vec<usize>]| {
        let mut drawn: Vec<f64> = groups.iter().flatten().map(|&place| values[place]).collect();
        of(&mut drawn)
    };
    stratified_interval(&[values.len()], statistic, level, "interquartile mean")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.trim_mean(values, 0.25)`, which is what the library rliable computes.
    #[test]
    fn it_is_the_mean_without_a_quarter_at_each_end() {
        let cases: [(&[f64], f64); 6] = [
            (&[3.0], 3.0),
            (&[1.0, 2.0, 6.0], 3.0),
            (&[9.0, 1.0, 2.0, 6.0], 4.0),
            (&[1.0, 2.0, 3.0, 4.0, 100.0], 3.0),
            (&[8.0, 1.0, 7.0, 2.0, 6.0, 3.0, 5.0, 1_000.0], 5.25),
            (&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], 0.5),
        ];
        for (values, expected) in cases {
            assert!((interquartile_mean(values).unwrap() - expected).abs() < 1e-12, "{values:?}");
        }
        assert_eq!(interquartile_mean(&[]), None);
        assert_eq!(interquartile_mean(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn its_interval_lies_within_the_range_and_forgets_a_run_apart() {
        let near: Vec<f64> = (0..12).map(|i| 1.0 + 0.01 * f64::from(i)).collect();
        let mut apart = near.clone();
        apart[11] = 1e6;
        let (a, b) =
            (interquartile_interval(&near, 0.95).unwrap(), interquartile_interval(&apart, 0.95).unwrap());
        assert!(1.0 <= a.low && a.low < 1.055 && 1.055 < a.high && a.high <= 1.11, "{a:?}");
        assert!((a.low - b.low).abs() < 1e-12, "{a:?} {b:?}");
        assert_eq!(interquartile_interval(&near[..5], 0.95), None);
        assert_eq!(interquartile_interval(&[2.0; 8], 0.95), Some(ConfidenceInterval { low: 2.0, high: 2.0 }));
    }
}
