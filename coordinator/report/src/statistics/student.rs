//! Student's t distribution.

use std::f64::consts::FRAC_PI_2;

use super::beta;

/// The t such that a t-distributed number with this many degrees of freedom, which needn't be whole, lies within ±t with
/// probability `level`.
///
/// Needs `degrees` > 0 and 0 < `level` < 1.
pub(super) fn two_sided_quantile(level: f64, degrees: f64) -> f64 {
    // With t = √ν·tan θ the probability of lying within ±t is I(sin² θ; 1/2, ν/2) (Abramowitz & Stegun, "Handbook of
    // Mathematical Functions", 1964, 26.7.1). It grows with θ from 0 to π/2: halving finds it to the last bit.
    let (a, b) = (0.5, degrees / 2.0);
    let log_beta = beta::log_beta(a, b);
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        let (sine, cosine) = middle.sin_cos();
        if beta::share_below(sine * sine, cosine * cosine, a, b, log_beta) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    degrees.sqrt() * low.tan()
}

/// The probability that a t-distributed number with this many degrees of freedom, above 0, lies above `t` (Abramowitz &
/// Stegun 1964, 26.7.1).
pub(super) fn probability_above(t: f64, degrees: f64) -> f64 {
    let whole = degrees + t * t;
    let (a, b) = (degrees / 2.0, 0.5);
    let beyond = 0.5 * beta::share_below(degrees / whole, t * t / whole, a, b, beta::log_beta(a, b));
    if t >= 0.0 { beyond } else { 1.0 - beyond }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;

    /// The 0.975 column of the usual table (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2).
    #[test]
    fn quantiles_agree_with_published_values() {
        let table = [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (5, 2.571),
            (7, 2.365),
            (9, 2.262),
            (10, 2.228),
            (20, 2.086),
            (29, 2.045),
            (30, 2.042),
            (60, 2.000),
            (99, 1.984),
            (100, 1.984),
        ];
        for (degrees, expected) in table {
            let t = two_sided_quantile(0.95, f64::from(degrees));
            assert!((t - expected).abs() < 5.1e-4, "{degrees}: {t} instead of {expected}");
        }
        assert!((two_sided_quantile(0.99, 9.0) - 3.250).abs() < 5e-4);
    }

    #[test]
    fn with_many_degrees_it_nears_the_normal_distribution() {
        assert!((two_sided_quantile(0.95, 100_000.0) - 1.959_964).abs() < 5e-5);
    }

    #[test]
    fn quantiles_agree_with_statrs() {
        for level in [0.9, 0.95, 0.99, 0.995] {
            for degrees in (2..400).map(|twice| f64::from(twice) / 2.0) {
                let t = two_sided_quantile(level, degrees);
                let expected = StudentsT::new(0.0, 1.0, degrees).unwrap().inverse_cdf(0.5 + level / 2.0);
                assert!((t / expected - 1.0).abs() < 5e-12, "{level} {degrees}: {t} instead of {expected}");
            }
        }
    }

    /// `scipy.stats.t.ppf(0.5 + level / 2, degrees)` of SciPy 1.17.1.
    #[test]
    fn degrees_of_freedom_need_not_be_whole() {
        let table = [
            (0.95, 1.0, 12.706_204_736_174_694),
            (0.95, 1.5, 6.016_663_104_427_929),
            (0.95, 2.3, 3.807_163_208_232_131),
            (0.99, 4.7, 4.167_892_040_119_058),
            (0.995, 10.0, 3.581_406_202_090_669),
            (0.95, 37.25, 2.025_733_544_775_226),
            (0.995, 1000.0, 2.813_277_860_485_553),
        ];
        for (level, degrees, expected) in table {
            let t = two_sided_quantile(level, degrees);
            assert!((t / expected - 1.0).abs() < 1e-10, "{level} {degrees}: {t} instead of {expected}");
        }
    }

    /// `scipy.stats.t.sf(t, degrees)` of SciPy 1.17.1.
    #[test]
    fn tails_agree_with_scipy() {
        let table = [
            (0.5, 3.0, 0.325_723_982),
            (2.0, 7.5, 0.041_448_497_6),
            (-1.3, 1.0, 0.791_285_600),
            (30.0, 12.0, 5.886_590_95e-13),
        ];
        for (t, degrees, expected) in table {
            let tail = probability_above(t, degrees);
            assert!((tail / expected - 1.0).abs() < 1e-8, "{t} {degrees}: {tail} instead of {expected}");
        }
    }
}
