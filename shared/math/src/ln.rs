//! The natural logarithm.

use crate::constants::{LN_2_HIGH, LN_2_LOW};

/// ln x, within 1 ulp; −∞ at zero, NaN below.
///
/// x = 2ᵏ (1 + f) with √½ ≤ 1 + f < √2, and ln (1 + f) = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) with s = f / (2 + f). Since 2 s = f − s f
/// and s f = f²/2 − s f²/2, it is f − (f²/2 − s (f²/2 + R)) with R = 2 s²/3 + 2 s⁴/5 + …: f is exact, and all that is rounded is
/// small beside it (the arrangement of the C library of 4.3BSD, Ng 1985).
#[inline]
pub fn ln(x: f64) -> f64 {
    /// The bits of √½.
    const ROOT_OF_HALF: i64 = std::f64::consts::FRAC_1_SQRT_2.to_bits() as i64;
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    // Subnormal numbers have no hidden bit: they are made normal first.
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * 18_014_398_509_481_984.0, -54) } else { (x, 0) };
    let bits = x.to_bits() as i64;
    let exponent = (bits - ROOT_OF_HALF) >> 52;
    let f = f64::from_bits((bits - (exponent << 52)) as u64) - 1.0;
    let k = (exponent + shift) as f64;
    let s = f / (2.0 + f);
    let z = s * s;
    // Every second term for itself: two short chains instead of a long one.
    let w = z * z;
    let odd = 2.0 / 3.0 + w * (2.0 / 7.0 + w * (2.0 / 11.0 + w * (2.0 / 15.0 + w * (2.0 / 19.0))));
    let even = 2.0 / 5.0 + w * (2.0 / 9.0 + w * (2.0 / 13.0 + w * (2.0 / 17.0 + w * (2.0 / 21.0))));
    let half_square = 0.5 * f * f;
    k * LN_2_HIGH - ((half_square - (s * (half_square + (z * odd + w * even)) + k * LN_2_LOW)) - f)
}
