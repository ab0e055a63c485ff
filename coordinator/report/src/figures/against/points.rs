//! The points of one group and measure: middles with their intervals, single runs, crosses.

use std::collections::BTreeSet;

use basin_charts::marker::{Marker, Shape};
use basin_charts::scale::{Scale, is_drawable};
use basin_charts::style::{Color, Pen};
use basin_charts::{Interval, Mark, Reading};
use basin_domain::metrics::Metrics;

use super::lanes::Lanes;
use super::request::AgainstRequest;
use crate::exclusions::{Filtered, on_axis};
use crate::figures::cell::{self, MIN_AVERAGED};
use crate::figures::drawn::{Drawn, Source, single};
use crate::figures::groups::Group;
use crate::figures::table::{FigureRow, FigureTable};
use crate::figures::{limits, names, notes};
use crate::runs::{Run, distinct};
use crate::statistics::{Center, ConfidenceInterval, Summary, summarise};

/// The ring around a point that a claim speaks of.
pub(super) const RING: Marker =
    Marker { color: Color::Ink, shape: Shape::Circle, is_filled: false, radius: 7.4, opacity: 1.0 };

/// At how many different places runs stand.
pub(super) fn places(placed: &[(f64, &Run)]) -> usize {
    placed.iter().map(|(x, _)| x.to_bits()).collect::<BTreeSet<u64>>().len()
}

/// A panel in the making.
pub(super) struct PanelBuilder<'a> {
    /// The figure.
    pub(super) request: &'a AgainstRequest<'a>,
    /// Those of the horizontal and the vertical axis.
    pub(super) scales: [Scale; 2],
    /// The label of the panel's facet.
    pub(super) facet: &'a str,
    /// Whether lines join the points.
    pub(super) is_joined: bool,
    /// Where the points of each line stand.
    pub(super) lanes: Lanes,
    /// The places at which points will stand.
    pub(super) count: usize,
    /// What is drawn so far.
    pub(super) drawn: Drawn,
    /// Diverged runs, which stand in front.
    pub(super) crosses: Vec<Mark>,
}

/// The points of one line, by their looks.
#[derive(Default)]
struct Points {
    line: Vec<(f64, f64)>,
    bars: Vec<Interval>,
    middles: Vec<(f64, f64)>,
    singles: Vec<(f64, f64)>,
    again: Vec<(f64, f64)>,
    ringed: Vec<(f64, f64)>,
}

impl PanelBuilder<'_> {
    /// All marks, back to front, with the values behind them.
    pub(super) fn into_drawn(self) -> Drawn {
        let Drawn { mut marks, readings } = self.drawn;
        marks.sort_by_key(|mark| match mark {
            Mark::Band { .. }
            | Mark::Field(_)
            | Mark::HorizontalLine { .. }
            | Mark::VerticalLine { .. }
            | Mark::ErrorBars { .. } => 0,
            Mark::Line { .. } => 1,
            Mark::Points { marker, .. } if *marker == RING => 2,
            Mark::Points { .. } | Mark::Cross { .. } | Mark::Label { .. } => 3,
        });
        marks.extend(self.crosses);
        Drawn { marks, readings }
    }

    /// Draws one measure of one group: the middle of the runs at each x, joined by a line where x is a parameter. Without a pen,
    /// only its data is written. Runs that are the same computation at several x count at the first; where all runs are such, the
    /// point is hollow.
    pub(super) fn draw(
        &mut self,
        measure: &str,
        group: &Group<'_>,
        pen: Option<usize>,
        placed: &[(f64, &Run)],
        rows: &mut FigureTable,
        gaps: &mut notes::OmittedValues,
    ) {
        let [x_scale, y_scale] = self.scales;
        let center = Center::chosen(self.request.middle, y_scale);
        let mut ordered: Vec<(f64, &Run)> = placed.to_vec();
        ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (facet, axis) = (self.facet, self.request.x);
        let row = |what, seed, x, value, interval, n| FigureRow {
            panel: measure,
            facet,
            group: &group.label,
            what,
            seed,
            axis,
            x,
            value,
            interval,
            n,
        };
        let quantity = names::quantity(measure, &[]);
        let lane = pen.map(|_| self.lanes.take());
        let mut points = Points::default();
        let mut readings: Vec<(Option<String>, Reading)> = Vec::new();
        let mut known = BTreeSet::new();
        let own = places(placed);
        let share = if self.count > limits::MAX_POINTS {
            (limits::MAX_POINTS * own / self.count).max(1)
        } else {
            own
        };
        for (place, here) in ordered.chunk_by(|a, b| a.0 == b.0).enumerate() {
            let x = here[0].0;
            let runs = distinct(here.iter().map(|(_, run)| *run));
            // Whether a run stands here for the first time.
            let new: Vec<bool> = runs.iter().map(|run| known.insert(run.computation())).collect();
            let is_duplicate = !new.is_empty() && !new.contains(&true);
            let lane = lane.filter(|_| limits::is_drawn(place, own, share));
            let measured = runs.iter().filter_map(|run| Some((run, run.completed()?.last(measure)?)));
            let values = Filtered::partition(measured, |(run, value)| Ok((*run, on_axis(y_scale, value)?)));
            if !is_duplicate && on_axis(x_scale, x).is_ok() {
                gaps.count(&quantity, values.exclusions());
            }
            let kept = center.filter(values.values().iter().map(|(_, value)| *value));
            let what = |what: &'static str, again: &'static str| if is_duplicate { again } else { what };
            if let Some(point) = summarise(x, &kept, center) {
                let is_averaged = values.n() >= MIN_AVERAGED;
                if is_averaged {
                    let what = what(center.as_str(), center.as_str_of_duplicates());
                    rows.push(&row(what, None, x, point.value, point.interval, point.n));
                }
                if let Some(lane) = lane {
                    let at = (lane.place(x), point.value);
                    points.line.push(at);
                    points.bars.extend(bar(at.0, &point));
                    if is_averaged {
                        if is_duplicate { &mut points.again } else { &mut points.middles }.push(at);
                        readings.push((None, Reading { at, ..cell::reading(&point) }));
                    }
                    if self.request.is_marked(&runs) {
                        points.ringed.push(at);
                    }
                }
            }
            if values.n() < MIN_AVERAGED {
                for &(run, value) in values.values() {
                    let seed = run.task.spec.seed;
                    rows.push(&row(what("run", "run-again"), Some(seed), x, value, None, 1));
                    if let Some(lane) = lane {
                        let at = (lane.place(x), value);
                        if is_duplicate { &mut points.again } else { &mut points.singles }.push(at);
                        readings.push((Some(run.task.name()), Reading { x, ..single(at) }));
                    }
                }
            }
            for run in &runs {
                // A value without a place is in the data all the same.
                let value = run.completed().and_then(|metrics| metrics.last(measure));
                if let Some(value) = value.filter(|value| on_axis(y_scale, *value).is_err()) {
                    let seed = Some(run.task.spec.seed);
                    rows.push(&row(what("run", "run-again"), seed, x, value, None, 0));
                }
            }
            if let (Some(lane), Some(pen)) = (lane, pen) {
                let at = lane.place(x);
                self.crosses.extend(
                    crosses(&runs, measure, y_scale)
                        .map(|value| Mark::Cross { at: (at, value), color: Color::Group(pen) }),
                );
            }
        }
        let Some(pen) = pen else { return };
        let source = Source { series: measure, number: pen, group: &group.label };
        for (run, reading) in readings {
            self.drawn.read(source, run, [reading]);
        }
        self.push(points, pen);
    }

    /// The marks of one line's points.
    fn push(&mut self, points: Points, pen: usize) {
        let marker = Marker::group(pen);
        let marks = &mut self.drawn.marks;
        marks.push(Mark::ErrorBars { points: points.bars, color: Color::Group(pen) });
        if self.is_joined {
            let pen = Pen::group(pen).faint(1.4, 1.0);
            marks.push(Mark::Line { points: points.line, pen, secondary: false });
        }
        if !points.ringed.is_empty() {
            marks.push(Mark::Points { points: points.ringed, marker: RING });
        }
        marks.push(Mark::Points { points: points.middles, marker });
        marks.push(Mark::Points { points: points.singles, marker: marker.sized(2.8, 0.8) });
        if !points.again.is_empty() {
            marks.push(Mark::Points { points: points.again, marker: marker.hollow() });
        }
    }
}

/// The error bar of a middle that stands at this place.
fn bar(x: f64, point: &Summary) -> Option<Interval> {
    point.interval.map(|ConfidenceInterval { low, high }| Interval { x, low, high })
}

/// Where the diverged ones of these runs, or an even choice of very many, are crosses: at their last values that have a place,
/// at the upper edge without one.
fn crosses<'r>(runs: &[&'r Run], measure: &'r str, scale: Scale) -> impl Iterator<Item = f64> + use<'r> {
    let diverged: Vec<&Metrics> = runs.iter().filter_map(|run| run.diverged()).collect();
    let count = diverged.len();
    let drawn = diverged.into_iter().enumerate();
    let drawn = drawn.filter(move |(number, _)| limits::is_drawn(*number, count, limits::MAX_LINES));
    drawn.map(move |(_, metrics)| {
        let points = metrics.series.get(measure).map_or(&[][..], |series| series.points.as_slice());
        let last = points.iter().rev().find(|at| is_drawable(scale, at.1));
        last.map_or(f64::INFINITY, |&(_, value)| value)
    })
}
