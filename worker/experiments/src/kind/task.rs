//! A task as its kind sees it.

use std::collections::BTreeMap;

use basin_domain::metrics::Outcome;
use basin_domain::random::Stream;

use super::saved::Array;
use crate::dataset::Dataset;
use crate::{Assets, ExperimentError, tensors};

/// A task: all that its run depends on.
#[derive(Debug)]
pub struct Task<'a, P> {
    /// The parameters.
    pub parameters: P,
    /// The seed, from which [`Task::stream`] makes random numbers.
    pub seed: u64,
    /// The data set, if the kind reads one.
    pub dataset: Option<&'a Dataset>,
    pub(super) assets: &'a Assets,
}

/// The result of a task that another one reads.
#[derive(Debug, Clone, PartialEq)]
pub struct InputResult {
    /// How its run ended.
    pub outcome: Outcome,
    /// The tensors that it left, by name (`model/…` for the weights of a trained network).
    pub tensors: BTreeMap<String, Array>,
}

impl<P> Task<'_, P> {
    /// The stream of random numbers of this name: the same wherever and however often the task runs.
    pub fn stream(&self, name: &str) -> Stream {
        Stream::new(self.seed, name)
    }

    /// The data set, for a kind that reads one.
    ///
    /// # Errors
    /// [`ExperimentError::MissingData`] if the declaration doesn't say that the kind reads data.
    pub fn data(&self) -> Result<&Dataset, ExperimentError> {
        self.dataset.ok_or_else(|| ExperimentError::MissingData("the task names none".to_owned()))
    }

    /// The result of the input of this name.
    ///
    /// # Errors
    /// [`ExperimentError::UnusableInput`] if it isn't declared, or damaged.
    pub fn input(&self, name: &str) -> Result<InputResult, ExperimentError> {
        let unusable = |reason: &str| ExperimentError::UnusableInput {
            name: name.to_owned(),
            reason: reason.to_owned(),
        };
        let bytes = self.assets.inputs.get(name).ok_or_else(|| unusable("isn't there"))?;
        let (found, note) = tensors::deserialize(bytes).map_err(|why| unusable(&why))?;
        let outcome = note.parse().map_err(|_| unusable("it doesn't say how its run ended"))?;
        let arrays = found.iter().map(|(name, tensor)| Ok((name.clone(), Array::of_tensor(tensor)?)));
        Ok(InputResult { outcome, tensors: arrays.collect::<Result<_, ExperimentError>>()? })
    }
}
