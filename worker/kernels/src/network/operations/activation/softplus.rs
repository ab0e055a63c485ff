//! Softplus.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// ln(1 + eˣ) (Dugas et al. 2001), as max(0, x) + ln(1 + e^(−|x|)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Softplus;

impl<T: Float> ScalarFunction<T> for Softplus {
    #[inline(always)]
    fn value(self, x: T) -> T {
        let above = if x <= T::default() { T::default() } else { x };
        above + (T::default() - x.abs()).exp().ln_1p()
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        x.sigmoid()
    }

    #[inline(always)]
    fn second_derivative(self, x: T, _: T) -> T {
        let share = x.sigmoid();
        share * (T::from_f64(1.0) - share)
    }
}
