//! Whether a series goes one way within each run.

use basin_domain::claim::{Direction, Selection};
use basin_domain::metrics::Metrics;

use super::check_result::{CheckResult, formatted};
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::exclusions::ExclusionReason;
use crate::runs::Run;
use crate::statistics::{LEVEL, mean_interval, spearman};

/// The rank correlation of a series' values with its x in each run, as a mean over runs, against the bound.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    direction: Direction,
    at_least: f64,
    until: Option<&str>,
) -> CheckResult {
    let (sign, which) = match direction {
        Direction::Rises => (1.0, ""),
        Direction::Falls => (-1.0, ", counted downwards"),
    };
    let sample = Sample::of(runs, of, |_, metrics| Ok(sign * of_run(metrics, y, until)?));
    let up_to = until.map_or_else(String::new, |until| format!(" up to {until}"));
    let what = format!("mean over runs of the rank correlation of {y} with its x{up_to}{which}");
    let Some(mean) = sample.mean() else {
        return CheckResult::of_no_runs(what).over_samples(&[sample.basis()]);
    };
    let bound =
        if at_least > 0.0 { format!("at least {}", formatted(at_least)) } else { "above 0".to_owned() };
    let measured = format!("{what}: {}; should be {bound}", formatted(mean));
    // The interval of a mean of correlations may reach beyond them.
    let interval =
        mean_interval(&sample.values(), LEVEL).map(|interval| interval.map(|end| end.clamp(-1.0, 1.0)));
    CheckResult::new(measured, mean, interval, |interval| {
        if at_least > 0.0 && interval.low >= at_least {
            return Verdict::Holds;
        }
        Verdict::is_above(interval, at_least)
    })
    .over_samples(&[sample.basis()])
}

/// The rank correlation of a run's values with their x. A series with a value that isn't finite has none: leaving the
/// value out would be a choice of values by what they are.
fn of_run(metrics: &Metrics, y: &str, until: Option<&str>) -> Result<f64, ExclusionReason> {
    let series = metrics.series.get(y).ok_or(ExclusionReason::NotRecorded)?;
    let last = match until {
        Some(until) => measure(metrics, until).map_err(|_| ExclusionReason::NoEnd)?,
        None => f64::INFINITY,
    };
    let (x, values): (Vec<f64>, Vec<f64>) = series.points.iter().filter(|(x, _)| *x <= last).copied().unzip();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(ExclusionReason::NotFinite);
    }
    spearman(&x, &values).ok_or(ExclusionReason::NoRankCorrelation)
}
