//! `curves` with a line for each run, however many there are: nothing is averaged.

use basin_domain::record::Axis;

use super::cell::Points;
use super::curves::{self, Request};
use super::data::{Row, Rows};
use super::groups::{self, Group, Groups};
use super::{names, notes};
use crate::report::chart::scale::Kind;
use crate::report::chart::style::{Color, Pen};
use crate::report::chart::{self, Chart, Entry, Mark, Panel, Swatch, number};
use crate::report::runs::{Counts, Run};
use crate::report::statistics::{Center, binned};

/// Series with more points than this are drawn in bins: beyond, neither a plot nor a table of 100 runs shows more.
const LONG: usize = 4_000;
/// In how many bins.
const BINS: f64 = 1_000.0;

/// Runs that were to converge, and didn't.
const LAGGARD: Pen = Pen::patterned(Color::Muted, 1, 1.0);

/// The chart of `request` with a line for each of `runs`, with its data.
pub(super) fn chart(request: &Request<'_>, runs: &[&Run]) -> (Chart, Rows) {
    let mut rows = Rows::default();
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    for facet in &facets {
        for series in request.y {
            panels.push(panel(request, series, facet, &grouped, &mut rows));
        }
    }
    let counts = Counts::of(runs.iter().copied());
    let mut notes = vec![format!("{counts}: each run is a line.")];
    let laggards = runs.iter().filter(|run| is_laggard(run)).count();
    if laggards > 0 {
        notes.push(format!("{laggards} of them did not converge: dashed."));
    }
    if let Some(at) = search_begins(runs) {
        notes.push(format!(
            "Upright line: iteration {}, where training on the loss ends and the search for a vanishing gradient begins.",
            number::significant(at)
        ));
    }
    if counts.diverged > 0 {
        notes.push("Diverged runs end in a cross.".to_owned());
    }
    notes.extend(notes::sentences(&curves::gaps(request, runs), request.y.len()));
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!("{}, a line a run. {}", request.y.join(", "), notes.join(" ")),
        heading: grouped.heading.clone(),
        legend: legend(&grouped, laggards, counts.diverged),
        rows: curves::arrange(&panels, request.layout, request.y.len(), facets.len()),
        notes,
    };
    (chart, rows)
}

fn panel(
    request: &Request<'_>,
    series: &str,
    facet: &Group<'_>,
    grouped: &Groups<'_>,
    rows: &mut Rows,
) -> Panel {
    let kind = curves::kind_of(request, series);
    let axis =
        facet.runs.iter().find_map(|run| Some(run.record()?.series.get(series)?.axis)).unwrap_or(Axis::Epoch);
    let mut marks = Vec::new();
    let mut crosses = Vec::new();
    for (number, group) in grouped.groups.iter().enumerate() {
        let runs = curves::within(group, facet);
        let opacity = (6.0 / runs.len() as f64).sqrt().clamp(0.3, 1.0);
        for run in runs {
            let Some(points) = points_of(run, series, kind) else { continue };
            for &(x, value) in &points {
                rows.push(&Row {
                    panel: series,
                    facet: &facet.label,
                    group: &group.label,
                    what: if run.diverged().is_some() { "diverged-run" } else { "run" },
                    seed: Some(run.task.spec.seed),
                    axis: axis.as_str(),
                    x,
                    value,
                    interval: None,
                    n: 1,
                });
            }
            if run.diverged().is_some() {
                let last = points.iter().rev().find(|point| point.1.is_finite()).copied();
                crosses.extend(last.map(|at| Mark::Cross { at, color: Color::Group(number) }));
            }
            let pen = if is_laggard(run) {
                LAGGARD
            } else {
                Pen::solid(Color::Group(number), 1.0).faint(1.0, opacity)
            };
            marks.push(Mark::Line { points, pen, secondary: run.diverged().is_some() });
        }
    }
    if let (false, Axis::Iteration, Some(x)) = (marks.is_empty(), axis, search_begins(&facet.runs)) {
        marks.push(Mark::Upright { x });
    }
    marks.extend(crosses);
    Panel {
        title: (!facet.label.is_empty()).then(|| facet.label.clone()),
        annotation: None,
        x: chart::Axis::new(names::axis(axis), Kind::Linear),
        y: chart::Axis::new(names::quantity(series, &facet.runs), kind),
        marks,
    }
}

/// The points of a run, in bins if there are very many.
fn points_of(run: &Run, series: &str, kind: Kind) -> Option<Points> {
    let points = &run.record()?.series.get(series)?.points;
    if points.len() <= LONG {
        return Some(points.clone());
    }
    let (first, last) = (points.first()?.0, points.last()?.0);
    let center = if kind == Kind::Linear { Center::Mean } else { Center::GeometricMean };
    let bins = binned(points, first, ((last - first + 1.0) / BINS).ceil(), center);
    Some(bins.iter().map(|bin| (bin.x, bin.value)).collect())
}

/// Whether a run was to converge, and didn't.
fn is_laggard(run: &Run) -> bool {
    run.completed().and_then(|record| record.last("converged")).is_some_and(|converged| converged != 1.0)
}

/// The median of the runs' last iterations on the loss, if they have a search behind it.
fn search_begins(runs: &[&Run]) -> Option<f64> {
    let mut all: Vec<f64> = runs
        .iter()
        .filter_map(|run| run.record()?.last("trained_iterations"))
        .filter(|at| at.is_finite())
        .collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

fn legend(grouped: &Groups<'_>, laggards: usize, diverged: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    if grouped.groups.len() > 1 || laggards > 0 {
        for (number, group) in grouped.groups.iter().enumerate() {
            let counts = Counts::of(group.runs.iter().copied());
            let is_only = grouped.groups.len() == 1;
            let label = if is_only { "converged".to_owned() } else { group.label.clone() };
            entries.push(if counts.completed + counts.diverged == 0 {
                Entry { label: format!("{label} ({})", counts.left_out()), swatch: Swatch::Nothing }
            } else {
                Entry { label, swatch: Swatch::Line(Pen::solid(Color::Group(number), 1.4)) }
            });
        }
    }
    if laggards > 0 {
        entries.push(Entry { label: "not converged".to_owned(), swatch: Swatch::Line(LAGGARD) });
    }
    if diverged > 0 {
        entries.push(Entry { label: "diverged".to_owned(), swatch: Swatch::Cross(Color::Ink) });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enough_points_for_a_plot_are_kept_of_a_very_long_series() {
        let mut runs = crate::report::samples::images(1, 20_000);
        let run = runs.remove(0);
        let points = points_of(&run, "gradient_norm", Kind::Logarithmic).unwrap();
        assert!((900..=1_000).contains(&points.len()), "{}", points.len());
        assert_eq!(points_of(&run, "nothing", Kind::Linear), None);
        assert_eq!(search_begins(&[&run]), None);
        assert!(!is_laggard(&run));
    }
}
