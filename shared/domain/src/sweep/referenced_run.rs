//! Runs that others read.

use super::source::DatasetContents;
use crate::data::{Contents, DatasetReference};
use crate::experiment::Experiment;

/// The place of a run among all: the index of its experiment, and that of its point there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RunPlace {
    pub(super) space: usize,
    pub(super) point: usize,
}

/// A run that another reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReferencedInput {
    /// The name of the input.
    pub(super) name: String,
    /// The run.
    pub(super) run: RunPlace,
    /// Its seed; that of the run which reads it if none.
    pub(super) seed: Option<u64>,
}

/// A run, of any seed, that references may lead to.
#[derive(Debug)]
pub(super) struct ReferencedRun {
    /// Its place.
    pub(super) place: RunPlace,
    /// The runs that it reads itself.
    pub(super) inputs: Vec<ReferencedInput>,
    /// The typed parameters, in their canonical form.
    pub(super) experiment: Experiment,
    /// The data set that it reads.
    pub(super) dataset: Option<DatasetReference>,
    /// The typed parameters as they are written, where that is another form.
    written: Option<Box<Experiment>>,
}

impl ReferencedRun {
    /// A run of these parameters at this place, which reads these others; `contents` are what data sets hold.
    pub(super) fn new(
        place: RunPlace,
        inputs: Vec<ReferencedInput>,
        experiment: Experiment,
        dataset: Option<DatasetReference>,
        contents: &DatasetContents,
    ) -> Self {
        let canonical = canonical(experiment.clone(), dataset.as_ref(), contents);
        let written = (experiment != canonical).then(|| Box::new(experiment));
        Self { place, inputs, experiment: canonical, dataset, written }
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
    contents: &DatasetContents,
) -> Experiment {
    let known = known_contents(&experiment, dataset, contents);
    experiment.canonical(known.map(|it| it.sizes))
}

/// What the data set of an experiment holds, as far as it is known.
pub(super) fn known_contents(
    experiment: &Experiment,
    dataset: Option<&DatasetReference>,
    contents: &DatasetContents,
) -> Option<Contents> {
    if let Some(recipe) = experiment.recipe() {
        return Some(Contents::of_recipe(recipe));
    }
    let reference = dataset?;
    contents.get(reference).cloned().or_else(|| Contents::of_built_in(reference.name.as_str()))
}
