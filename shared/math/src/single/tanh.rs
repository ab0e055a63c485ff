//! The hyperbolic tangent and the logistic function.

use super::exp::{exp, exp_m1};

/// tanh x, within 3 ulp.
///
/// For x ≥ 0 it is E / (E + 2) with E = e²ˣ − 1.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = x.abs();
    let size = if size > 10.0 { 10.0 } else { size };
    let e = exp_m1(2.0 * size);
    (e / (e + 2.0)).copysign(x)
}

/// 1 / (1 + e⁻ˣ), the logistic function, within 3 ulp where it isn't subnormal.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}
