//! A function of all parameters at once, as the probes of the loss's curvature see it.

use candle_core::DType;

use basin_kernels::backward;

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{Batch, Part, Problem};

use super::vector;

/// Examples of one forward and backward pass.
const CHUNK: usize = 500;

/// A function with its gradient, in `f64`. Parameters are one vector.
pub trait Objective {
    /// The number of parameters.
    fn dimension(&self) -> usize;

    /// The value at `at`.
    ///
    /// # Errors
    /// If an operation fails.
    fn value(&self, at: &[f64]) -> Result<f64, ExperimentError>;

    /// The value at `at`, and the gradient there, which is written to `gradient`.
    ///
    /// # Errors
    /// If an operation fails.
    fn gradient(&self, at: &[f64], gradient: &mut [f64]) -> Result<f64, ExperimentError>;

    /// The product of the Hessian at `at` with `vector`, by central differences of gradients over a distance of
    /// 10⁻⁵·(1 + ‖θ‖): their error is of that distance's second order, and rounding adds some 10⁻¹⁶ over the distance. Where a
    /// kink of ReLU lies between, the difference is that of the slopes on both sides.
    ///
    /// # Errors
    /// If an operation fails.
    fn hessian_vector(&self, at: &[f64], vector: &[f64]) -> Result<Vec<f64>, ExperimentError> {
        let length = vector::norm(vector);
        if length == 0.0 {
            return Ok(vec![0.0; vector.len()]);
        }
        let step = 1e-5 * (1.0 + vector::norm(at)) / length;
        let moved = |factor: f64| {
            let mut there = at.to_vec();
            vector::add_scaled(&mut there, factor, vector);
            there
        };
        let (mut ahead, mut behind) = (vec![0.0; at.len()], vec![0.0; at.len()]);
        self.gradient(&moved(step), &mut ahead)?;
        self.gradient(&moved(-step), &mut behind)?;
        for (ahead, behind) in ahead.iter_mut().zip(behind) {
            *ahead = (*ahead - behind) / (2.0 * step);
        }
        Ok(ahead)
    }
}

/// The mean loss over a run's first training examples, computed in `f64`.
pub struct TrainingObjective<'a, P> {
    problem: &'a P,
    model: &'a Model,
    examples: usize,
}

impl<'a, P: Problem> TrainingObjective<'a, P> {
    /// The loss of `model`, which is of type `f64` and whose parameters are overwritten, over the first `examples` training
    /// examples, or all if there are fewer.
    pub fn new(problem: &'a P, model: &'a Model, examples: u32) -> Self {
        Self { problem, model, examples: problem.examples(Part::Train).min(examples as usize) }
    }

    /// Calls `work` with each chunk, and its share of all examples.
    fn chunks(
        &self,
        mut work: impl FnMut(Batch, f64) -> Result<(), ExperimentError>,
    ) -> Result<(), ExperimentError> {
        let positions: Vec<u32> = (0..self.examples as u32).collect();
        for chunk in positions.chunks(CHUNK) {
            let batch = self.problem.batch(Part::Train, chunk, DType::F64)?;
            work(batch, chunk.len() as f64 / self.examples as f64)?;
        }
        Ok(())
    }
}

impl<P: Problem> Objective for TrainingObjective<'_, P> {
    fn dimension(&self) -> usize {
        self.model.parameter_count()
    }

    fn value(&self, at: &[f64]) -> Result<f64, ExperimentError> {
        self.model.set_parameters(at)?;
        let mut value = 0.0;
        self.chunks(|batch, share| {
            let loss = self.problem.loss(&self.model.evaluate(&batch.inputs)?, &batch.targets)?;
            value += share * loss.to_scalar::<f64>()?;
            Ok(())
        })?;
        Ok(value)
    }

    fn gradient(&self, at: &[f64], gradient: &mut [f64]) -> Result<f64, ExperimentError> {
        self.model.set_parameters(at)?;
        gradient.fill(0.0);
        let mut value = 0.0;
        self.chunks(|batch, share| {
            let loss = self.problem.loss(&self.model.forward(&batch.inputs)?, &batch.targets)?;
            value += share * loss.to_scalar::<f64>()?;
            let gradients = backward(&loss)?;
            let mut rest = &mut *gradient;
            for (name, parameter) in self.model.parameters() {
                let of_one = gradients.get(parameter);
                let of_one = of_one.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?;
                let (sums, after) = rest.split_at_mut(parameter.elem_count());
                vector::add_scaled(sums, share, &of_one.flatten_all()?.to_vec1::<f64>()?);
                rest = after;
            }
            Ok(())
        })?;
        Ok(value)
    }
}
