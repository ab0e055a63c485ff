//! The legend: rows of entries above the panels.

use super::chart::{Entry, Swatch};
use super::marker;
use super::part::{self, Role};
use super::path;
use super::scene::{Anchor, Rect, Scene};
use super::style::{BAND_OPACITY, Color, LABEL, MARGIN, Pen};
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
    let right = scene.width - MARGIN;
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
    let widths: Vec<f64> = entries
        .iter()
        .zip(&labels)
        .map(|(entry, label)| space(entry) + text::width(label, Weight::Regular, LABEL))
        .collect();
    let limit = balanced(&widths, right - indent);
    let groups: Vec<Option<usize>> = entries.iter().map(|entry| group(entry.swatch)).collect();
    for (place, (entry, label)) in entries.iter().zip(labels).enumerate() {
        if x > indent && x + widths[place] > indent + limit {
            (x, middle) = (indent, middle + ROW);
        }
        let draw = |scene: &mut Scene| {
            draw_swatch(scene, entry.swatch, x, middle);
            let at = (x + space(entry), baseline(middle));
            scene.text(&label, at, Anchor::Start, LABEL, Weight::Regular, Color::Ink);
        };
        // What two lines of the legend say something about is no single line's to hide.
        let is_only = |group: usize| groups.iter().filter(|other| **other == Some(group)).count() == 1;
        match groups[place].filter(|group| is_only(*group)) {
            Some(group) => scene.part(Role::Entry { group, label: entry.label.clone() }, draw),
            None => draw(scene),
        }
        x += widths[place] + GAP;
    }
    middle + ROW / 2.0
}

/// How many rows entries of these widths fill, none of them wider than `limit` unless an entry is.
fn rows(widths: &[f64], limit: f64) -> usize {
    let (mut rows, mut x) = (1, 0.0);
    for width in widths {
        if x > 0.0 && x + width > limit {
            (rows, x) = (rows + 1, 0.0);
        }
        x += width + GAP;
    }
    rows
}

/// The narrowest limit at which entries fill as few rows as at `widest`: so that none is left alone in a last row.
fn balanced(widths: &[f64], widest: f64) -> f64 {
    let fewest = rows(widths, widest);
    if fewest == 1 {
        return widest;
    }
    let step = 4.0;
    let narrower = (0..).map(|count| widest - f64::from(count) * step);
    narrower.take_while(|&limit| limit > 0.0 && rows(widths, limit) == fewest).last().unwrap_or(widest)
}

/// The group whose look a sample is.
fn group(swatch: Swatch) -> Option<usize> {
    match swatch {
        Swatch::Line(pen) | Swatch::Banded(pen) | Swatch::Marked(pen, _) => part::group_of_pen(pen),
        Swatch::Point(marker) => part::group_of(marker.color),
        Swatch::Cross(color) => part::group_of(color),
        Swatch::Nothing => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_entry_is_left_alone_in_a_last_row() {
        let widths = vec![60.0; 10];
        // Nine of them fill the width.
        let widest = 9.0 * (60.0 + GAP) - GAP;
        assert_eq!(rows(&widths, widest), 2);
        let limit = balanced(&widths, widest);
        assert_eq!(rows(&widths, limit), 2);
        assert!((1..=5).all(|count| f64::from(count) * (60.0 + GAP) - GAP <= limit));
        assert!(6.0 * (60.0 + GAP) - GAP > limit, "five stand in each row: {limit}");
        assert_eq!(balanced(&widths[..3], widest), widest);
    }
}
