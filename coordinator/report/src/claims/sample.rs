//! The runs of a selection with what was measured in each.

use std::collections::{BTreeMap, BTreeSet};

use basin_domain::claim::Selection;
use basin_domain::metrics::Metrics;

use super::check_result::SampleSummary;
use crate::duplicates;
use crate::exclusions::{ExclusionReason, Filtered, finite};
use crate::runs::{Computation, Run, distinct};
use crate::selection::is_selected;
use crate::statistics::Center;

/// The runs of a selection that have a quantity, and how many don't. Runs that are one computation are one run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'a, T> {
    /// The runs that have it, in plan order, and the count of those that don't.
    kept: Filtered<(&'a Run, T)>,
    /// All selected runs, those that are one computation too.
    selected: Vec<&'a Run>,
}

impl<'a, T> Sample<'a, T> {
    /// Measures those of `runs` that are selected and completed; `quantity` says why one can't be measured.
    pub(super) fn of(
        runs: &'a [Run],
        selection: &Selection,
        quantity: impl Fn(&'a Run, &'a Metrics) -> Result<T, ExclusionReason>,
    ) -> Self {
        Self::of_all(runs.iter().filter(|run| is_selected(run, selection)).collect(), quantity)
    }

    /// Measures `selected` runs.
    pub(super) fn of_all(
        selected: Vec<&'a Run>,
        quantity: impl Fn(&'a Run, &'a Metrics) -> Result<T, ExclusionReason>,
    ) -> Self {
        let kept = Filtered::partition(distinct(selected.iter().copied()), |run| {
            Ok((run, quantity(run, run.measured()?)?))
        });
        Self { kept, selected }
    }

    /// The runs that have the quantity, with it.
    pub(super) fn runs(&self) -> &[(&'a Run, T)] {
        self.kept.values()
    }

    /// How many runs have the quantity.
    pub(super) const fn n(&self) -> usize {
        self.kept.n()
    }

    /// Whether a run that should have the quantity doesn't.
    pub(super) fn has_gaps(&self) -> bool {
        self.kept.exclusions().undefined().count() > 0
    }

    /// All selected runs, each as often as the sweep has it.
    pub(super) fn selected(&self) -> &[&'a Run] {
        &self.selected
    }

    /// The computations of the selected runs.
    pub(super) fn computations(&self) -> BTreeSet<Computation<'a>> {
        self.selected.iter().map(|run| run.computation()).collect()
    }

    /// The selected runs of each computation.
    pub(super) fn by_computation(&self) -> BTreeMap<Computation<'a>, Vec<&'a Run>> {
        let mut members: BTreeMap<Computation<'a>, Vec<&'a Run>> = BTreeMap::new();
        for run in &self.selected {
            members.entry(run.computation()).or_default().push(run);
        }
        members
    }

    /// The runs that a result of this sample rests on, and those that it doesn't.
    pub(super) fn basis(&self) -> SampleSummary {
        SampleSummary {
            n: self.n(),
            left_out: self.kept.exclusions().clone(),
            duplicates: duplicates::sentences(&self.selected),
        }
    }
}

impl Sample<'_, f64> {
    /// The quantity of each run.
    pub(super) fn values(&self) -> Vec<f64> {
        self.runs().iter().map(|(_, value)| *value).collect()
    }

    /// The middle of the quantity, which is on that middle's scale; none of no run.
    pub(super) fn middle(&self, center: Center) -> Option<f64> {
        center.middle(&self.values())
    }
}

/// A measure of a run: the last value of a series, or a single number.
pub(super) fn measure(metrics: &Metrics, name: &str) -> Result<f64, ExclusionReason> {
    finite(metrics.last(name).ok_or(ExclusionReason::NotRecorded)?)
}
