//! A loss surface put together from its tiles.

use basin_domain::experiment::series::surface;
use basin_domain::experiment::{Experiment, Plane, Surface};
use basin_domain::metrics::{Axis, Metrics};

use crate::runs::{Counts, Run, distinct};
use basin_charts::contour::Grid;

/// The most cells that are put together; the sweep file allows a thousand along each side.
const MAX_CELLS: usize = 1 << 20;

/// A surface: the values of one series over one plane through one solution.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AssembledSurface {
    /// The values; what no tile has is NaN.
    pub(super) grid: Grid,
    /// The plane, if any run says it.
    pub(super) plane: Option<Plane>,
    /// Where the recorded epochs lie in the plane: (α, β), in their order.
    pub(super) trajectory: Vec<(f64, f64)>,
    /// The first and the last of these epochs.
    pub(super) epochs: Option<EpochRange>,
    /// The shares of variance along both directions, for principal components.
    pub(super) explained: [Option<f64>; 2],
    /// The tiles, by their outcomes.
    pub(super) tiles: Counts,
    /// Cells whose value was recorded and isn't finite.
    pub(super) not_finite: usize,
}

/// The first and the last of some epochs or steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct EpochRange {
    /// Whether they are epochs or steps.
    pub(super) axis: Axis,
    pub(super) first: f64,
    pub(super) last: f64,
}

/// Puts together the tiles of one surface; the values are those of `series`.
pub(super) fn assemble(runs: &[&Run], series: &str) -> AssembledSurface {
    let parameters = runs.iter().find_map(|run| surface_of(run));
    let side = parameters.map_or(0, |surface| surface.resolution as usize);
    let side = if side * side <= MAX_CELLS { side } else { 0 };
    let runs = distinct(runs.iter().copied());
    let records = || runs.iter().filter_map(|run| run.completed());
    let mut values = vec![f64::NAN; side * side];
    let (mut columns, mut rows) = (vec![None; side], vec![None; side]);
    let mut not_finite = 0;
    for metrics in records() {
        for (cell, value) in cells(metrics, series, values.len()) {
            values[cell] = value;
            not_finite += usize::from(!value.is_finite());
        }
        for (cell, alpha) in cells(metrics, surface::ALPHA.name, values.len()) {
            columns[cell % side] = Some(alpha);
        }
        for (cell, beta) in cells(metrics, surface::BETA.name, values.len()) {
            rows[cell / side] = Some(beta);
        }
    }
    let grid = match (evenly(&columns), evenly(&rows)) {
        (Some(columns), Some(rows)) => Grid { columns, rows, values },
        _ => Grid { columns: Vec::new(), rows: Vec::new(), values: Vec::new() },
    };
    let Trajectory { points: trajectory, epochs } = records().find_map(trajectory).unwrap_or_default();
    let explained = [surface::EXPLAINED_VARIANCE_ALPHA.name, surface::EXPLAINED_VARIANCE_BETA.name]
        .map(|name| records().find_map(|metrics| metrics.last(name)));
    AssembledSurface {
        grid,
        plane: parameters.map(|surface| surface.plane),
        trajectory,
        epochs,
        explained,
        tiles: Counts::of(runs.iter().copied()),
        not_finite,
    }
}

fn surface_of(run: &Run) -> Option<&Surface> {
    match &run.task.spec.experiment {
        Experiment::Surface(surface) => Some(surface),
        Experiment::FitFunction(_)
        | Experiment::Classify(_)
        | Experiment::Regress(_)
        | Experiment::CriticalPoint(_)
        | Experiment::Interpolate(_)
        | Experiment::Command(_)
        | Experiment::Custom(_) => None,
    }
}

/// The recorded cells of a series that lie on the grid.
fn cells<'a>(metrics: &'a Metrics, series: &str, count: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
    let points = metrics.series.get(series).map_or(&[][..], |series| series.points.as_slice());
    points.iter().filter_map(move |&(x, value)| {
        let is_cell = x >= 0.0 && x.fract() == 0.0 && x < count as f64;
        is_cell.then_some((x as usize, value))
    })
}

/// The recorded epochs in the plane.
#[derive(Default)]
struct Trajectory {
    /// Where they lie: (α, β), in their order.
    points: Vec<(f64, f64)>,
    epochs: Option<EpochRange>,
}

fn trajectory(metrics: &Metrics) -> Option<Trajectory> {
    let series = metrics.series.get(surface::TRAJECTORY_ALPHA.name)?;
    let (axis, alpha) = (series.axis, &series.points);
    let beta = &metrics.series.get(surface::TRAJECTORY_BETA.name)?.points;
    let epochs = alpha.first().zip(alpha.last()).map(|(first, last)| EpochRange {
        axis,
        first: first.0,
        last: last.0,
    });
    Some(Trajectory {
        points: alpha.iter().zip(beta).map(|(alpha, beta)| (alpha.1, beta.1)).collect(),
        epochs,
    })
}

/// All coordinates of an evenly spaced axis of which some are known: the others from the first and the last known ones.
/// None if fewer than two are known, or they don't rise.
fn evenly(known: &[Option<f64>]) -> Option<Vec<f64>> {
    let first = known.iter().position(Option::is_some)?;
    let last = known.iter().rposition(Option::is_some)?;
    let (low, high) = (known[first]?, known[last]?);
    let step = (high - low) / last.saturating_sub(first) as f64;
    let is_usable = step.is_finite() && step > 0.0;
    is_usable.then(|| {
        let at = |(place, known): (usize, &Option<f64>)| {
            known.unwrap_or(low + step * (place as f64 - first as f64))
        };
        known.iter().enumerate().map(at).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_coordinates_are_filled_in_evenly() {
        assert_eq!(evenly(&[None, Some(1.0), None, Some(2.0), None]), Some(vec![0.5, 1.0, 1.5, 2.0, 2.5]));
        assert_eq!(evenly(&[None, Some(1.0), None]), None);
        assert_eq!(evenly(&[Some(2.0), Some(1.0)]), None);
        assert_eq!(evenly(&[Some(f64::NAN), Some(1.0)]), None);
        assert_eq!(evenly(&[]), None);
    }
}
