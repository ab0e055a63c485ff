//! Charts: what a figure shows, laid out exactly and drawn as SVG and PNG.
//!
//! A [`Chart`] is rows of [`Panel`]s with marks in data units, a legend and notes. [`layout::lay_out`] measures every
//! text and places everything on a [`scene::Scene`]; [`svg::write`] and [`pdf::write`] write that; [`png::render`] rasterises it.
//! [`svg::write_for_page`] marks the [parts](part::Part) that answer to a reader. All of it is pure, and the same chart gives the
//! same bytes.

mod bounds;
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
pub mod part;
mod path;
pub mod pdf;
pub mod png;
mod ramp;
mod ranges;
mod reading;
pub mod scale;
pub mod scene;
pub mod style;
pub mod svg;
#[cfg(test)]
mod tests;
pub mod text;
mod ticks;

pub use bounds::Bounds;
pub use chart::{Axis, Chart, Entry, Panel, PanelRow, Swatch};
pub use interval::Interval;
pub use mark::Mark;
pub use ranges::IntervalsBeyond;
pub use reading::{Reading, Readings};
