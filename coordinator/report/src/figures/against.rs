//! `against`: measures against a parameter or a single number of the runs, mean and interval over seeds at each value.

use std::collections::{BTreeSet, HashMap};

use basin_domain::figure::Layout;
use basin_domain::metrics::Metrics;
use basin_domain::value::Value;

use super::cell::MIN_AVERAGED;
use super::grid;
use super::groups::{self, Group, Groups};
use super::labels::{self, Labels, Setting};
use super::notes::{self, Remark};
use super::table::{FigureRow, FigureTable};
use super::{limits, names};
use crate::exclusions::{Filtered, on_axis};
use crate::runs::{Counts, Run, distinct};
use crate::statistics::{Center, summarise};
use basin_charts::marker::Marker;
use basin_charts::scale::{Scale, is_drawable};
use basin_charts::style::{Color, Pen};
use basin_charts::{self as chart, Chart, Entry, Mark, Panel, Swatch};

const DUPLICATES: &str =
    "Hollow points: runs that stand at a smaller value already, drawn again and not counted again.";

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct AgainstRequest<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The parameter or number on the horizontal axis.
    pub(super) x: &'a str,
    /// Whether that axis is logarithmic.
    pub(super) log_x: bool,
    /// The measures of each panel.
    pub(super) y: &'a [Vec<String>],
    /// The measures whose panels' axes are logarithmic.
    pub(super) log_y: &'a [String],
    /// The parameters that make the groups.
    pub(super) group: &'a [String],
    /// The parameter that makes the facets.
    pub(super) facet: Option<&'a str>,
}

/// The place of a run on the horizontal axis: its parameter, or the number that it records.
fn place(request: &AgainstRequest<'_>, run: &Run) -> Option<f64> {
    match names::value_of(run, request.x) {
        Some(value) => value.as_f64(),
        None => run.metrics()?.last(request.x),
    }
}

fn axis(request: &AgainstRequest<'_>, runs: &[&Run]) -> chart::Axis {
    let label = names::quantity(request.x, runs);
    let axis = chart::Axis::new(label, if request.log_x { Scale::Logarithmic } else { Scale::Linear });
    if !runs.iter().any(|run| names::value_of(run, request.x).is_some()) {
        return axis;
    }
    // A parameter has the values that the sweep gave it and no others.
    let mut ticks: Vec<f64> = runs.iter().filter_map(|run| place(request, run)).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    axis.with_ticks(ticks)
}

/// The chart of `request` from `runs`, with its data.
pub(super) fn chart(request: &AgainstRequest<'_>, runs: &[&Run]) -> (Chart, FigureTable) {
    let mut rows = FigureTable::default();
    let mut gaps = notes::OmittedValues::default();
    let grouped = groups::group_along(runs, request.group, request.facet, request.x);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    let pens = grouped.pens();
    let mut most = 0;
    for facet in &facets {
        for measures in request.y {
            let (panel, places) = panel(request, measures, facet, (&grouped, &pens), &mut rows, &mut gaps);
            panels.push(panel);
            most = most.max(places);
        }
    }
    let shown = limits::facets(facets.len(), request.y.len());
    panels.truncate(shown * request.y.len());
    let mut remarks = gaps.remarks();
    for measure in request.y.iter().flatten() {
        let quantity = names::quantity(measure, &[]);
        let text = notes::not_recorded(measure, runs, Run::completed);
        remarks.extend(text.map(|text| Remark { quantity, text }));
    }
    remarks.extend(without_x(request, runs));
    let mut notes = notes(request, &grouped, &facets, &remarks);
    notes.extend(grouped.drawn());
    notes.extend(limits::note(shown, facets.len(), "facets"));
    notes.extend(limits::note(limits::MAX_POINTS.min(most), most, "points of a panel, evenly spread,"));
    let duplicates = notes::duplicates(runs);
    if !duplicates.is_empty() {
        notes.extend(duplicates);
        notes.push(DUPLICATES.to_owned());
    }
    let chart = Chart {
        title: request.title.to_owned(),
        description: format!(
            "{} against {}. {}",
            request.y.iter().flatten().cloned().collect::<Vec<_>>().join(", "),
            request.x,
            notes.join(" ")
        ),
        heading: None,
        legend: legend(request, &grouped),
        rows: grid::arrange(&panels, Layout::Row, request.y.len(), shown),
        notes,
    };
    (chart, rows)
}

/// The most measures of a panel: so many pens each group takes, so that a panel's second measure has the same pen in all.
fn series_per_panel(request: &AgainstRequest<'_>) -> usize {
    request.y.iter().map(Vec::len).max().unwrap_or(1)
}

fn panel(
    request: &AgainstRequest<'_>,
    measures: &[String],
    facet: &Group<'_>,
    (grouped, pens): (&Groups<'_>, &[Option<usize>]),
    rows: &mut FigureTable,
    gaps: &mut notes::OmittedValues,
) -> (Panel, usize) {
    let is_logarithmic = measures.iter().any(|measure| request.log_y.contains(measure));
    let scale = if is_logarithmic { Scale::Logarithmic } else { Scale::Linear };
    let x = if request.log_x { Scale::Logarithmic } else { Scale::Linear };
    let placed: Vec<Vec<(f64, &Run)>> = grouped
        .groups
        .iter()
        .map(|group| groups::within(group, facet))
        .map(|runs| runs.into_iter().filter_map(|run| Some((place(request, run)?, run))).collect())
        .collect();
    let drawn = placed.iter().zip(pens).filter(|(_, pen)| pen.is_some());
    let count = measures.len() * drawn.map(|(placed, _)| places(placed)).sum::<usize>();
    let mut builder = PanelBuilder {
        scales: [x, scale],
        facet: &facet.label,
        axis: request.x,
        marks: Vec::new(),
        crosses: Vec::new(),
        most: limits::MAX_POINTS,
        count,
    };
    for (number, group) in grouped.groups.iter().enumerate() {
        for (position, measure) in measures.iter().enumerate() {
            let pen = pens[number].map(|number| {
                if measures.len() == 1 && grouped.groups.len() == 1 && series_per_panel(request) > 1 {
                    // Neither training nor test, which have the first pens: its axis says what it is.
                    series_per_panel(request)
                } else {
                    number * series_per_panel(request) + position
                }
            });
            builder.draw(measure, group, pen, &placed[number], rows, gaps);
        }
    }
    let PanelBuilder { mut marks, crosses, .. } = builder;
    marks.sort_by_key(|mark| match mark {
        Mark::Band { .. }
        | Mark::Field(_)
        | Mark::HorizontalLine { .. }
        | Mark::VerticalLine { .. }
        | Mark::ErrorBars { .. } => 0,
        Mark::Line { .. } => 1,
        Mark::Points { .. } | Mark::Cross { .. } | Mark::Label { .. } => 2,
    });
    marks.extend(crosses);
    let all: Vec<&Run> = facet.runs.clone();
    let panel = Panel {
        title: (!facet.label.is_empty()).then(|| facet.label.clone()),
        annotation: None,
        x: axis(request, &all),
        y: chart::Axis::new(names::common_quantity(measures, &all), scale),
        marks,
    };
    (panel, count)
}

/// At how many different places runs stand.
fn places(placed: &[(f64, &Run)]) -> usize {
    placed.iter().map(|(x, _)| x.to_bits()).collect::<BTreeSet<u64>>().len()
}

/// A panel in the making.
struct PanelBuilder<'a> {
    /// Of the horizontal and the vertical axis.
    scales: [Scale; 2],
    facet: &'a str,
    axis: &'a str,
    marks: Vec<Mark>,
    crosses: Vec<Mark>,
    /// The most points that are drawn, of how many.
    most: usize,
    count: usize,
}

impl PanelBuilder<'_> {
    /// Draws one measure of one group: the middle of the runs at each x, joined by a line. Without a pen, only its data is
    /// written. Runs that are the same computation at several x count at the first; where all runs are such, the point is
    /// hollow.
    fn draw(
        &mut self,
        measure: &str,
        group: &Group<'_>,
        pen: Option<usize>,
        placed: &[(f64, &Run)],
        rows: &mut FigureTable,
        gaps: &mut notes::OmittedValues,
    ) {
        let [x_scale, y_scale] = self.scales;
        let center = if y_scale == Scale::Linear { Center::Mean } else { Center::GeometricMean };
        let mut ordered: Vec<(f64, &Run)> = placed.to_vec();
        ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
        let row = |what, seed, x, value, interval, n| FigureRow {
            panel: measure,
            facet: self.facet,
            group: &group.label,
            what,
            seed,
            axis: self.axis,
            x,
            value,
            interval,
            n,
        };
        let quantity = names::quantity(measure, &[]);
        let (mut line, mut bars) = (Vec::new(), Vec::new());
        let (mut middles, mut singles, mut again) = (Vec::new(), Vec::new(), Vec::new());
        let mut known = BTreeSet::new();
        let own = places(placed);
        let share = if self.count > self.most { (self.most * own / self.count).max(1) } else { own };
        for (place, here) in ordered.chunk_by(|a, b| a.0 == b.0).enumerate() {
            let x = here[0].0;
            let runs = distinct(here.iter().map(|(_, run)| *run));
            // Whether a run stands here for the first time.
            let new: Vec<bool> = runs.iter().map(|run| known.insert(run.computation())).collect();
            let is_duplicate = !new.is_empty() && !new.contains(&true);
            let is_drawn = pen.is_some() && limits::is_drawn(place, own, share);
            let measured = runs.iter().filter_map(|run| Some((run, run.completed()?.last(measure)?)));
            let values = Filtered::partition(measured, |(run, value)| {
                Ok((run.task.spec.seed, on_axis(y_scale, value)?))
            });
            if !is_duplicate && on_axis(x_scale, x).is_ok() {
                gaps.count(&quantity, values.exclusions());
            }
            let kept = center.filter(values.values().iter().map(|(_, value)| *value));
            let what = |what: &'static str, again: &'static str| if is_duplicate { again } else { what };
            if let Some(point) = summarise(x, &kept, center) {
                if is_drawn {
                    line.push((x, point.value));
                    bars.extend(point.interval.map(|(low, high)| (x, low, high)));
                }
                if values.n() >= MIN_AVERAGED {
                    let what = what(center.as_str(), center.as_str_of_duplicates());
                    rows.push(&row(what, None, x, point.value, point.interval, point.n));
                    if is_drawn {
                        if is_duplicate { &mut again } else { &mut middles }.push((x, point.value));
                    }
                }
            }
            if values.n() < MIN_AVERAGED {
                for &(seed, value) in values.values() {
                    rows.push(&row(what("run", "run-again"), Some(seed), x, value, None, 1));
                    if is_drawn {
                        if is_duplicate { &mut again } else { &mut singles }.push((x, value));
                    }
                }
            }
            for run in &runs {
                // What has no place is in the data all the same.
                let value = run.completed().and_then(|metrics| metrics.last(measure));
                if let Some(value) = value.filter(|value| on_axis(y_scale, *value).is_err()) {
                    let seed = Some(run.task.spec.seed);
                    rows.push(&row(what("run", "run-again"), seed, x, value, None, 0));
                }
            }
            let diverged: Vec<&Metrics> = runs.iter().filter_map(|run| run.diverged()).collect();
            for (number, metrics) in diverged.iter().enumerate() {
                if !is_drawn || !limits::is_drawn(number, diverged.len(), limits::MAX_LINES) {
                    continue;
                }
                let last = metrics
                    .series
                    .get(measure)
                    .and_then(|series| series.points.iter().rev().find(|at| is_drawable(y_scale, at.1)));
                let value = last.map_or(f64::INFINITY, |&(_, value)| value);
                let color = Color::Group(pen.unwrap_or_default());
                self.crosses.push(Mark::Cross { at: (x, value), color });
            }
        }
        let Some(pen) = pen else { return };
        let marker = Marker::group(pen);
        self.marks.push(Mark::ErrorBars { points: bars, color: Color::Group(pen) });
        self.marks.push(Mark::Line { points: line, pen: Pen::group(pen).faint(1.4, 1.0), secondary: false });
        self.marks.push(Mark::Points { points: middles, marker });
        self.marks.push(Mark::Points { points: singles, marker: marker.sized(2.8, 0.8) });
        if !again.is_empty() {
            self.marks.push(Mark::Points { points: again, marker: marker.hollow() });
        }
    }
}

/// How many runs with a result have no place on the horizontal axis.
fn without_x(request: &AgainstRequest<'_>, runs: &[&Run]) -> Option<Remark> {
    let scale = if request.log_x { Scale::Logarithmic } else { Scale::Linear };
    let has_no_place =
        |run: &&Run| run.metrics().is_some() && !place(request, run).is_some_and(|x| is_drawable(scale, x));
    let without = distinct(runs.iter().copied()).into_iter().filter(has_no_place).count();
    let of_what = if without == 1 { "run has" } else { "runs have" };
    (without > 0).then(|| Remark {
        quantity: names::quantity(request.x, &[]),
        text: format!("{without} {of_what} no place on the axis"),
    })
}

fn legend(request: &AgainstRequest<'_>, grouped: &Groups<'_>) -> Vec<Entry> {
    let positions: Vec<String> =
        (0..series_per_panel(request)).map(|position| names::position(request.y, position)).collect();
    let runs = || grouped.groups.iter().flat_map(|group| group.runs.iter().copied());
    let has_diverged = Counts::of(runs()).diverged > 0;
    let mut entries = Vec::new();
    if positions.len() > 1 || grouped.groups.len() > 1 {
        entries = grouped.entries(|group, number| {
            let counts = Counts::of(group.runs.iter().copied());
            let entry = |(position, name): (usize, &String)| {
                let label = match (positions.len(), grouped.groups.len()) {
                    (1, _) => group.label.clone(),
                    (_, 1) => name.clone(),
                    _ => format!("{} · {name}", group.label),
                };
                if counts.completed == 0 {
                    return Entry {
                        label: format!("{label} ({})", counts.left_out()),
                        swatch: Swatch::Nothing,
                    };
                }
                let pen = number * positions.len() + position;
                let swatch = Swatch::Marked(Pen::group(pen).faint(1.4, 1.0), Marker::group(pen));
                Entry { label, swatch }
            };
            positions.iter().enumerate().map(entry).collect()
        });
    }
    if has_diverged {
        entries.push(Entry { label: "diverged".to_owned(), swatch: Swatch::Cross(Color::Ink) });
    }
    entries
}

fn notes(
    request: &AgainstRequest<'_>,
    grouped: &Groups<'_>,
    facets: &[Group<'_>],
    remarks: &[Remark],
) -> Vec<String> {
    let mut cells = Vec::new();
    for facet in facets {
        for group in &grouped.groups {
            // A point's runs: those of one place. Runs without one (nothing is known of them) stand together.
            let mut at: Vec<(Setting, Vec<&Run>)> = Vec::new();
            let mut known: HashMap<String, usize> = HashMap::new();
            for run in groups::within(group, facet) {
                let place = names::value_of(run, request.x).or_else(|| place(request, run).map(Value::Float));
                let number = *known.entry(labels::key(&place)).or_insert(at.len());
                match at.get_mut(number) {
                    Some((_, runs)) => runs.push(run),
                    None => at.push((place, vec![run])),
                }
            }
            let texts = Labels::of(at.iter().map(|(place, _)| place));
            let at = at.into_iter().map(|(place, runs)| (place.is_some().then(|| texts.text(&place)), runs));
            for (place, runs) in at {
                let name = match (place, grouped.groups.len() > 1 || !facet.label.is_empty()) {
                    (Some(place), false) => format!("{} {place}", names::parameter(request.x)),
                    (Some(place), true) => {
                        format!("{} · {} {place}", notes::name(facet, group), names::parameter(request.x))
                    }
                    (None, _) => format!("{} · not known where", notes::name(facet, group)),
                };
                cells.push(notes::CellCounts::of(name, &runs));
            }
        }
    }
    let logarithmic =
        request.y.iter().filter(|panel| panel.iter().any(|measure| request.log_y.contains(measure)));
    let middle = match (logarithmic.count(), request.y.len()) {
        (0, _) => Center::Mean.words().to_owned(),
        (some, all) if some == all => Center::GeometricMean.words().to_owned(),
        _ => format!(
            "{} ({} where the axis is logarithmic)",
            Center::Mean.words(),
            Center::GeometricMean.words()
        ),
    };
    let mut notes = vec![notes::counts_of(&cells, "point")];
    if cells.iter().any(|cell| cell.counts.completed >= MIN_AVERAGED) {
        let runs = notes::averaged_runs(&cells);
        notes.push(format!("Points: {middle} over {runs}; bars: its 95 % Student t interval."));
    }
    if cells.iter().any(|cell| (1..MIN_AVERAGED).contains(&cell.counts.completed)) {
        notes.push(format!(
            "Where there are fewer than {MIN_AVERAGED} runs, each is a small point, without an interval."
        ));
    }
    if cells.iter().any(|cell| cell.counts.diverged > 0) {
        notes.push(
            "Diverged runs are not averaged: a cross is the last finite value of one, at the upper edge if it has none."
                .to_owned(),
        );
    }
    notes.extend(notes::many_diverged(&cells));
    notes.extend(notes::sentences(remarks, usize::MAX));
    notes
}
