//! Marks on the page, between a panel's axes.

use super::frame::Frame;
use super::interval::Interval;
use super::labels::{self, Label, Obstacle};
use super::mark::Mark;
use super::marker;
use super::part::{self, Role};
use super::path;
use super::scene::Scene;
use super::style::{Color, Pen};

/// Half the width of the caps of error bars.
const CAP: f64 = 2.8;
/// The height of the arrow of an error bar that goes on beyond the plot.
const ARROW: f64 = 4.5;

/// Draws the `marks` of the n-th panel in their order, and their labels in front of all.
pub(super) fn draw(scene: &mut Scene, frame: &Frame, panel: usize, marks: &[Mark]) {
    let plot = &frame.plot;
    let mut labels: Vec<Label<'_>> = Vec::new();
    for mark in marks {
        let stretched = |group| Role::Stretched { panel, group };
        match mark {
            Mark::Line { points, pen, .. } => {
                let places: Vec<path::PagePoint> = points.iter().map(|&point| frame.at(point)).collect();
                scene.part(stretched(part::group_of_pen(*pen)), |scene| {
                    scene.stroke(path::line(&places, plot), *pen);
                });
            }
            Mark::Band { points, color, opacity, .. } => {
                let places: Vec<_> = points.iter().map(|&at| on_page(frame, at)).collect();
                scene.part(stretched(part::group_of(*color)), |scene| {
                    scene.fill(path::band(&places, plot), *color, *opacity);
                });
            }
            Mark::Points { points, marker } => {
                let group = part::group_of(marker.color);
                for at in points.iter().filter_map(|&point| frame.inside(point)) {
                    scene.part(Role::Moved { panel, group, at }, |scene| marker.draw(scene, at));
                }
            }
            Mark::ErrorBars { points, color } => scene.part(stretched(part::group_of(*color)), |scene| {
                for &bar in points {
                    scene.stroke(error_bar(frame, bar), Pen::solid(*color, 1.1));
                }
            }),
            Mark::Cross { at, color } => {
                if let Some(at) = cross_at(frame, *at) {
                    let role = Role::Moved { panel, group: part::group_of(*color), at };
                    scene.part(role, |scene| marker::draw_cross(scene, at, *color));
                }
            }
            Mark::HorizontalLine { y, pen } => {
                if let Some(y) = frame.up(*y).filter(|y| (plot.top..=plot.bottom).contains(y)) {
                    let path = path::segments(&[((plot.left, y), (plot.right, y))]);
                    scene.part(stretched(None), |scene| scene.stroke(path, *pen));
                }
            }
            Mark::VerticalLine { x } => {
                if let Some(x) = frame.across(*x).filter(|x| (plot.left..=plot.right).contains(x)) {
                    let pen = Pen::solid(Color::Muted, 0.9);
                    let path = path::segments(&[((x, plot.top), (x, plot.bottom))]);
                    scene.part(stretched(None), |scene| scene.stroke(path, pen));
                }
            }
            Mark::Field(field) => scene.part(stretched(None), |scene| field.draw(scene, frame)),
            Mark::Label { at, text, color, is_optional } => {
                let is_optional = *is_optional;
                labels.extend(frame.inside(*at).map(|at| Label { at, text, color: *color, is_optional }));
            }
        }
    }
    if !labels.is_empty() {
        let covered: Vec<Obstacle> = marks.iter().flat_map(|mark| covered(frame, mark)).collect();
        labels::draw(scene, plot, panel, &labels, &covered);
    }
}

/// Where a cross stands: within the plot, at its edge if its point lies beyond.
fn cross_at(frame: &Frame, (x, y): (f64, f64)) -> path::PagePoint {
    let plot = &frame.plot;
    let y = if y == f64::INFINITY { plot.top } else { frame.up(y)? };
    Some((frame.across(x)?, y.clamp(plot.top + 4.0, plot.bottom - 4.0)))
}

/// Where an interval stands on the page, if all of it has a place there.
fn on_page(frame: &Frame, Interval { x, low, high }: Interval) -> Option<Interval> {
    Some(Interval { x: frame.across(x)?, low: frame.up(low)?, high: frame.up(high)? })
}

/// The path data of an error bar, cut at the edges of the plot; an end that is cut is an arrow's instead of a cap.
fn error_bar(frame: &Frame, bar: Interval) -> String {
    let plot = &frame.plot;
    let Some(Interval { x, low, high }) = on_page(frame, bar) else {
        return String::new();
    };
    if low < plot.top || high > plot.bottom {
        return String::new();
    }
    let mut pieces = vec![((x, low.min(plot.bottom)), (x, high.max(plot.top)))];
    for end in [low, high].into_iter().filter(|end| (plot.top..=plot.bottom).contains(end)) {
        pieces.push(((x - CAP, end), (x + CAP, end)));
    }
    for (is_cut, edge, inwards) in
        [(high < plot.top, plot.top, ARROW), (low > plot.bottom, plot.bottom, -ARROW)]
    {
        if is_cut {
            pieces.extend([-CAP, CAP].map(|across| ((x + across, edge + inwards), (x, edge))));
        }
    }
    path::segments(&pieces)
}

/// The places on the page that a label should not cover: points, and steps along lines.
fn covered(frame: &Frame, mark: &Mark) -> Vec<Obstacle> {
    const STEP: f64 = 8.0;
    let inside = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points.iter().filter_map(|&at| frame.inside(at)).collect()
    };
    let of_radius = |radius: f64| move |at: (f64, f64)| Obstacle { at, radius };
    match mark {
        Mark::Line { points, .. } => {
            let places = inside(points);
            let mut covered = places.clone();
            for pair in places.windows(2) {
                let (dx, dy) = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
                let steps = (dx.hypot(dy) / STEP).ceil();
                covered.extend((1..steps as usize).map(|step| {
                    let share = step as f64 / steps;
                    (pair[0].0 + share * dx, pair[0].1 + share * dy)
                }));
            }
            covered.into_iter().map(of_radius(0.0)).collect()
        }
        Mark::Points { points, marker } => inside(points).into_iter().map(of_radius(marker.radius)).collect(),
        Mark::Cross { at, .. } => inside(&[*at]).into_iter().map(of_radius(marker::ARM)).collect(),
        Mark::Band { .. }
        | Mark::ErrorBars { .. }
        | Mark::HorizontalLine { .. }
        | Mark::VerticalLine { .. }
        | Mark::Field(_)
        | Mark::Label { .. } => Vec::new(),
    }
}
