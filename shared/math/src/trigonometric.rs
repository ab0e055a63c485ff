//! Sine and cosine.

use crate::constants::{HALF_PI, TWO_BY_PI};
use crate::double_double::two_product;
use crate::exp::two_to;

/// sin x, within 1 ulp, however large x is; NaN where x isn't finite.
///
/// See [`cos`] for the method.
pub fn sin(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    // sin x = x − x³/6 + …
    if x.abs() < 1e-9 {
        return x;
    }
    let (quarter, angle) = reduced(x.abs());
    let value = of_quarter(quarter, angle);
    if x < 0.0 { -value } else { value }
}

/// cos x, within 1 ulp, however large x is; NaN where x isn't finite.
///
/// The angle is reduced to at most π/4 by exact arithmetic with as many bits of 2/π as the argument's exponent asks for (Payne and Hanek
/// 1983, "Radian reduction for trigonometric functions"); what is left is a pair of doubles. Then it is the series around zero, whose
/// first terms are kept apart.
pub fn cos(x: f64) -> f64 {
    if !x.is_finite() {
        return f64::NAN;
    }
    if x.abs() < 1e-9 {
        return 1.0;
    }
    let (quarter, angle) = reduced(x.abs());
    of_quarter(quarter + 1, angle)
}

/// The sine of `quarter` · π/2 + `angle`.
fn of_quarter(quarter: u64, angle: (f64, f64)) -> f64 {
    let value = if quarter & 1 == 0 { sine(angle) } else { cosine(angle) };
    if quarter & 2 == 0 { value } else { -value }
}

/// Σ of the coefficients times powers of z, the highest first.
fn polynomial(z: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().fold(0.0, |sum, coefficient| coefficient + z * sum)
}

/// For |angle| ≤ π/4.
fn sine((high, low): (f64, f64)) -> f64 {
    const FROM_FIFTH: [f64; 7] = [
        1.0 / 355_687_428_096_000.0,
        -1.0 / 1_307_674_368_000.0,
        1.0 / 6_227_020_800.0,
        -1.0 / 39_916_800.0,
        1.0 / 362_880.0,
        -1.0 / 5_040.0,
        1.0 / 120.0,
    ];
    let z = high * high;
    let cube = high * z;
    high + (cube * (z * polynomial(z, &FROM_FIFTH) - 1.0 / 6.0) + low * (1.0 - 0.5 * z))
}

/// For |angle| ≤ π/4.
fn cosine((high, low): (f64, f64)) -> f64 {
    const FROM_FOURTH: [f64; 7] = [
        1.0 / 20_922_789_888_000.0,
        -1.0 / 87_178_291_200.0,
        1.0 / 479_001_600.0,
        -1.0 / 3_628_800.0,
        1.0 / 40_320.0,
        -1.0 / 720.0,
        1.0 / 24.0,
    ];
    let z = high * high;
    let half = 0.5 * z;
    let first = 1.0 - half;
    first + (((1.0 - first) - half) + (z * z * polynomial(z, &FROM_FOURTH) - high * low))
}

/// The quarter of the circle, modulo 4, from whose start `x` is less than π/4 away, and how far; for finite x ≥ 2⁻³⁰.
fn reduced(x: f64) -> (u64, (f64, f64)) {
    let bits = x.to_bits();
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    // x = mantissa · 2^exponent.
    let exponent = (bits >> 52) as i64 - 1075;
    // Bits of 2/π that contribute whole circles are left out. 256 bits from there on, times the mantissa, make a number of
    // quarters whose point is behind the second bit of the lowest 256, or farther to the left if x is small.
    let first_bit = (exponent - 2).max(0) as usize;
    let shift = (2 - exponent).max(0) as u32;
    let mut words = [0_u64; 5];
    let mut carry = 0_u128;
    for (at, word) in words[..4].iter_mut().enumerate() {
        let sum = u128::from(mantissa) * u128::from(word_of_two_by_pi(first_bit + 64 * (3 - at))) + carry;
        *word = sum as u64;
        carry = sum >> 64;
    }
    words[4] = carry as u64;
    let words = shifted(words, shift);
    let quarter = words[3] >> 62;
    let fraction = u128::from(words[3]) << 66 | u128::from(words[2]) << 2 | u128::from(words[1] >> 62);
    // A fraction of a half or more is a negative one of the next quarter.
    let signed = fraction as i128;
    let high = signed as f64;
    let low = (signed - high as i128) as f64;
    let (high, low) = (high * two_to(-128), low * two_to(-128));
    let (product, left) = two_product(high, HALF_PI.0);
    (quarter + (fraction >> 127) as u64, (product, left + (high * HALF_PI.1 + low * HALF_PI.0)))
}

/// 64 bits of 2/π from the one so far behind the point on.
fn word_of_two_by_pi(bit: usize) -> u64 {
    let (word, offset) = (bit / 64, bit % 64);
    let high = TWO_BY_PI[word] << offset;
    if offset == 0 { high } else { high | TWO_BY_PI[word + 1] >> (64 - offset) }
}

/// The words, the lowest first, shifted to the right by fewer than 128 bits.
fn shifted(words: [u64; 5], by: u32) -> [u64; 4] {
    let (whole, rest) = ((by / 64) as usize, by % 64);
    let word = |at: usize| words.get(at + whole).copied().unwrap_or(0);
    std::array::from_fn(
        |at| {
            if rest == 0 { word(at) } else { word(at) >> rest | word(at + 1) << (64 - rest) }
        },
    )
}
