//! `curves`: series against epochs or iterations, a line a group, a panel a series and facet.

use basin_domain::claim::Middle;
use basin_domain::figure::Layout;
use basin_domain::metrics::Axis;
use basin_domain::value::Value;

use super::cell::{self, CellContext, Points};
use super::drawn::Drawn;
use super::grid;
use super::groups::{self, Group, Groups, ParameterCounts, PennedGroups};
use super::improvement::{self, PlacedRuns};
use super::notes::Remark;
use super::table::{FigureTable, RowPanel};
use super::{legend, limits, names, notes};
use crate::runs::{Counts, Run};
use crate::statistics::Center;
use basin_charts::scale::Scale;
use basin_charts::style::Pen;
use basin_charts::{self as chart, Chart, Entry, Mark, Panel};

const DIVERGED: &str = "Diverged runs are not averaged: each is a thin line that ends in a cross.";

/// The request for a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct CurvesRequest<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The series, a panel each.
    pub(super) y: &'a [String],
    /// The parameters that make the groups.
    pub(super) group: &'a [String],
    /// The parameter that makes the facets.
    pub(super) facet: Option<&'a str>,
    /// The middle over runs, if it isn't that which belongs to the axis.
    pub(super) middle: Option<Middle>,
    /// The series with a logarithmic axis.
    pub(super) log_y: &'a [String],
    /// How the panels of the series stand to each other.
    pub(super) layout: Layout,
}

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &CurvesRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let mut panels: Vec<Panel> = Vec::new();
    let mut remarks: Vec<Remark> = Vec::new();
    let pens = grouped.pens();
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    for facet in &facets {
        for series in request.y {
            panels.push(panel(request, series, facet, penned, &mut rows, &mut remarks));
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    remarks.extend(gaps(request, runs));
    let mut notes = notes_on_runs(request, &grouped, &facets);
    notes.extend(notes::duplicates(runs));
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.extend(notes::sentences(&remarks, request.y.len()));
    let chart = Chart {
        title: request.title.to_owned(),
        description: describe(request, &grouped, &facets, &notes),
        heading: grouped.heading.clone(),
        legend: legend(&grouped, runs),
        rows: grid::arrange(&panels, request.layout, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

fn panel(
    request: &CurvesRequest<'_>,
    series: &str,
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    rows: &mut FigureTable,
    remarks: &mut Vec<Remark>,
) -> Panel {
    let scale = scale_of(request, series);
    let axis = axis_of(facet, series);
    let cells: Vec<Vec<&Run>> = grouped.groups.iter().map(|group| groups::within(group, facet)).collect();
    let completed: Vec<Vec<(u64, Points)>> =
        cells.iter().map(|runs| cell::points_of(runs, series, Run::completed)).collect();
    let diverged: Vec<Vec<(u64, Points)>> =
        cells.iter().map(|runs| cell::points_of(runs, series, Run::diverged)).collect();
    let bins = cell::bins_for(axis, completed.iter().chain(&diverged).flatten().map(|(_, points)| points));
    let (mut shown, mut hidden) = (Drawn::new(), Drawn::new());
    for (number, group) in grouped.groups.iter().enumerate() {
        hidden.clear();
        let drawn = if pens[number].is_some() { &mut shown } else { &mut hidden };
        let context = CellContext {
            panel: series,
            facet: &facet.label,
            group: &group.label,
            number: pens[number].unwrap_or_default(),
            axis,
            center: Center::chosen(request.middle, scale),
            bins,
        };
        cell::diverged(context, &diverged[number], drawn, rows);
        cell::completed(context, &completed[number], drawn, rows);
    }
    if request.middle.is_some() {
        let at_the_end =
            grouped.groups.iter().zip(&completed).map(|(group, runs)| end_of(&group.label, runs));
        let panel = RowPanel { panel: series, facet: &facet.label, group: "", axis: axis.as_str() };
        improvement::write(panel, &at_the_end.flatten().collect::<Vec<_>>(), rows);
    }
    let Drawn { mut marks, readings } = shown;
    marks.extend(chance(&[series.to_owned()], &facet.runs).filter(|_| !marks.is_empty()));
    bring_lines_to_the_front(&mut marks);
    let quantity = names::parameter(series);
    remarks.extend(bins.map(|bins| Remark { quantity, text: binning(axis, bins.width, &completed) }));
    Panel {
        title: facet.title(),
        annotation: None,
        x: axis_against(axis),
        y: chart::Axis::new(names::quantity(series, &facet.runs), scale)
            .within(names::bounds(series, &facet.runs)),
        marks,
        readings,
        is_plane: false,
    }
}

/// The values of a group's runs at the last place that any of them has.
fn end_of<'a>(group: &'a str, runs: &[(u64, Points)]) -> Option<PlacedRuns<'a>> {
    let last = runs.iter().filter_map(|(_, points)| points.last()).map(|point| point.0).reduce(f64::max)?;
    let at_last = runs.iter().filter_map(|(_, points)| points.last()).filter(|(x, _)| *x == last);
    let values = at_last.map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
    Some(PlacedRuns { group, x: last, values })
}

/// The horizontal axis of series against this.
pub(super) fn axis_against(axis: Axis) -> chart::Axis {
    let is_count = match axis {
        Axis::Epoch | Axis::Iteration | Axis::Cell => true,
        Axis::Input | Axis::Ratio | Axis::Eigenvalue | Axis::Once => false,
    };
    chart::Axis::new(names::axis(axis), Scale::Linear).counting(is_count)
}

/// The line at the accuracy of guesses, if these are accuracies.
pub(super) fn chance(series: &[String], runs: &[&Run]) -> Option<Mark> {
    names::chance(series, runs).map(|y| Mark::HorizontalLine { y, pen: Pen::REFERENCE })
}

/// The axis that a series was recorded against.
pub(super) fn axis_of(facet: &Group<'_>, series: &str) -> Axis {
    let recorded = |run: &&Run| Some(run.metrics()?.series.get(series)?.axis);
    facet.runs.iter().find_map(recorded).unwrap_or(Axis::Epoch)
}

/// How a series' axis maps its values.
pub(super) fn scale_of(request: &CurvesRequest<'_>, series: &str) -> Scale {
    Scale::logarithmic_if(request.log_y.iter().any(|name| name == series))
}

/// Bands first, then thin lines, then the lines that matter, then crosses: no group's band covers another's line.
fn bring_lines_to_the_front(marks: &mut [Mark]) {
    marks.sort_by_key(|mark| match mark {
        Mark::HorizontalLine { .. } | Mark::VerticalLine { .. } => 0,
        Mark::Band { .. } | Mark::Field(_) => 1,
        Mark::Line { pen, .. } if pen.opacity < 1.0 => 2,
        Mark::Line { .. } | Mark::ErrorBars { .. } => 3,
        Mark::Points { .. } | Mark::Cross { .. } => 4,
        Mark::Label { .. } => 5,
    });
}

fn legend(grouped: &Groups<'_>, runs: &[&Run]) -> Vec<Entry> {
    let counts = Counts::of(runs.iter().copied());
    if grouped.groups.len() <= 1 && counts.completed > 0 && counts.diverged == 0 {
        return Vec::new();
    }
    let sizes = ParameterCounts::of(&grouped.groups);
    let mut entries = grouped.entries(|group, number| {
        let counts = Counts::of(group.runs.iter().copied());
        let pen = Pen::group(number);
        let drawn = Entry { label: sizes.label(group), swatch: legend::line(counts, pen) };
        vec![legend::entry(counts.completed + counts.diverged > 0, &group.label, counts, drawn)]
    });
    if counts.diverged > 0 {
        entries.push(legend::diverged());
    }
    entries
}

fn notes_on_runs(request: &CurvesRequest<'_>, grouped: &Groups<'_>, facets: &[Group<'_>]) -> Vec<String> {
    let mut cells = Vec::new();
    for facet in facets {
        for group in &grouped.groups {
            let runs = groups::within(group, facet);
            if !runs.is_empty() {
                cells.push(notes::CellCounts::of(notes::name(facet, group), &runs));
            }
        }
    }
    let logarithmic =
        request.y.iter().filter(|series| scale_of(request, series) == Scale::Logarithmic).count();
    let middle = notes::center(request.middle, logarithmic, request.y.len());
    let mut notes = vec![notes::counts(&cells)];
    notes.extend(notes::lines_and_bands(&cells, &middle, DIVERGED));
    notes
}

/// The meaning of lines in bins of this width.
fn binning(axis: Axis, width: f64, runs: &[Vec<(u64, Points)>]) -> String {
    let (width, axis) = (names::value(&Value::Float(width)), names::axis(axis));
    let mut text = format!("each point of a line is the mean over {width} {axis}s");
    if runs.iter().any(|runs| (1..cell::MIN_AVERAGED).contains(&runs.len())) {
        text += "; thin lines: every value";
    }
    if runs.iter().any(|runs| runs.len() >= cell::MIN_AVERAGED) {
        text += "; palest areas: from the smallest to the largest value of any run";
    }
    text
}

/// The gaps of the series: values that have no place, and runs that didn't record them.
pub(super) fn gaps(request: &CurvesRequest<'_>, runs: &[&Run]) -> Vec<Remark> {
    let (mut remarks, mut gaps) = (Vec::new(), notes::OmittedValues::default());
    for series in request.y {
        let scale = scale_of(request, series);
        let quantity = names::parameter(series);
        let diverged = cell::points_of(runs, series, Run::diverged);
        gaps.count(&quantity, &cell::gaps(scale, &cell::points_of(runs, series, Run::completed)));
        gaps.count(&quantity, &cell::gaps_of_diverged(scale, &diverged));
        let texts = [cell::not_drawn(scale, &diverged), notes::not_recorded(series, runs, Run::metrics)];
        remarks.extend(texts.into_iter().flatten().map(|text| Remark { quantity: quantity.clone(), text }));
    }
    gaps.remarks().into_iter().chain(remarks).collect()
}

fn describe(
    request: &CurvesRequest<'_>,
    grouped: &Groups<'_>,
    facets: &[Group<'_>],
    notes: &[String],
) -> String {
    let groups = limits::listed(grouped.groups.iter().map(|group| group.label.as_str()));
    let panels = facets.iter().map(|facet| facet.label.as_str()).filter(|label| !label.is_empty());
    let panels = limits::listed(panels);
    let mut text = format!("{}. Lines: {groups}.", names::listed(request.y));
    if !panels.is_empty() {
        text += &format!(" Panels: {panels}.");
    }
    format!("{text} {}", notes.join(" "))
}
