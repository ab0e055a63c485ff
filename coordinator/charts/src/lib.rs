//! Charts: what a figure shows, laid out exactly and drawn as SVG and PNG.
//!
//! A [`Chart`] is rows of [`Panel`]s with marks in data units, a legend and notes. [`layout::lay_out`] measures every
//! text and places everything on a [`scene::Scene`]; [`svg::write`] writes that; [`png::render`] rasterises it. All of it
//! is pure, and the same chart gives the same bytes.

mod chart;
pub mod contour;
pub mod escape;
pub mod field;
mod filled_contours;
mod frame;
mod interval;
mod labels;
pub mod layout;
mod legend;
pub mod levels;
mod mark;
pub mod marker;
mod marks;
pub mod number;
mod panel;
mod path;
pub mod png;
mod ramp;
mod ranges;
pub mod scale;
pub mod scene;
pub mod style;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
mod ticks;

pub use chart::{Axis, Chart, Entry, Panel, PanelRow, Swatch};
pub use interval::Interval;
pub use mark::Mark;
