//! Student's t distribution for whole degrees of freedom.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The t such that a t-distributed number with this many degrees of freedom lies within ±t with probability `level`.
///
/// Needs `degrees` ≥ 1 and 0 < `level` < 1.
pub(crate) fn two_sided_quantile(level: f64, degrees: usize) -> f64 {
    // With t = √ν·tan θ the probability grows with θ from 0 to π/2: halving finds it to the last bit.
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if probability_within(middle, degrees) < level {
            low = middle;
        } else {
            high = middle;
        }
    }
    (degrees as f64).sqrt() * low.tan()
}

/// The probability A(t|ν) of lying within ±t, where t = √ν·tan θ: the finite series of Abramowitz & Stegun, "Handbook of
/// Mathematical Functions" (1964), 26.7.3 (ν odd) and 26.7.4 (ν even).
fn probability_within(angle: f64, degrees: usize) -> f64 {
    let (sine, cosine) = angle.sin_cos();
    if degrees == 1 {
        return FRAC_2_PI * angle;
    }
    let is_odd = !degrees.is_multiple_of(2);
    let mut term = if is_odd { cosine } else { 1.0 };
    let mut sum = term;
    let mut k = if is_odd { 2 } else { 1 };
    while k + 2 < degrees {
        term *= k as f64 / (k + 1) as f64 * cosine * cosine;
        sum += term;
        k += 2;
    }
    if is_odd { FRAC_2_PI * (angle + sine * sum) } else { sine * sum }
}

#[cfg(test)]
mod tests {
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
            let t = two_sided_quantile(0.95, degrees);
            assert!((t - expected).abs() < 5.1e-4, "{degrees}: {t} instead of {expected}");
        }
        assert!((two_sided_quantile(0.99, 9) - 3.250).abs() < 5e-4);
    }

    #[test]
    fn with_many_degrees_it_nears_the_normal_distribution() {
        assert!((two_sided_quantile(0.95, 100_000) - 1.959_964).abs() < 5e-5);
    }
}
