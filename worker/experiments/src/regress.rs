//! `regress`: a network learns the values of a data set.

use basin_domain::data::{Augmentation, DataUse};
use basin_domain::experiment::{Regress, ValueLoss};
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_kernels::Loss;
use candle_core::{DType, Device, Tensor};

use crate::accelerator::{Selection, Targets};
use crate::examples::UsedExamples;
use crate::loss;
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Schedule, Split, Training, TrainingLoss};
use crate::{Assets, ExperimentError, Run};

/// Starts or resumes a run of `regress`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &Regress,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let seeds = parameters.seeds;
    let problem = Regression::new(spec, &parameters.data, parameters.loss, assets)?
        .augmented(parameters.augmentation, seeds.augmentation.unwrap_or(spec.seed));
    let model = problem.examples.network(&parameters.model, seeds.initialization.unwrap_or(spec.seed))?;
    let schedule = Schedule {
        batch_size: parameters.batch_size as usize,
        budget: parameters.budget,
        order_seed: seeds.order,
        settings: parameters.training.clone(),
    };
    Ok(Box::new(Training::start(spec, schedule, problem, model, assets, checkpoint)?))
}

/// Examples with their values, and a loss.
pub(crate) struct Regression {
    examples: UsedExamples,
    loss: Loss,
    /// The values of an example.
    width: usize,
    /// `[examples, width]`, standardised.
    train: Vec<f32>,
    /// The same of the test examples.
    test: Vec<f32>,
    /// The mean of the squared distances of the test examples' values from their means, over examples and values.
    test_variance: f64,
}

impl Regression {
    /// The examples that a task reads.
    ///
    /// # Errors
    /// If the data set isn't there or is another one, has no values, or has fewer examples than are asked for, or there is no such loss.
    pub(crate) fn new(
        spec: &TaskSpec,
        data: &DataUse,
        by: ValueLoss,
        assets: &Assets,
    ) -> Result<Self, ExperimentError> {
        let loss = loss::of_values(by)?;
        let examples = UsedExamples::new(spec, data, assets)?;
        if !examples.dataset().classes().is_empty() {
            let reason = format!("`{}` has classes and no values", examples.dataset().name());
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let width = examples.dataset().contents().outputs() as usize;
        let values = |split| examples.all(split).values(examples.indices(split));
        let (train, test) = (values(Split::Train), values(Split::Test));
        let test_variance = variance(&test, width);
        Ok(Self { examples, loss, width, train, test, test_variance })
    }

    /// The same examples, augmented in training by draws of this seed.
    fn augmented(self, augmentation: Augmentation, seed: u64) -> Self {
        Self { examples: self.examples.augmented(augmentation, seed), ..self }
    }

    /// The examples, without their values.
    pub(crate) fn used_examples(&self) -> &UsedExamples {
        &self.examples
    }

    fn values(&self, split: Split, positions: &[u32]) -> Vec<f32> {
        let values = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        let row = |at: &u32| &values[*at as usize * self.width..][..self.width];
        positions.iter().flat_map(row).copied().collect()
    }

    fn gathered(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
        dtype: DType,
    ) -> Result<Batch, ExperimentError> {
        let shape = (positions.len(), self.width);
        let values = Tensor::from_vec(self.values(split, positions), shape, &Device::Cpu)?;
        self.examples.batch(split, positions, epoch, dtype, values.to_dtype(dtype)?)
    }

    fn selected(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
    ) -> Result<Selection, ExperimentError> {
        let values = Targets::Numbers(self.values(split, positions));
        self.examples.selection(split, positions, epoch, values)
    }
}

impl LearningProblem for Regression {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::RunningMean;
    const HAS_ACCURACY: bool = false;

    fn examples(&self, split: Split) -> usize {
        self.examples.indices(split).len()
    }

    fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        self.gathered(split, positions, None, dtype)
    }

    fn training_batch(&self, epoch: u32, positions: &[u32]) -> Result<Batch, ExperimentError> {
        self.gathered(Split::Train, positions, Some(epoch), DType::F32)
    }

    fn selection(&self, split: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
        self.selected(split, positions, None)
    }

    fn training_selection(&self, epoch: u32, positions: &[u32]) -> Result<Selection, ExperimentError> {
        self.selected(Split::Train, positions, Some(epoch))
    }

    fn outputs(&self) -> Outputs {
        Outputs::Values
    }

    fn loss(&self) -> Loss {
        self.loss
    }

    fn terms(&self) -> usize {
        self.width
    }

    /// R²: 1 less the mean squared error over the variance. Of values that are all the same there is none.
    fn explained_test_variance(&self, mean_loss: f64) -> Option<f64> {
        let explained =
            || if self.test_variance > 0.0 { 1.0 - mean_loss / self.test_variance } else { f64::NAN };
        (self.loss == Loss::MeanSquaredError).then(explained)
    }

    fn conclude(&self, _: &Model, _: &mut Metrics) -> Result<(), ExperimentError> {
        Ok(())
    }
}

/// The mean of the squared distances of `[examples, width]` values from the means of their columns; 0 without examples.
fn variance(values: &[f32], width: usize) -> f64 {
    let examples = values.len() / width.max(1);
    let mut squares = 0.0;
    for column in 0..width {
        let of_column = || values.iter().skip(column).step_by(width).map(|value| f64::from(*value));
        let mean = of_column().sum::<f64>() / examples.max(1) as f64;
        squares += of_column().map(|value| (value - mean) * (value - mean)).sum::<f64>();
    }
    squares / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_is_that_of_each_value_by_itself() {
        assert_eq!(variance(&[1.0, 10.0, 3.0, 10.0], 2), 0.5);
        assert_eq!(variance(&[2.0; 6], 3), 0.0);
        assert_eq!(variance(&[], 2), 0.0);
    }
}
