//! The ranges of a panel's axes: those of its marks.

use super::chart::Panel;
use super::field::Field;
use super::mark::Mark;
use super::scale::{Domain, is_drawable};

/// By how much of an axis' length secondary lines may widen it.
const WIDENING: f64 = 0.35;
/// By how much of an axis' length intervals may widen it.
const BAND_WIDENING: f64 = 1.5;

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
            points.iter().map(|interval| interval.x).collect()
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
            points.iter().flat_map(|interval| [interval.low, interval.high]).collect()
        }
        Mark::Cross { at, .. } | Mark::Label { at, .. } => vec![at.1],
        Mark::HorizontalLine { y } => vec![*y],
        Mark::Field(field) => field.grid.rows.clone(),
        Mark::VerticalLine { .. } => Vec::new(),
    }
}
