//! Numbers as unevaluated sums of two doubles.
//!
//! Where digits cancel (a gradient that is zero but for rounding), 16 digits say nothing; two doubles have 32. All of it is built
//! of operations that IEEE 754 defines to the last bit, so it gives the same bits on every machine.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

mod exact;
mod tanh;

pub(crate) use exact::{product, two_product, two_sum};

/// A number of about 32 digits: the sum of two doubles, the second at most half a unit in the last place of the first
/// (Dekker 1971, "A floating-point technique for extending the available precision"; Hida, Li and Bailey 2001, "Algorithms for
/// quad-double precision floating point arithmetic").
///
/// Sums are within 2^−104 of their size, products within 2^−102, quotients within 2^−100, as long as magnitudes are from 2^−400 to 2^400.
/// Comparisons are those of the numbers. What overflows is not finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct DoubleDouble {
    high: f64,
    low: f64,
}

impl DoubleDouble {
    /// The sum of two doubles, rounded.
    pub fn of_sum(a: f64, b: f64) -> Self {
        let (high, low) = two_sum(a, b);
        Self { high, low }
    }

    /// The nearest double.
    pub const fn high(self) -> f64 {
        self.high
    }

    /// What the nearest double leaves.
    pub const fn low(self) -> f64 {
        self.low
    }

    /// Whether it is a number: neither infinite nor NaN.
    pub const fn is_finite(self) -> bool {
        self.high.is_finite() && self.low.is_finite()
    }

    /// The number times a power of two, exactly.
    fn scaled(self, power_of_two: f64) -> Self {
        Self { high: self.high * power_of_two, low: self.low * power_of_two }
    }
}

impl From<f64> for DoubleDouble {
    fn from(number: f64) -> Self {
        Self { high: number, low: 0.0 }
    }
}

impl Neg for DoubleDouble {
    type Output = Self;

    fn neg(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }
}

impl Add for DoubleDouble {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (high, left) = two_sum(self.high, other.high);
        let (low, rest) = two_sum(self.low, other.low);
        let (high, left) = two_sum(high, left + low);
        Self::of_sum(high, left + rest)
    }
}

impl Sub for DoubleDouble {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.add(-other)
    }
}

impl Mul for DoubleDouble {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let (high, low) = product((self.high, self.low), (other.high, other.low));
        Self { high, low }
    }
}

impl Div for DoubleDouble {
    type Output = Self;

    /// By long division: three digits of a double each.
    fn div(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::from(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::from(second);
        let third = rest.high / other.high;
        Self::of_sum(first, second) + Self::from(third)
    }
}

impl AddAssign for DoubleDouble {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for DoubleDouble {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl MulAssign for DoubleDouble {
    fn mul_assign(&mut self, other: Self) {
        *self = *self * other;
    }
}

impl Sum for DoubleDouble {
    fn sum<I: Iterator<Item = Self>>(numbers: I) -> Self {
        numbers.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The integer `whole` over 2^`bits`, exactly: up to 106 bits of it.
    fn exactly(whole: i128, bits: u32) -> DoubleDouble {
        let high = whole as f64;
        let low = (whole - high as i128) as f64;
        let power = f64::from_bits((1023 - u64::from(bits)) << 52);
        DoubleDouble::of_sum(high * power, low * power)
    }

    const ONES: i128 = 0x0123_4567_89ab_cdef_0fed_cba9;
    const OTHER: i128 = 0x00fe_dcba_9876_5432_1012_3457;

    #[test]
    fn sums_and_differences_keep_all_digits() {
        let (a, b) = (exactly(ONES, 60), exactly(OTHER, 60));
        assert_eq!(a + b, exactly(ONES + OTHER, 60));
        assert_eq!(a - b, exactly(ONES - OTHER, 60));
        assert_eq!(a + -a, DoubleDouble::default());
        // What a double loses: 1 + 2^−80 − 1.
        let tiny = exactly(1, 80);
        assert_eq!((DoubleDouble::from(1.0) + tiny) - DoubleDouble::from(1.0), tiny);
    }

    #[test]
    fn products_and_quotients_are_within_their_bounds() {
        // 53 bits times 53 bits fit.
        let (a, b) = (0x001f_ffff_ffff_fffb_i128, 0x0015_5555_5555_5555_i128);
        let exact = exactly(a * b, 100);
        assert_eq!(exactly(a, 50) * exactly(b, 50), exact);
        assert_eq!(exact / exactly(a, 50), exactly(b, 50));
        let (a, b) = (exactly(ONES, 90), exactly(OTHER, 90));
        let off = (a * b) / b - a;
        assert!(off.high().abs() < 1e-29 * a.high(), "{off:?}");
        let third = DoubleDouble::from(1.0) / DoubleDouble::from(3.0);
        let off = third * DoubleDouble::from(3.0) - DoubleDouble::from(1.0);
        assert!(off.high().abs() < 1e-31, "{off:?}");
    }

    #[test]
    fn numbers_are_compared_by_all_their_digits_and_overflow_is_seen() {
        let one = DoubleDouble::from(1.0);
        assert!(one < one + exactly(1, 90) && one > one - exactly(1, 90));
        assert!(one.is_finite());
        assert!(!(DoubleDouble::from(1e308) * DoubleDouble::from(1e308)).is_finite());
        assert!(!(DoubleDouble::from(f64::INFINITY) + one).is_finite());
    }

    #[test]
    fn a_sum_of_many_cancels_to_what_is_left() {
        let numbers = [1e16, 1.0, -1e16, 2.0, 1e-16, -3.0];
        let sum: DoubleDouble = numbers.into_iter().map(DoubleDouble::from).sum();
        assert_eq!(sum, DoubleDouble::from(1e-16));
    }
}
