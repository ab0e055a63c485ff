//! Names of measures and parameters, as figures have them.

use basin_domain::metrics::Axis;

use crate::figures::names;
use crate::runs::{Run, RunState};

/// The quantity of a series or a measure with its unit: `training loss (nats)`.
pub fn quantity(name: &str, runs: &[&Run]) -> String {
    names::quantity(name, runs)
}

/// A parameter's name for people: `batch size`.
pub fn parameter_name(name: &str) -> String {
    names::parameter(name)
}

/// The name of an axis: `epoch`.
pub const fn axis_name(axis: Axis) -> &'static str {
    names::axis(axis)
}

/// The measures of a committed run: the last value of each series against epochs or iterations, and each single number.
pub fn last_values(state: &RunState) -> Vec<(String, f64)> {
    let RunState::Committed { metrics, .. } = state else { return Vec::new() };
    let measures =
        metrics.series.iter().filter(|(_, it)| matches!(it.axis, Axis::Epoch | Axis::Iteration | Axis::Once));
    let last = measures.filter_map(|(name, series)| Some((name.clone(), series.points.last()?.1)));
    last.collect()
}
