//! The exponential linear unit.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x above 0, alpha·(eˣ − 1) below (Clevert et al. 2016, arXiv 1511.07289).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elu<T> {
    /// Minus the limit at −∞.
    pub alpha: T,
}

impl<T: Float> ScalarFunction<T> for Elu<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        let below = self.alpha * x.exp_m1();
        if x > T::default() { x } else { below }
    }

    #[inline(always)]
    fn derivative(self, x: T, y: T) -> T {
        if x > T::default() { T::from_f64(1.0) } else { y + self.alpha }
    }

    #[inline(always)]
    fn second_derivative(self, x: T, y: T) -> T {
        if x > T::default() { T::default() } else { y + self.alpha }
    }
}
