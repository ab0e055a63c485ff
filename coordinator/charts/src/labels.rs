//! Short texts beside data points: each where it covers least, none over another.

use super::path;
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, Pen, TICK};
use super::text::{self, ASCENT, CAP_HEIGHT, DESCENT, Weight};

/// The size of labels.
const SIZE: f64 = TICK - 0.5;
/// The distance between a point and its label.
const NEAR: f64 = 7.0;
/// From this distance on a thin line leads from the point to its label.
const LED: f64 = 12.0;
/// Where a label may lie, seen from its point: right, left, above, below, and between those.
const SIDES: [(f64, f64); 8] =
    [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.7, -0.7), (0.7, 0.7), (-0.7, -0.7), (-0.7, 0.7)];

/// A label that waits for its place.
#[derive(Debug)]
pub(super) struct Label<'a> {
    /// The data point, on the page.
    pub(super) at: (f64, f64),
    /// The text.
    pub(super) text: &'a str,
    /// Its colour.
    pub(super) color: Color,
}

/// A place for a label.
struct Candidate {
    /// The points that it would cover.
    covered: usize,
    /// How far it is from its point.
    distance: f64,
    bounds: Rect,
}

/// Draws `labels` inside `plot`, so that they cover as few of `points` (data on the page) as possible. One that has no
/// place without covering another is left out.
pub(super) fn draw(scene: &mut Scene, plot: &Rect, labels: &[Label<'_>], points: &[(f64, f64)]) {
    let mut taken: Vec<Rect> = Vec::new();
    for label in labels {
        let width = text::width(label.text, Weight::Regular, SIZE);
        let candidates = [NEAR, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0]
            .into_iter()
            .flat_map(|distance| SIDES.map(|side| (distance, bounds(label.at, side, distance, width))));
        let mut best: Option<Candidate> = None;
        for (distance, bounds) in candidates {
            let is_inside = bounds.left >= plot.left + 1.0
                && bounds.right <= plot.right
                && bounds.top >= plot.top
                && bounds.bottom <= plot.bottom - 1.0;
            if !is_inside || taken.iter().any(|other| overlap(other, &bounds)) {
                continue;
            }
            let covered = points.iter().filter(|point| holds(&bounds, **point)).count();
            if best.as_ref().is_none_or(|best| covered < best.covered) {
                best = Some(Candidate { covered, distance, bounds });
            }
            if covered == 0 {
                break;
            }
        }
        let Some(Candidate { distance, bounds, .. }) = best else { continue };
        if distance > LED {
            let end =
                (label.at.0.clamp(bounds.left, bounds.right), label.at.1.clamp(bounds.top, bounds.bottom));
            scene.stroke(path::segments(&[(label.at, end)]), Pen::solid(Color::Muted, 0.5));
        }
        let baseline = bounds.bottom - DESCENT * SIZE;
        scene.label(label.text, (bounds.left, baseline), Anchor::Start, SIZE, label.color);
        taken.push(bounds);
    }
}

/// The area that a label of this width covers on this side of its point.
fn bounds((x, y): (f64, f64), (right, down): (f64, f64), distance: f64, width: f64) -> Rect {
    let half = CAP_HEIGHT * SIZE / 2.0;
    let middle = (x + right * distance + right.signum() * if right == 0.0 { 0.0 } else { width / 2.0 }, {
        y + down * (distance + half * down.abs())
    });
    Rect {
        left: middle.0 - width / 2.0,
        top: middle.1 + half - ASCENT * SIZE,
        right: middle.0 + width / 2.0,
        bottom: middle.1 + half + DESCENT * SIZE,
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    a.left < b.right + 2.0 && b.left < a.right + 2.0 && a.top < b.bottom && b.top < a.bottom
}

fn holds(area: &Rect, (x, y): (f64, f64)) -> bool {
    (area.left - 2.0..=area.right + 2.0).contains(&x) && (area.top..=area.bottom).contains(&y)
}
