//! A function of all parameters at once, as the probes of the loss's curvature see it.

use basin_kernels::{backward, hessian_vector};
use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor};

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{LearningProblem, Split};

use super::vector;

/// Examples of one piece. What a layer gives for them is held at once.
const CHUNK: usize = 250;

/// A function with its derivatives, in `f64`. Parameters are one vector, and the function is a sum of pieces: one piece is what
/// a run does between two chances to be interrupted.
pub trait Objective {
    /// The number of parameters.
    fn dimension(&self) -> usize;

    /// The number of pieces, at least 1.
    fn pieces(&self) -> usize;

    /// A piece's share of the value at `at`; its share of the gradient there is added to `sum`.
    ///
    /// # Errors
    /// If an operation fails.
    fn add_gradient(&self, piece: usize, at: &[f64], sum: &mut [f64]) -> Result<f64, ExperimentError>;

    /// Adds a piece's share of the product of the Hessian at `at` with `vector` to `sum`.
    ///
    /// # Errors
    /// If an operation fails.
    fn add_hessian_vector(
        &self,
        piece: usize,
        at: &[f64],
        vector: &[f64],
        sum: &mut [f64],
    ) -> Result<(), ExperimentError>;

    /// The value at `at`, and the gradient there, which is written to `gradient`.
    ///
    /// # Errors
    /// If an operation fails.
    fn gradient(&self, at: &[f64], gradient: &mut [f64]) -> Result<f64, ExperimentError> {
        gradient.fill(0.0);
        let mut value = 0.0;
        for piece in 0..self.pieces() {
            value += self.add_gradient(piece, at, gradient)?;
        }
        Ok(value)
    }

    /// The product of the Hessian at `at` with `vector`.
    ///
    /// # Errors
    /// If an operation fails.
    fn hessian_vector(&self, at: &[f64], vector: &[f64]) -> Result<Vec<f64>, ExperimentError> {
        let mut product = vec![0.0; self.dimension()];
        for piece in 0..self.pieces() {
            self.add_hessian_vector(piece, at, vector, &mut product)?;
        }
        Ok(product)
    }
}

/// The mean loss over a run's first training examples, computed in `f64`.
///
/// Its Hessian is that of the loss with every ReLU and every maximum left as it is at θ: the Hessian itself wherever there is one,
/// which is almost everywhere ([`basin_kernels::hessian_vector`]).
pub struct TrainingObjective<'a, P> {
    problem: &'a P,
    model: &'a Model,
    examples: usize,
}

impl<'a, P: LearningProblem> TrainingObjective<'a, P> {
    /// The loss of `model`, which is of type `f64` and whose parameters are overwritten, over the first `examples` training
    /// examples, or all if there are fewer.
    pub fn new(problem: &'a P, model: &'a Model, examples: u32) -> Self {
        Self { problem, model, examples: problem.examples(Split::Train).min(examples as usize) }
    }

    /// The loss of a piece's examples with the parameters `at`, to be differentiated, and their share of all examples.
    fn loss(&self, piece: usize, at: &[f64]) -> Result<(Tensor, f64), ExperimentError> {
        self.model.set_parameters(at)?;
        let end = self.examples.min((piece + 1) * CHUNK);
        let positions: Vec<u32> = (piece * CHUNK..end).map(|position| position as u32).collect();
        let batch = self.problem.batch(Split::Train, &positions, DType::F64)?;
        let loss = self.problem.loss(&self.model.forward(&batch.inputs)?, &batch.targets)?;
        Ok((loss, positions.len() as f64 / self.examples as f64))
    }

    /// Adds a share of what was found for each parameter.
    fn add(&self, found: &GradStore, share: f64, mut sum: &mut [f64]) -> Result<(), ExperimentError> {
        for (name, parameter) in self.model.parameters() {
            let of_one = found.get(parameter);
            let of_one = of_one.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?;
            let (sums, after) = sum.split_at_mut(parameter.elem_count());
            vector::add_scaled(sums, share, &of_one.flatten_all()?.to_vec1::<f64>()?);
            sum = after;
        }
        Ok(())
    }
}

impl<P: LearningProblem> Objective for TrainingObjective<'_, P> {
    fn dimension(&self) -> usize {
        self.model.parameter_count()
    }

    fn pieces(&self) -> usize {
        self.examples.div_ceil(CHUNK).max(1)
    }

    fn add_gradient(&self, piece: usize, at: &[f64], sum: &mut [f64]) -> Result<f64, ExperimentError> {
        let (loss, share) = self.loss(piece, at)?;
        self.add(&backward(&loss)?, share, sum)?;
        Ok(share * loss.to_scalar::<f64>()?)
    }

    fn add_hessian_vector(
        &self,
        piece: usize,
        at: &[f64],
        vector: &[f64],
        sum: &mut [f64],
    ) -> Result<(), ExperimentError> {
        let (loss, share) = self.loss(piece, at)?;
        let direction = self.model.parts(vector)?;
        let direction = direction.into_iter().map(|(parameter, part)| (parameter.as_tensor(), part));
        self.add(&hessian_vector(&loss, direction)?, share, sum)
    }
}
