//! Two selections side by side.

use super::check_result::CheckResult;
use super::sample::Sample;
use crate::duplicates;
use crate::runs::Run;
use crate::statistics::{Difference, difference};

/// The difference between the means of two samples of one point each, paired where they have the same seeds.
pub(super) fn compare(a: &Sample<'_, f64>, b: &Sample<'_, f64>, level: f64) -> Option<Difference> {
    difference(&by_seed(a), &by_seed(b), level)
}

/// How two samples compare, by what `found` says of their difference: nothing where they have runs in common, since no run
/// is evidence for or against itself, or where a side has no value.
pub(super) fn decide(
    what: String,
    a: &Sample<'_, f64>,
    b: &Sample<'_, f64>,
    level: f64,
    found: impl FnOnce(&Difference) -> CheckResult,
) -> CheckResult {
    let result = match (in_common(a, b), compare(a, b, level)) {
        (Some(why), _) => CheckResult::undecided(what, why),
        (None, None) => CheckResult::undecided(what, "a side has no value"),
        (None, Some(difference)) => found(&difference),
    };
    result.over_samples(&[a.basis(), b.basis()])
}

/// The runs of two samples that are one run, in words, if any is.
pub(super) fn in_common(a: &Sample<'_, f64>, b: &Sample<'_, f64>) -> Option<String> {
    let of_b = b.computations();
    let shared: Vec<_> = a.computations().into_iter().filter(|one| of_b.contains(one)).collect();
    if shared.is_empty() {
        return None;
    }
    let both = a.selected().iter().chain(b.selected()).copied();
    let runs: Vec<&Run> = both.filter(|run| shared.contains(&run.computation())).collect();
    let named = duplicates::sentences(&runs);
    let (count, runs) = (shared.len(), if shared.len() == 1 { "run" } else { "runs" });
    Some(match named.is_empty() {
        true => format!("both sides are the same point: {count} {runs} in common"),
        false => format!("{count} {runs} in common: {}", named.join(", ")),
    })
}

fn by_seed(sample: &Sample<'_, f64>) -> Vec<(u64, f64)> {
    sample.runs().iter().map(|(run, value)| (run.task.spec.seed, *value)).collect()
}
