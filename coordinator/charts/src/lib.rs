//! Charts: what a figure shows, laid out exactly and drawn as SVG and PNG.
//!
//! A [`Chart`] is rows of [`Panel`]s with marks in data units, a legend and notes. [`layout::lay_out`] measures every
//! text and places everything on a [`scene::Scene`]; [`svg::write`] writes that; [`png::render`] rasterises it. All of it
//! is pure, and the same chart gives the same bytes.

pub mod contour;
pub mod escape;
pub mod field;
mod labels;
pub mod layout;
mod legend;
pub mod levels;
pub mod marker;
mod marks;
pub mod number;
mod panel;
mod path;
pub mod png;
mod ramp;
pub mod scale;
pub mod scene;
pub mod style;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
mod ticks;

use field::Field;
use marker::Marker;
use scale::Scale;
use style::{Color, Pen};

/// A figure's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The title on top.
    pub title: String,
    /// What the figure shows, for those who can't see it.
    pub description: String,
    /// What the legend is about (`hidden layers`), if that has a name.
    pub heading: Option<String>,
    /// The legend, above the panels, where it covers no data.
    pub legend: Vec<Entry>,
    /// The panels, row by row.
    pub rows: Vec<PanelRow>,
    /// What is averaged, what is missing: sentences below the panels.
    pub notes: Vec<String>,
}

/// Panels side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelRow {
    /// The height of their plots, in pixels of the page.
    pub height: f64,
    /// The panels, left to right.
    pub panels: Vec<Panel>,
}

/// One pair of axes with what is drawn between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What this panel shows and its neighbours don't.
    pub title: Option<String>,
    /// A result to be read beside the data (`ρ = 0.42 [0.21, 0.60]`), above the plot on the right.
    pub annotation: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn, back to front.
    pub marks: Vec<Mark>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The quantity with its unit.
    pub label: String,
    /// How it maps its values.
    pub scale: Scale,
    /// Where a horizontal axis has its ticks, if that is where its data is and nowhere else; used where there is room.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis of numbers.
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale, ticks: Vec::new() }
    }

    /// The same axis with ticks at these values, if there is room for them.
    pub fn with_ticks(self, ticks: Vec<f64>) -> Self {
        Self { ticks, ..self }
    }
}

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
        /// (x, low, high).
        points: Vec<(f64, f64, f64)>,
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
        /// (x, low, high).
        points: Vec<(f64, f64, f64)>,
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
        /// What it says.
        text: String,
        /// Its colour.
        color: Color,
    },
}

/// A line of the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it says.
    pub label: String,
    /// What it shows.
    pub swatch: Swatch,
}

/// The sample beside a legend's text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Swatch {
    /// A line, on its band if it has one.
    Line(Pen),
    /// A line on a band.
    Banded(Pen),
    /// A data point.
    Point(Marker),
    /// A line with a data point on it.
    Marked(Pen, Marker),
    /// A cross.
    Cross(Color),
    /// Nothing: there is nothing to see of it.
    Nothing,
}
