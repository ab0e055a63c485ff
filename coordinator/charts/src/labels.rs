//! Short texts beside data points: each where it covers least, none over another.

use super::part::{self, Role};
use super::path;
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, Pen, TICK};
use super::text::{self, ASCENT, CAP_HEIGHT, DESCENT, Weight};

/// The size of labels.
const SIZE: f64 = TICK - 0.5;
/// The least distance between a point and its label.
const NEAR: f64 = 7.0;
/// The distance between a marker's edge and its label.
const CLEAR: f64 = 3.6;
/// How much farther out each further try is.
const FARTHER: [f64; 7] = [0.0, 7.0, 15.0, 25.0, 37.0, 51.0, 67.0];
/// From so much farther out on a thin line leads from the point to its label, and optional labels are left out.
const LED: f64 = 5.0;
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
    /// Whether it is left out where it would cover data or stand far from its point.
    pub(super) is_optional: bool,
}

/// Something that a label should not cover.
#[derive(Debug, Clone, Copy)]
pub(super) struct Obstacle {
    /// Its middle, on the page.
    pub(super) at: (f64, f64),
    /// How far it reaches around that.
    pub(super) radius: f64,
}

/// A place for a label.
struct Candidate {
    /// The obstacles that it would cover.
    covered: usize,
    /// How much farther out it lies than the nearest place.
    farther: f64,
    bounds: Rect,
}

/// Draws `labels` inside the `plot` of the n-th panel, so that they cover as few of `obstacles` (data on the page) as possible.
/// One that has no place without covering another is left out.
pub(super) fn draw(
    scene: &mut Scene,
    plot: &Rect,
    panel: usize,
    labels: &[Label<'_>],
    obstacles: &[Obstacle],
) {
    let mut taken: Vec<Rect> = Vec::new();
    for label in labels {
        let width = text::width(label.text, Weight::Regular, SIZE);
        let own = obstacles.iter().filter(|it| it.at == label.at).map(|it| it.radius).fold(0.0, f64::max);
        let near = NEAR.max(own + CLEAR);
        let candidates = FARTHER
            .into_iter()
            .flat_map(|farther| SIDES.map(|side| (farther, bounds(label.at, side, near + farther, width))));
        let mut best: Option<Candidate> = None;
        for (farther, bounds) in candidates {
            if label.is_optional && farther > LED {
                break;
            }
            let is_inside = bounds.left >= plot.left + 1.0
                && bounds.right <= plot.right
                && bounds.top >= plot.top
                && bounds.bottom <= plot.bottom - 1.0;
            if !is_inside || taken.iter().any(|other| overlap(other, &bounds)) {
                continue;
            }
            let covered = obstacles.iter().filter(|it| covers(&bounds, it)).count();
            if label.is_optional && covered > 0 {
                continue;
            }
            if best.as_ref().is_none_or(|best| covered < best.covered) {
                best = Some(Candidate { covered, farther, bounds });
            }
            if covered == 0 {
                break;
            }
        }
        let Some(Candidate { farther, bounds, .. }) = best else { continue };
        let role = Role::Moved { panel, group: part::group_of(label.color), at: label.at };
        scene.part(role, |scene| {
            if farther > LED {
                let end = (
                    label.at.0.clamp(bounds.left, bounds.right),
                    label.at.1.clamp(bounds.top, bounds.bottom),
                );
                scene.stroke(path::segments(&[(label.at, end)]), Pen::solid(Color::Muted, 0.5));
            }
            let baseline = bounds.bottom - DESCENT * SIZE;
            scene.label(label.text, (bounds.left, baseline), Anchor::Start, SIZE, label.color);
        });
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

/// Whether a label there would lie on an obstacle.
fn covers(area: &Rect, Obstacle { at: (x, y), radius }: &Obstacle) -> bool {
    let beside = 2.0 + radius;
    (area.left - beside..=area.right + beside).contains(x)
        && (area.top - radius..=area.bottom + radius).contains(y)
}
