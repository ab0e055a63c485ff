//! Leaky ReLU.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x above 0, slope·x below (Maas et al. 2013).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeakyRelu<T> {
    /// The slope below 0.
    pub slope: T,
}

impl<T: Float> ScalarFunction<T> for LeakyRelu<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        if x > T::default() { x } else { x * self.slope }
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        if x > T::default() { T::from_f64(1.0) } else { self.slope }
    }

    #[inline(always)]
    fn second_derivative(self, _: T, _: T) -> T {
        T::default()
    }
}
