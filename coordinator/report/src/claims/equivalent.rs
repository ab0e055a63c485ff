//! Whether two selections can't be told apart.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::levels::DecisionLevels;
use super::pair::Comparison;
use super::requirement::Requirement;
use crate::runs::Run;
use crate::statistics::Center;

/// The ratio of the geometric means of a positive measure, against 1/factor and factor.
pub(super) fn decide(
    runs: &[Run],
    (a, b): (&Selection, &Selection),
    y: &str,
    factor: f64,
    levels: DecisionLevels,
) -> CheckResult {
    let bound = format!("lie within {} and {}", formatted(1.0 / factor), formatted(factor));
    let requirement = Requirement::Within(-factor.ln(), factor.ln());
    Comparison::of(runs, (a, b), y, |_| Center::GeometricMean).decide(levels, requirement, &bound)
}
