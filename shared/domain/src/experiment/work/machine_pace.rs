//! How fast a machine is, against the one that work is counted in seconds of.

use serde::{Deserialize, Serialize};

/// The seconds that a thread of a machine takes for a second of the reference machine's work, by the sort of arithmetic
/// ([`super::WorkSeconds`]).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MachinePace {
    /// Of products in single precision.
    pub products: f64,
    /// Of numbers on their way through memory.
    pub elements: f64,
    /// Of networks in double precision.
    pub double: f64,
    /// Of small matrices and single numbers.
    pub scalar: f64,
}

impl MachinePace {
    /// The reference machine's own.
    pub const REFERENCE: Self = Self { products: 1.0, elements: 1.0, double: 1.0, scalar: 1.0 };

    /// Whether all of it can be: positive and finite.
    pub fn is_possible(&self) -> bool {
        [self.products, self.elements, self.double, self.scalar]
            .iter()
            .all(|pace| pace.is_finite() && *pace > 0.0)
    }

    /// The pace of which two measurements speak that differ in their shares of products and elements: each is what was done, in seconds of
    /// the reference machine, and the seconds that it took here. Where no positive pace explains both, products and elements have the
    /// same.
    pub fn with_single(self, [one, other]: [(super::WorkSeconds, f64); 2]) -> Self {
        let ((a, a_took), (b, b_took)) = (one, other);
        let determinant = a.products * b.elements - b.products * a.elements;
        let products = (a_took * b.elements - b_took * a.elements) / determinant;
        let elements = (a.products * b_took - b.products * a_took) / determinant;
        let same = (a_took + b_took) / (a + b).total();
        // Noise tears the two apart: neither is believed that is far from what both took.
        let is_likely = |pace: f64| pace > 0.25 * same && pace < 4.0 * same;
        match is_likely(products) && is_likely(elements) {
            true => Self { products, elements, ..self },
            false => Self { products: same, elements: same, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::WorkSeconds;
    use super::*;

    #[test]
    fn two_measurements_tell_products_from_elements() {
        let work = |products, elements| WorkSeconds { products, elements, ..WorkSeconds::default() };
        let (small, large) = (work(1.0, 3.0), work(8.0, 2.0));
        let pace = MachinePace { products: 2.5, elements: 1.5, ..MachinePace::REFERENCE };
        let found = MachinePace::REFERENCE.with_single([(small, small.at(&pace)), (large, large.at(&pace))]);
        assert!((found.products - 2.5).abs() < 1e-12 && (found.elements - 1.5).abs() < 1e-12, "{found:?}");
        // What no machine can have: the small one takes no time.
        let found = MachinePace::REFERENCE.with_single([(small, 0.1), (large, 14.0)]);
        assert_eq!((found.products, found.elements), (14.1 / 14.0, 14.1 / 14.0));
        assert!(found.is_possible());
    }

    #[test]
    fn a_pace_that_cannot_be_is_known() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!MachinePace { double: wrong, ..MachinePace::REFERENCE }.is_possible(), "{wrong}");
        }
    }
}
