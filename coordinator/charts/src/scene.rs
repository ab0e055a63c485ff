//! A laid-out figure: texts and paths at their places, back to front.

use super::part::{Part, Role, View};
use super::style::{Color, Pen};
use super::text::{ASCENT, DESCENT, Shaped, Weight};

/// A rectangle on the page; y grows downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// The left edge.
    pub left: f64,
    /// The upper edge.
    pub top: f64,
    /// The right edge.
    pub right: f64,
    /// The lower edge.
    pub bottom: f64,
}

impl Rect {
    /// Its width.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// Its height.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// Where a text's given point lies along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its start.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A text at its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Its glyphs.
    pub shaped: Shaped,
    /// The start of its baseline.
    pub origin: (f64, f64),
    /// Its size.
    pub size: f64,
    /// Its colour.
    pub color: Color,
    /// Whether it reads upwards.
    pub upwards: bool,
    /// The area that it covers.
    pub bounds: Rect,
    /// The text.
    pub text: String,
    /// Whether it belongs to a data point, and so lies within a plot.
    pub is_label: bool,
}

/// One thing on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A text.
    Text(Text),
    /// A stroked path.
    Stroke {
        /// The path's data.
        path: String,
        /// How it is stroked.
        pen: Pen,
    },
    /// A filled path.
    Fill {
        /// The path's data.
        path: String,
        /// Its colour.
        color: Color,
        /// How much it covers.
        opacity: f64,
    },
}

/// A laid-out figure.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scene {
    /// The width of the page.
    pub width: f64,
    /// The height that everything needs.
    pub height: f64,
    /// The things on it, back to front.
    pub items: Vec<Item>,
    /// The areas in which data is drawn.
    pub plots: Vec<PlotArea>,
    /// The panels as a reader sees them, in the order of `plots`.
    pub views: Vec<View>,
    /// The parts that answer to a reader, in the order of their items; none within another.
    pub parts: Vec<Part>,
}

/// Where a panel's data is drawn.
pub type PlotArea = Rect;

impl Scene {
    /// Puts what `draw` does on the page as one part.
    pub(super) fn part(&mut self, role: Role, draw: impl FnOnce(&mut Self)) {
        let start = self.items.len();
        draw(self);
        if self.items.len() > start {
            self.parts.push(Part { items: start..self.items.len(), role });
        }
    }

    /// Puts a horizontal text at `(x, baseline)`.
    pub fn text(
        &mut self,
        text: &str,
        (x, baseline): (f64, f64),
        anchor: Anchor,
        size: f64,
        weight: Weight,
        color: Color,
    ) {
        let shaped = Shaped::new(text, weight);
        let width = shaped.width(size);
        let left = x - shift(anchor, width);
        let bounds = Rect {
            left,
            top: baseline - ASCENT * size,
            right: left + width,
            bottom: baseline + DESCENT * size,
        };
        let text = Text {
            shaped,
            origin: (left, baseline),
            size,
            color,
            upwards: false,
            bounds,
            text: text.to_owned(),
            is_label: false,
        };
        self.items.push(Item::Text(text));
    }

    /// Puts the text of a data point at `(x, baseline)`, with a rim of paper that keeps it readable on lines.
    pub fn label(&mut self, text: &str, at: (f64, f64), anchor: Anchor, size: f64, color: Color) {
        self.text(text, at, anchor, size, Weight::Regular, color);
        if let Some(Item::Text(text)) = self.items.last_mut() {
            text.is_label = true;
        }
    }

    /// Puts a text that reads upwards around `(baseline, y)`, its middle.
    pub fn upward_text(
        &mut self,
        text: &str,
        (baseline, y): (f64, f64),
        size: f64,
        weight: Weight,
        color: Color,
    ) {
        let shaped = Shaped::new(text, weight);
        let width = shaped.width(size);
        let start = y + width / 2.0;
        let bounds = Rect {
            left: baseline - ASCENT * size,
            top: start - width,
            right: baseline + DESCENT * size,
            bottom: start,
        };
        let text = Text {
            shaped,
            origin: (baseline, start),
            size,
            color,
            upwards: true,
            bounds,
            text: text.to_owned(),
            is_label: false,
        };
        self.items.push(Item::Text(text));
    }

    /// Strokes a path, unless it is empty.
    pub fn stroke(&mut self, path: String, pen: Pen) {
        if !path.is_empty() {
            self.items.push(Item::Stroke { path, pen });
        }
    }

    /// Fills a path, unless it is empty.
    pub fn fill(&mut self, path: String, color: Color, opacity: f64) {
        if !path.is_empty() {
            self.items.push(Item::Fill { path, color, opacity });
        }
    }
}

fn shift(anchor: Anchor, width: f64) -> f64 {
    match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    }
}
