//! Whether the mean of a measure lies between two bounds.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::middle;
use super::requirement::Requirement;
use super::rule::DecisionRule;
use super::sample::{Sample, measure};
use super::single;
use super::test_examples::{Shares, in_view_of_test_examples};
use crate::runs::Run;
use crate::selection::is_selected;

/// The middle that the claim asks for, or that belongs to the measure, against the bounds.
pub(super) fn decide(
    runs: &[Run],
    of: &Selection,
    y: &str,
    (low, high): (f64, f64),
    rule: DecisionRule<'_>,
) -> CheckResult {
    let selected: Vec<&Run> = runs.iter().filter(|run| is_selected(run, of)).collect();
    let center = middle::chosen(rule.middle, y, &selected);
    let sample = Sample::of(runs, of, |_, metrics| middle::scaled(center, measure(metrics, y)?));
    let requirement =
        Requirement::Within(middle::scaled_bound(center, low), middle::scaled_bound(center, high));
    let what = format!("{} of {y}", center.words());
    let interval = |values: &[f64], level: f64| center.interval(values, level);
    let result = single::decide(&sample, center, interval, rule.levels, requirement, &what, |mean| {
        let (mean, low, high) = (formatted(mean), formatted(low), formatted(high));
        format!("{what}: {mean}; should lie within {low} and {high}")
    });
    let measured: Vec<&Run> = sample.runs().iter().map(|(run, _)| *run).collect();
    match sample.middle(center) {
        Some(mean) => in_view_of_test_examples(result, y, center, &measured, Shares::One(mean), requirement),
        None => result,
    }
}
