//! A figure's content: a legend, rows of panels, notes.

use super::bounds::Bounds;
use super::mark::Mark;
use super::marker::Marker;
use super::reading::Readings;
use super::scale::Scale;
use super::style::{Color, Pen};

/// A figure's content.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The title on top.
    pub title: String,
    /// A description for those who can't see the figure.
    pub description: String,
    /// The legend's subject (`hidden layers`), if it has a name.
    pub heading: Option<String>,
    /// The legend, above the panels, where it covers no data.
    pub legend: Vec<Entry>,
    /// The panels, row by row.
    pub rows: Vec<PanelRow>,
    /// The sentences below the panels: what is averaged, what is missing.
    pub notes: Vec<String>,
}

impl Chart {
    /// The tallest plot of a narrow figure.
    const STACKED: f64 = 230.0;

    /// The same panels one below the other, for a page that is too narrow for several side by side.
    pub fn stacked(&self) -> Self {
        let rows = self.rows.iter().flat_map(|row| {
            let height = row.height.min(Self::STACKED);
            row.panels.iter().map(move |panel| PanelRow { height, panels: vec![panel.clone()] })
        });
        let rows = rows.collect();
        Self { rows, ..self.clone() }
    }
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
    /// The title, which tells the panel from its neighbours.
    pub title: Option<String>,
    /// A result to be read beside the data (`ρ = 0.42 [0.21, 0.60]`), above the plot on the right.
    pub annotation: Option<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The marks, back to front.
    pub marks: Vec<Mark>,
    /// The values behind the marks, for a reader who points at one.
    pub readings: Vec<Readings>,
    /// Whether both axes measure the same: a unit is as long along either, so that distances and angles are right.
    pub is_plane: bool,
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
    /// The values that the quantity can have.
    pub bounds: Bounds,
    /// Whether it counts (epochs, iterations): it has no ticks between whole numbers.
    pub is_count: bool,
}

impl Axis {
    /// An axis of numbers.
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale, ticks: Vec::new(), bounds: Bounds::NONE, is_count: false }
    }

    /// The same axis with ticks at these values, if there is room for them.
    pub fn with_ticks(self, ticks: Vec<f64>) -> Self {
        Self { ticks, ..self }
    }

    /// The same axis of a quantity whose values lie between these.
    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same axis, counting if `is_count`.
    pub fn counting(self, is_count: bool) -> Self {
        Self { is_count, ..self }
    }
}

/// A line of the legend.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The text.
    pub label: String,
    /// The sample.
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
