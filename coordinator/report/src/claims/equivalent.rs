//! Whether two selections can't be told apart.

use basin_domain::claim::Selection;

use super::check_result::{CheckResult, formatted};
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::exclusions::positive;
use crate::runs::Run;
use crate::statistics::LEVEL;

/// The ratio of the geometric means of a positive measure, against 1/factor and factor.
pub(super) fn decide(runs: &[Run], a: &Selection, b: &Selection, y: &str, factor: f64) -> CheckResult {
    let logarithm =
        |selection| Sample::of(runs, selection, |_, metrics| Ok(positive(measure(metrics, y)?)?.ln()));
    let (of_a, of_b) = (logarithm(a), logarithm(b));
    let mean = |sample: &Sample<'_, f64>| formatted(sample.mean().unwrap_or(f64::NAN).exp());
    pair::decide(format!("geometric mean of {y}"), &of_a, &of_b, LEVEL, |found| {
        let measured = format!(
            "geometric mean of {y}: {} against {}, ratio {} ({}); should lie within {} and {}",
            mean(&of_a),
            mean(&of_b),
            formatted(found.estimate.exp()),
            found.method.words(),
            formatted(1.0 / factor),
            formatted(factor),
        );
        let ratios = found.interval.map(|interval| interval.map(f64::exp));
        CheckResult::new(measured, found.estimate.exp(), ratios, |ratios| {
            Verdict::is_within(ratios, 1.0 / factor, factor)
        })
    })
}
