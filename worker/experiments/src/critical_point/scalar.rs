//! The numbers that a network computes with.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use basin_math::DoubleDouble;

/// A real number: a double, or two of them where sixteen digits cancel to none.
pub trait Scalar:
    Copy + PartialOrd + From<f64> + Sum + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + AddAssign
{
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
}

impl Scalar for f64 {
    fn tanh(self) -> Self {
        basin_math::tanh(self)
    }
}

impl Scalar for DoubleDouble {
    fn tanh(self) -> Self {
        Self::tanh(self)
    }
}
