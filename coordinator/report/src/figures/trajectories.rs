//! `trajectories`: recorded weights in the plane of their first two principal components, a line a run, a panel a choice of
//! layers.

use std::collections::{HashMap, HashSet};

use basin_domain::experiment::series::SeriesDeclaration;
use basin_domain::experiment::series::training::{TEST_ACCURACY, TRAIN_LOSS};
use basin_domain::id::TaskId;

use super::drawn::{Drawn, Source};
use super::grid;
use super::groups::{self, Group, Groups, PennedGroups};
use super::notes::{self, Remark};
use super::table::FigureTable;
use super::{limits, names};
use crate::projection::{ALL_LAYERS, PathPoint, Projection, WeightPath};
use crate::runs::{Counts, Run};
use crate::tables::csv;
use basin_charts::marker::{Marker, Shape};
use basin_charts::scale::Scale;
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch, number};

/// The most runs with one reason that are named.
const MAX_NAMED: usize = 8;
/// The size of recorded weights, of the first and of the last one.
const SIZES: [f64; 3] = [2.1, 4.2, 5.2];

/// The chart of the recorded weights of `runs`, with its data.
pub(super) fn chart(
    title: &str,
    facet: Option<&str>,
    layers: &[String],
    runs: &[&Run],
    projections: &[Projection],
) -> (Chart, FigureTable) {
    let grouped = groups::each(runs, &[]);
    let facets = groups::facets(runs, facet);
    let by_task = by_task(&grouped);
    let pens = pens(&grouped, projections);
    let penned = PennedGroups { grouped: &grouped, pens: &pens };
    let mut rows = FigureTable::of(&["layer", "facet", "run", "seed", unit(projections), "pc1", "pc2"]);
    let mut panels = Vec::new();
    for facet in &facets {
        for layer in layers {
            let projection = projections.iter().find(|projection| projection.layer == *layer);
            panels.push(panel(layer, projection, facet, penned, &by_task, &mut rows));
        }
    }
    let shown = limits::facets(facets.len(), layers.len());
    panels.truncate(shown * layers.len());
    let across =
        grid::columns(if facets.len() > 1 && layers.len() <= 3 { layers.len() } else { panels.len() });
    let height = [360.0, 270.0, 205.0][across - 1];
    let mut notes = notes(layers, runs, projections, &grouped, &by_task);
    notes.extend(notes::duplicates(runs));
    notes.extend(limits::note(shown, facets.len(), "facets"));
    let description = format!(
        "Recorded weights in the plane of their first two principal components. Panels: {}. {}",
        layers.iter().map(|layer| named(layer)).collect::<Vec<_>>().join("; "),
        notes.join(" ")
    );
    let chart = Chart {
        title: title.to_owned(),
        description,
        heading: grouped.heading.clone(),
        legend: legend(&grouped, &pens, unit(projections)),
        rows: panels
            .chunks(across)
            .map(|panels| chart::PanelRow { height, panels: panels.to_vec() })
            .collect(),
        notes,
    };
    (chart, rows)
}

fn named(layer: &str) -> String {
    if layer == ALL_LAYERS { "all layers".to_owned() } else { format!("layer {layer}") }
}

/// A run's path in a panel.
#[derive(Clone, Copy)]
struct DrawnPath<'a> {
    /// The number of the run's group.
    group: usize,
    run: &'a Run,
    path: &'a WeightPath,
}

fn panel(
    layer: &str,
    projection: Option<&Projection>,
    facet: &Group<'_>,
    PennedGroups { grouped, pens }: PennedGroups<'_>,
    by_task: &HashMap<TaskId, usize>,
    rows: &mut FigureTable,
) -> Panel {
    let members: HashMap<TaskId, &Run> = facet.runs.iter().rev().map(|run| (run.task.id, *run)).collect();
    let paths = projection.map_or(&[][..], |projection| projection.paths.as_slice());
    let drawn: Vec<DrawnPath<'_>> = paths
        .iter()
        .filter_map(|path| {
            Some(DrawnPath { group: *by_task.get(&path.task)?, run: members.get(&path.task)?, path })
        })
        .collect();
    let (mut lines, mut points, mut ends, mut labels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut read = Drawn::new();
    for &DrawnPath { group: number, run, path } in &drawn {
        let places: Vec<(f64, f64)> = path.points.iter().map(PathPoint::at).collect();
        for &PathPoint { recorded, first: x, second: y } in &path.points {
            let label = grouped.groups[number].label.clone();
            let seed = run.task.spec.seed.to_string();
            let numbers = [csv::number(x), csv::number(y)];
            let fields = [layer.to_owned(), facet.label.clone(), label, seed, recorded.number().to_string()];
            rows.push_fields(fields.into_iter().chain(numbers));
        }
        let (Some(&first), Some(&last)) = (places.first(), places.last()) else { continue };
        let group = &grouped.groups[number].label;
        let Some(number) = pens[number] else { continue };
        let marker = |size: usize| Marker::group(number).sized(SIZES[size], 1.0);
        let source = Source { series: "PC 2", number, group };
        for (point, &at) in path.points.iter().zip(&places) {
            let name = format!("{}, {} {}", run.task.name(), point.recorded.unit(), point.recorded.number());
            read.read_run(source, name, &[at]);
        }
        lines.push(Mark::Line {
            points: places.clone(),
            pen: Pen::group(number).faint(1.3, 1.0),
            secondary: false,
        });
        points.push(Mark::Points { points: places, marker: marker(0) });
        ends.push(Mark::Points { points: vec![first], marker: marker(1).hollow() });
        ends.push(Mark::Points { points: vec![last], marker: marker(2) });
        if let Some((_, text)) = outcome(run) {
            labels.push(Mark::Label { at: last, text, color: Color::Ink, is_optional: false });
        }
    }
    // The longest path has the most room for them.
    let longest = drawn
        .iter()
        .map(|drawn| drawn.path)
        .reduce(|long, path| if length(path) > length(long) { path } else { long });
    labels.extend(longest.into_iter().flat_map(places));
    let marks = lines.into_iter().chain(points).chain(ends).chain(labels).collect();
    let title =
        if facet.label.is_empty() { named(layer) } else { format!("{}, {}", facet.label, named(layer)) };
    let axis = |component: usize| {
        let share = projection.map(|projection| projection.explained[component]);
        chart::Axis::new(component_name(component + 1, share), Scale::Linear)
    };
    let readings = read.readings;
    Panel { title: Some(title), annotation: None, x: axis(0), y: axis(1), marks, readings, is_plane: true }
}

/// A principal component as an axis names it, with its share of the variance.
pub(super) fn component_name(number: usize, share: Option<f64>) -> String {
    match share.map(|share| 100.0 * share).filter(|percent| percent.is_finite()) {
        Some(percent) => {
            let decimals = if percent < 9.95 { 1 } else { 0 };
            format!("PC {number} ({} % of variance)", number::fixed(percent, decimals))
        }
        None => format!("PC {number}"),
    }
}

/// The group that each run is.
fn by_task(grouped: &Groups<'_>) -> HashMap<TaskId, usize> {
    let runs = grouped.groups.iter().enumerate().rev();
    runs.flat_map(|(number, group)| group.runs.iter().map(move |run| (run.task.id, number))).collect()
}

/// The number of each group's pen; none of those that aren't drawn. All that are projected are drawn: a projection itself
/// takes so many snapshots and no more.
fn pens(grouped: &Groups<'_>, projections: &[Projection]) -> Vec<Option<usize>> {
    let paths = projections.iter().flat_map(|projection| &projection.paths);
    let projected: HashSet<TaskId> = paths.map(|path| path.task).collect();
    let is_drawn = |group: &Group<'_>| group.runs.iter().any(|run| projected.contains(&run.task.id));
    let are_few = grouped.groups.len() <= limits::MAX_GROUPS;
    let mut next = 0..;
    let pen = |(number, group)| match is_drawn(group) {
        true if are_few => Some(number),
        true => next.next(),
        false => None,
    };
    grouped.groups.iter().enumerate().map(pen).collect()
}

/// The labels of some recorded weights along a path: the first, and then one a quarter of the path's length, none near its end.
fn places(path: &WeightPath) -> Vec<Mark> {
    let total = length(path);
    let mut labelled = Vec::new();
    let (mut since, mut left) = (f64::INFINITY, total);
    for (place, point) in path.points.iter().enumerate() {
        if place > 0 {
            let step = distance(&path.points[place - 1..=place]);
            (since, left) = (since + step, left - step);
        }
        if since >= total / 4.0 && left >= total / 5.0 {
            since = 0.0;
            labelled.push(Mark::Label {
                at: point.at(),
                text: format!("{} {}", point.recorded.unit(), point.recorded.number()),
                color: Color::Muted,
                is_optional: true,
            });
        }
    }
    labelled
}

/// The length of a path in its plane.
fn length(path: &WeightPath) -> f64 {
    path.points.windows(2).map(distance).sum()
}

/// The distance of two points that follow each other.
fn distance(pair: &[PathPoint]) -> f64 {
    (pair[1].first - pair[0].first).hypot(pair[1].second - pair[0].second)
}

/// How well a run ended: the measure's name, and its value as it stands beside the last point.
fn outcome(run: &Run) -> Option<(SeriesDeclaration, String)> {
    let metrics = run.completed()?;
    if let Some(accuracy) = metrics.last(TEST_ACCURACY.name) {
        return Some((TEST_ACCURACY, number::fixed(accuracy, 3)));
    }
    Some((TRAIN_LOSS, number::significant(metrics.last(TRAIN_LOSS.name)?)))
}

fn legend(grouped: &Groups<'_>, pens: &[Option<usize>], unit: &str) -> Vec<Entry> {
    let are_few = grouped.groups.len() <= limits::MAX_GROUPS;
    let (mut entries, mut unnamed, mut not_drawn) = (Vec::new(), 0, 0);
    for (group, pen) in grouped.groups.iter().zip(pens) {
        match *pen {
            Some(pen) if pen < limits::MAX_GROUPS => {
                let swatch = Swatch::Marked(Pen::group(pen).faint(1.3, 1.0), Marker::group(pen));
                entries.push(Entry { label: group.label.clone(), swatch });
            }
            Some(_) => unnamed += 1,
            None if are_few => {
                let left_out = Counts::of(group.runs.iter().copied()).left_out();
                let why = if left_out.is_empty() { "not drawn".to_owned() } else { left_out };
                entries.push(Entry { label: format!("{} ({why})", group.label), swatch: Swatch::Nothing });
            }
            None => not_drawn += 1,
        }
    }
    entries.extend(limits::rest(unnamed, "drawn in the same pens again"));
    entries.extend(limits::rest(not_drawn, "not drawn"));
    let marker = |size: usize| Marker {
        color: Color::Ink,
        shape: Shape::Circle,
        is_filled: true,
        radius: SIZES[size],
        opacity: 1.0,
    };
    entries.push(Entry { label: format!("first {unit}"), swatch: Swatch::Point(marker(1).hollow()) });
    entries.push(Entry { label: format!("last {unit}"), swatch: Swatch::Point(marker(2)) });
    entries
}

fn notes(
    layers: &[String],
    runs: &[&Run],
    projections: &[Projection],
    grouped: &Groups<'_>,
    by_task: &HashMap<TaskId, usize>,
) -> Vec<String> {
    let counts = Counts::of(runs.iter().copied());
    let most = projections.iter().map(|projection| projection.paths.len()).max().unwrap_or(0);
    let snapshots = |projection: &Projection| projection.paths.iter().map(|path| path.points.len()).sum();
    let snapshots: usize = projections.iter().map(snapshots).max().unwrap_or(0);
    let of_what = if most == 1 { "run" } else { "runs" };
    let mut first =
        format!("n = {most} {of_what}, {} snapshots of their weights", number::whole(snapshots as i64));
    if !counts.left_out().is_empty() {
        first += &format!("; not drawn: {}", counts.left_out());
    }
    let mut notes = vec![first + "."];
    if most > 0 {
        let sizes = projections.iter().map(|projection| {
            format!("{}: {} parameters", named(&projection.layer), number::whole(projection.dimension as i64))
        });
        notes.push(format!(
            "Each panel is the plane of the first two principal components of all snapshots of all runs ({}), with one scale along \
             both axes.",
            sizes.collect::<Vec<_>>().join("; ")
        ));
        let measures: Vec<String> = [TEST_ACCURACY, TRAIN_LOSS]
            .into_iter()
            .filter(|measure| runs.iter().filter_map(|run| outcome(run)).any(|(shown, _)| shown == *measure))
            .map(|measure| names::quantity(measure.name, &[]))
            .collect();
        notes.push(format!(
            "Points: the recorded {}s{}; beside the last one: the run's final {}.",
            unit(projections),
            interval(projections),
            measures.join(", or ")
        ));
    }
    let remarks: Vec<Remark> = projections
        .iter()
        .filter(|projection| layers.contains(&projection.layer))
        .flat_map(|projection| left_out(projection, grouped, by_task))
        .collect();
    notes.extend(notes::sentences(&remarks, layers.len()));
    notes
}

/// What the recorded weights are named by: `epoch` or `step`.
fn unit(projections: &[Projection]) -> &'static str {
    let paths = projections.iter().flat_map(|projection| &projection.paths);
    let first = paths.flat_map(|path| &path.points).next();
    first.map_or("epoch", |point| point.recorded.unit())
}

/// How far the recorded epochs or steps lie apart, if that is the same everywhere.
fn interval(projections: &[Projection]) -> String {
    let paths = projections.iter().flat_map(|projection| &projection.paths);
    let mut steps = paths.flat_map(|path| {
        let number = |point: &PathPoint| point.recorded.number();
        path.points.windows(2).map(move |pair| number(&pair[1]).saturating_sub(number(&pair[0])))
    });
    match steps.next() {
        Some(first) if steps.all(|step| step == first) => format!(", {first} apart"),
        Some(_) | None => String::new(),
    }
}

/// The completed runs that a projection leaves out, those with one reason together.
fn left_out(projection: &Projection, grouped: &Groups<'_>, by_task: &HashMap<TaskId, usize>) -> Vec<Remark> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for left_out in &projection.left_out {
        let label = by_task.get(&left_out.task).map(|&number| grouped.groups[number].label.clone());
        let name = match (&grouped.heading, label) {
            (Some(heading), Some(label)) => format!("{heading} {label}"),
            (None, Some(label)) => label,
            (_, None) => left_out.task.short(),
        };
        match reasons.iter_mut().find(|(why, _)| *why == left_out.why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((&left_out.why, vec![name])),
        }
    }
    let remark = |(why, names): (&str, Vec<String>)| Remark {
        quantity: named(&projection.layer),
        text: match names.len() {
            0..=MAX_NAMED => format!("left out: {} ({why})", names.join(", ")),
            many => format!(
                "left out: {} and {} more runs ({why})",
                names[..MAX_NAMED].join(", "),
                number::whole((many - MAX_NAMED) as i64)
            ),
        },
    };
    reasons.into_iter().map(remark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_components_share_is_said_in_percent() {
        assert_eq!(component_name(1, Some(0.4321)), "PC 1 (43 % of variance)");
        assert_eq!(component_name(2, Some(0.034_56)), "PC 2 (3.5 % of variance)");
        assert_eq!(component_name(2, None), "PC 2");
    }
}
