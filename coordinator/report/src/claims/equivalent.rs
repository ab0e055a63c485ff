//! Whether two selections can't be told apart.

use basin_domain::claim::Selection;

use super::finding::{Finding, stated};
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::left_out::positive;
use crate::runs::Run;
use crate::statistics::LEVEL;

/// The ratio of the geometric means of a positive measure, against 1/factor and factor.
pub(super) fn decide(runs: &[Run], a: &Selection, b: &Selection, y: &str, factor: f64) -> Finding {
    let logarithm =
        |selection| Sample::of(runs, selection, |_, record| Ok(positive(measure(record, y)?)?.ln()));
    let (of_a, of_b) = (logarithm(a), logarithm(b));
    let mean = |sample: &Sample<'_, f64>| stated(sample.mean().unwrap_or(f64::NAN).exp());
    pair::decide(format!("geometric mean of {y}"), &of_a, &of_b, LEVEL, |found| {
        let measured = format!(
            "geometric mean of {y}: {} against {}, ratio {} ({}); should lie within {} and {}",
            mean(&of_a),
            mean(&of_b),
            stated(found.estimate.exp()),
            found.method.words(),
            stated(1.0 / factor),
            stated(factor),
        );
        let ratios = found.interval.map(|(low, high)| (low.exp(), high.exp()));
        Finding::new(measured, found.estimate.exp(), ratios, |ratios| {
            Verdict::is_within(ratios, 1.0 / factor, factor)
        })
    })
}
