//! One group's runs in one panel: its marks, its rows of data, and what has to be said about it.

use basin_domain::metrics::{Axis, Metrics};

use super::drawn::{Drawn, Source};
use super::limits;
use super::table::{FigureRow, FigureTable, RowPanel};
use crate::exclusions::{Exclusions, Filtered, on_axis};
use crate::runs::{Run, distinct};
use crate::statistics::{Bin, Center, ConfidenceInterval, Summary, binned, summarise};
use basin_charts::scale::Scale;
use basin_charts::style::{BAND_OPACITY, Color, Pen};
use basin_charts::{Interval, Mark, Reading};

/// Series with more points than this are drawn in bins.
pub(crate) const LONG: usize = 400;
/// In how many bins a long series is drawn.
const BINS: f64 = 200.0;
/// The fewest runs whose mean and interval are drawn instead of the runs.
pub(crate) const MIN_AVERAGED: usize = 3;

/// Points of a run: (x, value).
pub(crate) type Points = Vec<(f64, f64)>;

/// Where a cell stands in its figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellContext<'a> {
    /// The series of the panel.
    pub(crate) panel: &'a str,
    /// The panel's facet.
    pub(crate) facet: &'a str,
    /// The group.
    pub(crate) group: &'a str,
    /// The group's number, which chooses its pen.
    pub(crate) number: usize,
    /// The quantity of x.
    pub(crate) axis: Axis,
    /// The kind of middle of several runs here.
    pub(crate) center: Center,
    /// The bins in which the panel is drawn, if it is.
    pub(crate) bins: Option<PanelBins>,
}

impl<'a> CellContext<'a> {
    /// Whose values a reader of the panel sees.
    const fn source(&self) -> Source<'a> {
        Source { series: self.panel, number: self.number, group: self.group }
    }
}

/// Bins of equal width, one beside the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct PanelBins {
    /// Where the first one begins.
    pub(crate) start: f64,
    /// The width of each.
    pub(crate) width: f64,
}

/// The bins for a panel in which these runs are drawn: none if every series is short, or counts neither epochs nor
/// iterations.
pub(crate) fn bins_for<'a>(axis: Axis, series: impl Iterator<Item = &'a Points>) -> Option<PanelBins> {
    match axis {
        Axis::Epoch | Axis::Iteration => {}
        Axis::Input | Axis::Ratio | Axis::Cell | Axis::Eigenvalue | Axis::Once => return None,
    }
    let long: Vec<&Points> = series.filter(|points| points.len() > LONG).collect();
    let xs = || long.iter().flat_map(|points| points.iter().map(|point| point.0));
    let (first, last) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    (first < last).then(|| PanelBins { start: first, width: ((last - first + 1.0) / BINS).ceil() })
}

/// Draws completed runs: their mean with its interval if there are enough of them, each for itself otherwise.
pub(crate) fn completed(
    context: CellContext<'_>,
    runs: &[(u64, Points)],
    drawn: &mut Drawn,
    rows: &mut FigureTable,
) {
    match context.bins {
        Some(PanelBins { start, width }) => {
            let bins: Vec<(u64, Vec<Bin>)> = runs
                .iter()
                .map(|(seed, points)| (*seed, binned(points, start, width, context.center.within_a_run())))
                .collect();
            draw_spread(context, runs, &bins, &mut drawn.marks);
            let means: Vec<(u64, Points)> = bins
                .into_iter()
                .map(|(seed, bins)| (seed, bins.iter().map(|bin| (bin.x, bin.value)).collect()))
                .collect();
            draw_lines(context, &means, drawn, rows);
        }
        None => draw_lines(context, runs, drawn, rows),
    }
}

/// Draws, behind the means of bins, the values themselves, or the area in which all runs' values lie.
fn draw_spread(
    context: CellContext<'_>,
    runs: &[(u64, Points)],
    bins: &[(u64, Vec<Bin>)],
    marks: &mut Vec<Mark>,
) {
    let pen = Pen::group(context.number);
    if runs.len() < MIN_AVERAGED {
        for (_, points) in runs {
            let pen = Pen::solid(pen.color, 0.6).faint(0.5, 0.25);
            marks.push(Mark::Line { points: points.clone(), pen, secondary: false });
        }
        return;
    }
    let mut all: Vec<&Bin> = bins.iter().flat_map(|(_, bins)| bins).collect();
    all.sort_by(|a, b| a.x.total_cmp(&b.x));
    let points = all
        .chunk_by(|a, b| a.x == b.x)
        .map(|chunk| {
            let low = chunk.iter().map(|bin| bin.low).fold(f64::INFINITY, f64::min);
            let high = chunk.iter().map(|bin| bin.high).fold(f64::NEG_INFINITY, f64::max);
            Interval { x: chunk[0].x, low, high }
        })
        .collect();
    marks.push(Mark::Band { points, color: pen.color, opacity: 0.1, secondary: false });
}

fn draw_lines(context: CellContext<'_>, runs: &[(u64, Points)], drawn: &mut Drawn, rows: &mut FigureTable) {
    let pen = Pen::group(context.number);
    if runs.len() < MIN_AVERAGED {
        for (seed, points) in runs {
            let pen = if runs.len() == 1 { pen } else { pen.faint(1.2, 1.0) };
            drawn.marks.push(Mark::Line { points: points.clone(), pen, secondary: false });
            drawn.read_run(context.source(), format!("seed {seed}"), points);
            push_run(context, "run", *seed, points, rows);
        }
        return;
    }
    let summary = summarised(runs, context.center);
    let band = summary
        .iter()
        .filter_map(|point| {
            point.interval.map(|ConfidenceInterval { low, high }| Interval { x: point.x, low, high })
        })
        .collect();
    drawn.marks.push(Mark::Band { points: band, color: pen.color, opacity: BAND_OPACITY, secondary: true });
    let line = summary.iter().map(|point| (point.x, point.value)).collect();
    drawn.marks.push(Mark::Line { points: line, pen, secondary: false });
    drawn.read(context.source(), None, summary.iter().map(reading));
    for point in summary {
        rows.push(&FigureRow {
            panel: context.panel,
            facet: context.facet,
            group: context.group,
            what: context.center.as_str(),
            seed: None,
            axis: context.axis.as_str(),
            x: point.x,
            value: point.value,
            interval: point.interval,
            n: point.n,
        });
    }
}

/// Draws diverged runs: each as a thin line that ends in a cross.
pub(crate) fn diverged(
    context: CellContext<'_>,
    runs: &[(u64, Points)],
    drawn: &mut Drawn,
    rows: &mut FigureTable,
) {
    let color = Color::Group(context.number);
    for (number, (seed, points)) in runs.iter().enumerate() {
        let shown: Points = match context.bins {
            Some(PanelBins { start, width }) => binned(points, start, width, context.center.within_a_run())
                .iter()
                .map(|bin| (bin.x, bin.value))
                .collect(),
            None => points.clone(),
        };
        let last = shown.iter().rev().find(|point| point.1.is_finite()).copied();
        push_run(context, "diverged-run", *seed, &shown, rows);
        if !limits::is_drawn(number, runs.len(), limits::MAX_LINES) {
            continue;
        }
        drawn.read_run(context.source(), format!("seed {seed}, diverged"), &shown);
        drawn.marks.push(Mark::Line {
            points: shown,
            pen: Pen::group(context.number).faint(0.9, 0.75),
            secondary: true,
        });
        if let Some(at) = last {
            drawn.marks.push(Mark::Cross { at, color });
        }
    }
}

fn push_run(context: CellContext<'_>, what: &str, seed: u64, points: &[(f64, f64)], rows: &mut FigureTable) {
    for &(x, value) in points {
        let panel = RowPanel {
            panel: context.panel,
            facet: context.facet,
            group: context.group,
            axis: context.axis.as_str(),
        };
        rows.push_run(panel, what, seed, (x, value));
    }
}

/// A middle as it is read.
pub(crate) fn reading(point: &Summary) -> Reading {
    let interval = point.interval.map(|interval| (interval.low, interval.high));
    Reading { at: (point.x, point.value), x: point.x, interval, n: point.n }
}

/// The middle of all runs at every x that any of them has. How many values have no place in it is counted by [`gaps`].
fn summarised(runs: &[(u64, Points)], center: Center) -> Vec<Summary> {
    let mut all: Points = runs.iter().flat_map(|(_, points)| points).copied().collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.chunk_by(|a, b| a.0 == b.0)
        .filter_map(|chunk| {
            let kept = center.filter(chunk.iter().map(|point| point.1));
            summarise(chunk[0].0, &kept, center)
        })
        .collect()
}

/// The points of `series` of those runs of `runs` from which `record` takes a record; of runs that are one computation,
/// once.
pub(crate) fn points_of<'a>(
    runs: &[&'a Run],
    series: &str,
    metrics: fn(&'a Run) -> Option<&'a Metrics>,
) -> Vec<(u64, Points)> {
    distinct(runs.iter().copied())
        .into_iter()
        .filter_map(|run| Some((run.task.spec.seed, metrics(run)?.series.get(series)?.points.clone())))
        .collect()
}

/// The values of these runs that have no place on an axis of this kind.
pub(crate) fn gaps(scale: Scale, runs: &[(u64, Points)]) -> Exclusions {
    let values = runs.iter().flat_map(|(_, points)| points).map(|point| point.1);
    Filtered::partition(values, |value| on_axis(scale, value)).exclusions().clone()
}

/// The same of diverged runs: that their last values aren't finite is said by their crosses.
pub(crate) fn gaps_of_diverged(scale: Scale, runs: &[(u64, Points)]) -> Exclusions {
    let mut left_out = Exclusions::default();
    for (_, points) in runs {
        let end = points.iter().rposition(|point| point.1.is_finite()).map_or(0, |last| last + 1);
        let values = points[..end].iter().map(|point| point.1);
        left_out.merge(Filtered::partition(values, |value| on_axis(scale, value)).exclusions());
    }
    left_out
}

/// How many of these diverged runs have no value that could be drawn, in words.
pub(crate) fn not_drawn(scale: Scale, diverged: &[(u64, Points)]) -> Option<String> {
    let is_empty = |points: &Points| !points.iter().any(|point| on_axis(scale, point.1).is_ok());
    let without = diverged.iter().filter(|(_, points)| is_empty(points)).count();
    let of_what = if without == 1 { "diverged run has" } else { "diverged runs have" };
    (without > 0).then(|| format!("{without} {of_what} no value to draw"))
}
