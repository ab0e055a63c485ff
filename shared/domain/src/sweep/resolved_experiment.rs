//! A point's experiment, once the runs that it reads are found.

use std::borrow::Cow;

use super::error::LocatedError;
use super::location::Location;
use super::parsed_point::{ParsedPoint, UnresolvedExperiment};
use super::reference::Reference;
use super::reference_resolver::ReferenceResolver;
use super::seeds::Seeds;
use crate::data::DatasetReference;
use crate::experiment::{Experiment, Tile};

/// A point's experiment with everything that it takes from the runs that it reads.
#[derive(Debug)]
pub(super) struct ResolvedExperiment<'a> {
    /// The experiment.
    pub(super) experiment: Cow<'a, Experiment>,
    /// The data set that its runs read.
    pub(super) dataset: Option<&'a DatasetReference>,
    /// The runs that it reads, by the name of the input.
    pub(super) inputs: Vec<(&'a str, &'a Reference)>,
}

impl<'a> ResolvedExperiment<'a> {
    /// Finds what `reading` refers to.
    pub(super) fn new(
        parsed: &'a ParsedPoint,
        targets: &'a ReferenceResolver<'_>,
        tile: Tile,
    ) -> Result<Self, LocatedError> {
        let references = parsed.inputs();
        let inputs = references.iter().map(|(name, reference)| (&**name, reference)).collect();
        let derivation = match &parsed.experiment {
            UnresolvedExperiment::Complete(experiment) | UnresolvedExperiment::Reading { experiment, .. } => {
                references.iter().try_for_each(|(_, reference)| targets.find(reference).map(|_| ()))?;
                let (experiment, dataset) = (Cow::Borrowed(experiment), parsed.dataset.as_ref());
                return Ok(Self { experiment, dataset, inputs });
            }
            UnresolvedExperiment::Begun { experiment, origin, .. } => {
                let dataset = parsed.dataset.as_ref();
                let experiment = Cow::Owned(origin.resolve(experiment, dataset, targets)?);
                return Ok(Self { experiment, dataset, inputs });
            }
            UnresolvedExperiment::Derived { derivation, .. } => derivation,
        };
        let found = references.iter().map(|(_, reference)| targets.find(reference));
        let found = found.collect::<Result<Vec<_>, _>>()?;
        let at = references.first().map_or(Location::Line(1), |(_, reference)| reference.at());
        let experiment =
            derivation.resolve(&found, tile).map_err(|message| LocatedError::new(at, message))?;
        let dataset = found.iter().find_map(|target| target.dataset.as_ref());
        if found.iter().any(|target| target.dataset.as_ref() != dataset) {
            return Err(LocatedError::new(at, "the runs that are read have different data sets"));
        }
        Ok(Self { experiment: Cow::Owned(experiment), dataset, inputs })
    }

    /// Refuses seeds that an experiment which is read doesn't have: each run reads those of its own seed.
    pub(super) fn finds_seeds(
        &self,
        seeds: &Seeds,
        targets: &ReferenceResolver<'_>,
    ) -> Result<(), LocatedError> {
        for (_, reference) in &self.inputs {
            let there = targets.seeds(reference)?;
            let missing = match reference.seed {
                Some(seed) => Some(seed).filter(|seed| !there.contains(*seed)),
                None => seeds.first_missing_from(&there),
            };
            if let Some(seed) = missing {
                let message = format!(
                    "seed {seed} is read from experiment \"{}\", which doesn't have it",
                    reference.experiment()
                );
                let hint = match reference.seed {
                    Some(_) => "a seed that it has",
                    None => "seeds = N in both",
                };
                return Err(LocatedError::new(reference.at(), message).hint(hint));
            }
        }
        Ok(())
    }
}
