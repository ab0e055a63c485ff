//! The loss of the chosen task against its steps, or those of all that train of its experiment.

use basin_domain::loss_curve::LossPoint;
use basin_proto::v1;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::super::state::State;
use super::number;
use super::pane::{framed, shown};

/// The colours of curves beside the chosen task's.
const COLORS: [Color; 6] =
    [Color::Blue, Color::Magenta, Color::Green, Color::Yellow, Color::Red, Color::DarkGray];
/// A loss that falls by more than this is drawn by its logarithm.
const WIDE_RANGE: f64 = 30.0;
/// A greater loss is drawn as this one: differences of any two are numbers.
const LARGEST: f64 = 1e100;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let tasks = state.curve_tasks();
    let curves: Vec<Vec<LossPoint>> = tasks.iter().map(|task| points(state, task)).collect();
    let with_points = curves.iter().filter(|curve| !curve.is_empty()).count();
    let Some(scale) = Scale::of(curves.iter().flatten()) else {
        let block = framed(title(&tasks, with_points, ""), false);
        let nothing = match tasks.is_empty() {
            true => "no task is chosen",
            false => "no loss was said of it; the report has the series of what is committed",
        };
        let text = Text::styled(nothing, Style::new().add_modifier(Modifier::DIM));
        frame.render_widget(text, block.inner(area));
        return frame.render_widget(block, area);
    };
    let block =
        framed(title(&tasks, with_points, if scale.is_logarithmic { ", logarithmic" } else { "" }), false);
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
        .x_axis(Axis::default().bounds(scale.steps).labels(scale.step_labels()))
        .y_axis(Axis::default().bounds(scale.losses).labels(scale.loss_labels()));
    frame.render_widget(chart, area);
}

/// The points of a task's curve, as far as they can be drawn.
fn points(state: &State, task: &v1::ListedTask) -> Vec<LossPoint> {
    let curve = state.live.get(&task.task_id).and_then(|live| live.curve.as_ref());
    let points = curve.into_iter().flat_map(v1::LossCurve::points);
    let within = |point: LossPoint| LossPoint { loss: point.loss.clamp(-LARGEST, LARGEST), ..point };
    points.filter(|point| !point.loss.is_nan()).map(within).collect()
}

fn title(tasks: &[&v1::ListedTask], with_points: usize, scale: &str) -> String {
    match tasks {
        [] => "Loss".to_owned(),
        [one] => {
            let name = if one.name.is_empty() { &one.task_id } else { &one.name };
            format!("Loss{scale}: {}", shown(name))
        }
        [first, ..] => {
            format!("Loss{scale}: {with_points} of {}, the chosen task's in front", shown(&first.experiment))
        }
    }
}

/// What of steps and losses is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    steps: [f64; 2],
    /// Of losses, or of their logarithms to base 10.
    losses: [f64; 2],
    is_logarithmic: bool,
}

impl Scale {
    /// The scale on which all of these are seen; none if there are none.
    fn of<'a>(points: impl Iterator<Item = &'a LossPoint> + Clone) -> Option<Self> {
        let losses = points.clone().map(|point| point.loss);
        let (least, most) = (losses.clone().reduce(f64::min)?, losses.reduce(f64::max)?);
        let last = points.map(|point| point.iteration).max()?;
        let is_logarithmic = least > 0.0 && most / least > WIDE_RANGE;
        let (low, high) = if is_logarithmic { (least.log10(), most.log10()) } else { (least, most) };
        // A flat curve runs through the middle.
        let margin = if high > low { 0.0 } else { low.abs().max(1e-3) * 0.1 };
        Some(Self { steps: [0.0, last.max(1) as f64], losses: [low - margin, high + margin], is_logarithmic })
    }

    fn points(&self, curve: &[LossPoint]) -> Vec<(f64, f64)> {
        let loss = |loss: f64| if self.is_logarithmic { loss.log10() } else { loss };
        curve.iter().map(|point| (point.iteration as f64, loss(point.loss))).collect()
    }

    fn step_labels(&self) -> [Line<'static>; 3] {
        [0.0, 0.5, 1.0].map(|share| Line::from(number::count((self.steps[1] * share) as u64)))
    }

    fn loss_labels(&self) -> [Line<'static>; 3] {
        let [low, high] = self.losses;
        [0.0, 0.5, 1.0].map(|share| {
            let at = low + (high - low) * share;
            Line::from(number::short(if self.is_logarithmic { 10_f64.powf(at) } else { at }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(points: &[(u64, f64)]) -> Option<Scale> {
        let points: Vec<_> = points.iter().map(|&(iteration, loss)| LossPoint { iteration, loss }).collect();
        Scale::of(points.iter())
    }

    #[test]
    fn a_loss_that_falls_far_is_drawn_by_its_logarithm() {
        let near = scale(&[(1, 0.5), (9, 0.25)]).unwrap();
        assert_eq!((near.steps, near.losses, near.is_logarithmic), ([0.0, 9.0], [0.25, 0.5], false));
        let far = scale(&[(1, 10.0), (9, 0.1)]).unwrap();
        assert_eq!((far.losses, far.is_logarithmic), ([-1.0, 1.0], true));
        assert!(!scale(&[(1, 10.0), (9, -0.1)]).unwrap().is_logarithmic);
        assert_eq!(scale(&[]), None);
    }

    #[test]
    fn a_flat_curve_has_room_above_and_below() {
        let flat = scale(&[(0, 2.0)]).unwrap();
        assert!(flat.losses[0] < 2.0 && flat.losses[1] > 2.0 && flat.steps == [0.0, 1.0], "{flat:?}");
        let zero = scale(&[(0, 0.0), (1, 0.0)]).unwrap();
        assert!(zero.losses[0] < 0.0 && zero.losses[1] > 0.0, "{zero:?}");
    }
}
