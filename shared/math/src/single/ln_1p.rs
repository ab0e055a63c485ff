//! The natural logarithm of one and a number.

/// ln (1 + x) for x from 0 to 1, within 2 ulp.
///
/// It is 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) with s = x / (2 + x) ≤ ⅓.
#[inline(always)]
pub fn ln_1p(x: f32) -> f32 {
    let s = x / (2.0 + x);
    let z = s * s;
    let high = 1.0 / 9.0 + z * (1.0 / 11.0 + z * (1.0 / 13.0 + z * (1.0 / 15.0)));
    let tail = z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * (1.0 / 7.0 + z * high)));
    2.0 * (s + s * tail)
}
