//! Runs that others read.

use super::source::ExampleCounts;
use crate::data::{self, DatasetReference};
use crate::experiment::Experiment;

/// A run, of any seed, that references may lead to.
#[derive(Debug)]
pub(super) struct ReferencedRun {
    /// The typed parameters, in their canonical form.
    pub(super) experiment: Experiment,
    /// The data set that it reads.
    pub(super) dataset: Option<DatasetReference>,
    /// The typed parameters as they are written, where that is another form.
    written: Option<Box<Experiment>>,
}

impl ReferencedRun {
    /// A run of these parameters; `counts` are the examples of data sets.
    pub(super) fn new(
        experiment: Experiment,
        dataset: Option<DatasetReference>,
        counts: &ExampleCounts,
    ) -> Self {
        let canonical = canonical(experiment.clone(), dataset.as_ref(), counts);
        let written = (experiment != canonical).then(|| Box::new(experiment));
        Self { experiment: canonical, dataset, written }
    }

    /// The typed parameters as they are written.
    pub(super) fn as_written(&self) -> &Experiment {
        self.written.as_deref().unwrap_or(&self.experiment)
    }
}

/// An experiment in its canonical form, on this data set.
pub(super) fn canonical(
    experiment: Experiment,
    dataset: Option<&DatasetReference>,
    counts: &ExampleCounts,
) -> Experiment {
    let known = |reference: &DatasetReference| {
        counts.get(reference).copied().or_else(|| data::built_in_sizes(reference.name.as_str()))
    };
    experiment.canonical(dataset.and_then(known))
}
