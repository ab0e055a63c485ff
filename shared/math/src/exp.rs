//! The exponential function.

use crate::constants::{LN_2_BY_64_HIGH, LN_2_BY_64_LOW, POWERS};

/// eˣ, within 0.6 ulp.
///
/// Tang 1989, "Table-driven implementation of the exponential function in IEEE floating-point arithmetic": with n = 64 k + j the whole
/// number nearest to 64 x / ln 2, eˣ = 2ᵏ · 2^(j/64) · eʳ. The middle factor is in a table, in two doubles; |r| ≤ ln 2 / 128, where
/// six terms of the series are enough.
#[inline]
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    // Beyond these the result is infinite, or less than half of the least number.
    if x > 709.782_712_893_384 {
        return f64::INFINITY;
    }
    if x < -745.133_219_101_941_1 {
        return 0.0;
    }
    let Reduced { power, exponent, minus_one } = Reduced::of(x);
    scaled(power.0 + (power.1 + power.0 * minus_one), exponent)
}

/// eˣ as (power + power · minus one) · 2^exponent.
pub(crate) struct Reduced {
    /// 2^(j/64), in two doubles.
    pub(crate) power: (f64, f64),
    pub(crate) exponent: i64,
    /// eʳ − 1.
    pub(crate) minus_one: f64,
}

impl Reduced {
    /// For finite x with |x| < 750.
    #[inline]
    pub(crate) fn of(x: f64) -> Self {
        /// Added to a small number, it leaves the nearest whole one in the lowest bits.
        const SHIFT: f64 = 6_755_399_441_055_744.0;
        /// 64 / ln 2.
        const SCALE: f64 = 64.0 * std::f64::consts::LOG2_E;
        let shifted = x * SCALE + SHIFT;
        let whole = shifted - SHIFT;
        let n = shifted.to_bits().cast_signed() - SHIFT.to_bits().cast_signed();
        let r = (x - whole * LN_2_BY_64_HIGH) - whole * LN_2_BY_64_LOW;
        let square = r * r;
        let low = 0.5 + r * (1.0 / 6.0);
        let high = 1.0 / 24.0 + r * (1.0 / 120.0) + square * (1.0 / 720.0);
        let minus_one = r + square * (low + square * high);
        Self { power: POWERS[(n & 63) as usize], exponent: n >> 6, minus_one }
    }
}

/// `number`, between 1 and 2, times 2^exponent, also where that is subnormal.
#[inline]
fn scaled(number: f64, exponent: i64) -> f64 {
    match exponent {
        1024.. => number * 2.0 * two_to(1023),
        -1022..1024 => number * two_to(exponent),
        ..-1022 => number * two_to(exponent + 100) * two_to(-100),
    }
}

/// 2^exponent, for an exponent from −1022 to 1023.
pub(crate) const fn two_to(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}
