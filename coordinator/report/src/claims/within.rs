//! Whether the mean of a measure lies between two bounds.

use basin_domain::claim::Selection;

use super::finding::{Finding, stated};
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::runs::Run;
use crate::statistics::{LEVEL, mean_interval};

/// The mean, against the bounds.
pub(super) fn decide(runs: &[Run], of: &Selection, y: &str, low: f64, high: f64) -> Finding {
    let sample = Sample::of(runs, of, |_, record| measure(record, y));
    let finding = match sample.mean() {
        None => Finding::of_nothing(format!("mean of {y}")),
        Some(mean) => {
            let measured = format!(
                "mean of {y}: {}; should lie within {} and {}",
                stated(mean),
                stated(low),
                stated(high)
            );
            let interval = mean_interval(&sample.values(), LEVEL);
            Finding::new(measured, mean, interval, |interval| Verdict::is_within(interval, low, high))
        }
    };
    finding.resting_on(&[sample.basis()])
}
