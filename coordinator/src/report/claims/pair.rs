//! Two selections side by side.

use super::sample::Sample;
use crate::report::statistics::{Difference, difference};

/// The difference between the means of two samples of one point each, paired where they have the same seeds.
pub(super) fn compare(a: &Sample<'_, f64>, b: &Sample<'_, f64>, level: f64) -> Option<Difference> {
    difference(&by_seed(a), &by_seed(b), level)
}

/// What is left out of two samples, in words.
pub(super) fn left_out<T>(a: &Sample<'_, T>, b: &Sample<'_, T>) -> String {
    let (of_a, of_b) = (a.left_out(), b.left_out());
    match (of_a.is_empty(), of_b.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("of the first: {of_a}"),
        (true, false) => format!("of the second: {of_b}"),
        (false, false) => format!("of the first: {of_a}; of the second: {of_b}"),
    }
}

fn by_seed(sample: &Sample<'_, f64>) -> Vec<(u64, f64)> {
    sample.runs.iter().map(|(run, value)| (run.task.spec.seed, *value)).collect()
}
