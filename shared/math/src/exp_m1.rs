//! The exponential function less one.

use crate::exp::{Reduced, exp, two_to};

/// eˣ − 1, within 1.5 ulp, also where x is small.
///
/// It is put together from the parts of [`exp`] so that nothing cancels: (2ᵏ 2^(j/64) − 1) is exact but for the table's rest, and zero
/// where x is small.
#[inline]
pub fn exp_m1(x: f64) -> f64 {
    if x.abs() < 1e-9 {
        // x + x²/2 + …
        return x + 0.5 * x * x;
    }
    if x < -40.0 {
        return -1.0;
    }
    if x > 40.0 || x.is_nan() {
        return exp(x);
    }
    let Reduced { power, exponent, minus_one } = Reduced::of(x);
    let scale = two_to(exponent);
    (scale * power.0 - 1.0) + scale * (power.1 + power.0 * minus_one)
}
