//! `curves` with a line for each run, however many there are: nothing is averaged.

use std::collections::BTreeSet;

use basin_domain::experiment::series::critical_point::{CERTIFIED, CONVERGED, TRAINED_ITERATIONS};
use basin_domain::metrics::Axis;

use super::cell::Points;
use super::curves::{self, CurvesRequest};
use super::drawn::{Drawn, Source};
use super::grid;
use super::groups::{self, Group, Groups};
use super::notes::{self, Remark};
use super::table::{FigureTable, RowPanel};
use super::{legend, limits, names};
use crate::endings;
use crate::runs::{Counts, Run, distinct};
use crate::statistics::{Center, binned};
use basin_charts::scale::Scale;
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch, number};

/// Series with more points than this are drawn in bins: beyond, neither a plot nor a table of 100 runs shows more.
const LONG: usize = 4_000;
/// In how many bins.
const BINS: f64 = 1_000.0;

/// Runs that were to end at a critical point, or to converge, and didn't.
const ASTRAY: Pen = Pen::patterned(Color::Muted, 1, 1.0);

/// The chart of `request` with a line for each of `runs`, with its data.
pub(super) fn chart(request: &CurvesRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    let pens = grouped.pens();
    for facet in &facets {
        let drawn = drawn(facet, &grouped, &pens);
        for series in request.y {
            panels.push(panel(request, series, facet, &grouped, &drawn, &mut rows));
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    let remarks = request.y.iter().filter_map(|series| binning(request, series, runs));
    let remarks: Vec<Remark> = remarks.chain(curves::gaps(request, runs)).collect();
    let counts = Counts::of(runs.iter().copied());
    let mut notes = vec![format!("{counts}: each run is a line.")];
    let goal = runs.iter().find_map(|run| goal_of(run)).map_or(CONVERGED.name, |(goal, _)| goal);
    let astray = distinct(runs.iter().copied()).into_iter().filter(|run| is_astray(run)).count();
    if astray > 0 {
        let did_not = match (goal == CERTIFIED.name, astray) {
            (true, 1) => "is not certified",
            (true, _) => "are not certified",
            (false, _) => "did not converge",
        };
        notes.push(format!("{astray} of them {did_not}: dashed."));
    }
    notes.extend(endings::in_words(runs));
    match search_begins(runs) {
        Some((at, latest)) if at == latest => notes.push(format!(
            "Upright line: iteration {}, where training on the loss ends and the search for a vanishing gradient begins.",
            number::significant(at)
        )),
        Some((earliest, latest)) => notes.push(format!(
            "Training on the loss ends, and the search for a vanishing gradient begins, between iterations {} and {}: an \
             upright line where that is the same for all runs of a panel.",
            number::significant(earliest),
            number::significant(latest)
        )),
        None => {}
    }
    if counts.diverged > 0 {
        notes.push("Diverged runs end in a cross.".to_owned());
    }
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    let lines = |group: &Group<'_>, facet: &Group<'_>| distinct(groups::within(group, facet)).len();
    let of_panel = |facet: &Group<'_>| -> usize {
        let pens = grouped.groups.iter().zip(&pens);
        pens.filter(|(_, pen)| pen.is_some()).map(|(group, _)| lines(group, facet)).sum()
    };
    let most = facets.iter().map(of_panel).max().unwrap_or(0);
    notes.extend(limits::note(limits::MAX_LINES.min(most), most, "lines of a panel, evenly spread,"));
    notes.extend(notes::duplicates(runs));
    notes.extend(notes::sentences(&remarks, request.y.len()));
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!("{}, a line a run. {}", names::listed(request.y), notes.join(" ")),
        heading: grouped.heading.clone(),
        legend: legend(&grouped, goal, astray, counts.diverged),
        rows: grid::arrange(&panels, request.layout, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

/// The lines of a facet: each run with its group and, if it is drawn, its pen. Runs that are one computation are one line,
/// that of the first.
struct Line<'a> {
    run: &'a Run,
    group: usize,
    pen: Option<usize>,
}

fn drawn<'a>(facet: &Group<'_>, grouped: &Groups<'a>, pens: &[Option<usize>]) -> Vec<Line<'a>> {
    let mut known = BTreeSet::new();
    let mut lines = Vec::new();
    for (group, runs) in grouped.groups.iter().enumerate() {
        let runs = groups::within(runs, facet).into_iter().filter(|run| known.insert(run.computation()));
        lines.extend(runs.map(|run| Line { run, group, pen: pens[group] }));
    }
    let count = lines.iter().filter(|line| line.pen.is_some()).count();
    for (place, line) in lines.iter_mut().filter(|line| line.pen.is_some()).enumerate() {
        line.pen = line.pen.filter(|_| limits::is_drawn(place, count, limits::MAX_LINES));
    }
    lines
}

fn panel(
    request: &CurvesRequest<'_>,
    series: &str,
    facet: &Group<'_>,
    grouped: &Groups<'_>,
    lines: &[Line<'_>],
    rows: &mut FigureTable,
) -> Panel {
    let scale = curves::scale_of(request, series);
    let axis = curves::axis_of(facet, series);
    let mut drawn = Drawn::new();
    let mut crosses = Vec::new();
    let mut sizes = vec![0; grouped.groups.len()];
    lines.iter().for_each(|line| sizes[line.group] += 1);
    for &Line { run, group: number, pen } in lines {
        let group = &grouped.groups[number];
        let opacity = (6.0 / f64::from(sizes[number])).sqrt().clamp(0.3, 1.0);
        let Some((points, width)) = points_of(run, series, scale) else { continue };
        let what = match (run.diverged().is_some(), width.map(|_| Center::of(scale))) {
            (false, None) => "run",
            (false, Some(Center::Mean | Center::InterquartileMean { .. })) => "run-bin-mean",
            (false, Some(Center::GeometricMean)) => "run-bin-geometric-mean",
            (true, None) => "diverged-run",
            (true, Some(Center::Mean | Center::InterquartileMean { .. })) => "diverged-run-bin-mean",
            (true, Some(Center::GeometricMean)) => "diverged-run-bin-geometric-mean",
        };
        for &(x, value) in &points {
            let panel =
                RowPanel { panel: series, facet: &facet.label, group: &group.label, axis: axis.as_str() };
            rows.push_run(panel, what, run.task.spec.seed, (x, value));
        }
        let Some(number) = pen else { continue };
        if run.diverged().is_some() {
            let last = points.iter().rev().find(|point| point.1.is_finite()).copied();
            crosses.extend(last.map(|at| Mark::Cross { at, color: Color::Group(number) }));
        }
        let pen =
            if is_astray(run) { ASTRAY } else { Pen::solid(Color::Group(number), 1.0).faint(1.0, opacity) };
        drawn.read_run(Source { series, number, group: &group.label }, run.task.name(), &points);
        drawn.marks.push(Mark::Line { points, pen, secondary: run.diverged().is_some() });
    }
    let Drawn { mut marks, readings } = drawn;
    if let (false, Axis::Iteration, Some((x, latest))) = (marks.is_empty(), axis, search_begins(&facet.runs))
        && x == latest
    {
        marks.push(Mark::VerticalLine { x });
    }
    let chance = curves::chance(&[series.to_owned()], &facet.runs).filter(|_| !marks.is_empty());
    marks.splice(0..0, chance);
    marks.extend(crosses);
    Panel {
        title: facet.title(),
        annotation: None,
        x: curves::axis_against(axis),
        y: chart::Axis::new(names::quantity(series, &facet.runs), scale)
            .within(names::bounds(series, &facet.runs)),
        marks,
        readings,
        is_plane: false,
    }
}

/// The points of a run, in bins if there are very many, and then the width of these.
fn points_of(run: &Run, series: &str, scale: Scale) -> Option<(Points, Option<f64>)> {
    let points = &run.metrics()?.series.get(series)?.points;
    let Some(width) = bin_width(points) else { return Some((points.clone(), None)) };
    let bins = binned(points, points.first()?.0, width, Center::of(scale));
    Some((bins.iter().map(|bin| (bin.x, bin.value)).collect(), Some(width)))
}

/// The width of the bins in which a series is drawn; none if it is drawn as it is.
fn bin_width(points: &Points) -> Option<f64> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    (points.len() > LONG).then(|| ((last - first + 1.0) / BINS).ceil())
}

/// The meaning of the points of lines in bins, if there are any.
fn binning(request: &CurvesRequest<'_>, series: &str, runs: &[&Run]) -> Option<Remark> {
    let recorded = || runs.iter().filter_map(|run| run.metrics()?.series.get(series));
    let axis = recorded().next()?.axis;
    let mut widths: Vec<f64> = recorded().filter_map(|series| bin_width(&series.points)).collect();
    widths.sort_by(f64::total_cmp);
    let (narrowest, widest) = (*widths.first()?, *widths.last()?);
    let mut width = number::significant(narrowest);
    if widest > narrowest {
        width += &format!(" to {}", number::significant(widest));
    }
    let (middle, axis) = (Center::of(curves::scale_of(request, series)).words(), names::axis(axis));
    let most = number::whole(LONG as i64);
    Some(Remark {
        quantity: names::parameter(series),
        text: format!("each point of a line of more than {most} values is the {middle} over {width} {axis}s"),
    })
}

/// What a completed run was to reach, by the number that says so, and whether it did: a certified critical point, or a small gradient in runs
/// that know of no certificate.
fn goal_of(run: &Run) -> Option<(&'static str, bool)> {
    let metrics = run.completed()?;
    let goals = [CERTIFIED.name, CONVERGED.name];
    goals.into_iter().find_map(|goal| Some((goal, metrics.last(goal)? == 1.0)))
}

/// Whether a run was to get somewhere, and didn't.
fn is_astray(run: &Run) -> bool {
    goal_of(run).is_some_and(|(_, is_reached)| !is_reached)
}

/// The first and the last of completed runs' last iterations on the loss, if they have a search behind it.
fn search_begins(runs: &[&Run]) -> Option<(f64, f64)> {
    let ends = runs.iter().filter_map(|run| run.completed()?.last(TRAINED_ITERATIONS.name));
    let mut ends: Vec<f64> = ends.filter(|at| at.is_finite()).collect();
    ends.sort_by(f64::total_cmp);
    Some((*ends.first()?, *ends.last()?))
}

fn legend(grouped: &Groups<'_>, goal: &str, astray: usize, diverged: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    if grouped.groups.len() > 1 || astray > 0 {
        let is_only = grouped.groups.len() == 1;
        entries = grouped.entries(|group, number| {
            let counts = Counts::of(group.runs.iter().copied());
            let label = if is_only { goal.to_owned() } else { group.label.clone() };
            let swatch = Swatch::Line(Pen::solid(Color::Group(number), 1.4));
            let drawn = Entry { label: label.clone(), swatch };
            vec![legend::entry(counts.completed + counts.diverged > 0, &label, counts, drawn)]
        });
    }
    if astray > 0 {
        entries.push(Entry { label: format!("not {goal}"), swatch: Swatch::Line(ASTRAY) });
    }
    if diverged > 0 {
        entries.push(legend::diverged());
    }
    entries
}

#[cfg(test)]
mod tests {
    use basin_domain::figure::Layout;

    use super::*;
    use crate::RunState;
    use crate::samples;

    fn drawn(runs: &[Run], y: &str, log_y: &[String]) -> (Chart, String, String) {
        let y = [y.to_owned()];
        let request = CurvesRequest {
            title: "",
            y: &y,
            group: &[],
            facet: None,
            middle: None,
            log_y,
            layout: Layout::Row,
        };
        let (chart, rows) = chart(&request, &runs.iter().collect::<Vec<_>>());
        let notes = chart.notes.join(" ");
        (chart, notes, rows.into_csv())
    }

    #[test]
    fn bins_are_said_below_the_figure_and_in_its_data() {
        let runs = &samples::images(1, 20_000)[..1];
        let (_, notes, csv) = drawn(runs, "loss", &[]);
        assert!(
            notes.contains("Each point of a line of more than 4,000 values is the mean over 20 iterations."),
            "{notes}"
        );
        assert!(csv.contains(",run-bin-mean,0,iteration,") && !csv.contains(",run,"));
        let (_, notes, csv) = drawn(runs, "loss", &["loss".to_owned()]);
        assert!(notes.contains("is the geometric mean over 20 iterations"), "{notes}");
        assert!(csv.contains(",run-bin-geometric-mean,0,iteration,"));
        let (_, notes, csv) = drawn(&samples::images(1, 4_000)[..1], "loss", &[]);
        assert!(!notes.contains("Each point"), "{notes}");
        assert!(csv.contains(",run,0,iteration,"));
    }

    #[test]
    fn the_search_begins_at_an_upright_line_only_if_it_does_in_all_runs() {
        let mut runs = samples::lines::searches(5);
        let uprights = |chart: &Chart| {
            chart.rows[0].panels[0]
                .marks
                .iter()
                .filter(|mark| matches!(mark, Mark::VerticalLine { .. }))
                .count()
        };
        assert_eq!(uprights(&drawn(&runs, "loss", &[]).0), 1);
        let RunState::Committed { metrics, .. } = &mut runs[0].state else { unreachable!() };
        metrics.set("trained_iterations", 30.0);
        let (chart, notes, _) = drawn(&runs, "loss", &[]);
        assert_eq!(uprights(&chart), 0);
        assert!(notes.contains("begins, between iterations 30 and 60"), "{notes}");
    }

    #[test]
    fn only_enough_points_for_a_plot_are_kept_of_a_very_long_series() {
        let mut runs = samples::images(1, 20_000);
        let run = runs.remove(0);
        let (points, width) = points_of(&run, "gradient_norm", Scale::Logarithmic).unwrap();
        assert!((900..=1_000).contains(&points.len()), "{}", points.len());
        assert_eq!(width, Some(20.0));
        assert_eq!(points_of(&run, "nothing", Scale::Linear), None);
        assert_eq!(search_begins(&[&run]), None);
        assert!(!is_astray(&run));
    }

    #[test]
    fn a_run_that_knows_of_certificates_is_measured_by_its_own() {
        let mut runs = samples::lines::searches(5);
        for (place, run) in runs.iter_mut().enumerate() {
            let RunState::Committed { metrics, .. } = &mut run.state else { unreachable!() };
            metrics.set("certified", if place == 2 { 0.0 } else { 1.0 });
            metrics.set(if place == 2 { "cause_slow" } else { "certified_saddle" }, 1.0);
        }
        let (chart, notes, _) = drawn(&runs, "loss", &[]);
        assert!(notes.contains("1 of them is not certified: dashed."), "{notes}");
        assert!(notes.contains("How they end: certified saddle 4; not certified: slow 1."), "{notes}");
        let legend: Vec<&str> = chart.legend.iter().map(|entry| entry.label.as_str()).collect();
        assert_eq!(legend, ["certified", "not certified"]);
    }
}
