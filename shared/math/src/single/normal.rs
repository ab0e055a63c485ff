//! The normal distribution.

use super::exp::exp;
use crate::constants::NORMAL_TAIL_SINGLE;

/// 1 / √(2π).
const DENSITY_AT_ZERO: f32 = 0.398_942_3;

/// Φ(x) = ½ (1 + erf (x / √2)) and φ(x) = e^(−x²/2) / √(2π), the standard normal distribution and its density; Φ within 3 · 10⁻⁷, and
/// within (10 + x²) ulp, φ within (3 + x²) ulp. See [`crate::normal_cdf`] for the method.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    let z = x.abs();
    let z = if z > 15.0 { 15.0 } else { z };
    let t = 4.0 / (z + 4.0);
    // Written out: a loop might be kept as one.
    let c = &NORMAL_TAIL_SINGLE;
    let high = (((c[0] * t + c[1]) * t + c[2]) * t + c[3]) * t + c[4];
    let polynomial = ((((high * t + c[5]) * t + c[6]) * t + c[7]) * t + c[8]) * t + c[9];
    let power = exp(-0.5 * z * z);
    let tail = power * (t * polynomial);
    (if x <= 0.0 { tail } else { 1.0 - tail }, power * DENSITY_AT_ZERO)
}
