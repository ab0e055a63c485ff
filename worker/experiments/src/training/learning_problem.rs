//! A kind's examples and its loss, as the training loop, the probes and the landscapes know them.

use basin_domain::metrics::Metrics;
use basin_kernels::{Loss, LossSums};
use candle_core::{DType, Tensor};

use super::Split;
use crate::ExperimentError;
use crate::accelerator::Selection;
use crate::model::Model;

/// How a kind's series `train_loss` (and `train_accuracy`) is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingLoss {
    /// The mean over the epoch's batches, each before its step: costs nothing. The point at epoch 0 and the single numbers
    /// `final_train_loss` and `final_train_accuracy` are evaluated exactly.
    RunningMean,
    /// Evaluated over all training examples after each epoch.
    Evaluated,
}

/// The meaning of a network's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// Logits: their softmax is the probabilities of classes.
    Logits,
    /// The predicted values themselves.
    Values,
}

/// Examples, as a network takes them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The network's inputs, `[batch, …]`.
    pub inputs: Tensor,
    /// The answers that it should give: labels `[batch]` of `u32`, or values of the outputs' shape.
    pub targets: Tensor,
}

/// Examples and a loss to train on.
pub trait LearningProblem: Send + Sync {
    /// How its training loss is measured.
    const TRAINING_LOSS: TrainingLoss;
    /// Whether its answers are right or wrong.
    const HAS_ACCURACY: bool;

    /// The number of examples of a split; a problem without test examples has none of that split.
    fn examples(&self, split: Split) -> usize;

    /// Examples of a split, by their positions in it, as floats of type `dtype`.
    ///
    /// # Errors
    /// If an operation fails.
    fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError>;

    /// Training examples as a step sees them in an epoch (from 1), with the augmentation of that epoch; those of
    /// [`LearningProblem::batch`] where there is none.
    ///
    /// # Errors
    /// If an operation fails.
    fn training_batch(&self, epoch: u32, positions: &[u32]) -> Result<Batch, ExperimentError> {
        let _ = epoch;
        self.batch(Split::Train, positions, DType::F32)
    }

    /// The same examples as [`LearningProblem::batch`] gives, for a device that keeps them all.
    ///
    /// # Errors
    /// If an operation fails.
    fn selection(&self, split: Split, positions: &[u32]) -> Result<Selection, ExperimentError>;

    /// The same examples as [`LearningProblem::training_batch`] gives, for a device.
    ///
    /// # Errors
    /// If an operation fails.
    fn training_selection(&self, epoch: u32, positions: &[u32]) -> Result<Selection, ExperimentError> {
        let _ = epoch;
        self.selection(Split::Train, positions)
    }

    /// The meaning of a network's outputs.
    fn outputs(&self) -> Outputs;

    /// The loss that training minimises: that of steps, of the training examples and of the probes of its curvature.
    fn loss(&self) -> Loss;

    /// The loss that the examples of a split are evaluated by; another than [`LearningProblem::loss`] where test examples are held against
    /// other targets than training does.
    fn loss_on(&self, split: Split) -> Loss {
        let _ = split;
        self.loss()
    }

    /// How many losses an example has: one, or one for each value to predict.
    fn terms(&self) -> usize {
        1
    }

    /// The share of the variance of the test examples' targets that predictions of this mean loss explain, if that is recorded.
    fn explained_test_variance(&self, mean_loss: f64) -> Option<f64> {
        let _ = mean_loss;
        None
    }

    /// Measures what is measured once, of the trained model.
    ///
    /// # Errors
    /// If an operation fails.
    fn conclude(&self, model: &Model, metrics: &mut Metrics) -> Result<(), ExperimentError>;
}

/// The sums over some consecutive examples of a split, with a model in `f32`.
///
/// # Errors
/// If an operation fails.
pub fn evaluate<P: LearningProblem>(
    problem: &P,
    model: &Model,
    split: Split,
    range: std::ops::Range<usize>,
) -> Result<LossSums, ExperimentError> {
    let positions: Vec<u32> = range.map(|position| position as u32).collect();
    let batch = problem.batch(split, &positions, DType::F32)?;
    let outputs = model.evaluate(&batch.inputs)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(problem.loss_on(split).sums(&outputs, &batch.targets)?)
}
