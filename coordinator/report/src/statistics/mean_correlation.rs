//! The mean of several runs' rank correlations.

use super::confidence_interval::ConfidenceInterval;
use super::summary::mean_interval;

/// The interval at this level of the mean of rank correlations, each of which is one of at least `pairs` pairs: from
/// the lower to the higher end of Student's interval of them and that of their Fisher z. Correlations near ±1 are
/// skewed towards 0, so that Student's alone is too high on that side (93 % instead of 95 %), and that of z alone
/// speaks of another middle. z is taken no nearer to infinity than ranks tell a correlation from 1: half of the way to
/// the next value below.
pub(crate) fn mean_correlation_interval(
    correlations: &[f64],
    pairs: usize,
    level: f64,
) -> Option<ConfidenceInterval> {
    let n = pairs as f64;
    let most = 1.0 - 6.0 / (n * (n * n - 1.0));
    let z: Vec<f64> = correlations.iter().map(|correlation| correlation.clamp(-most, most).atanh()).collect();
    let (plain, of_z) = (mean_interval(correlations, level)?, mean_interval(&z, level)?.map(f64::tanh));
    let within = |end: f64| end.clamp(-1.0, 1.0);
    Some(ConfidenceInterval { low: within(plain.low.min(of_z.low)), high: within(plain.high.max(of_z.high)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, of 1, 0.8 and 1 with four pairs each: Student's is 0.933 ± 0.286 844; z of 0.9, 0.8 and 0.9, which is
    /// as near to 1 as four pairs tell, is 1.347 684 ± 0.535 834, hence 0.670 609 to 0.954 804.
    #[test]
    fn it_holds_the_interval_of_the_numbers_and_that_of_their_z() {
        let found = mean_correlation_interval(&[1.0, 0.8, 1.0], 4, 0.95).unwrap();
        assert!((found.low - 0.646_490).abs() < 1e-6 && found.high == 1.0, "{found:?}");
        // Student's is 0.775 793 to 1.024 207; z is 1.520 051 ± 0.722 337, hence 0.662 757 to 0.977 693.
        let skewed = mean_correlation_interval(&[0.95, 0.9, 0.85], 30, 0.95).unwrap();
        assert!((skewed.low - 0.662_757).abs() < 1e-6 && skewed.high == 1.0, "{skewed:?}");
        assert_eq!(mean_correlation_interval(&[1.0, 1.0], 4, 0.95), None);
    }

    #[test]
    fn perfect_order_in_every_run_leaves_what_ranks_cannot_tell() {
        let found = mean_correlation_interval(&[1.0; 5], 6, 0.95).unwrap();
        assert!((found.low - (1.0 - 6.0 / 210.0)).abs() < 1e-12 && found.high == 1.0, "{found:?}");
    }
}
