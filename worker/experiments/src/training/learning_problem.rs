//! What a kind of experiment tells the training loop, the probes and the landscapes: its examples and its loss.

use basin_domain::metrics::Metrics;
use basin_kernels::LossSums;
use candle_core::{DType, Tensor};

use super::Split;
use crate::ExperimentError;
use crate::accelerator::Selection;
use crate::model::Model;

/// What the series `train_loss` (and `train_accuracy`) of a kind is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingLoss {
    /// The mean over the epoch's batches, each before its step: costs nothing. The point at epoch 0 and the single numbers
    /// `final_train_loss` and `final_train_accuracy` are evaluated exactly.
    RunningMean,
    /// Evaluated over all training examples after each epoch.
    Evaluated,
}

/// What a network's outputs are.
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
    /// What the network reads, `[batch, …]`.
    pub inputs: Tensor,
    /// What it should say: labels `[batch]` of `u32`, or values of the outputs' shape.
    pub targets: Tensor,
}

/// What is trained on: examples and a loss.
pub trait LearningProblem: Send + Sync {
    /// How its training loss is measured.
    const TRAINING_LOSS: TrainingLoss;
    /// Whether its answers are right or wrong.
    const HAS_ACCURACY: bool;
    /// What a network's outputs are.
    const OUTPUTS: Outputs;

    /// The number of examples of a part; a problem without test examples has none of that part.
    fn examples(&self, part: Split) -> usize;

    /// Examples of a part, by their positions in it, as floats of type `dtype`.
    ///
    /// # Errors
    /// If an operation fails.
    fn batch(&self, part: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError>;

    /// The same examples, for a device that keeps them all.
    fn selection(&self, part: Split, positions: &[u32]) -> Selection;

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
    fn conclude(&self, model: &Model, record: &mut Metrics) -> Result<(), ExperimentError>;
}

/// The sums over some consecutive examples of a part, with a model in `f32`.
///
/// # Errors
/// If an operation fails.
pub fn evaluate<P: LearningProblem>(
    problem: &P,
    model: &Model,
    part: Split,
    range: std::ops::Range<usize>,
) -> Result<LossSums, ExperimentError> {
    let positions: Vec<u32> = range.map(|position| position as u32).collect();
    let batch = problem.batch(part, &positions, DType::F32)?;
    problem.sums(&model.evaluate(&batch.inputs)?, &batch.targets)
}
