//! The area between two axes: from data units to places on the page.

use super::path;
use super::scale::Domain;
use super::scene::Rect;

/// The area between two axes, with their ranges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The area on the page.
    pub(super) plot: Rect,
    /// The horizontal range.
    pub(super) x: Domain,
    /// The vertical range.
    pub(super) y: Domain,
}

impl Frame {
    /// Where `x` lies on the page.
    pub(super) fn across(&self, x: f64) -> Option<f64> {
        self.x.place(x).map(|place| self.plot.left + place * self.plot.width())
    }

    /// Where `y` lies on the page.
    pub(super) fn up(&self, y: f64) -> Option<f64> {
        // Far beyond the plot is as good as anywhere beyond it, and stays a number that can be written.
        self.y.place(y).map(|place| self.plot.bottom - place.clamp(-1e3, 1e3) * self.plot.height())
    }

    /// Where a point lies on the page.
    pub(super) fn at(&self, (x, y): (f64, f64)) -> path::PagePoint {
        Some((self.across(x)?, self.up(y)?))
    }

    /// Where a point lies, if that is within the plot.
    pub(super) fn inside(&self, point: (f64, f64)) -> path::PagePoint {
        self.at(point).filter(|&(x, y)| {
            (self.plot.left - 0.5..=self.plot.right + 0.5).contains(&x)
                && (self.plot.top - 0.5..=self.plot.bottom + 0.5).contains(&y)
        })
    }
}
