//! The hyperbolic tangent of straight lines.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x within [−1, 1], and the nearer end outside (Collobert 2004). The derivative at both ends is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hardtanh;

impl<T: Float> ScalarFunction<T> for Hardtanh {
    #[inline(always)]
    fn value(self, x: T) -> T {
        let one = T::from_f64(1.0);
        let x = if x > one { one } else { x };
        if x < T::default() - one { T::default() - one } else { x }
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        if x.abs() >= T::from_f64(1.0) { T::default() } else { T::from_f64(1.0) }
    }

    #[inline(always)]
    fn second_derivative(self, _: T, _: T) -> T {
        T::default()
    }
}
