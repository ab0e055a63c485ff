//! Lines of a figure's legend.

use basin_charts::style::{Color, Pen};
use basin_charts::{Entry, Swatch};

use super::cell;
use super::groups::Groups;
use super::names;
use crate::runs::Counts;

/// `drawn`, the line of something that has runs to show; what became of its runs, without a sample, if none `is_drawn`.
pub(super) fn entry(is_drawn: bool, label: &str, counts: Counts, drawn: Entry) -> Entry {
    if is_drawn {
        return drawn;
    }
    Entry { label: format!("{label} ({})", counts.left_out()), swatch: Swatch::Nothing }
}

/// The sample of a line that is the middle of so many runs, on its band, or of the lines of few.
pub(super) const fn line(counts: Counts, pen: Pen) -> Swatch {
    if counts.completed >= cell::MIN_AVERAGED { Swatch::Banded(pen) } else { Swatch::Line(pen) }
}

/// The line that says what a cross is.
pub(super) fn diverged() -> Entry {
    Entry { label: "diverged".to_owned(), swatch: Swatch::Cross(Color::Ink) }
}

/// The most series of a panel: so many pens each group takes, so that a panel's second series has the same pen in all.
pub(super) fn series_per_panel(y: &[Vec<String>]) -> usize {
    y.iter().map(Vec::len).max().unwrap_or(1)
}

/// The lines of a figure whose panels have several series each, a line a group and series; none of a single one. `swatch` makes
/// the sample of a group's runs in a pen.
pub(super) fn of_series(
    y: &[Vec<String>],
    grouped: &Groups<'_>,
    swatch: impl Fn(Counts, usize) -> Swatch,
) -> Vec<Entry> {
    let positions: Vec<String> =
        (0..series_per_panel(y)).map(|position| names::position(y, position)).collect();
    if positions.len() == 1 && grouped.groups.len() <= 1 {
        return Vec::new();
    }
    grouped.entries(|group, number| {
        let counts = Counts::of(group.runs.iter().copied());
        let of_position = |(position, name): (usize, &String)| {
            let label = match (positions.len(), grouped.groups.len()) {
                (1, _) => group.label.clone(),
                (_, 1) => name.clone(),
                _ => format!("{} · {name}", group.label),
            };
            let swatch = swatch(counts, number * positions.len() + position);
            entry(counts.completed > 0, &label, counts, Entry { label: label.clone(), swatch })
        };
        positions.iter().enumerate().map(of_position).collect()
    })
}
