//! The identity.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identity;

impl<T: Float> ScalarFunction<T> for Identity {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x
    }

    #[inline(always)]
    fn derivative(self, _: T, _: T) -> T {
        T::from_f64(1.0)
    }

    #[inline(always)]
    fn second_derivative(self, _: T, _: T) -> T {
        T::default()
    }
}
