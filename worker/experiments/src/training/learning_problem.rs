//! A kind's examples and its loss, as the training loop, the probes and the landscapes know them.

use basin_domain::metrics::Metrics;
use basin_kernels::LossSums;
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
    /// The meaning of a network's outputs.
    const OUTPUTS: Outputs;

    /// The number of examples of a split; a problem without test examples has none of that split.
    fn examples(&self, split: Split) -> usize;

    /// Examples of a split, by their positions in it, as floats of type `dtype`.
    ///
    /// # Errors
    /// If an operation fails.
    fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError>;

    /// The same examples, for a device that keeps them all.
    fn selection(&self, split: Split, positions: &[u32]) -> Selection;

    /// The mean loss over a batch, a scalar to be differentiated.
    ///
    /// # Errors
    /// If an operation fails.
    fn loss(&self, outputs: &Tensor, targets: &Tensor) -> Result<Tensor, ExperimentError>;

    /// The sums over a batch.
    ///
    /// # Errors
    /// If an operation fails.
    fn sums(&self, outputs: &Tensor, targets: &Tensor) -> Result<LossSums, ExperimentError>;

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
    problem.sums(&model.evaluate(&batch.inputs)?, &batch.targets)
}
