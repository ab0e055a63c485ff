//! Whether a measure is greater in one selection than in another.

use basin_domain::claim::Selection;

use super::check_result::CheckResult;
use super::middle;
use super::pair::Comparison;
use super::requirement::Requirement;
use super::rule::DecisionRule;
use crate::runs::Run;
use crate::statistics::Center;

/// The difference of the means, or of the interquartile means, against 0, or the ratio of the geometric means, against 1.
/// Beside it the probability that a run of the first has a greater value than one of the second.
pub(super) fn decide(
    runs: &[Run],
    a: &Selection,
    b: &Selection,
    y: &str,
    rule: DecisionRule<'_>,
) -> CheckResult {
    let comparison = Comparison::of(runs, (a, b), y, |runs| middle::chosen(rule.middle, y, runs));
    let bound = match comparison.center {
        Center::Mean | Center::InterquartileMean { .. } => "be above 0",
        Center::GeometricMean => "be above 1",
    };
    let improvement = comparison.improvement(rule.levels.to_hold());
    let result = comparison.decide(rule.levels, Requirement::Above(0.0), bound);
    CheckResult { probability_of_improvement: improvement, ..result }
}
