//! `surface`: the loss over a plane through a solution as filled contours, a panel a run, with the way that training took.

use basin_domain::experiment::Plane;
use basin_domain::metrics::Axis;

use super::grid;
use super::groups::{self, Group, Groups};
use super::names;
use super::notes::{self, Remark};
use super::table::FigureTable;
use super::tiles::{self, AssembledSurface};
use super::trajectories::component_name;
use crate::runs::{Counts, Run};
use crate::tables::csv;
use basin_charts::field::Field;
use basin_charts::levels::{ContourLevel, levels};
use basin_charts::marker::{Marker, Shape};
use basin_charts::scale::{Scale, is_drawable};
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch, number};

/// The most panels of a figure.
const MAX_PANELS: usize = 6;
/// How many times farther than the median from the lowest value the levels reach, where they end before the largest.
const LEVEL_REACH: f64 = 10.0;
/// The parameter that tells the tiles of a surface apart.
const TILE: &str = "tile";

/// The markers of the first and the last recorded epoch, and of the solution.
const FIRST: Marker =
    Marker { color: Color::Ink, shape: Shape::Circle, is_filled: true, radius: 4.0, opacity: 1.0 }.hollow();
const LAST: Marker =
    Marker { color: Color::Ink, shape: Shape::Circle, is_filled: true, radius: 3.8, opacity: 1.0 };
const SOLUTION: Marker =
    Marker { color: Color::Ink, shape: Shape::Diamond, is_filled: true, radius: 6.6, opacity: 1.0 }.hollow();
/// The line of the trajectory, and the rim that keeps it visible on dark and on light.
const TRAJECTORY: [Pen; 2] = [Pen::solid(Color::Paper, 3.4), Pen::solid(Color::Ink, 1.5)];

/// The panels, one a group, that stand in rows together: those of one value of `facet`.
fn by_facet(facet: Option<&str>, runs: &[&Run], grouped: &Groups<'_>, panels: Vec<Panel>) -> Vec<Vec<Panel>> {
    let facets = groups::facets(runs, facet);
    let mut rows = vec![Vec::new(); facets.len()];
    for (group, panel) in grouped.groups.iter().zip(panels) {
        let first = group.runs.first();
        let is_its = |facet: &Group<'_>| {
            facet.runs.iter().any(|run| first.is_some_and(|first| std::ptr::eq(*run, *first)))
        };
        if let Some(row) = facets.iter().position(is_its) {
            rows[row].push(panel);
        }
    }
    rows.retain(|row| !row.is_empty());
    rows
}

/// The chart of the surfaces that `runs` are tiles of, with its data.
pub(super) fn chart(
    title: &str,
    facet: Option<&str>,
    y: &str,
    is_logarithmic: bool,
    runs: &[&Run],
) -> (Chart, FigureTable) {
    let scale = Scale::logarithmic_if(is_logarithmic);
    let grouped = groups::each(runs, &[TILE]);
    let surfaces: Vec<AssembledSurface> =
        grouped.groups.iter().map(|group| tiles::assemble(&group.runs, y)).collect();
    let levels = SharedLevels::of(scale, &surfaces);
    let quantity = names::quantity(y, runs);
    let mut rows = FigureTable::of(&["run", "what", "alpha", "beta", "value"]);
    for (group, surface) in grouped.groups.iter().zip(&surfaces) {
        push(&group.label, surface, &mut rows);
    }
    let drawn = surfaces.iter().enumerate().take(MAX_PANELS);
    let panels: Vec<Panel> = drawn
        .map(|(number, surface)| {
            let title = (grouped.groups.len() > 1).then(|| name(&grouped, number));
            panel(title, surface, &levels, scale, &quantity)
        })
        .collect();
    let rows_of_panels = by_facet(facet, runs, &grouped, panels);
    let across = grid::columns(rows_of_panels.iter().map(Vec::len).max().unwrap_or(0)).min(2);
    let height = [380.0, 225.0][across - 1];
    let mut notes = notes(y, &grouped, &surfaces, &levels);
    notes.extend(notes::duplicates(runs));
    let chart = Chart {
        title: title.to_owned(),
        description: format!(
            "{quantity} over a plane through a solution, as filled contours. {}",
            notes.join(" ")
        ),
        heading: None,
        legend: legend(&surfaces),
        rows: rows_of_panels
            .iter()
            .flat_map(|panels| panels.chunks(across))
            .map(|panels| chart::PanelRow { height, panels: panels.to_vec() })
            .collect(),
        notes,
    };
    (chart, rows)
}

/// The levels that all panels share.
#[derive(Debug)]
struct SharedLevels {
    levels: Vec<ContourLevel>,
    /// The cells beyond the last level, if there are any.
    beyond: Option<CellsBeyond>,
    /// Finite values without a place on a logarithmic scale.
    without_place: usize,
}

/// The cells whose values are beyond the last level.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CellsBeyond {
    count: usize,
    /// The number of all cells with a value.
    of: usize,
    /// The largest value of them.
    largest: f64,
}

impl SharedLevels {
    /// Levels over the values of all surfaces. Values that lie many times farther from the lowest one than the median would
    /// press everything else into one colour: if there are any beyond twice [`LEVEL_REACH`], the levels end at the largest value
    /// within it.
    fn of(scale: Scale, surfaces: &[AssembledSurface]) -> Self {
        let all = surfaces.iter().flat_map(|surface| &surface.grid.values);
        let mut values: Vec<f64> = all.clone().copied().filter(|&value| is_drawable(scale, value)).collect();
        values.sort_by(f64::total_cmp);
        let without_place = all.filter(|value| value.is_finite()).count() - values.len();
        let (Some(&low), Some(&high)) = (values.first(), values.last()) else {
            return Self { levels: levels(scale, f64::NAN, f64::NAN), beyond: None, without_place };
        };
        let transformed = |value: f64| match scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.ln(),
        };
        let median = values[values.len() / 2];
        let reach = LEVEL_REACH * (transformed(median) - transformed(low));
        let within = values.partition_point(|&value| transformed(value) - transformed(low) <= reach);
        let is_capped = median > low && transformed(high) - transformed(low) > 2.0 * reach;
        let top = if is_capped { values[within - 1] } else { high };
        let levels = levels(scale, low, top);
        let last = levels.last().map_or(top, |level| level.at);
        let count = values.iter().filter(|&&value| value > last).count();
        Self {
            levels,
            beyond: (count > 0).then_some(CellsBeyond { count, of: values.len(), largest: high }),
            without_place,
        }
    }
}

/// The name of a surface.
fn name(grouped: &Groups<'_>, number: usize) -> String {
    let label = &grouped.groups[number].label;
    match &grouped.heading {
        Some(heading) => format!("{heading} {label}"),
        None => label.clone(),
    }
}

fn panel(
    title: Option<String>,
    surface: &AssembledSurface,
    levels: &SharedLevels,
    scale: Scale,
    label: &str,
) -> Panel {
    let mut marks = Vec::new();
    if surface.grid.values.iter().any(|&value| is_drawable(scale, value)) {
        marks.push(Mark::Field(Field {
            grid: surface.grid.clone(),
            scale,
            levels: levels.levels.clone(),
            goes_beyond: levels.beyond.is_some(),
            label: label.to_owned(),
        }));
        // Below the trajectory, which as a rule ends there.
        marks.push(Mark::Points { points: vec![(0.0, 0.0)], marker: SOLUTION });
        let line = |pen: Pen| Mark::Line { points: surface.trajectory.clone(), pen, secondary: false };
        if let (Some(&first), Some(&last)) = (surface.trajectory.first(), surface.trajectory.last()) {
            marks.extend(TRAJECTORY.map(line));
            let points = surface.trajectory.clone();
            marks.push(Mark::Points { points, marker: LAST.sized(2.2, 1.0) });
            marks.push(Mark::Points { points: vec![first], marker: FIRST });
            marks.push(Mark::Points { points: vec![last], marker: LAST });
        }
    }
    let axis = |direction: usize| {
        let text = match surface.plane {
            Some(Plane::Pca { .. }) => component_name(direction + 1, surface.explained[direction]),
            Some(Plane::Random { .. }) => {
                format!("{} (filter-normalised random direction)", ["α", "β"][direction])
            }
            None => ["α", "β"][direction].to_owned(),
        };
        chart::Axis::new(text, Scale::Linear)
    };
    // Both directions are of weights: in one unit, whatever the plane.
    Panel { title, annotation: None, x: axis(0), y: axis(1), marks, readings: Vec::new(), is_plane: true }
}

fn legend(surfaces: &[AssembledSurface]) -> Vec<Entry> {
    let mut entries = vec![Entry { label: "solution θ".to_owned(), swatch: Swatch::Point(SOLUTION) }];
    if surfaces.iter().any(|surface| !surface.trajectory.is_empty()) {
        let mut epochs = surfaces.iter().filter_map(|surface| surface.epochs);
        let same = epochs.next().filter(|first| epochs.all(|other| other == *first));
        let unit = if same.is_some_and(|range| range.axis == Axis::Iteration) { "step" } else { "epoch" };
        let of = |word: &str, epoch: Option<f64>| match epoch {
            Some(epoch) => format!("{word} ({unit} {})", number::significant(epoch)),
            None => word.to_owned(),
        };
        let trajectory = Swatch::Marked(TRAJECTORY[1], LAST.sized(2.2, 1.0));
        entries.insert(0, Entry { label: "training, projected".to_owned(), swatch: trajectory });
        entries.insert(
            1,
            Entry { label: of("first", same.map(|epochs| epochs.first)), swatch: Swatch::Point(FIRST) },
        );
        entries.insert(
            2,
            Entry { label: of("last", same.map(|epochs| epochs.last)), swatch: Swatch::Point(LAST) },
        );
    }
    entries
}

fn push(run: &str, surface: &AssembledSurface, rows: &mut FigureTable) {
    let mut row = |what: &str, numbers: [f64; 2], value: Option<f64>| {
        let value = value.map(csv::number).unwrap_or_default();
        let [alpha, beta] = numbers.map(csv::number);
        rows.push_fields([run.to_owned(), what.to_owned(), alpha, beta, value]);
    };
    let across = surface.grid.columns.len();
    for (cell, &value) in surface.grid.values.iter().enumerate() {
        row("cell", [surface.grid.columns[cell % across], surface.grid.rows[cell / across]], Some(value));
    }
    for &(alpha, beta) in &surface.trajectory {
        row("trajectory", [alpha, beta], None);
    }
}

fn notes(y: &str, grouped: &Groups<'_>, surfaces: &[AssembledSurface], levels: &SharedLevels) -> Vec<String> {
    let drawn = surfaces.iter().filter(|surface| surface.tiles.completed > 0).count();
    let mut first = format!("n = {drawn} {}", if drawn == 1 { "run" } else { "runs" });
    if drawn > 0 {
        let sides: Vec<usize> = surfaces.iter().map(|surface| surface.grid.columns.len()).collect();
        if let [side, ..] = sides[..]
            && sides.iter().all(|other| *other == side)
            && side > 0
        {
            first += &format!(", {side}×{side} cells each");
        }
    }
    let all: Vec<&Run> = grouped.groups.iter().flat_map(|group| group.runs.iter().copied()).collect();
    let left_out = Counts::of(all.iter().copied()).left_out();
    if !left_out.is_empty() {
        first += &format!("; of {} tiles, {left_out}: hatched", all.len());
    }
    let mut notes = vec![first + "."];
    if surfaces.len() > MAX_PANELS {
        notes.push(format!(
            "{} of {} surfaces are drawn; the others are in the figure's data.",
            MAX_PANELS,
            surfaces.len()
        ));
    }
    if surfaces.len() > 1 {
        notes.push("All panels have the same levels.".to_owned());
    }
    if let Some(CellsBeyond { count, of, largest }) = levels.beyond {
        let last = levels.levels.last().map_or_else(String::new, |level| level.label.clone());
        notes.push(format!(
            "The levels end at {last}, so that values far beyond the others don't take all colours: {} of {} cells are \
             above, the largest {}.",
            number::whole(count as i64),
            number::whole(of as i64),
            number::significant(largest)
        ));
    }
    if levels.without_place > 0 {
        notes.push(format!(
            "{} values that aren't positive have no place among logarithmic levels: they are hatched.",
            levels.without_place
        ));
    }
    notes.extend(notes::sentences(&remarks(y, grouped, surfaces), surfaces.len()));
    notes
}

/// The remarks on single surfaces.
fn remarks(y: &str, grouped: &Groups<'_>, surfaces: &[AssembledSurface]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (number, surface) in surfaces.iter().enumerate() {
        let mut say = |text: String| remarks.push(Remark { quantity: name(grouped, number), text });
        let left_out = surface.tiles.left_out();
        if !left_out.is_empty() && surfaces.len() > 1 {
            say(format!("of {} tiles, {left_out}", surface.tiles.total()));
        }
        if surface.not_finite > 0 {
            let of_what = if surface.not_finite == 1 { "cell isn't" } else { "cells aren't" };
            say(format!("{} {of_what} finite and hatched", surface.not_finite));
        }
        if surface.tiles.completed > 0 && surface.grid.values.is_empty() {
            say(format!("too few rows of `{y}` to be drawn"));
        }
    }
    remarks
}
