//! Whole powers.

use crate::double_double::product;

/// baseⁿ for a base from 0 to 1, within 0.6 ulp where it isn't subnormal.
///
/// By repeated squaring in pairs of doubles, each product to about 2⁻¹⁰⁰: what an optimiser needs of its decay rates.
pub fn power(base: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut left) = ((1.0, 0.0), (base, 0.0), exponent);
    loop {
        if left & 1 == 1 {
            result = product(result, square);
        }
        left >>= 1;
        // Below this everything is zero, and products would be of what underflowed.
        if left == 0 || result.0 < 1e-290 {
            return if result.0 < 1e-290 { 0.0 } else { result.0 + result.1 };
        }
        square = if square.0 < 1e-145 { (0.0, 0.0) } else { product(square, square) };
    }
}
