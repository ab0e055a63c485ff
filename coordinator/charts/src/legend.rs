//! The legend: rows of entries above the panels.

use super::chart::{Entry, Swatch};
use super::marker;
use super::path;
use super::scene::{Anchor, Rect, Scene};
use super::style::{BAND_OPACITY, Color, LABEL, MARGIN, Pen, WIDTH};
use super::text::{self, CAP_HEIGHT, Weight};

const ROW: f64 = 19.0;
const SWATCH: f64 = 30.0;
const GAP: f64 = 22.0;
const SPACE: f64 = 7.0;

/// Puts the legend below `top` and returns where it ends.
pub(super) fn draw(scene: &mut Scene, heading: Option<&str>, entries: &[Entry], top: f64) -> f64 {
    if entries.is_empty() {
        return top;
    }
    let right = WIDTH - MARGIN;
    let (mut x, mut middle) = (MARGIN, top + ROW / 2.0);
    if let Some(heading) = heading {
        let heading = text::fit(&format!("{heading}:"), Weight::Regular, LABEL, (right - MARGIN) / 2.0);
        scene.text(&heading, (x, baseline(middle)), Anchor::Start, LABEL, Weight::Regular, Color::Muted);
        x += text::width(&heading, Weight::Regular, LABEL) + 12.0;
    }
    let indent = x;
    let space = |entry: &Entry| if entry.swatch == Swatch::Nothing { 0.0 } else { SWATCH + SPACE };
    let labels: Vec<(&str, f64)> =
        entries.iter().map(|entry| (entry.label.as_str(), right - indent - space(entry))).collect();
    let labels = text::fit_apart(&labels, Weight::Regular, LABEL);
    for (entry, label) in entries.iter().zip(labels) {
        let swatch = space(entry);
        let width = swatch + text::width(&label, Weight::Regular, LABEL);
        if x > indent && x + width > right {
            (x, middle) = (indent, middle + ROW);
        }
        draw_swatch(scene, entry.swatch, x, middle);
        let at = (x + swatch, baseline(middle));
        scene.text(&label, at, Anchor::Start, LABEL, Weight::Regular, Color::Ink);
        x += width + GAP;
    }
    middle + ROW / 2.0
}

fn baseline(middle: f64) -> f64 {
    middle + CAP_HEIGHT * LABEL / 2.0
}

fn draw_swatch(scene: &mut Scene, swatch: Swatch, x: f64, middle: f64) {
    let mut line = |pen: Pen| {
        scene.stroke(path::segments(&[((x, middle), (x + SWATCH, middle))]), pen);
    };
    match swatch {
        Swatch::Line(pen) => line(pen),
        Swatch::Banded(pen) => {
            let area = Rect { left: x, top: middle - 5.0, right: x + SWATCH, bottom: middle + 5.0 };
            scene.fill(path::rectangle(&area), pen.color, BAND_OPACITY);
            scene.stroke(path::segments(&[((x, middle), (x + SWATCH, middle))]), pen);
        }
        Swatch::Point(marker) => marker.draw(scene, (x + SWATCH - 8.0, middle)),
        Swatch::Marked(pen, marker) => {
            line(pen);
            marker.draw(scene, (x + SWATCH / 2.0, middle));
        }
        Swatch::Cross(color) => marker::draw_cross(scene, (x + SWATCH / 2.0, middle), color),
        Swatch::Nothing => {}
    }
}
