//! Where everything goes: title, legend, panels and notes, from the measures of their texts.

use super::chart::{Chart, Panel};
use super::legend;
use super::panel::{FOOT, HEAD, MeasuredPanel, RIGHT, SHARED_FOOT};
use super::scene::{Anchor, Rect, Scene};
use super::style::{Color, MARGIN, NOTE, TITLE, WIDTH};
use super::text::{self, Weight};

/// How much of a figure's text is part of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Captions {
    /// All of it: the picture stands alone.
    Included,
    /// Neither title nor notes: the page around it says them.
    Omitted,
}

/// Places everything of `chart` on a page of the usual width.
pub fn lay_out(chart: &Chart, captions: Captions) -> Scene {
    lay_out_within(chart, captions, WIDTH)
}

/// Places everything of `chart` on a page of this width.
pub fn lay_out_within(chart: &Chart, captions: Captions, page: f64) -> Scene {
    let mut scene = Scene { width: page, ..Scene::default() };
    let mut y = MARGIN;
    let (title, notes) = match captions {
        Captions::Included => (chart.title.as_str(), &chart.notes[..]),
        Captions::Omitted => ("", &[][..]),
    };
    for line in text::wrap(title, Weight::SemiBold, TITLE, page - 2.0 * MARGIN) {
        scene.text(&line, (MARGIN, y + 0.8 * TITLE), Anchor::Start, TITLE, Weight::SemiBold, Color::Ink);
        y += 1.3 * TITLE;
    }
    y = legend::draw(&mut scene, chart.heading.as_deref(), &chart.legend, y + 5.0) + 3.0;
    y = draw_rows(&mut scene, chart, y);
    y = draw_notes(&mut scene, notes, y + 10.0);
    scene.height = (y + MARGIN).ceil();
    scene
}

fn draw_rows(scene: &mut Scene, chart: &Chart, top: f64) -> f64 {
    let mut rows: Vec<Vec<MeasuredPanel<'_>>> = chart
        .rows
        .iter()
        .map(|row| row.panels.iter().map(|panel| MeasuredPanel::new(panel, row.height)).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    if columns == 0 {
        return top;
    }
    share_horizontal_axes(&mut rows, columns);
    let mut found = Columns::of(&rows, columns, scene.width);
    // A plane that shows more along one axis may have other texts beside its ticks, and so another width.
    for _ in 0..2 {
        for (row, of) in rows.iter_mut().zip(&chart.rows) {
            row.iter_mut().for_each(|panel| panel.equalise(found.width, of.height));
        }
        found = Columns::of(&rows, columns, scene.width);
    }
    let Columns { left, right, width } = found;
    let panels: usize = rows.iter().map(Vec::len).sum();
    let mut letters = (b'a'..=b'z').map(char::from);
    let mut y = top;
    for (index, row) in rows.iter().enumerate() {
        let has_head = |panel: &Panel| panel.title.is_some() || panel.annotation.is_some();
        let sizes: Vec<(f64, f64)> =
            row.iter().map(|panel| panel.fitted(width, chart.rows[index].height)).collect();
        let head = if panels > 1 || chart.rows[index].panels.iter().any(has_head) {
            let heads = row.iter().zip(&sizes).map(|(panel, size)| panel.head(size.0, panels > 1));
            heads.fold(HEAD, f64::max)
        } else {
            8.0
        };
        let plot_top = y + head;
        let plot_bottom = plot_top + sizes.iter().map(|size| size.1).fold(0.0, f64::max);
        let mut x = MARGIN;
        let hides_x_axis = hides_x_axis(row, rows.get(index + 1));
        let foot = if hides_x_axis { SHARED_FOOT } else { FOOT };
        for (column, panel) in row.iter().enumerate() {
            let plot = Rect {
                left: x + left[column],
                top: plot_top,
                right: x + left[column] + sizes[column].0,
                bottom: plot_top + sizes[column].1,
            };
            let letter = if panels > 1 { letters.next() } else { None };
            panel.draw(scene, plot, x, letter, hides_x_axis);
            x += left[column] + width + right[column];
        }
        // Between an axis' label and the next panel's title.
        let gap = if hides_x_axis || index + 1 == rows.len() { 0.0 } else { 8.0 };
        y = plot_bottom + foot + gap;
    }
    y
}

/// The columns in which panels stand.
struct Columns {
    /// The space on the left of each one's plots.
    left: Vec<f64>,
    /// The space on the right.
    right: Vec<f64>,
    /// The width of every plot.
    width: f64,
}

impl Columns {
    fn of(rows: &[Vec<MeasuredPanel<'_>>], columns: usize, page: f64) -> Self {
        let widest = |column: usize, space: &dyn Fn(&MeasuredPanel<'_>) -> f64, least: f64| {
            rows.iter().filter_map(|row| row.get(column)).map(space).fold(least, f64::max)
        };
        let left: Vec<f64> = (0..columns).map(|column| widest(column, &|panel| panel.left(), 0.0)).collect();
        let right: Vec<f64> =
            (0..columns).map(|column| widest(column, &|panel| panel.right(), RIGHT)).collect();
        let taken = left.iter().sum::<f64>() + right.iter().sum::<f64>();
        let width = (page - 2.0 * MARGIN + RIGHT - 6.0 - taken) / columns as f64;
        Self { left, right, width }
    }
}

/// Whether the panels `below` say the horizontal axes of all panels of a row.
fn hides_x_axis(row: &[MeasuredPanel<'_>], below: Option<&Vec<MeasuredPanel<'_>>>) -> bool {
    let Some(below) = below else { return false };
    row.len() <= below.len() && row.iter().zip(below).all(|(panel, below)| panel.shares_x_with(below))
}

/// Gives panels above each other with the same horizontal axis the same range on it.
fn share_horizontal_axes(rows: &mut [Vec<MeasuredPanel<'_>>], columns: usize) {
    for column in 0..columns {
        let mut first = 0;
        for end in 1..=rows.len() {
            let goes_on = rows.get(end).and_then(|row| row.get(column)).is_some_and(|below| {
                rows[end - 1].get(column).is_some_and(|above| above.shares_x_with(below))
            });
            if goes_on {
                continue;
            }
            let shared = &mut rows[first..end];
            let ranges = || shared.iter().filter_map(|row| row.get(column)).map(|panel| panel.x);
            let low = ranges().map(|range| range.low).fold(f64::INFINITY, f64::min);
            let high = ranges().map(|range| range.high).fold(f64::NEG_INFINITY, f64::max);
            for panel in shared.iter_mut().filter_map(|row| row.get_mut(column)) {
                (panel.x.low, panel.x.high) = (low, high);
            }
            first = end;
        }
    }
}

fn draw_notes(scene: &mut Scene, notes: &[String], top: f64) -> f64 {
    let mut y = top;
    for note in notes {
        for line in text::wrap(note, Weight::Regular, NOTE, scene.width - 2.0 * MARGIN) {
            scene.text(&line, (MARGIN, y + 0.8 * NOTE), Anchor::Start, NOTE, Weight::Regular, Color::Muted);
            y += 1.4 * NOTE;
        }
    }
    y
}
