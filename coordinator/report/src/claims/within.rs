//! Whether the mean of a measure lies between two bounds.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::runs::Run;
use crate::statistics::{LEVEL, mean_interval};

/// The mean, against the bounds.
pub(super) fn decide(runs: &[Run], of: &Selection, y: &str, low: f64, high: f64) -> CheckResult {
    let sample = Sample::of(runs, of, |_, metrics| measure(metrics, y));
    let result = match sample.mean() {
        None => CheckResult::of_no_runs(format!("mean of {y}")),
        Some(mean) => {
            let measured = format!(
                "mean of {y}: {}; should lie within {} and {}",
                formatted(mean),
                formatted(low),
                formatted(high)
            );
            let interval = mean_interval(&sample.values(), LEVEL);
            CheckResult::new(measured, mean, interval, |interval| Verdict::is_within(interval, low, high))
        }
    };
    result.over_samples(&[sample.basis()])
}
