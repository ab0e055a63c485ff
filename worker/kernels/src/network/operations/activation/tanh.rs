//! The hyperbolic tangent.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// tanh x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tanh;

impl<T: Float> ScalarFunction<T> for Tanh {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x.tanh()
    }

    #[inline(always)]
    fn derivative(self, _: T, y: T) -> T {
        T::from_f64(1.0) - y * y
    }

    #[inline(always)]
    fn second_derivative(self, _: T, y: T) -> T {
        T::from_f64(-2.0) * y * (T::from_f64(1.0) - y * y)
    }
}
