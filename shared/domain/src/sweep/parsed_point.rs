//! A point of an experiment, read by its kind.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::derivation::{Derivation, TrainingOrigin};
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
    /// What the file says that the run records, beside what follows from its parameters.
    pub(super) declared: DeclaredSeries,
}

/// What a sweep file says that an experiment's runs record. It changes no run: no task's id depends on it.
#[derive(Debug, Clone, Default)]
pub(super) struct DeclaredSeries {
    /// The names of series.
    pub(super) series: BTreeSet<String>,
    /// The names of single numbers.
    pub(super) numbers: BTreeSet<String>,
}

/// The typed parameters of a point.
#[derive(Debug, Clone)]
pub(super) enum UnresolvedExperiment {
    /// All of them.
    Complete(Experiment),
    /// The parameters that depend on other experiments' runs are still missing.
    Derived {
        /// The runs whose results are read, by the name of the input.
        inputs: Vec<(Cow<'static, str>, Reference)>,
        /// The experiment on them.
        derivation: Derivation,
    },
    /// All of them but what the runs say whose training its own begins with.
    Begun {
        /// These runs, by the name of the input.
        inputs: Vec<(Cow<'static, str>, Reference)>,
        /// The experiment.
        experiment: Experiment,
        /// How they were named.
        origin: TrainingOrigin,
    },
    /// All of them, and the runs whose results are read beside.
    Reading {
        /// These runs, by the name of the input; at least one.
        inputs: Vec<(Cow<'static, str>, Reference)>,
        /// The experiment.
        experiment: Experiment,
    },
}

impl ParsedPoint {
    /// A point whose own parameters are all that there is to know.
    pub(super) fn complete(experiment: Experiment, dataset: Option<DatasetReference>) -> Self {
        Self {
            experiment: UnresolvedExperiment::Complete(experiment),
            dataset,
            declared: DeclaredSeries::default(),
        }
    }

    /// A point of a network's training, which begins with that of other runs if there is such an origin.
    pub(super) fn trained(
        experiment: Experiment,
        dataset: Option<DatasetReference>,
        origin: Option<TrainingOrigin>,
    ) -> Self {
        let Some(origin) = origin else { return Self::complete(experiment, dataset) };
        let inputs = origin.inputs(&experiment);
        let experiment = UnresolvedExperiment::Begun { inputs, experiment, origin };
        Self { experiment, dataset, declared: DeclaredSeries::default() }
    }

    /// A point whose own parameters are all that there is to know, and which reads the results of these runs, if there are any.
    pub(super) fn reading(
        experiment: Experiment,
        dataset: Option<DatasetReference>,
        inputs: Vec<(String, Reference)>,
    ) -> Self {
        if inputs.is_empty() {
            return Self::complete(experiment, dataset);
        }
        let inputs = inputs.into_iter().map(|(name, reference)| (name.into(), reference)).collect();
        let experiment = UnresolvedExperiment::Reading { inputs, experiment };
        Self { experiment, dataset, declared: DeclaredSeries::default() }
    }

    /// The experiment, as far as the point alone gives it.
    pub(super) const fn own_experiment(&self) -> Option<&Experiment> {
        match &self.experiment {
            UnresolvedExperiment::Complete(experiment)
            | UnresolvedExperiment::Begun { experiment, .. }
            | UnresolvedExperiment::Reading { experiment, .. } => Some(experiment),
            UnresolvedExperiment::Derived { .. } => None,
        }
    }

    /// The runs that it reads, by the name of the input.
    pub(super) fn inputs(&self) -> &[(Cow<'static, str>, Reference)] {
        match &self.experiment {
            UnresolvedExperiment::Complete(_) => &[],
            UnresolvedExperiment::Derived { inputs, .. }
            | UnresolvedExperiment::Begun { inputs, .. }
            | UnresolvedExperiment::Reading { inputs, .. } => inputs,
        }
    }

    /// The run whose seeds the experiment has where it gives none.
    pub(super) fn gives_seeds(&self) -> Option<&Reference> {
        match &self.experiment {
            UnresolvedExperiment::Begun { origin, .. } => {
                Some(&origin.trunk).filter(|trunk| trunk.seed.is_none())
            }
            UnresolvedExperiment::Complete(_)
            | UnresolvedExperiment::Derived { .. }
            | UnresolvedExperiment::Reading { .. } => self.inputs().first().map(|(_, reference)| reference),
        }
    }

    /// The same point, whose run records what the file says.
    pub(super) fn recording(self, declared: DeclaredSeries) -> Self {
        Self { declared, ..self }
    }

    /// A point that reads the results of these runs.
    pub(super) fn derived<const N: usize>(
        inputs: [(&'static str, Reference); N],
        derivation: Derivation,
    ) -> Self {
        let inputs = inputs.into_iter().map(|(name, reference)| (name.into(), reference)).collect();
        let experiment = UnresolvedExperiment::Derived { inputs, derivation };
        Self { experiment, dataset: None, declared: DeclaredSeries::default() }
    }
}
