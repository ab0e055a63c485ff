//! The Gaussian error linear unit.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x·Φ(x) with the normal distribution's Φ, exact (Hendrycks and Gimpel 2016, arXiv 1606.08415).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gelu;

impl<T: Float> ScalarFunction<T> for Gelu {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * x.normal().0
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        let (distribution, density) = x.normal();
        distribution + x * density
    }

    #[inline(always)]
    fn second_derivative(self, x: T, _: T) -> T {
        x.normal().1 * (T::from_f64(2.0) - x * x)
    }
}
