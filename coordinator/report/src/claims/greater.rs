//! Whether a measure is greater in one selection than in another.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::runs::Run;
use crate::statistics::LEVEL;

/// The difference of the means, against 0.
pub(super) fn decide(runs: &[Run], a: &Selection, b: &Selection, y: &str) -> CheckResult {
    let sample = |selection| Sample::of(runs, selection, |_, metrics| measure(metrics, y));
    let (of_a, of_b) = (sample(a), sample(b));
    let mean = |sample: &Sample<'_, f64>| formatted(sample.mean().unwrap_or(f64::NAN));
    pair::decide(format!("mean of {y}"), &of_a, &of_b, LEVEL, |found| {
        let measured = format!(
            "mean of {y}: {} against {}, difference {} ({}); should be above 0",
            mean(&of_a),
            mean(&of_b),
            formatted(found.estimate),
            found.method.words(),
        );
        CheckResult::new(measured, found.estimate, found.interval, |interval| {
            Verdict::is_above(interval, 0.0)
        })
    })
}
