//! The natural logarithm of one and a number.

use crate::double_double::two_sum;
use crate::ln::ln;

/// ln (1 + x), within 1.5 ulp, also where x is small; −∞ at −1, NaN below.
///
/// With u the double nearest to 1 + x and d what is left of the sum, it is ln u + d / u + … (Kahan's correction, with the rest exact).
#[inline]
pub fn ln_1p(x: f64) -> f64 {
    let (near, left) = two_sum(1.0, x);
    if near == 1.0 {
        return x;
    }
    if near <= 0.0 || near == f64::INFINITY || x.is_nan() {
        return ln(near);
    }
    ln(near) + left / near
}
