//! The sigmoid linear unit.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// x·σ(x), also called swish (Elfwing et al. 2018, arXiv 1702.03118).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silu;

impl<T: Float> ScalarFunction<T> for Silu {
    #[inline(always)]
    fn value(self, x: T) -> T {
        x * x.sigmoid()
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        let (one, share) = (T::from_f64(1.0), x.sigmoid());
        share * (one + x * (one - share))
    }

    #[inline(always)]
    fn second_derivative(self, x: T, _: T) -> T {
        let (one, two, share) = (T::from_f64(1.0), T::from_f64(2.0), x.sigmoid());
        share * (one - share) * (two + x * (one - two * share))
    }
}
