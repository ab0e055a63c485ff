//! `scatter`: one measure against another, a point a run, with their rank correlation.

use std::collections::BTreeSet;

use basin_domain::figure::Layout;

use super::drawn::{Drawn, Source};
use super::grid;
use super::groups::{self, Group, Groups, PennedGroups};
use super::notes::{self, Remark};
use super::table::{FigureTable, RowPanel};
use super::{legend, limits, names};
use crate::duplicates;
use crate::endings;
use crate::exclusions::{Exclusions, Filtered, finite, on_axis};
use crate::runs::{Counts, Run, distinct};
use crate::statistics::{
    ConfidenceInterval, LEVEL, MIN_PAIRS_OF_BOOTSTRAP, MIN_PAIRS_OF_INTERVAL, Pair, RankCorrelation,
};
use basin_charts::marker::Marker;
use basin_charts::scale::{Scale, is_drawable};
use basin_charts::style::Color;
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch, number};

/// The request for a figure.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScatterRequest<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The measure on the horizontal axis.
    pub(super) x: &'a str,
    /// Whether that axis is logarithmic.
    pub(super) log_x: bool,
    /// The measures on the vertical axes, one panel each.
    pub(super) y: &'a [String],
    /// Those of them whose axes are logarithmic.
    pub(super) log_y: &'a [String],
    /// The parameters that make the groups.
    pub(super) group: &'a [String],
    /// The parameter that makes the facets.
    pub(super) facet: Option<&'a str>,
    /// A single number: runs in which it isn't 1 are hollow, and not part of the correlation.
    pub(super) solid_if: Option<&'a str>,
}

/// A run in a panel.
struct Dot<'a> {
    run: &'a Run,
    /// Its group.
    number: usize,
    /// Its pen, if it is drawn.
    pen: Option<usize>,
    at: (f64, f64),
    is_solid: bool,
}

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &ScatterRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let (mut remarks, mut gaps) = (Vec::new(), notes::OmittedValues::default());
    let grouped = groups::group(runs, request.group, request.facet);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    let pens = grouped.pens();
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    let mut most = 0;
    for facet in &facets {
        for y in request.y {
            let dots = dots(request, y, facet, &grouped, &pens);
            most = most.max(dots.iter().filter(|dot| pens[dot.number].is_some()).count());
            panels.push(panel(request, y, facet, penned, &dots, &mut rows, &mut remarks));
            gaps.count(&names::quantity(y, &[]), &without_place(request, y, &dots));
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    remarks.extend(gaps.remarks());
    remarks.extend(notes::all_not_recorded(request.y.iter(), runs));
    let mut notes = notes(request, runs, &remarks, panels.len(), grouped.groups.len());
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.extend(limits::note(limits::MAX_POINTS.min(most), most, "points of a panel, evenly spread,"));
    notes.extend(notes::duplicates(runs));
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!(
            "{} against {}, a point a run. {}",
            names::listed(request.y),
            names::quantity(request.x, runs),
            notes.join(" ")
        ),
        heading: grouped.heading.clone(),
        legend: legend(request, &grouped),
        rows: grid::arrange(&panels, Layout::Row, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

fn panel(
    request: &ScatterRequest<'_>,
    y: &str,
    facet: &Group<'_>,
    penned: PennedGroups<'_>,
    dots: &[Dot<'_>],
    rows: &mut FigureTable,
    remarks: &mut Vec<Remark>,
) -> Panel {
    let scales = scales(request, y);
    let mut drawn = Drawn::new();
    let opacity = (16.0 / dots.len().max(1) as f64).sqrt().clamp(0.2, 0.8);
    for dot in dots {
        let group = &penned.grouped.groups[dot.number].label;
        if let Some(pen) = dot.pen {
            let marker = Marker::group(pen);
            let marker =
                if dot.is_solid { marker.sized(3.4, opacity) } else { marker.sized(3.4, 0.9).hollow() };
            drawn.read_run(Source { series: y, number: pen, group }, dot.run.task.name(), &[dot.at]);
            drawn.marks.push(Mark::Points { points: vec![dot.at], marker });
        }
        let panel = RowPanel { panel: y, facet: &facet.label, group, axis: request.x };
        rows.push_run(panel, if dot.is_solid { "run" } else { "hollow-run" }, dot.run.task.spec.seed, dot.at);
    }
    let Drawn { mut marks, readings } = drawn;
    // Hollow points in front: they would vanish below the solid ones.
    marks.sort_by_key(|mark| matches!(mark, Mark::Points { marker, .. } if !marker.is_filled));
    marks.extend(crosses(request, y, scales[1], facet, penned, rows));
    let solid = dots.iter().filter(|dot| dot.is_solid);
    let solid = Filtered::partition(solid, |dot| {
        Ok(Pair { point: duplicates::point(dot.run), x: finite(dot.at.0)?, y: finite(dot.at.1)? })
    });
    let quantity = match facet.label.as_str() {
        "" => names::quantity(y, &[]),
        facet => format!("{facet}, {}", names::quantity(y, &[])),
    };
    let found = RankCorrelation::of(solid.values());
    let n = found.runs();
    let mut text = match found.points() {
        None => format!("the correlation is that of {n} runs"),
        Some(points) if points < MIN_PAIRS_OF_INTERVAL => format!(
            "{points} points are too few for the interval of a rank correlation, however many runs each has: it takes \
             {MIN_PAIRS_OF_INTERVAL}"
        ),
        Some(points) => {
            format!("the correlation is that of {points} points, by the mean ranks of their runs, {n} in all")
        }
    };
    let without = solid.exclusions().count();
    if without > 0 {
        text += &format!(", without {without} that have no finite values");
    }
    remarks.push(Remark { quantity: quantity.clone(), text });
    let interval = found.interval(LEVEL);
    if found.is_perfect() && interval.is_some() {
        let text = "in perfect order; the interval is that of Fisher's z".to_owned();
        remarks.push(Remark { quantity, text });
    }
    let all = &facet.runs;
    Panel {
        title: facet.title(),
        annotation: Some(in_words(found.estimate(), interval)),
        x: chart::Axis::new(names::quantity(request.x, all), scales[0]),
        y: chart::Axis::new(names::quantity(y, all), scales[1]).within(names::bounds(y, all)),
        marks,
        readings,
        is_plane: false,
    }
}

/// The axes' kinds, horizontal and vertical.
fn scales(request: &ScatterRequest<'_>, y: &str) -> [Scale; 2] {
    [request.log_x, request.log_y.iter().any(|name| name == y)].map(Scale::logarithmic_if)
}

/// The points that have no place on the axes, by the first reason.
fn without_place(request: &ScatterRequest<'_>, y: &str, dots: &[Dot<'_>]) -> Exclusions {
    let scales = scales(request, y);
    let at = dots.iter().map(|dot| dot.at);
    Filtered::partition(at, |(x, y)| Ok((on_axis(scales[0], x)?, on_axis(scales[1], y)?)))
        .exclusions()
        .clone()
}

/// The completed runs that have both measures, as points; of runs that are one computation, the first.
fn dots<'a>(
    request: &ScatterRequest<'_>,
    y: &str,
    facet: &Group<'a>,
    grouped: &Groups<'a>,
    pens: &[Option<usize>],
) -> Vec<Dot<'a>> {
    let mut dots = Vec::new();
    let mut known = BTreeSet::new();
    for (number, group) in grouped.groups.iter().enumerate() {
        for run in groups::within(group, facet) {
            let Some(metrics) = run.completed() else { continue };
            let (Some(x), Some(value)) = (metrics.last(request.x), metrics.last(y)) else { continue };
            let is_solid = request.solid_if.is_none_or(|name| metrics.last(name) == Some(1.0));
            if known.insert(run.computation()) {
                dots.push(Dot { run, number, pen: pens[number], at: (x, value), is_solid });
            }
        }
    }
    let count = dots.iter().filter(|dot| dot.pen.is_some()).count();
    for (place, dot) in dots.iter_mut().filter(|dot| dot.pen.is_some()).enumerate() {
        dot.pen = dot.pen.filter(|_| limits::is_drawn(place, count, limits::MAX_POINTS));
    }
    dots
}

/// The diverged runs of which the horizontal measure is known, as crosses at their last values.
fn crosses(
    request: &ScatterRequest<'_>,
    y: &str,
    scale: Scale,
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    rows: &mut FigureTable,
) -> Vec<Mark> {
    let mut crosses = Vec::new();
    let mut known = BTreeSet::new();
    for (number, group) in grouped.groups.iter().enumerate() {
        for run in groups::within(group, facet) {
            let Some(metrics) = run.diverged().filter(|_| known.insert(run.computation())) else { continue };
            let Some(x) = metrics.last(request.x) else { continue };
            let value = metrics.last(y).unwrap_or(f64::NAN);
            let panel = RowPanel { panel: y, facet: &facet.label, group: &group.label, axis: request.x };
            rows.push_run(panel, "diverged-run", run.task.spec.seed, (x, value));
            let value = if is_drawable(scale, value) { value } else { f64::INFINITY };
            if let Some(pen) = pens[number] {
                crosses.push(Mark::Cross { at: (x, value), color: Color::Group(pen) });
            }
        }
    }
    let count = crosses.len();
    let mut place = 0..count;
    crosses.retain(|_| place.next().is_some_and(|place| limits::is_drawn(place, count, limits::MAX_LINES)));
    crosses
}

/// Spearman's correlation with its interval, in words.
fn in_words(estimate: Option<f64>, interval: Option<ConfidenceInterval>) -> String {
    let shown = |value: f64| number::fixed(value, 2);
    match (estimate, interval) {
        (None, _) => "no rank correlation".to_owned(),
        (Some(estimate), Some(ConfidenceInterval { low, high })) => {
            format!("ρ = {} [{}, {}]", shown(estimate), shown(low), shown(high))
        }
        (Some(estimate), None) => format!("ρ = {}, no interval", shown(estimate)),
    }
}

fn legend(request: &ScatterRequest<'_>, grouped: &Groups<'_>) -> Vec<Entry> {
    let is_hollow = |run: &&&Run| {
        let metrics = run.completed();
        request.solid_if.is_some_and(|name| metrics.is_some_and(|metrics| metrics.last(name) != Some(1.0)))
    };
    let hollow = grouped.groups.iter().flat_map(|group| &group.runs).filter(is_hollow).count();
    let mut entries = Vec::new();
    if grouped.groups.len() > 1 {
        entries = grouped.entries(|group, pen| {
            let counts = Counts::of(group.runs.iter().copied());
            let drawn = Entry { label: group.label.clone(), swatch: Swatch::Point(Marker::group(pen)) };
            vec![legend::entry(counts.completed > 0, &group.label, counts, drawn)]
        });
    } else if let Some(name) = request.solid_if.filter(|_| hollow > 0) {
        let label = names::parameter(name);
        entries.push(Entry { label, swatch: Swatch::Point(Marker::group(0)) });
    }
    if let Some(name) = request.solid_if.filter(|_| hollow > 0) {
        let label = format!("not {}", names::parameter(name));
        let first = Marker::group(0).hollow();
        // Of several groups each has hollow points, in its own colour and shape.
        let marker = if grouped.groups.len() > 1 { Marker { color: Color::Ink, ..first } } else { first };
        entries.push(Entry { label, swatch: Swatch::Point(marker) });
    }
    if grouped.groups.iter().flat_map(|group| &group.runs).any(|run| run.diverged().is_some()) {
        entries.push(legend::diverged());
    }
    entries
}

fn notes(
    request: &ScatterRequest<'_>,
    runs: &[&Run],
    remarks: &[Remark],
    panels: usize,
    groups: usize,
) -> Vec<String> {
    let counts = Counts::of(runs.iter().copied());
    let mut notes = vec![format!("{counts}: each run is a point.")];
    notes.extend(
        notes::not_recorded(request.x, runs, Run::metrics)
            .map(|text| format!("{} (horizontal): {text}.", names::parameter(request.x))),
    );
    if counts.diverged > 0 {
        notes.push(
            "Diverged runs are crosses at their last values (at the upper edge without a finite one), and not part of the \
             correlation."
                .to_owned(),
        );
    }
    let drawn = limits::MAX_LINES.min(counts.diverged);
    notes.extend(limits::note(drawn, counts.diverged, "diverged runs, evenly spread,"));
    if let Some(name) = request.solid_if {
        let last = |run: &&Run| run.completed().map(|metrics| metrics.last(name));
        let conditions: Vec<Option<f64>> = distinct(runs.iter().copied()).iter().filter_map(last).collect();
        let hollow = conditions.iter().filter(|met| **met != Some(1.0)).count();
        let unknown = conditions.iter().filter(|met| !met.is_some_and(f64::is_finite)).count();
        if hollow > 0 {
            let (name, are) = (names::parameter(name), if hollow == 1 { "is" } else { "are" });
            notes
                .push(format!("{hollow} of them {are} not {name}: hollow, and not part of the correlation."));
            if unknown > 0 {
                notes.push(format!("Of {unknown} of these, it isn't known."));
            }
        }
    }
    notes.extend(endings::in_words(runs));
    let of = if groups > 1 { " over the runs of all groups together" } else { "" };
    notes.push(format!(
        "ρ: Spearman's rank correlation{of}, with its 95 % interval: of {MIN_PAIRS_OF_BOOTSTRAP} or more by the bootstrap \
         (bias-corrected, accelerated), of fewer by Fisher's z, and with 0 in it where a permutation test doesn't exclude 0."
    ));
    notes.extend(notes::sentences(remarks, panels));
    notes
}
