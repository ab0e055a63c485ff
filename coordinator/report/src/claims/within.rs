//! Whether the mean of a measure lies between two bounds.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::levels::DecisionLevels;
use super::middle;
use super::requirement::Requirement;
use super::sample::{Sample, measure};
use super::single;
use super::test_examples::{Shares, in_view_of_test_examples};
use crate::runs::Run;
use crate::selection::is_selected;
use crate::statistics::mean_interval;

/// The mean, against the bounds; the geometric mean of a measure to which it belongs.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    (low, high): (f64, f64),
    levels: DecisionLevels,
) -> CheckResult {
    let selected: Vec<&Run> = runs.iter().filter(|run| is_selected(run, of)).collect();
    let center = middle::center(y, &selected);
    let sample = Sample::of(runs, of, |_, metrics| middle::scaled(center, measure(metrics, y)?));
    let requirement =
        Requirement::Within(middle::scaled_bound(center, low), middle::scaled_bound(center, high));
    let what = format!("{} of {y}", center.words());
    let result = single::decide(&sample, center, mean_interval, levels, requirement, &what, |mean| {
        let (mean, low, high) = (formatted(mean), formatted(low), formatted(high));
        format!("{what}: {mean}; should lie within {low} and {high}")
    });
    let measured: Vec<&Run> = sample.runs().iter().map(|(run, _)| *run).collect();
    match sample.mean() {
        Some(mean) => in_view_of_test_examples(result, y, center, &measured, Shares::One(mean), requirement),
        None => result,
    }
}
