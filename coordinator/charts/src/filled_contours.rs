//! A surface over two coordinates: filled contours, and the bar of colours beside them that says what they mean.

use super::contour::{Grid, Polyline};
use super::field::Field;
use super::frame::Frame;
use super::path;
use super::ramp;
use super::scale::{Scale, is_drawable};
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, LABEL, Pen, TICK};
use super::text::{self, CAP_HEIGHT, Weight};

/// Between the plot and its bar.
const GAP: f64 = 10.0;
/// The width of the bar.
const BAR: f64 = 13.0;
/// The height of the tip that says that there are values beyond the bar.
const TIP: f64 = 11.0;
/// The length of the bar's ticks, and the space after them.
const TICK_LENGTH: f64 = 3.0;
/// The space on the right of the bar.
const PADDING: f64 = 14.0;
/// The least distance between two labels of the bar.
const APART: f64 = 15.0;
/// The distance of the lines that fill a plot where there is no value.
const HATCH: f64 = 6.0;

impl Field {
    fn bands(&self) -> usize {
        self.levels.len().saturating_sub(1)
    }

    fn color(&self, band: usize) -> Color {
        Color::Ramp(ramp::of_band(band, self.bands()))
    }

    /// The grid in the terms in which it is interpolated: what has no place among them is a hole.
    fn interpolated(&self) -> Grid {
        let values = self.grid.values.iter().map(|&value| self.transformed(value)).collect();
        Grid { values, ..self.grid.clone() }
    }

    fn transformed(&self, value: f64) -> f64 {
        match self.scale {
            _ if !is_drawable(self.scale, value) => f64::NAN,
            Scale::Linear => value,
            Scale::Logarithmic => value.ln(),
        }
    }

    /// Draws the bands, thin lines between them and a frame around them, and a hatching where there is no value.
    pub(super) fn draw(&self, scene: &mut Scene, frame: &Frame) {
        let grid = self.interpolated();
        if grid.has_holes() {
            scene.stroke(hatching(&frame.plot), Pen::solid(Color::Muted, 0.7).faint(0.7, 0.45));
        }
        let places = |lines: Vec<Polyline>| -> Vec<Vec<path::PagePoint>> {
            lines.iter().map(|line| line.iter().map(|&point| frame.at(point)).collect()).collect()
        };
        scene.fill(path::rings(&places(grid.everything())), self.color(0), 1.0);
        // From low to high, each over those before it: no gap shows between two bands.
        for band in 1..self.bands() {
            let area = grid.at_least(self.transformed(self.levels[band].at));
            scene.fill(path::rings(&places(area)), self.color(band), 1.0);
        }
        for level in self.levels.iter().take(self.bands()).skip(1) {
            let lines = places(grid.lines(self.transformed(level.at)));
            let path: String = lines.iter().map(|line| path::line(line, &frame.plot)).collect();
            scene.stroke(path, Pen::solid(Color::Ink, 0.5).faint(0.5, 0.45));
        }
        scene.stroke(path::rectangle(&frame.plot), Pen::solid(Color::Ink, 0.9));
    }

    /// The space that the bar needs on the right of a plot.
    pub(super) fn bar_space(&self) -> f64 {
        GAP + BAR + 2.0 * TICK_LENGTH + self.widest_label() + 5.0 + LABEL + PADDING
    }

    fn widest_label(&self) -> f64 {
        let widths = self.levels.iter().map(|level| text::width(&level.label, Weight::Regular, TICK));
        widths.fold(0.0, f64::max)
    }

    /// Draws the bar on the right of `plot`.
    pub(super) fn draw_bar(&self, scene: &mut Scene, plot: &Rect) {
        let bands = self.bands();
        let left = plot.right + GAP;
        let top = if self.goes_beyond { plot.top + TIP } else { plot.top };
        let bar = Rect { left, top, right: left + BAR, bottom: plot.bottom };
        let step = bar.height() / bands.max(1) as f64;
        let height_of = |level: usize| bar.bottom - step * level as f64;
        for band in 0..bands {
            let area = Rect { bottom: height_of(band), ..bar };
            scene.fill(path::rectangle(&area), self.color(band), 1.0);
        }
        let mut outline =
            vec![(bar.left, bar.top), (bar.left, bar.bottom), (bar.right, bar.bottom), (bar.right, bar.top)];
        if self.goes_beyond {
            let tip = [(bar.left, bar.top), (bar.right, bar.top), (bar.left + BAR / 2.0, plot.top)];
            scene.fill(path::polygon(&tip), self.color(bands.saturating_sub(1)), 1.0);
            outline.push(tip[2]);
        }
        scene.stroke(path::polygon(&outline), Pen::solid(Color::Ink, 0.8));
        let every = (APART / step).ceil().max(1.0) as usize;
        for (index, level) in self.levels.iter().enumerate().step_by(every) {
            let y = height_of(index);
            let tick = [((bar.right, y), (bar.right + TICK_LENGTH, y))];
            scene.stroke(path::segments(&tick), Pen::solid(Color::Ink, 0.8));
            let at = (bar.right + 2.0 * TICK_LENGTH, y + CAP_HEIGHT * TICK / 2.0);
            scene.text(&level.label, at, Anchor::Start, TICK, Weight::Regular, Color::Ink);
        }
        let text = text::fit(&self.label, Weight::Regular, LABEL, plot.height());
        let baseline = plot.right + self.bar_space() - PADDING;
        let middle = plot.top + plot.height() / 2.0;
        scene.upward_text(&text, (baseline, middle), LABEL, Weight::Regular, Color::Ink);
    }
}

/// Slanted lines all over a plot.
fn hatching(plot: &Rect) -> String {
    let (width, height) = (plot.width(), plot.height());
    let lines = (1..((width + height) / HATCH) as usize).map(|number| {
        // From the left or the lower side to the upper or the right one, at 45°.
        let sum = number as f64 * HATCH;
        let (from, to) = (sum.min(height), sum.min(width));
        ((plot.left + sum - from, plot.top + from), (plot.left + to, plot.top + sum - to))
    });
    path::segments(&lines.collect::<Vec<_>>())
}
