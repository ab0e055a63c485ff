//! From data units to places on the page.

/// How an axis maps its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// Equal steps are equally far apart.
    #[default]
    Linear,
    /// Equal ratios are equally far apart. Values that aren't positive have no place.
    Logarithmic,
}

impl Scale {
    /// The logarithmic scale if it is asked for, the linear one if not.
    pub const fn logarithmic_if(is_asked_for: bool) -> Self {
        if is_asked_for { Self::Logarithmic } else { Self::Linear }
    }
}

/// The range of values that an axis shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Domain {
    /// How values are mapped.
    pub scale: Scale,
    /// The smallest value.
    pub low: f64,
    /// The largest value; greater than `low`.
    pub high: f64,
}

/// Values beyond this can't be drawn on a linear axis: ranges between them would overflow.
const LARGEST: f64 = 1e300;
/// The values that can be drawn on a logarithmic axis: ranges within it, with their margins, neither overflow nor underflow.
const POSITIVE: std::ops::RangeInclusive<f64> = 1e-200..=1e200;

/// A linear axis is no shorter than this: steps of less would underflow.
const NARROWEST: f64 = 1e-290;

impl Domain {
    /// The range of those of `values` that have a place on such an axis, with a margin (a share of the length) at both
    /// ends; none if no value has.
    pub fn around(scale: Scale, values: impl IntoIterator<Item = f64>, margin: f64) -> Option<Self> {
        let mut extent: Option<(f64, f64)> = None;
        for value in values {
            if is_drawable(scale, value) {
                let (low, high) = extent.unwrap_or((value, value));
                extent = Some((low.min(value), high.max(value)));
            }
        }
        let (low, high) = extent?;
        Some(match scale {
            Scale::Linear => {
                let (wide_low, wide_high) = if high - low
                    <= (low.abs().max(high.abs()) * 1e-12).max(NARROWEST)
                {
                    let half = if low == 0.0 && high == 0.0 { 0.5 } else { (low.abs() * 0.1).max(NARROWEST) };
                    (low - half, high + half)
                } else {
                    (low - (high - low) * margin, high + (high - low) * margin)
                };
                // A quantity that is never negative gets no axis below zero for the margin's sake.
                let low = if low >= 0.0 && wide_low < 0.0 { 0.0 } else { wide_low };
                Self { scale, low, high: wide_high }
            }
            Scale::Logarithmic => {
                let length = high.ln() - low.ln();
                let factor = if length < 1e-9 { 2.0 } else { (length * margin).exp() };
                Self { scale, low: low / factor, high: high * factor }
            }
        })
    }

    /// The range where there is nothing to show.
    pub const fn empty(scale: Scale) -> Self {
        match scale {
            Scale::Linear => Self { scale, low: 0.0, high: 1.0 },
            Scale::Logarithmic => Self { scale, low: 0.1, high: 10.0 },
        }
    }

    /// Where `value` lies between the ends, 0 at `low` and 1 at `high`; none if it has no place.
    pub fn place(&self, value: f64) -> Option<f64> {
        if !is_drawable(self.scale, value) {
            return None;
        }
        Some(match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value.ln() - self.low.ln()) / (self.high.ln() - self.low.ln()),
        })
    }

    /// The value at this place: the inverse of [`Domain::place`].
    fn value(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.low + place * (self.high - self.low),
            Scale::Logarithmic => (self.low.ln() + place * (self.high.ln() - self.low.ln())).exp(),
        }
    }

    /// The range, longer by these shares of its length at its lower and at its upper end.
    pub fn extended(self, below: f64, above: f64) -> Self {
        let (low, high) = (
            if below > 0.0 { self.value(-below) } else { self.low },
            if above > 0.0 { self.value(1.0 + above) } else { self.high },
        );
        Self { low, high, ..self }
    }

    /// The range, widened to hold these values too, but by no more than `most` of its length at either end: what is
    /// secondary (intervals, runs that diverged) must not press what is primary flat.
    pub fn widened(self, values: impl IntoIterator<Item = f64>, most: f64) -> Self {
        let places = values.into_iter().filter_map(|value| self.place(value));
        let (low, high) =
            places.fold((0.0_f64, 1.0_f64), |(low, high), place| (low.min(place), high.max(place)));
        let mut wide = self;
        if low < 0.0 {
            wide.low = self.value(low.max(-most));
        }
        if high > 1.0 {
            wide.high = self.value(high.min(1.0 + most));
        }
        wide
    }
}

/// Whether a value has a place on an axis of this kind.
pub fn is_drawable(scale: Scale, value: f64) -> bool {
    match scale {
        Scale::Linear => value.abs() <= LARGEST,
        Scale::Logarithmic => POSITIVE.contains(&value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_without_a_place_are_left_out_of_the_range() {
        let values = [f64::NAN, f64::INFINITY, 2.0, -1.0, 8.0];
        let linear = Domain::around(Scale::Linear, values, 0.0).unwrap();
        assert_eq!((linear.low, linear.high), (-1.0, 8.0));
        let log = Domain::around(Scale::Logarithmic, values, 0.0).unwrap();
        assert_eq!((log.low, log.high), (2.0, 8.0));
        assert_eq!(log.place(-1.0), None);
        assert!((log.place(4.0).unwrap() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nothing_finite_means_no_range() {
        assert_eq!(Domain::around(Scale::Linear, [f64::NAN, f64::INFINITY], 0.1), None);
        assert_eq!(Domain::around(Scale::Logarithmic, [0.0, -3.0], 0.1), None);
        assert_eq!(Domain::around(Scale::Linear, [], 0.1), None);
    }

    #[test]
    fn a_single_value_still_gets_a_range_around_it() {
        for value in [0.0, 1.0, -2.5, 1e-200, 1e299, -1e299, 5e-324] {
            let domain = Domain::around(Scale::Linear, [value], 0.05).unwrap();
            assert!(domain.low < domain.high && domain.place(value).unwrap().is_finite(), "{domain:?}");
        }
        for value in [1e-200, 1.0, 1e200] {
            let domain = Domain::around(Scale::Logarithmic, [value], 0.05).unwrap();
            assert!(domain.low < value && value < domain.high, "{domain:?}");
        }
    }

    #[test]
    fn the_widest_range_doesnt_overflow() {
        let domain = Domain::around(Scale::Linear, [-1e300, 1e300], 0.05).unwrap();
        assert!((domain.place(0.0).unwrap() - 0.5).abs() < 1e-9);
        let domain = Domain::around(Scale::Logarithmic, [1e-200, 1e200], 0.05).unwrap();
        assert!(domain.place(1.0).unwrap().is_finite());
    }

    #[test]
    fn what_is_secondary_widens_a_range_only_so_far() {
        let domain = Domain { scale: Scale::Linear, low: 0.0, high: 10.0 };
        let wide = domain.widened([-1.0, 1e30, f64::NAN], 0.5);
        assert_eq!((wide.low, wide.high), (-1.0, 15.0));
        let log = Domain { scale: Scale::Logarithmic, low: 1e-2, high: 1.0 }.widened([1e-3, 1e-9], 0.5);
        assert!((log.low - 1e-3).abs() < 1e-12 && log.high == 1.0, "{log:?}");
    }
}
