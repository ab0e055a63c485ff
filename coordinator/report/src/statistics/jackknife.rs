//! Intervals by leaving out one thing at a time.

use super::confidence_interval::ConfidenceInterval;
use super::student;
use super::summary::MIN_RUNS;

/// The interval at this level of a statistic that isn't a sum over things (a mean over pairs of them), from its values
/// `without` each one of the n: estimate ± t·√((n−1)/n·Σ(θᵢ − θ̄)²), with n − 1 degrees of freedom (Tukey 1958, "Bias and
/// confidence in not-quite large samples"; Arvesen 1969, "Jackknifing U-statistics"). None of fewer than three things.
pub(crate) fn jackknife_interval(estimate: f64, without: &[f64], level: f64) -> Option<ConfidenceInterval> {
    if without.len() < MIN_RUNS || !estimate.is_finite() || !without.iter().all(|value| value.is_finite()) {
        return None;
    }
    let n = without.len() as f64;
    let mean = without.iter().sum::<f64>() / n;
    let squares: f64 = without.iter().map(|value| (value - mean).powi(2)).sum();
    let half = student::two_sided_quantile(level, n - 1.0) * ((n - 1.0) / n * squares).sqrt();
    Some(ConfidenceInterval::around(estimate, half))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::mean_interval;

    #[test]
    fn of_a_mean_it_is_students_interval() {
        let values = [0.9, 0.8, 0.85, 0.95];
        let sum: f64 = values.iter().sum();
        let without = values.map(|value| (sum - value) / 3.0);
        let found = jackknife_interval(sum / 4.0, &without, 0.95).unwrap();
        let expected = mean_interval(&values, 0.95).unwrap();
        assert!((found.low - expected.low).abs() < 1e-12 && (found.high - expected.high).abs() < 1e-12);
        assert_eq!(jackknife_interval(1.0, &without[..2], 0.95), None);
        assert_eq!(jackknife_interval(1.0, &[1.0, f64::NAN, 2.0], 0.95), None);
    }
}
