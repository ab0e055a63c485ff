//! The normal distribution.

use crate::constants::NORMAL_TAIL;
use crate::double_double::two_product;
use crate::exp::exp;

/// 1 / √(2π).
const DENSITY_AT_ZERO: f64 = 0.398_942_280_401_432_7;

/// Φ(x) = ½ (1 + erf (x / √2)), the probability that a standard normal number is at most x; within 8 ulp where it isn't subnormal.
///
/// For z = |x| it is Φ(−z) = e^(−z²/2) t P(t) with t = 5 / (z + 5), a polynomial that is fitted to Mills' ratio (the variable is that of
/// Schonfelder 1978, "Chebyshev expansions for the error and related functions"); Φ(z) = 1 − Φ(−z).
pub fn normal_cdf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x == 0.0 {
        return 0.5;
    }
    let z = x.abs().min(40.0);
    let t = 5.0 / (z + 5.0);
    let polynomial = NORMAL_TAIL.iter().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let (square, left) = two_product(z, z);
    let tail = exp(-0.5 * square) * (t * polynomial * (1.0 - 0.5 * left));
    if x <= 0.0 { tail } else { 1.0 - tail }
}

/// φ(x) = e^(−x²/2) / √(2π), the density of the standard normal distribution; within 3 ulp where it isn't subnormal.
pub fn normal_density(x: f64) -> f64 {
    if x.abs() > 40.0 {
        return 0.0;
    }
    let (square, left) = two_product(x, x);
    exp(-0.5 * square) * (DENSITY_AT_ZERO * (1.0 - 0.5 * left))
}
