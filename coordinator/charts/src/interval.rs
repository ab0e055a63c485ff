//! An interval at a place of the horizontal axis.

/// An interval at a place of the horizontal axis: a piece of a band, or an error bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The place.
    pub x: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}
