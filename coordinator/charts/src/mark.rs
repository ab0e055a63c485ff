//! Marks: what is drawn in data units between a panel's axes.

use super::field::Field;
use super::interval::Interval;
use super::marker::Marker;
use super::style::{Color, Pen};

/// Something drawn in data units. Values that aren't finite, or not positive on a logarithmic axis, leave a gap.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through points. Those that are `secondary` don't decide about the axis alone.
    Line {
        /// (x, y).
        points: Vec<(f64, f64)>,
        /// How it is drawn.
        pen: Pen,
        /// Whether the axis may cut it off.
        secondary: bool,
    },
    /// An area between two lines.
    Band {
        /// The interval at each of its places.
        points: Vec<Interval>,
        /// Its colour.
        color: Color,
        /// How much it covers, from 0 to 1.
        opacity: f64,
        /// Whether the axis may cut it off.
        secondary: bool,
    },
    /// Data points. Those beyond the axes are left out.
    Points {
        /// (x, y).
        points: Vec<(f64, f64)>,
        /// How each is drawn.
        marker: Marker,
    },
    /// Intervals of single points. The axis may cut them off, as it does with bands.
    ErrorBars {
        /// The intervals.
        points: Vec<Interval>,
        /// Their colour.
        color: Color,
    },
    /// A cross: where a run diverged.
    Cross {
        /// (x, y); at the upper edge if y is infinite.
        at: (f64, f64),
        /// Its colour.
        color: Color,
    },
    /// A horizontal line over the whole width: a reference.
    HorizontalLine {
        /// Where.
        y: f64,
        /// How it is drawn.
        pen: Pen,
    },
    /// A vertical line over the whole height: a reference.
    VerticalLine {
        /// Where.
        x: f64,
    },
    /// A surface, with a bar of colours beside the panel. The axes end where its grid does.
    Field(Field),
    /// A short text beside a data point, inside the plot and never over another; left out where there is no room for it.
    Label {
        /// The point: (x, y).
        at: (f64, f64),
        /// The text.
        text: String,
        /// Its colour.
        color: Color,
        /// Whether it is left out, too, where it would cover data or stand far from its point.
        is_optional: bool,
    },
}
