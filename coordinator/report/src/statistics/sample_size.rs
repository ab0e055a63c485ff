//! How many runs a question takes.

use super::student;

/// The most runs that are proposed.
pub(crate) const MOST_RUNS: usize = 1_000;

/// In so many of repeated sweeps the runs should be enough (Cohen 1988, "Statistical Power Analysis for the Behavioral
/// Sciences", 2.4).
const POWER: f64 = 0.8;

/// The number of runs of which Student's interval at this level leaves a bound out in four of five sweeps, if the estimate is
/// right: it lies `distance` from the bound, and its interval of `n` runs reaches `half` to each side. None above
/// [`MOST_RUNS`], or where there is no distance.
pub(crate) fn runs_needed(n: usize, half: f64, distance: f64, level: f64) -> Option<usize> {
    if n < 2 || !(half.is_finite() && distance.is_finite() && half > 0.0 && distance > 0.0) {
        return None;
    }
    let quantile = |n: usize| student::two_sided_quantile(level, (n - 1) as f64);
    let deviation = half * (n as f64).sqrt() / quantile(n);
    let is_enough = |&runs: &usize| {
        let one_sided = student::two_sided_quantile(2.0 * POWER - 1.0, (runs - 1) as f64);
        (quantile(runs) + one_sided) * deviation / (runs as f64).sqrt() <= distance
    };
    (3..=MOST_RUNS).find(is_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a distance of half a standard deviation a paired t test takes 34 pairs (Cohen 1988, table 2.4.1, two-sided 5
    /// %, power 0.80: 33.4, after his 2.3.4); sums of two t quantiles, which are a little too large, give 34.
    #[test]
    fn half_a_standard_deviation_takes_thirty_four_pairs() {
        // Four runs with a standard deviation of 1: t(3) = 3.182 446, half = 1.591 223.
        assert_eq!(runs_needed(4, 1.591_223, 0.5, 0.95), Some(34));
        assert_eq!(runs_needed(4, 1.591_223, 5.0, 0.95), Some(3));
        assert_eq!(runs_needed(4, 1.591_223, 1e-3, 0.95), None);
        assert_eq!(runs_needed(4, 1.591_223, 0.0, 0.95), None);
        assert_eq!(runs_needed(4, 0.0, 1.0, 0.95), None);
    }
}
