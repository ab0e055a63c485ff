//! Whether a measure is greater in one selection than in another.

use basin_domain::claim::Selection;

use super::finding::Finding;
use super::pair;
use super::sample::{Sample, measure};
use super::verdict::Verdict;
use crate::report::chart::number::significant;
use crate::report::runs::Run;
use crate::report::statistics::LEVEL;

/// The difference of the means, against 0.
pub(super) fn decide(runs: &[Run], a: &Selection, b: &Selection, y: &str) -> Finding {
    let sample = |selection| Sample::of(runs, selection, |_, record| measure(record, y));
    let (of_a, of_b) = (sample(a), sample(b));
    let finding = match pair::compare(&of_a, &of_b, LEVEL) {
        None => Finding::undecided(format!("mean of {y}"), "a side has no value"),
        Some(found) => {
            let measured = format!(
                "mean of {y}: {} against {}, difference {} ({}); should be above 0",
                significant(of_a.mean()),
                significant(of_b.mean()),
                significant(found.estimate),
                found.method.words(),
            );
            Finding::new(measured, found.estimate, found.interval, |interval| {
                Verdict::is_above(interval, 0.0)
            })
        }
    };
    finding.of_runs(&[of_a.runs.len(), of_b.runs.len()], pair::left_out(&of_a, &of_b))
}
