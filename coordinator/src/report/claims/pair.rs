//! Two selections side by side.

use std::collections::BTreeSet;

use basin_domain::claim::Selection;

use super::sample::Sample;
use crate::report::runs::Run;
use crate::report::statistics::{Difference, difference};

/// What pairs a run with one of another sample: the values of its varied parameters but those that tell the samples apart,
/// and its seed.
type Key = (Vec<(String, String)>, u64);

/// The difference between the means of two samples, paired where they have the same seeds (and the same values of the
/// parameters that the selections leave open).
pub(super) fn compare(
    a: &Sample<'_, f64>,
    b: &Sample<'_, f64>,
    apart: &BTreeSet<&str>,
    level: f64,
) -> Option<Difference> {
    difference(&keyed(a, apart), &keyed(b, apart), level)
}

/// The parameters that tell two selections apart.
pub(super) fn apart<'a>(a: &'a Selection, b: &'a Selection) -> BTreeSet<&'a str> {
    a.values.keys().chain(b.values.keys()).map(String::as_str).collect()
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

fn keyed(sample: &Sample<'_, f64>, apart: &BTreeSet<&str>) -> Vec<(Key, f64)> {
    sample.runs.iter().map(|(run, value)| (key(run, apart), *value)).collect()
}

fn key(run: &Run, apart: &BTreeSet<&str>) -> Key {
    let open = run.task.point.iter().filter(|(name, _)| *name != "seed" && !apart.contains(name.as_str()));
    (open.map(|(name, value)| (name.clone(), value.to_string())).collect(), run.task.spec.seed)
}
