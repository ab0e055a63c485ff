//! Elementary functions of the floats that operations work in.

use basin_math::single;

use crate::element::Element;

/// A float with elementary functions: in single precision those that compilers put into registers, in double precision the
/// exact ones.
pub(crate) trait Elementary: Element {
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    /// ln (1 + x) for x from 0 to 1.
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    /// 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self;
    /// Φ(x) and φ(x), the standard normal distribution and its density.
    fn normal(self) -> (Self, Self);
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn abs(self) -> Self;
}

impl Elementary for f32 {
    #[inline(always)]
    fn exp(self) -> Self {
        single::exp(self)
    }

    #[inline(always)]
    fn exp_m1(self) -> Self {
        single::exp_m1(self)
    }

    #[inline(always)]
    fn ln_1p(self) -> Self {
        single::ln_1p(self)
    }

    #[inline(always)]
    fn tanh(self) -> Self {
        single::tanh(self)
    }

    #[inline(always)]
    fn sigmoid(self) -> Self {
        single::sigmoid(self)
    }

    #[inline(always)]
    fn normal(self) -> (Self, Self) {
        single::normal(self)
    }

    // Angles may be of any size: those functions have branches.
    fn sin(self) -> Self {
        basin_math::sin(f64::from(self)) as Self
    }

    fn cos(self) -> Self {
        basin_math::cos(f64::from(self)) as Self
    }

    #[inline(always)]
    fn abs(self) -> Self {
        self.abs()
    }
}

impl Elementary for f64 {
    fn exp(self) -> Self {
        basin_math::exp(self)
    }

    fn exp_m1(self) -> Self {
        basin_math::exp_m1(self)
    }

    fn ln_1p(self) -> Self {
        basin_math::ln_1p(self)
    }

    fn tanh(self) -> Self {
        basin_math::tanh(self)
    }

    fn sigmoid(self) -> Self {
        1.0 / (1.0 + basin_math::exp(-self))
    }

    fn normal(self) -> (Self, Self) {
        (basin_math::normal_cdf(self), basin_math::normal_density(self))
    }

    fn sin(self) -> Self {
        basin_math::sin(self)
    }

    fn cos(self) -> Self {
        basin_math::cos(self)
    }

    fn abs(self) -> Self {
        self.abs()
    }
}
