//! The exponential function.

/// eˣ, within 1.5 ulp.
///
/// With n the whole number nearest to x / ln 2, eˣ = 2ⁿ eʳ; |r| ≤ ½ ln 2, where seven terms of the series are enough.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these the result is infinite, or less than half of the least number. A NaN stays one.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let Reduced { exponent, minus_one } = Reduced::of(x);
    // In two steps: 2ⁿ itself may be no number.
    let half = exponent >> 1;
    (1.0 + minus_one) * two_to(half) * two_to(exponent - half)
}

/// eˣ − 1, within 2 ulp, also where x is small.
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -30.0 { -30.0 } else { x };
    let Reduced { exponent, minus_one } = Reduced::of(x);
    // Half of it, of which all parts are numbers: (2ⁿ − 1) + 2ⁿ (eʳ − 1).
    let scale = two_to(exponent - 1);
    2.0 * ((scale - 0.5) + scale * minus_one)
}

/// eˣ as (1 + minus one) · 2^exponent.
struct Reduced {
    exponent: i32,
    minus_one: f32,
}

impl Reduced {
    #[inline(always)]
    fn of(x: f32) -> Self {
        /// Added to a small number, it leaves the nearest whole one in the lowest bits.
        const SHIFT: f32 = 12_582_912.0;
        /// ln 2: its product with a whole number below 2^15 is exact.
        const LN_2_HIGH: f32 = 0.693_359_4;
        /// The rest of ln 2.
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        let shifted = x * std::f32::consts::LOG2_E + SHIFT;
        let whole = shifted - SHIFT;
        let exponent = shifted.to_bits().cast_signed().wrapping_sub(SHIFT.to_bits().cast_signed());
        let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
        let high = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
        Self { exponent, minus_one: r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * high))) }
    }
}

/// 2^exponent, for an exponent from −126 to 127; anything for others.
#[inline(always)]
const fn two_to(exponent: i32) -> f32 {
    f32::from_bits((exponent.wrapping_add(127).cast_unsigned()) << 23)
}
