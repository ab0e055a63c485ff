//! The middle of one number a run, of the runs of one point.

use super::cautions;
use super::check_result::{CheckResult, Estimate};
use super::levels::DecisionLevels;
use super::middle;
use super::requirement::Requirement;
use super::sample::Sample;
use crate::statistics::{Center, ConfidenceInterval, Design, range};

/// The middle of a sample of one point, its values on the scale of `center`, against `requirement` by what `interval_of`
/// makes of its values at a level. `measured` has the mean for people.
pub(super) fn decide(
    sample: &Sample<'_, f64>,
    center: Center,
    interval_of: impl Fn(&[f64], f64) -> Option<ConfidenceInterval>,
    levels: DecisionLevels,
    requirement: Requirement,
    what: &str,
    measured: impl FnOnce(f64) -> String,
) -> CheckResult {
    let Some(mean) = sample.middle(center) else {
        return CheckResult::of_no_runs(what.to_owned()).over_samples(&[sample.basis()]);
    };
    let values = sample.values();
    let estimate = Estimate {
        value: mean,
        interval_at: |level| interval_of(&values, level),
        center,
        design: Some(Design::OneSample { runs: sample.n() }),
    };
    let measured = measured(middle::unscaled(center, mean));
    let result = CheckResult::decided(measured, &estimate, levels, requirement);
    let result = result.over_samples(&[sample.basis()]);
    let few = cautions::of_few_runs(&result, center, Some(range(&values)));
    let apart = cautions::of_runs_apart(sample, center, "");
    result.with_cautions(few.into_iter().chain(apart))
}
