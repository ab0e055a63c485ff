//! The points of one group and measure: middles with their intervals, single runs, crosses.

use std::collections::BTreeSet;

use basin_charts::marker::Marker;
use basin_charts::scale::{Scale, is_drawable};
use basin_charts::style::{Color, Pen};
use basin_charts::{Interval, Mark};
use basin_domain::claim::Middle;
use basin_domain::metrics::Metrics;

use crate::exclusions::{Filtered, on_axis};
use crate::figures::cell::MIN_AVERAGED;
use crate::figures::groups::Group;
use crate::figures::table::{FigureRow, FigureTable};
use crate::figures::{limits, names, notes};
use crate::runs::{Run, distinct};
use crate::statistics::{Center, ConfidenceInterval, summarise};

/// At how many different places runs stand.
pub(super) fn places(placed: &[(f64, &Run)]) -> usize {
    placed.iter().map(|(x, _)| x.to_bits()).collect::<BTreeSet<u64>>().len()
}

/// A panel in the making.
pub(super) struct PanelBuilder<'a> {
    /// Those of the horizontal and the vertical axis.
    scales: [Scale; 2],
    facet: &'a str,
    axis: &'a str,
    marks: Vec<Mark>,
    crosses: Vec<Mark>,
    /// The places at which points stand.
    count: usize,
    /// The middle over runs, if it isn't that which belongs to the axis.
    middle: Option<Middle>,
}

impl<'a> PanelBuilder<'a> {
    /// An empty panel with these axes, in which points will stand at so many places.
    pub(super) const fn new(scales: [Scale; 2], facet: &'a str, axis: &'a str, count: usize) -> Self {
        Self { scales, facet, axis, marks: Vec::new(), crosses: Vec::new(), count, middle: None }
    }

    /// The same with this middle over runs, if there is one.
    pub(super) fn with_middle(self, middle: Option<Middle>) -> Self {
        Self { middle, ..self }
    }

    /// All marks, back to front.
    pub(super) fn into_marks(self) -> Vec<Mark> {
        let mut marks = self.marks;
        marks.sort_by_key(|mark| match mark {
            Mark::Band { .. }
            | Mark::Field(_)
            | Mark::HorizontalLine { .. }
            | Mark::VerticalLine { .. }
            | Mark::ErrorBars { .. } => 0,
            Mark::Line { .. } => 1,
            Mark::Points { .. } | Mark::Cross { .. } | Mark::Label { .. } => 2,
        });
        marks.extend(self.crosses);
        marks
    }

    /// Draws one measure of one group: the middle of the runs at each x, joined by a line. Without a pen, only its data is
    /// written. Runs that are the same computation at several x count at the first; where all runs are such, the point is
    /// hollow.
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
        let center = Center::chosen(self.middle, y_scale);
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
                    bars.extend(point.interval.map(|ConfidenceInterval { low, high }| Interval {
                        x,
                        low,
                        high,
                    }));
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
                // A value without a place is in the data all the same.
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
