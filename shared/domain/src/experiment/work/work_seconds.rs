//! Seconds of work, by the sort of arithmetic that they go into.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use super::MachinePace;

/// Seconds that work takes on a thread of the reference machine, by the sort of arithmetic that they go into: one thread of an AMD
/// EPYC (Zen 5) with AVX-512, while its other core works too (`docs/performance.md`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct WorkSeconds {
    /// Products of sums in single precision: convolutions, dense layers.
    pub products: f64,
    /// Numbers in single precision on their way through memory, and calls: activations, pools, the optimiser.
    pub elements: f64,
    /// Networks in double precision: the gradients and Hessian–vector products of probes.
    pub double: f64,
    /// Critical points: small matrices and functions of single numbers.
    pub scalar: f64,
    /// Files and calls.
    pub fixed: f64,
}

impl WorkSeconds {
    /// All of it on the reference machine.
    pub fn total(&self) -> f64 {
        self.at(&MachinePace::REFERENCE)
    }

    /// The seconds that a thread takes on a machine of this pace.
    pub fn at(&self, pace: &MachinePace) -> f64 {
        self.products * pace.products
            + self.elements * pace.elements
            + self.double * pace.double
            + self.scalar * pace.scalar
            + self.fixed
    }

    /// Work in double precision.
    pub(super) fn in_double(seconds: f64) -> Self {
        Self { double: seconds, ..Self::default() }
    }

    /// Work on small matrices and single numbers.
    pub(super) fn on_scalars(seconds: f64) -> Self {
        Self { scalar: seconds, ..Self::default() }
    }

    fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            products: of(self.products, other.products),
            elements: of(self.elements, other.elements),
            double: of(self.double, other.double),
            scalar: of(self.scalar, other.scalar),
            fixed: of(self.fixed, other.fixed),
        }
    }
}

impl Add for WorkSeconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.zip(other, |one, other| one + other)
    }
}

impl Sub for WorkSeconds {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.zip(other, |one, other| one - other)
    }
}

impl Mul<f64> for WorkSeconds {
    type Output = Self;

    fn mul(self, times: f64) -> Self {
        self.zip(self, |seconds, _| seconds * times)
    }
}

impl AddAssign for WorkSeconds {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for WorkSeconds {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}
