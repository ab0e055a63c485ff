//! A surface: values on a grid, to be drawn in bands between levels.

use super::contour::Grid;
use super::levels::ContourLevel;
use super::scale::Scale;

/// Values on a grid, drawn in bands between levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The values.
    pub grid: Grid,
    /// Whether values are interpolated between the grid's crossings as they are or by their logarithms.
    pub scale: Scale,
    /// The bounds of the bands, rising. What lies beyond the first or the last is drawn as the band beside it.
    pub levels: Vec<ContourLevel>,
    /// Whether values lie beyond the last level: the bar then ends in a tip.
    pub goes_beyond: bool,
    /// The quantity with its unit.
    pub label: String,
}
