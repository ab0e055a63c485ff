//! The sine.

use crate::network::operation::Float;
use crate::network::operations::elementwise::ScalarFunction;

/// sin(frequency·x) (Sitzmann et al. 2020, arXiv 2006.09661, with ω₀ for the frequency).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sine<T> {
    /// The factor of x.
    pub frequency: T,
}

impl<T: Float> ScalarFunction<T> for Sine<T> {
    #[inline(always)]
    fn value(self, x: T) -> T {
        (self.frequency * x).sin()
    }

    #[inline(always)]
    fn derivative(self, x: T, _: T) -> T {
        self.frequency * (self.frequency * x).cos()
    }

    #[inline(always)]
    fn second_derivative(self, _: T, y: T) -> T {
        T::default() - self.frequency * self.frequency * y
    }
}
