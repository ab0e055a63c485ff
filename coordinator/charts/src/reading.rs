//! The values of a panel, to be read where they are drawn: by a reader who points at them, or by one who can't see them.

/// A value at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Where it is drawn: (x, y) in data units.
    pub at: (f64, f64),
    /// The value of x that it belongs to, which may lie beside the place: points that would cover each other stand side by side.
    pub x: f64,
    /// The ends of its interval, if it has one.
    pub interval: Option<(f64, f64)>,
    /// How many runs it sums up.
    pub n: usize,
}

/// The values of one line, or of points of one look.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// The group that they belong to: that of their colour.
    pub group: usize,
    /// Its name; empty where there is one group only.
    pub label: String,
    /// The quantity of the values.
    pub quantity: String,
    /// The run, where they are of a single one.
    pub run: Option<String>,
    /// The values, in the order of x.
    pub points: Vec<Reading>,
}
