//! The loss of the chosen task against its steps, or a series that it records, or those of all that train of its experiment.

use basin_domain::metrics;
use basin_proto::{live_series, v1};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::super::series;
use super::super::state::State;
use super::number;
use super::pane::{framed, shown};

/// The colours of curves beside the chosen task's.
const COLORS: [Color; 6] =
    [Color::Blue, Color::Magenta, Color::Green, Color::Yellow, Color::Red, Color::DarkGray];
/// What falls or rises by more than this is drawn by its logarithm.
const WIDE_RANGE: f64 = 30.0;
/// A greater number is drawn as this one: differences of any two are numbers.
const LARGEST: f64 = 1e100;

/// A task's curve.
struct Curve {
    axis: metrics::Axis,
    /// Places and values that can be drawn, by ascending places.
    points: Vec<(f64, f64)>,
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let tasks = state.curve_tasks();
    let curves: Vec<Option<Curve>> = tasks.iter().map(|task| curve(state, task)).collect();
    let axis = curves.iter().flatten().map(|curve| curve.axis).next();
    let along = |curve: &Option<Curve>| match curve {
        Some(curve) if Some(curve.axis) == axis => curve.points.clone(),
        // What is against something else has another place.
        Some(_) | None => Vec::new(),
    };
    let curves: Vec<Vec<(f64, f64)>> = curves.iter().map(along).collect();
    let with_points = curves.iter().filter(|curve| !curve.is_empty()).count();
    let Some((axis, scale)) = axis.zip(Scale::of(curves.iter().flatten())) else {
        let block = framed(title(state, &tasks, with_points, ""), false);
        let nothing = match (tasks.is_empty(), &state.series) {
            (true, _) => "no task is chosen",
            (false, None) => "no loss was said of it; the report has the series of what is committed",
            (false, Some(_)) => "nothing was said of this series; n shows another",
        };
        let text = Text::styled(nothing, Style::new().add_modifier(Modifier::DIM));
        frame.render_widget(text, block.inner(area));
        return frame.render_widget(block, area);
    };
    let how = if scale.is_logarithmic { ", logarithmic" } else { "" };
    let how = match &state.series {
        Some(_) => format!(" against {}s{how}", axis.as_str()),
        None => how.to_owned(),
    };
    let block = framed(title(state, &tasks, with_points, &how), false);
    let drawn: Vec<Vec<(f64, f64)>> = curves.iter().map(|curve| scale.points(curve)).collect();
    // The chosen task's is drawn last, over the others.
    let datasets = drawn.iter().enumerate().rev().map(|(number, points)| {
        let color = match number {
            0 => Color::Cyan,
            other => COLORS[(other - 1) % COLORS.len()],
        };
        let set = Dataset::default().data(points).marker(Marker::Braille).graph_type(GraphType::Line);
        set.style(Style::new().fg(color))
    });
    let chart = Chart::new(datasets.collect())
        .block(block)
        .x_axis(Axis::default().bounds(scale.places).labels(scale.place_labels(axis)))
        .y_axis(Axis::default().bounds(scale.values).labels(scale.value_labels()));
    frame.render_widget(chart, area);
}

/// The curve of a task, as far as it can be drawn; none if nothing was said of it.
fn curve(state: &State, task: &v1::ListedTask) -> Option<Curve> {
    let live = state.live.get(&task.task_id)?;
    let (axis, points): (metrics::Axis, Vec<(f64, f64)>) = match &state.series {
        None => {
            let points = live.curve.as_ref()?.points();
            (metrics::Axis::Iteration, points.map(|point| (point.iteration as f64, point.loss)).collect())
        }
        Some(name) => {
            let series = live_series::read(&live.series).into_iter().find(|series| series.name() == name)?;
            (series.axis(), series.points.iter().map(|point| (point.x, point.value)).collect())
        }
    };
    let within = |(x, value): (f64, f64)| (x.clamp(-LARGEST, LARGEST), value.clamp(-LARGEST, LARGEST));
    let points: Vec<(f64, f64)> =
        points.into_iter().filter(|(_, value)| !value.is_nan()).map(within).collect();
    (!points.is_empty()).then_some(Curve { axis, points })
}

/// What is shown, how, and which of how many series it is where there are several.
fn title(state: &State, tasks: &[&v1::ListedTask], with_points: usize, how: &str) -> String {
    let what = state.series.as_deref().map_or_else(|| "Loss".to_owned(), shown);
    let names = series::names(state);
    let is_among_them = state.series.as_ref().is_none_or(|shown| names.contains(shown));
    let which = match names.len() {
        0 => String::new(),
        _ if !is_among_them => " (n: next)".to_owned(),
        others => format!(" ({} of {}, n: next)", series::place(state, &names) + 1, others + 1),
    };
    match tasks {
        [] => what,
        [one] => {
            let name = if one.name.is_empty() { &one.task_id } else { &one.name };
            format!("{what}{how}{which}: {}", shown(name))
        }
        [first, ..] => {
            let experiment = shown(&first.experiment);
            format!("{what}{how}{which}: {with_points} of {experiment}, the chosen task's in front")
        }
    }
}

/// What of places and values is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    places: [f64; 2],
    /// Of values, or of their logarithms to base 10.
    values: [f64; 2],
    is_logarithmic: bool,
}

impl Scale {
    /// The scale on which all of these are seen; none if there are none.
    fn of<'a>(points: impl Iterator<Item = &'a (f64, f64)> + Clone) -> Option<Self> {
        let (places, values) = (points.clone().map(|point| point.0), points.map(|point| point.1));
        let (least, most) = (values.clone().reduce(f64::min)?, values.reduce(f64::max)?);
        let first = places.clone().reduce(f64::min)?.min(0.0);
        let last = places.reduce(f64::max)?;
        // A curve of one point has room beside it.
        let last = if last > first { last } else { first + first.abs().max(1.0) };
        let is_logarithmic = least > 0.0 && most / least > WIDE_RANGE;
        let (low, high) = if is_logarithmic { (least.log10(), most.log10()) } else { (least, most) };
        // A flat curve runs through the middle.
        let margin = if high > low { 0.0 } else { low.abs().max(1e-3) * 0.1 };
        Some(Self { places: [first, last], values: [low - margin, high + margin], is_logarithmic })
    }

    fn points(&self, curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let value = |value: f64| if self.is_logarithmic { value.log10() } else { value };
        curve.iter().map(|point| (point.0, value(point.1))).collect()
    }

    fn place_labels(&self, axis: metrics::Axis) -> [Line<'static>; 3] {
        let [first, last] = self.places;
        [0.0, 0.5, 1.0].map(|share| {
            let at = first + (last - first) * share;
            let counts = axis == metrics::Axis::Iteration;
            Line::from(if counts { number::count(at as u64) } else { number::short(at) })
        })
    }

    fn value_labels(&self) -> [Line<'static>; 3] {
        let [low, high] = self.values;
        [0.0, 0.5, 1.0].map(|share| {
            let at = low + (high - low) * share;
            Line::from(number::short(if self.is_logarithmic { 10_f64.powf(at) } else { at }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(points: &[(f64, f64)]) -> Option<Scale> {
        Scale::of(points.iter())
    }

    #[test]
    fn what_falls_far_is_drawn_by_its_logarithm() {
        let near = scale(&[(1.0, 0.5), (9.0, 0.25)]).unwrap();
        assert_eq!((near.places, near.values, near.is_logarithmic), ([0.0, 9.0], [0.25, 0.5], false));
        let far = scale(&[(1.0, 10.0), (9.0, 0.1)]).unwrap();
        assert_eq!((far.values, far.is_logarithmic), ([-1.0, 1.0], true));
        assert!(!scale(&[(1.0, 10.0), (9.0, -0.1)]).unwrap().is_logarithmic);
        assert_eq!(scale(&[]), None);
    }

    #[test]
    fn a_flat_curve_has_room_above_and_below_and_one_of_a_point_beside_it() {
        let flat = scale(&[(0.0, 2.0)]).unwrap();
        assert!(flat.values[0] < 2.0 && flat.values[1] > 2.0 && flat.places == [0.0, 1.0], "{flat:?}");
        let zero = scale(&[(0.0, 0.0), (1.0, 0.0)]).unwrap();
        assert!(zero.values[0] < 0.0 && zero.values[1] > 0.0, "{zero:?}");
    }

    #[test]
    fn places_below_zero_and_parts_of_an_epoch_have_labels() {
        let ratios = scale(&[(-1.0, 0.5), (2.0, 0.25)]).unwrap();
        assert_eq!(ratios.places, [-1.0, 2.0]);
        let half = scale(&[(0.0, 0.5), (0.5, 0.25)]).unwrap();
        let labels = |axis| half.place_labels(axis).map(|line| line.to_string());
        assert_eq!(labels(metrics::Axis::Epoch)[1..], ["0.2500", "0.5000"]);
        assert_eq!(labels(metrics::Axis::Iteration), ["0", "0", "0"]);
    }
}
