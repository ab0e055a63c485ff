//! A point of an experiment, read by its kind.

use super::derivation::Derivation;
use super::reference::Reference;
use crate::data::DatasetReference;
use crate::experiment::Experiment;

/// A point with typed parameters.
#[derive(Debug, Clone)]
pub(super) struct ParsedPoint {
    /// The typed parameters, as far as the point alone gives them.
    pub(super) experiment: UnresolvedExperiment,
    /// The data set that the run reads, if it reads one; that of its inputs if it is derived from them.
    pub(super) dataset: Option<DatasetReference>,
}

/// The typed parameters of a point.
#[derive(Debug, Clone)]
pub(super) enum UnresolvedExperiment {
    /// All of them.
    Complete(Experiment),
    /// The parameters that depend on other experiments' runs are still missing.
    Derived {
        /// The runs whose results are read, by the name of the input.
        inputs: Vec<(&'static str, Reference)>,
        /// The experiment on them.
        derivation: Derivation,
    },
}

impl ParsedPoint {
    /// A point whose own parameters are all that there is to know.
    pub(super) fn complete(experiment: Experiment, dataset: Option<DatasetReference>) -> Self {
        Self { experiment: UnresolvedExperiment::Complete(experiment), dataset }
    }

    /// A point that reads the results of these runs.
    pub(super) fn derived(inputs: Vec<(&'static str, Reference)>, derivation: Derivation) -> Self {
        Self { experiment: UnresolvedExperiment::Derived { inputs, derivation }, dataset: None }
    }
}
