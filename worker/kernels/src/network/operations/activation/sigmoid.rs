//! The logistic function.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// σ(x) = 1/(1 + e⁻ˣ).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sigmoid;

impl<T: Float> ScalarFunction<T> for Sigmoid {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, _: T, y: T) -> T {
        y * (T::from_f64(1.0) - y)
    }

    #[inline(always)]
    fn second_derivative(self, _: T, y: T) -> T {
        y * (T::from_f64(1.0) - y) * (T::from_f64(1.0) - T::from_f64(2.0) * y)
    }
}
