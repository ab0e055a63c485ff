//! A pass over all pieces of an objective, interrupted wherever it is.

use super::objective::Objective;
use crate::ExperimentError;

/// The sums so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ObjectivePass {
    /// The pieces that are done.
    pub(super) piece: usize,
    /// Their shares of the value; zero in a pass that has none.
    pub(super) value: f64,
    /// Their shares of the gradient, or of a product with the Hessian.
    pub(super) sum: Vec<f64>,
}

impl ObjectivePass {
    pub(super) fn new(dimension: usize) -> Self {
        Self { piece: 0, value: 0.0, sum: vec![0.0; dimension] }
    }

    /// Does a piece of value and gradient; answers whether it was the last.
    pub(super) fn gradient(
        &mut self,
        objective: &impl Objective,
        at: &[f64],
    ) -> Result<bool, ExperimentError> {
        self.value += objective.add_gradient(self.piece, at, &mut self.sum)?;
        self.piece += 1;
        Ok(self.piece >= objective.pieces())
    }

    /// Does a piece of a product with the Hessian; answers whether it was the last.
    pub(super) fn hessian_vector(
        &mut self,
        objective: &impl Objective,
        at: &[f64],
        vector: &[f64],
    ) -> Result<bool, ExperimentError> {
        objective.add_hessian_vector(self.piece, at, vector, &mut self.sum)?;
        self.piece += 1;
        Ok(self.piece >= objective.pieces())
    }
}
