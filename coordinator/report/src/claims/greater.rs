//! Whether a measure is greater in one selection than in another.

use basin_domain::claim::Selection;

use super::check_result::CheckResult;
use super::levels::DecisionLevels;
use super::pair::Comparison;
use super::requirement::Requirement;
use crate::runs::Run;
use crate::statistics::Center;

/// The difference of the means, against 0, or the ratio of the geometric means, against 1.
pub(super) fn decide(
    runs: &[Run],
    a: &Selection,
    b: &Selection,
    y: &str,
    levels: DecisionLevels,
) -> CheckResult {
    let comparison = Comparison::of(runs, (a, b), y, None);
    let bound = match comparison.center {
        Center::Mean => "be above 0",
        Center::GeometricMean => "be above 1",
    };
    comparison.decide(levels, Requirement::Above(0.0), bound)
}
