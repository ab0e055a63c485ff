//! The runs of a selection with what was measured in each.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::claim::Selection;
use basin_domain::record::Record;

use crate::report::projection::is_selected;
use crate::report::runs::{Counts, Run};

/// Why a run without a number can't be measured.
pub(super) const NOT_FINITE: &str = "without a finite value";

/// The runs of a selection that have a quantity, and how many don't.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a, T> {
    /// The runs that have it, in plan order.
    pub(super) runs: Vec<(&'a Run, T)>,
    /// How all selected runs ended.
    counts: Counts,
    /// How many completed runs don't have it, by the reason.
    unmeasured: BTreeMap<&'static str, usize>,
}

impl<'a, T> Sample<'a, T> {
    /// Measures those of `runs` that are selected and completed; `quantity` says why one can't be measured, in words that
    /// follow a number (`without a finite value`).
    pub(super) fn of(
        runs: &'a [Run],
        selection: &Selection,
        quantity: impl Fn(&'a Run, &'a Record) -> Result<T, &'static str>,
    ) -> Self {
        // A task of two experiments is in the plan twice.
        let mut known = BTreeSet::new();
        let selected =
            runs.iter().filter(|run| is_selected(run, selection) && known.insert(run.task.id)).collect();
        Self::of_all(selected, quantity)
    }

    /// Measures `selected` runs.
    pub(super) fn of_all(
        selected: Vec<&'a Run>,
        quantity: impl Fn(&'a Run, &'a Record) -> Result<T, &'static str>,
    ) -> Self {
        let counts = Counts::of(selected.iter().copied());
        let (mut runs, mut unmeasured) = (Vec::new(), BTreeMap::new());
        for run in selected {
            let Some(record) = run.completed() else { continue };
            match quantity(run, record) {
                Ok(value) => runs.push((run, value)),
                Err(why) => *unmeasured.entry(why).or_default() += 1,
            }
        }
        Self { runs, counts, unmeasured }
    }

    /// The runs that aren't measured, in words: `1 diverged, 2 without a finite value`.
    pub(super) fn left_out(&self) -> String {
        let counted = Some(self.counts.left_out()).filter(|words| !words.is_empty());
        let unmeasured = self.unmeasured.iter().map(|(why, count)| format!("{count} {why}"));
        counted.into_iter().chain(unmeasured).collect::<Vec<_>>().join(", ")
    }
}

impl Sample<'_, f64> {
    /// The quantity of each run.
    pub(super) fn values(&self) -> Vec<f64> {
        self.runs.iter().map(|(_, value)| *value).collect()
    }

    /// The mean of the quantity; NaN of no run.
    pub(super) fn mean(&self) -> f64 {
        self.values().iter().sum::<f64>() / self.runs.len() as f64
    }
}

/// A measure of a run: the last value of a series, or a single number.
pub(super) fn measure(record: &Record, name: &str) -> Result<f64, &'static str> {
    record.last(name).filter(|value| value.is_finite()).ok_or(NOT_FINITE)
}
