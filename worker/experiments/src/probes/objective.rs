//! A function of all parameters at once, as the probes of the loss's curvature see it.

use std::cell::RefCell;
use std::ops::Range;

use basin_kernels::network::{Mode, Program, Wanted};
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
/// which is almost everywhere ([`Program::hessian_vector`]).
pub struct TrainingObjective<'a, P> {
    problem: &'a P,
    model: &'a Model,
    examples: usize,
    /// Made when it is first needed.
    compiled: RefCell<Option<Compiled>>,
}

/// A compiled network, and where its parameters are in the vector of all.
pub(super) struct Compiled {
    program: Program<f64>,
    places: Vec<Range<usize>>,
}

/// A piece's examples.
struct Piece {
    targets: Tensor,
    /// Their share of all examples.
    share: f64,
}

impl<'a, P: LearningProblem> TrainingObjective<'a, P> {
    /// The loss of `model`, which is of type `f64` and whose parameters are overwritten, over the first `examples` training
    /// examples, or all if there are fewer.
    pub fn new(problem: &'a P, model: &'a Model, examples: u32) -> Self {
        let examples = problem.examples(Split::Train).min(examples as usize);
        Self { problem, model, examples, compiled: RefCell::new(None) }
    }

    /// The same objective on what was compiled of this model before: a network's passes keep their memory.
    pub(super) fn with_compiled(self, compiled: Option<Compiled>) -> Self {
        Self { compiled: RefCell::new(compiled), ..self }
    }

    /// What was compiled of the model, for the next objective of it.
    pub(super) fn into_compiled(self) -> Option<Compiled> {
        self.compiled.into_inner()
    }

    /// Runs the network over a piece's examples with the parameters `at`, and gives it to `go_on`.
    fn with_forward<R>(
        &self,
        piece: usize,
        at: &[f64],
        go_on: impl FnOnce(&mut Compiled, &Piece) -> Result<R, ExperimentError>,
    ) -> Result<R, ExperimentError> {
        self.model.set_parameters(at)?;
        let end = self.examples.min((piece + 1) * CHUNK);
        let positions: Vec<u32> = (piece * CHUNK..end).map(|position| position as u32).collect();
        let batch = self.problem.batch(Split::Train, &positions, DType::F64)?;
        let mut compiled = self.compiled.borrow_mut();
        let compiled = match &mut *compiled {
            Some(compiled) => compiled,
            none => none.insert(Compiled::of(self.model)?),
        };
        compiled.program.forward(&batch.inputs, Mode::Evaluation)?;
        let share = positions.len() as f64 / self.examples as f64;
        go_on(compiled, &Piece { targets: batch.targets, share })
    }
}

impl Compiled {
    fn of(model: &Model) -> Result<Self, ExperimentError> {
        let program = model.program()?;
        let mut places = Vec::with_capacity(program.parameters().len());
        for parameter in program.parameters() {
            let before = model.parameters().values().take_while(|known| known.id() != parameter.id());
            let start: usize = before.map(|known| known.elem_count()).sum();
            places.push(start..start + parameter.elem_count());
        }
        Ok(Self { program, places })
    }

    /// The outputs of the last forward pass.
    fn outputs(&self) -> &[f64] {
        self.program.outputs().unwrap_or_default()
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
        self.with_forward(piece, at, |compiled, Piece { targets, share }| {
            let loss = self.problem.loss();
            let sums = loss.sums(compiled.outputs(), targets)?;
            let gradient = loss.gradient(compiled.outputs(), targets)?;
            compiled.program.backward(&gradient, Wanted { input: false, parameters: true })?;
            for (parameter, place) in compiled.program.parameters().iter().zip(&compiled.places) {
                let gradient = compiled.program.parameter_gradient(parameter).unwrap_or_default();
                vector::add_scaled(&mut sum[place.clone()], *share, gradient);
            }
            Ok(share * (sums.loss / sums.count as f64))
        })
    }

    fn add_hessian_vector(
        &self,
        piece: usize,
        at: &[f64],
        vector: &[f64],
        sum: &mut [f64],
    ) -> Result<(), ExperimentError> {
        self.with_forward(piece, at, |compiled, Piece { targets, share }| {
            let loss = self.problem.loss();
            let direction: Vec<Vec<f64>> =
                compiled.places.iter().map(|place| vector[place.clone()].to_vec()).collect();
            let product = compiled.program.hessian_vector(&direction, |outputs, tangent| {
                loss.gradient_along(outputs, targets, tangent)
            })?;
            for (product, place) in product.iter().zip(&compiled.places) {
                vector::add_scaled(&mut sum[place.clone()], *share, product);
            }
            Ok(())
        })
    }
}
