//! The ranges of a panel's axes: those of its marks.

use super::chart::Panel;
use super::field::Field;
use super::interval::Interval;
use super::mark::Mark;
use super::scale::{Domain, is_drawable};

/// By how much of an axis' length secondary lines may widen it.
const WIDENING: f64 = 0.35;
/// By how much of an axis' length bands may widen it.
const BAND_WIDENING: f64 = 1.5;
/// By how much of an axis' length error bars may widen it: they are few, and each is of a point that somebody looks for.
const BAR_WIDENING: f64 = 3.0;
/// The room, as a share of an axis' length, between its ends and the points nearest to them.
const POINT_ROOM: f64 = 0.04;

impl Panel {
    /// Whether the vertical axis shows this value.
    pub fn reaches(&self, y: f64) -> bool {
        let place = vertical(self).and_then(|domain| domain.place(y));
        place.is_some_and(|place| (-1e-9..=1.0 + 1e-9).contains(&place))
    }

    /// The intervals that the axis cuts off: error bars, and places of bands.
    pub fn intervals_beyond(&self) -> IntervalsBeyond {
        let Some(domain) = vertical(self) else { return IntervalsBeyond::default() };
        let is_beyond = |interval: &&Interval| {
            let place = |value: f64| domain.place(value);
            place(interval.low).is_some_and(|low| low < -1e-9)
                || place(interval.high).is_some_and(|high| high > 1.0 + 1e-9)
        };
        let mut beyond = IntervalsBeyond::default();
        for mark in &self.marks {
            match mark {
                Mark::ErrorBars { points, .. } => beyond.bars += points.iter().filter(is_beyond).count(),
                Mark::Band { points, .. } => beyond.bands += points.iter().filter(is_beyond).count(),
                Mark::Line { .. }
                | Mark::Points { .. }
                | Mark::Cross { .. }
                | Mark::HorizontalLine { .. }
                | Mark::VerticalLine { .. }
                | Mark::Field(_)
                | Mark::Label { .. } => {}
            }
        }
        beyond
    }
}

/// How many intervals an axis cuts off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntervalsBeyond {
    /// Error bars.
    pub bars: usize,
    /// Places of bands.
    pub bands: usize,
}

/// The range of the horizontal axis: that of all marks.
pub(super) fn horizontal(panel: &Panel) -> Option<Domain> {
    if let Some(field) = field(panel) {
        return Domain::around(panel.x.scale, field.grid.columns.iter().copied(), 0.0);
    }
    let margin = match (has_labels(panel), has_points(panel)) {
        (true, _) => 0.08,
        (false, true) => 0.0,
        (false, false) => 0.02,
    };
    let domain = Domain::around(panel.x.scale, panel.marks.iter().flat_map(xs), margin)?;
    Some(if has_points(panel) { with_room(panel, domain, xs) } else { domain })
}

/// The range, widened so far that no point lies on the axis across it.
fn with_room(panel: &Panel, domain: Domain, values: fn(&Mark) -> Vec<f64>) -> Domain {
    let is_point = |mark: &&Mark| matches!(mark, Mark::Points { .. });
    let places = panel.marks.iter().filter(is_point).flat_map(values).filter_map(|value| domain.place(value));
    let (least, most) = places.fold((1.0_f64, 0.0_f64), |(low, high), at| (low.min(at), high.max(at)));
    domain.extended((POINT_ROOM - least).max(0.0), (POINT_ROOM - (1.0 - most)).max(0.0))
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
    let of = |is: fn(&Mark) -> bool| -> Vec<f64> {
        panel.marks.iter().filter(|mark| is(mark)).flat_map(drawable).collect()
    };
    let bands = of(|mark| matches!(mark, Mark::Band { .. }));
    let bars = of(|mark| matches!(mark, Mark::ErrorBars { .. }));
    let others = of(|mark| !matches!(mark, Mark::Band { .. } | Mark::ErrorBars { .. }));
    match Domain::around(scale, primary, if has_labels(panel) { 0.08 } else { 0.05 }) {
        Some(domain) => {
            let has_bars = !bars.is_empty();
            let wide = [
                domain.widened(bands, BAND_WIDENING),
                domain.widened(bars, BAR_WIDENING),
                domain.widened(others, WIDENING),
            ];
            let low = wide.iter().map(|wide| wide.low).fold(domain.low, f64::min);
            let high = wide.iter().map(|wide| wide.high).fold(domain.high, f64::max);
            // A bar that ends at the edge would look as if it went on: it gets a margin of its own.
            let is_wider = low < domain.low || high > domain.high;
            let wide = if has_bars && is_wider {
                Domain::around(scale, [low, high], 0.03)?
            } else {
                Domain { low, high, scale }
            };
            Some(if has_points(panel) { with_room(panel, wide, ys) } else { wide })
        }
        None => Domain::around(scale, bands.into_iter().chain(bars).chain(others), 0.05),
    }
}

/// Whether a panel shows single points, which need room at its edges.
fn has_points(panel: &Panel) -> bool {
    panel.marks.iter().any(|mark| matches!(mark, Mark::Points { .. }))
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
        Mark::HorizontalLine { y, .. } => vec![*y],
        Mark::Field(field) => field.grid.rows.clone(),
        Mark::VerticalLine { .. } => Vec::new(),
    }
}
