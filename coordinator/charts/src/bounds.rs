//! The values that a quantity can have at all.

use super::interval::Interval;

/// The least and the largest value that a quantity can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least; negative infinity if there is none.
    pub low: f64,
    /// The largest; infinity if there is none.
    pub high: f64,
}

impl Bounds {
    /// Any number.
    pub const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// `interval`, ended where the quantity's values end, and whether that changed it: an interval of a mean that reaches
    /// beyond what is possible says no more than that it reaches there.
    pub fn clipped(&self, interval: Interval) -> (Interval, bool) {
        // A comparison, so that an end that isn't a number stays one.
        let low = if interval.low < self.low { self.low } else { interval.low };
        let high = if interval.high > self.high { self.high } else { interval.high };
        (Interval { low, high, ..interval }, low > interval.low || high < interval.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_ends_where_its_quantity_does() {
        let share = Bounds { low: 0.0, high: 1.0 };
        let of = |low: f64, high: f64| Interval { x: 2.0, low, high };
        assert_eq!(share.clipped(of(-0.1, 0.4)), (of(0.0, 0.4), true));
        assert_eq!(share.clipped(of(0.9, 1.2)), (of(0.9, 1.0), true));
        assert_eq!(share.clipped(of(0.9, 1.0)), (of(0.9, 1.0), false));
        assert_eq!(Bounds::NONE.clipped(of(-5.0, 5.0)), (of(-5.0, 5.0), false));
        assert!(share.clipped(of(f64::NAN, 0.5)).0.low.is_nan());
    }
}
