//! Whether two selections can't be told apart.

use basin_domain::claim::Selection;

use super::finding::Finding;
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::report::chart::number::significant;
use crate::report::runs::Run;
use crate::report::statistics::LEVEL;

/// The ratio of the geometric means of a positive measure, against 1/factor and factor.
pub(super) fn decide(runs: &[Run], a: &Selection, b: &Selection, y: &str, factor: f64) -> Finding {
    let logarithm = |selection| {
        Sample::of(runs, selection, |_, record| {
            let value = measure(record, y)?;
            if value > 0.0 { Ok(value.ln()) } else { Err("without a positive value") }
        })
    };
    let (of_a, of_b) = (logarithm(a), logarithm(b));
    let finding = match pair::compare(&of_a, &of_b, LEVEL) {
        None => Finding::undecided(format!("geometric mean of {y}"), "a side has no value"),
        Some(found) => {
            let measured = format!(
                "geometric mean of {y}: {} against {}, ratio {} ({}); should lie within {} and {}",
                significant(of_a.mean().exp()),
                significant(of_b.mean().exp()),
                significant(found.estimate.exp()),
                found.method.words(),
                significant(1.0 / factor),
                significant(factor),
            );
            let ratios = found.interval.map(|(low, high)| (low.exp(), high.exp()));
            Finding::new(measured, found.estimate.exp(), ratios, |ratios| {
                Verdict::is_within(ratios, 1.0 / factor, factor)
            })
        }
    };
    finding.of_runs(&[of_a.runs.len(), of_b.runs.len()], pair::left_out(&of_a, &of_b))
}
