//! Whether a series goes one way within each run.

use basin_domain::claim::{Direction, Selection};
use basin_domain::metrics::Metrics;

use super::check_result::{CheckResult, formatted};
use super::levels::DecisionLevels;
use super::requirement::Requirement;
use super::sample::{Sample, measure};
use super::single;
use crate::exclusions::ExclusionReason;
use crate::runs::Run;
use crate::statistics::{Center, mean_correlation_interval, spearman};

/// A series that should go one way.
pub(super) struct Hypothesis<'a> {
    /// The series.
    pub(super) y: &'a str,
    /// The way.
    pub(super) direction: Direction,
    /// How great the correlation must be.
    pub(super) at_least: f64,
    /// A single number: only points whose x isn't beyond it count.
    pub(super) until: Option<&'a str>,
}

/// The rank correlation of a series' values with its x in each run, as a mean over runs, against the bound.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    hypothesis: &Hypothesis<'_>,
    levels: DecisionLevels,
) -> CheckResult {
    let Hypothesis { y, direction, at_least, until } = *hypothesis;
    let (sign, which) = match direction {
        Direction::Rises => (1.0, ""),
        Direction::Falls => (-1.0, ", counted downwards"),
    };
    let with_pairs = Sample::of(runs, of, |_, metrics| of_run(metrics, y, until));
    let fewest = with_pairs.runs().iter().map(|(_, (_, pairs))| *pairs).min().unwrap_or(0);
    let sample = Sample::of(runs, of, |_, metrics| Ok(sign * of_run(metrics, y, until)?.0));
    let up_to = until.map_or_else(String::new, |until| format!(" up to {until}"));
    let what = format!("mean over runs of the rank correlation of {y} with its x{up_to}{which}");
    let (requirement, bound) = if at_least > 0.0 {
        (Requirement::AtLeast(at_least), format!("at least {}", formatted(at_least)))
    } else {
        (Requirement::Above(0.0), "above 0".to_owned())
    };
    let interval = |values: &[f64], level: f64| mean_correlation_interval(values, fewest, level);
    single::decide(&sample, Center::Mean, interval, levels, requirement, &what, |mean| {
        format!("{what}: {}; should be {bound}", formatted(mean))
    })
}

/// The rank correlation of a run's values with their x, and how many there are. A series with a value that isn't finite
/// has none: leaving the value out would be a choice of values by what they are.
fn of_run(metrics: &Metrics, y: &str, until: Option<&str>) -> Result<(f64, usize), ExclusionReason> {
    let series = metrics.series.get(y).ok_or(ExclusionReason::NotRecorded)?;
    let last = match until {
        Some(until) => measure(metrics, until).map_err(|_| ExclusionReason::NoEnd)?,
        None => f64::INFINITY,
    };
    let (x, values): (Vec<f64>, Vec<f64>) = series.points.iter().filter(|(x, _)| *x <= last).copied().unzip();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(ExclusionReason::NotFinite);
    }
    Ok((spearman(&x, &values).ok_or(ExclusionReason::NoRankCorrelation)?, x.len()))
}
