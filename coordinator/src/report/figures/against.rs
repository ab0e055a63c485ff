//! `against`: measures against a parameter or a single number of the runs, mean and interval over seeds at each value.

use basin_domain::figure::Layout;
use basin_domain::value::Value;

use super::cell::ENOUGH;
use super::curves;
use super::data::{Row, Rows};
use super::groups::{self, Group, Groups};
use super::names;
use super::notes::{self, Remark};
use crate::report::chart::marker::Marker;
use crate::report::chart::scale::{Kind, drawable};
use crate::report::chart::style::{Color, Pen};
use crate::report::chart::{self, Chart, Entry, Mark, Panel, Swatch};
use crate::report::runs::{Counts, Run};
use crate::report::statistics::{Center, summarise};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
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
fn place(request: &Request<'_>, run: &Run) -> Option<f64> {
    match names::value_of(run, request.x) {
        Some(value) => value.as_f64(),
        None => run.record()?.last(request.x),
    }
}

fn axis(request: &Request<'_>, runs: &[&Run]) -> chart::Axis {
    let label = names::quantity(request.x, runs);
    let axis = chart::Axis::new(label, if request.log_x { Kind::Logarithmic } else { Kind::Linear });
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
pub(super) fn chart(request: &Request<'_>, runs: &[&Run]) -> (Chart, Rows) {
    let mut rows = Rows::default();
    let mut remarks = Vec::new();
    let grouped = groups::group_along(runs, request.group, request.facet, request.x);
    let facets = groups::facets(runs, request.facet);
    let mut panels = Vec::new();
    for facet in &facets {
        for measures in request.y {
            panels.push(panel(request, measures, facet, &grouped, &mut rows, &mut remarks));
        }
    }
    for measure in request.y.iter().flatten() {
        let quantity = names::quantity(measure, &[]);
        remarks.extend(notes::not_recorded(measure, runs).map(|text| Remark { quantity, text }));
    }
    remarks.extend(without_x(request, runs));
    let notes = notes(request, &grouped, &facets, &remarks);
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
        rows: curves::arrange(&panels, Layout::Row, request.y.len(), facets.len()),
        notes,
    };
    (chart, rows)
}

/// The most measures of a panel: so many pens each group takes, so that a panel's second measure has the same pen in all.
fn widest(request: &Request<'_>) -> usize {
    request.y.iter().map(Vec::len).max().unwrap_or(1)
}

fn panel(
    request: &Request<'_>,
    measures: &[String],
    facet: &Group<'_>,
    grouped: &Groups<'_>,
    rows: &mut Rows,
    remarks: &mut Vec<Remark>,
) -> Panel {
    let is_logarithmic = measures.iter().any(|measure| request.log_y.contains(measure));
    let kind = if is_logarithmic { Kind::Logarithmic } else { Kind::Linear };
    let mut sheet =
        Sheet { kind, facet: &facet.label, axis: request.x, marks: Vec::new(), crosses: Vec::new() };
    for (number, group) in grouped.groups.iter().enumerate() {
        let runs = curves::within(group, facet);
        for (position, measure) in measures.iter().enumerate() {
            let placed: Vec<(f64, &Run)> =
                runs.iter().filter_map(|run| Some((place(request, run)?, *run))).collect();
            let pen = if measures.len() == 1 && grouped.groups.len() == 1 && widest(request) > 1 {
                // Neither training nor test, which have the first pens: its axis says what it is.
                widest(request)
            } else {
                number * widest(request) + position
            };
            sheet.draw(measure, group, pen, &placed, rows, remarks);
        }
    }
    let Sheet { mut marks, crosses, .. } = sheet;
    marks.sort_by_key(|mark| match mark {
        Mark::Band { .. }
        | Mark::Field(_)
        | Mark::Level { .. }
        | Mark::Upright { .. }
        | Mark::ErrorBars { .. } => 0,
        Mark::Line { .. } => 1,
        Mark::Points { .. } | Mark::Cross { .. } | Mark::Label { .. } => 2,
    });
    marks.extend(crosses);
    let all: Vec<&Run> = facet.runs.clone();
    Panel {
        title: (!facet.label.is_empty()).then(|| facet.label.clone()),
        annotation: None,
        x: axis(request, &all),
        y: chart::Axis::new(names::common_quantity(measures, &all), kind),
        marks,
    }
}

/// A panel in the making.
struct Sheet<'a> {
    kind: Kind,
    facet: &'a str,
    axis: &'a str,
    marks: Vec<Mark>,
    crosses: Vec<Mark>,
}

impl Sheet<'_> {
    /// Draws one measure of one group: the middle of the runs at each x, joined by a line.
    fn draw(
        &mut self,
        measure: &str,
        group: &Group<'_>,
        pen: usize,
        placed: &[(f64, &Run)],
        rows: &mut Rows,
        remarks: &mut Vec<Remark>,
    ) {
        let center = if self.kind == Kind::Linear { Center::Mean } else { Center::GeometricMean };
        let mut xs: Vec<f64> = placed.iter().map(|(x, _)| *x).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let row = |what, seed, x, value, interval, n| Row {
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
        let (mut line, mut bars, mut singles) = (Vec::new(), Vec::new(), Vec::new());
        let mut without = 0;
        for x in xs {
            let here = placed.iter().filter(|(at, _)| *at == x).map(|(_, run)| *run);
            let values: Vec<(u64, f64)> = here
                .clone()
                .filter_map(|run| Some((run.task.spec.seed, run.completed()?.last(measure)?)))
                .collect();
            without += values.iter().filter(|(_, value)| !drawable(self.kind, *value)).count();
            let usable: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
            if let Some(point) = summarise(x, &usable, center) {
                line.push((x, point.value));
                bars.extend(point.interval.map(|(low, high)| (x, low, high)));
                if values.len() >= ENOUGH {
                    rows.push(&row(center.as_str(), None, x, point.value, point.interval, point.n));
                }
            }
            if values.len() < ENOUGH {
                for &(seed, value) in &values {
                    singles.push((x, value));
                    rows.push(&row("run", Some(seed), x, value, None, 1));
                }
            }
            for record in here.filter_map(Run::diverged) {
                let last = record
                    .series
                    .get(measure)
                    .and_then(|series| series.points.iter().rev().find(|at| drawable(self.kind, at.1)));
                let value = last.map_or(f64::INFINITY, |&(_, value)| value);
                self.crosses.push(Mark::Cross { at: (x, value), color: Color::Group(pen) });
            }
        }
        if without > 0 {
            let of_what = if without == 1 { "value has" } else { "values have" };
            let text = format!("{without} {of_what} no place on the axis");
            remarks.push(Remark { quantity: names::quantity(measure, &[]), text });
        }
        let marker = Marker::group(pen);
        let middles: Vec<(f64, f64)> =
            line.iter().copied().filter(|at| !singles.iter().any(|single| single.0 == at.0)).collect();
        self.marks.push(Mark::ErrorBars { points: bars, color: Color::Group(pen) });
        self.marks.push(Mark::Line { points: line, pen: Pen::group(pen).faint(1.4, 1.0), secondary: false });
        self.marks.push(Mark::Points { points: middles, marker });
        self.marks.push(Mark::Points { points: singles, marker: marker.sized(2.8, 0.8) });
    }
}

/// How many completed runs have no place on the horizontal axis.
fn without_x(request: &Request<'_>, runs: &[&Run]) -> Option<Remark> {
    let kind = if request.log_x { Kind::Logarithmic } else { Kind::Linear };
    let has_no_place =
        |run: &&&Run| run.completed().is_some() && !place(request, run).is_some_and(|x| drawable(kind, x));
    let without = runs.iter().filter(has_no_place).count();
    let of_what = if without == 1 { "run has" } else { "runs have" };
    (without > 0).then(|| Remark {
        quantity: names::quantity(request.x, &[]),
        text: format!("{without} {of_what} no place on the axis"),
    })
}

fn legend(request: &Request<'_>, grouped: &Groups<'_>) -> Vec<Entry> {
    let positions: Vec<String> =
        (0..widest(request)).map(|position| names::position(request.y, position)).collect();
    let runs = || grouped.groups.iter().flat_map(|group| group.runs.iter().copied());
    let has_diverged = Counts::of(runs()).diverged > 0;
    let mut entries = Vec::new();
    if positions.len() > 1 || grouped.groups.len() > 1 {
        for (number, group) in grouped.groups.iter().enumerate() {
            let counts = Counts::of(group.runs.iter().copied());
            for (position, name) in positions.iter().enumerate() {
                let label = match (positions.len(), grouped.groups.len()) {
                    (1, _) => group.label.clone(),
                    (_, 1) => name.clone(),
                    _ => format!("{} · {name}", group.label),
                };
                let pen = number * positions.len() + position;
                entries.push(if counts.completed == 0 {
                    Entry { label: format!("{label} ({})", counts.left_out()), swatch: Swatch::Nothing }
                } else {
                    Entry {
                        label,
                        swatch: Swatch::Marked(Pen::group(pen).faint(1.4, 1.0), Marker::group(pen)),
                    }
                });
            }
        }
    }
    if has_diverged {
        entries.push(Entry { label: "diverged".to_owned(), swatch: Swatch::Cross(Color::Ink) });
    }
    entries
}

fn notes(
    request: &Request<'_>,
    grouped: &Groups<'_>,
    facets: &[Group<'_>],
    remarks: &[Remark],
) -> Vec<String> {
    let mut cells = Vec::new();
    for facet in facets {
        for group in &grouped.groups {
            // A point's runs: those of one place. Runs without one (nothing is known of them) stand together.
            let mut at: Vec<(Option<String>, Vec<&Run>)> = Vec::new();
            for run in curves::within(group, facet) {
                let place = match names::value_of(run, request.x) {
                    Some(value) => Some(names::value(&value)),
                    None => place(request, run).map(|x| names::value(&Value::Float(x))),
                };
                match at.iter_mut().find(|(known, _)| *known == place) {
                    Some((_, runs)) => runs.push(run),
                    None => at.push((place, vec![run])),
                }
            }
            for (place, runs) in at {
                let name = match (place, grouped.groups.len() > 1 || !facet.label.is_empty()) {
                    (Some(place), false) => format!("{} {place}", names::parameter(request.x)),
                    (Some(place), true) => {
                        format!("{} · {} {place}", notes::name(facet, group), names::parameter(request.x))
                    }
                    (None, _) => format!("{} · not known where", notes::name(facet, group)),
                };
                cells.push(notes::Cell::of(name, &runs));
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
    if cells.iter().any(|cell| cell.counts.completed >= ENOUGH) {
        let runs = notes::averaged(&cells);
        notes.push(format!("Points: {middle} over {runs}; bars: its 95 % Student t interval."));
    }
    if cells.iter().any(|cell| (1..ENOUGH).contains(&cell.counts.completed)) {
        notes.push(format!(
            "Where there are fewer than {ENOUGH} runs, each is a small point, without an interval."
        ));
    }
    if cells.iter().any(|cell| cell.counts.diverged > 0) {
        notes.push(
            "Diverged runs are not averaged: a cross is the last finite value of one, at the upper edge if it has none."
                .to_owned(),
        );
    }
    notes.extend(notes::sentences(remarks, usize::MAX));
    notes
}
