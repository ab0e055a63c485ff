//! The hyperbolic tangent.

use crate::exp::{Reduced, two_to};

/// tanh x, within 2 ulp.
///
/// For x ≥ 0 it is E / (E + 2) with E = e²ˣ − 1, which is put together from the parts of [`exp`](crate::exp()) so that nothing cancels:
/// (2ᵏ 2^(j/64) − 1) is exact but for the table's rest, and zero where x is small.
#[inline]
pub fn tanh(x: f64) -> f64 {
    let size = x.abs();
    if size.is_nan() {
        return f64::NAN;
    }
    if size < 1e-9 {
        // tanh x = x − x³/3 + …
        return x;
    }
    let value = if size > 22.0 {
        1.0
    } else {
        let Reduced { power, exponent, minus_one } = Reduced::of(2.0 * size);
        let scale = two_to(exponent);
        let e = (scale * power.0 - 1.0) + scale * (power.1 + power.0 * minus_one);
        e / (e + 2.0)
    };
    if x < 0.0 { -value } else { value }
}
