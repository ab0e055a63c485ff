//! The parts of a laid-out figure that answer to a reader: what belongs to a group, what stretches with an axis, what is an axis.

use std::ops::Range;

use super::scale::Domain;
use super::scene::Rect;
use super::style::{Color, Pen};

/// Items of a scene that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The items' places in the scene.
    pub items: Range<usize>,
    /// What they are.
    pub role: Role,
}

/// What items of a scene are to a reader.
#[derive(Debug, Clone, PartialEq)]
pub enum Role {
    /// The legend's line of a group.
    Entry {
        /// The group.
        group: usize,
        /// The line's text.
        label: String,
    },
    /// Grid, ticks and their texts of the panel that is the n-th of [`super::scene::Scene::views`].
    Axes {
        /// The panel.
        panel: usize,
    },
    /// A mark that stretches with the panel's axes: a line, an area.
    Stretched {
        /// The panel.
        panel: usize,
        /// The group that it belongs to, if it is one's.
        group: Option<usize>,
    },
    /// A mark that keeps its size wherever its place moves: a point, a cross, a text.
    Moved {
        /// The panel.
        panel: usize,
        /// The group that it belongs to, if it is one's.
        group: Option<usize>,
        /// Its place on the page.
        at: (f64, f64),
    },
}

/// A panel as a reader sees it: where its data is drawn, and the ranges that it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Where data is drawn.
    pub plot: Rect,
    /// The horizontal range.
    pub x: Domain,
    /// The vertical range.
    pub y: Domain,
    /// The quantity of the horizontal axis.
    pub x_label: String,
    /// The quantity of the vertical axis.
    pub y_label: String,
}

/// The group that a colour is one of, if it is a group's.
pub(super) const fn group_of(color: Color) -> Option<usize> {
    match color {
        Color::Group(group) => Some(group),
        Color::Ink | Color::Muted | Color::Grid | Color::Paper | Color::Ramp(_) => None,
    }
}

/// The group that a pen draws, if it is a group's.
pub(super) const fn group_of_pen(pen: Pen) -> Option<usize> {
    group_of(pen.color)
}
