//! Marks on the page, between a panel's axes, and the ranges that they need.

use super::field::Field;
use super::labels::{self, Label};
use super::legend::cross;
use super::path;
use super::scale::{Domain, is_drawable};
use super::scene::{Rect, Scene};
use super::style::{Color, Pen};
use super::{Mark, Panel};

/// By how much of an axis' length secondary lines may widen it.
const WIDENING: f64 = 0.35;
/// By how much of an axis' length intervals may widen it.
const BAND_WIDENING: f64 = 1.5;
/// Half the width of the caps of error bars.
const CAP: f64 = 2.8;

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
    fn inside(&self, point: (f64, f64)) -> path::PagePoint {
        self.at(point).filter(|&(x, y)| {
            (self.plot.left - 0.5..=self.plot.right + 0.5).contains(&x)
                && (self.plot.top - 0.5..=self.plot.bottom + 0.5).contains(&y)
        })
    }
}

/// Draws `marks` in their order, and their labels in front of all.
pub(super) fn draw(scene: &mut Scene, frame: &Frame, marks: &[Mark]) {
    let plot = &frame.plot;
    let mut labels: Vec<Label<'_>> = Vec::new();
    for mark in marks {
        match mark {
            Mark::Line { points, pen, .. } => {
                let places: Vec<path::PagePoint> = points.iter().map(|&point| frame.at(point)).collect();
                scene.stroke(path::line(&places, plot), *pen);
            }
            Mark::Band { points, color, opacity, .. } => {
                let places: Vec<_> = points
                    .iter()
                    .map(|&(x, low, high)| Some((frame.across(x)?, frame.up(low)?, frame.up(high)?)))
                    .collect();
                scene.fill(path::band(&places, plot), *color, *opacity);
            }
            Mark::Points { points, marker } => {
                for at in points.iter().filter_map(|&point| frame.inside(point)) {
                    marker.draw(scene, at);
                }
            }
            Mark::ErrorBars { points, color } => {
                for &bar in points {
                    scene.stroke(error_bar(frame, bar), Pen::solid(*color, 1.1));
                }
            }
            Mark::Cross { at, color } => {
                if let Some(at) = cross_at(frame, *at) {
                    cross(scene, at, *color);
                }
            }
            Mark::HorizontalLine { y } => {
                if let Some(y) = frame.up(*y).filter(|y| (plot.top..=plot.bottom).contains(y)) {
                    let pen = Pen::solid(Color::Muted, 0.9);
                    scene.stroke(path::segments(&[((plot.left, y), (plot.right, y))]), pen);
                }
            }
            Mark::VerticalLine { x } => {
                if let Some(x) = frame.across(*x).filter(|x| (plot.left..=plot.right).contains(x)) {
                    let pen = Pen::solid(Color::Muted, 0.9);
                    scene.stroke(path::segments(&[((x, plot.top), (x, plot.bottom))]), pen);
                }
            }
            Mark::Field(field) => field.draw(scene, frame),
            Mark::Label { at, text, color } => {
                labels.extend(frame.inside(*at).map(|at| Label { at, text, color: *color }));
            }
        }
    }
    if !labels.is_empty() {
        let points: Vec<(f64, f64)> = marks.iter().flat_map(|mark| covered(frame, mark)).collect();
        labels::draw(scene, plot, &labels, &points);
    }
}

/// Where a cross stands: within the plot, at its edge if its point lies beyond.
fn cross_at(frame: &Frame, (x, y): (f64, f64)) -> path::PagePoint {
    let plot = &frame.plot;
    let y = if y == f64::INFINITY { plot.top } else { frame.up(y)? };
    Some((frame.across(x)?, y.clamp(plot.top + 4.0, plot.bottom - 4.0)))
}

/// The path data of an error bar, cut at the edges of the plot; an end that is cut has no cap.
fn error_bar(frame: &Frame, (x, low, high): (f64, f64, f64)) -> String {
    let plot = &frame.plot;
    let (Some(x), Some(low), Some(high)) = (frame.across(x), frame.up(low), frame.up(high)) else {
        return String::new();
    };
    if low < plot.top || high > plot.bottom {
        return String::new();
    }
    let mut pieces = vec![((x, low.min(plot.bottom)), (x, high.max(plot.top)))];
    for end in [low, high].into_iter().filter(|end| (plot.top..=plot.bottom).contains(end)) {
        pieces.push(((x - CAP, end), (x + CAP, end)));
    }
    path::segments(&pieces)
}

/// The places on the page that a label should not cover: points, and steps along lines.
fn covered(frame: &Frame, mark: &Mark) -> Vec<(f64, f64)> {
    const STEP: f64 = 8.0;
    let inside = |points: &[(f64, f64)]| points.iter().filter_map(|&at| frame.inside(at)).collect();
    match mark {
        Mark::Line { points, .. } => {
            let places: Vec<(f64, f64)> = inside(points);
            let mut covered = places.clone();
            for pair in places.windows(2) {
                let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
                let steps = (dx.hypot(dy) / STEP).ceil();
                covered.extend((1..steps as usize).map(|step| {
                    let share = step as f64 / steps;
                    (pair[0].0 + share * dx, pair[0].1 + share * dy)
                }));
            }
            covered
        }
        Mark::Points { points, .. } => inside(points),
        Mark::Cross { at, .. } => inside(&[*at]),
        Mark::Band { .. }
        | Mark::ErrorBars { .. }
        | Mark::HorizontalLine { .. }
        | Mark::VerticalLine { .. }
        | Mark::Field(_)
        | Mark::Label { .. } => Vec::new(),
    }
}

/// The range of the horizontal axis: that of all marks.
pub(super) fn horizontal(panel: &Panel) -> Option<Domain> {
    if let Some(field) = field(panel) {
        return Domain::around(panel.x.scale, field.grid.columns.iter().copied(), 0.0);
    }
    Domain::around(
        panel.x.scale,
        panel.marks.iter().flat_map(xs),
        if has_labels(panel) { 0.08 } else { 0.02 },
    )
}

/// The range of the vertical axis: that of the primary marks, widened for intervals and secondary lines.
pub(super) fn vertical(panel: &Panel) -> Option<Domain> {
    let scale = panel.y.scale;
    if let Some(field) = field(panel) {
        return Domain::around(scale, field.grid.rows.iter().copied(), 0.0);
    }
    let primary = panel.marks.iter().filter(|mark| is_primary(mark)).flat_map(ys);
    let drawable =
        |mark: &Mark| ys(mark).into_iter().filter(|&y| is_drawable(scale, y)).collect::<Vec<f64>>();
    let (intervals, others): (Vec<&Mark>, Vec<&Mark>) =
        panel.marks.iter().partition(|mark| matches!(mark, Mark::Band { .. } | Mark::ErrorBars { .. }));
    let intervals: Vec<f64> = intervals.into_iter().flat_map(drawable).collect();
    let others: Vec<f64> = others.into_iter().flat_map(drawable).collect();
    match Domain::around(scale, primary, if has_labels(panel) { 0.08 } else { 0.05 }) {
        Some(domain) => {
            let (for_intervals, for_others) =
                (domain.widened(intervals, BAND_WIDENING), domain.widened(others, WIDENING));
            let (low, high) =
                (for_intervals.low.min(for_others.low), for_intervals.high.max(for_others.high));
            // A bar that ends at the edge would look as if it went on: it gets a margin of its own.
            let has_bars = panel.marks.iter().any(|mark| matches!(mark, Mark::ErrorBars { .. }));
            let is_wider = low < domain.low || high > domain.high;
            if has_bars && is_wider {
                return Domain::around(scale, [low, high], 0.03);
            }
            Some(Domain { low, high, scale })
        }
        None => Domain::around(scale, intervals.into_iter().chain(others), 0.05),
    }
}

/// Whether a panel needs room for labels at its edges.
fn has_labels(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| matches!(mark, Mark::Label { .. }))
}

/// The surface of a panel, if it shows one.
pub(super) fn field(panel: &Panel) -> Option<&Field> {
    panel.marks.iter().find_map(|mark| match mark {
        Mark::Field(field) => Some(field),
        Mark::Line { .. }
        | Mark::Band { .. }
        | Mark::Points { .. }
        | Mark::ErrorBars { .. }
        | Mark::Cross { .. }
        | Mark::HorizontalLine { .. }
        | Mark::VerticalLine { .. }
        | Mark::Label { .. } => None,
    })
}

/// Whether the axis has to show all of a mark.
const fn is_primary(mark: &Mark) -> bool {
    match mark {
        Mark::Line { secondary, .. } | Mark::Band { secondary, .. } => !*secondary,
        Mark::Points { .. } | Mark::Field(_) => true,
        Mark::ErrorBars { .. }
        | Mark::Cross { .. }
        | Mark::HorizontalLine { .. }
        | Mark::VerticalLine { .. }
        | Mark::Label { .. } => false,
    }
}

fn xs(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } | Mark::Points { points, .. } => {
            points.iter().map(|point| point.0).collect()
        }
        Mark::Band { points, .. } | Mark::ErrorBars { points, .. } => {
            points.iter().map(|point| point.0).collect()
        }
        Mark::Cross { at, .. } | Mark::Label { at, .. } => vec![at.0],
        Mark::VerticalLine { x } => vec![*x],
        Mark::Field(field) => field.grid.columns.clone(),
        Mark::HorizontalLine { .. } => Vec::new(),
    }
}

fn ys(mark: &Mark) -> Vec<f64> {
    match mark {
        Mark::Line { points, .. } | Mark::Points { points, .. } => {
            points.iter().map(|point| point.1).collect()
        }
        Mark::Band { points, .. } | Mark::ErrorBars { points, .. } => {
            points.iter().flat_map(|&(_, low, high)| [low, high]).collect()
        }
        Mark::Cross { at, .. } | Mark::Label { at, .. } => vec![at.1],
        Mark::HorizontalLine { y } => vec![*y],
        Mark::Field(field) => field.grid.rows.clone(),
        Mark::VerticalLine { .. } => Vec::new(),
    }
}
