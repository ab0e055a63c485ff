//! One step of an optimiser.

use std::collections::BTreeMap;

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::{Adam, Gradient, Gradients, Optimizer as OptimizerState, Sgd};
use basin_kernels::{Loss, LossSums, Mlp, backward, squared_norm, squared_norm_of};
use candle_core::{Tensor, Var};

use super::{Batch, Outputs, Problem};
use crate::ExperimentError;
use crate::model::Model;

/// The optimiser with these parameters, before its first step over `parameters`.
///
/// # Errors
/// If its state can't be made.
pub fn optimizer(
    optimizer: &Optimizer,
    parameters: &BTreeMap<String, Var>,
) -> Result<Box<dyn OptimizerState>, ExperimentError> {
    Ok(match *optimizer {
        Optimizer::Adam { learning_rate, beta1, beta2, epsilon, weight_decay } => {
            Box::new(Adam::new(parameters, learning_rate, (beta1, beta2), epsilon, weight_decay)?)
        }
        Optimizer::Sgd { learning_rate, momentum, weight_decay } => {
            Box::new(Sgd::new(parameters, learning_rate, momentum, weight_decay)?)
        }
    })
}

/// What a step of a model needs beside its parameters: the optimiser, and the way to the gradients.
///
/// Networks of dense layers alone have memory of their own for it; others go through Candle's graph. Both give the same
/// bytes.
pub struct Stepper {
    optimizer: Box<dyn OptimizerState>,
    mlp: Option<Mlp>,
}

impl Stepper {
    /// A stepper of `model`, before its first step.
    ///
    /// # Errors
    /// If the optimiser's state can't be made.
    pub fn new(by: &Optimizer, model: &Model) -> Result<Self, ExperimentError> {
        let optimizer = optimizer(by, model.parameters())?;
        let mlp = model.dense_layers().map(|layers| Mlp::new(&layers)).transpose()?;
        Ok(Self { optimizer, mlp })
    }

    /// The optimiser.
    pub fn optimizer(&self) -> &dyn OptimizerState {
        self.optimizer.as_ref()
    }

    /// The optimiser, to be restored.
    pub fn optimizer_mut(&mut self) -> &mut dyn OptimizerState {
        self.optimizer.as_mut()
    }

    /// Takes a step on a batch; gives the sums over it before the step, and ‖g‖₂ over all parameters.
    ///
    /// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
    ///
    /// # Errors
    /// [`ExperimentError::NoGradient`] if the loss doesn't depend on one of the parameters.
    pub fn step<P: Problem>(
        &mut self,
        problem: &P,
        model: &Model,
        batch: &Batch,
    ) -> Result<(LossSums, f64), ExperimentError> {
        let Batch { inputs, targets } = batch;
        let Some(mlp) = &mut self.mlp else {
            let outputs = model.forward(inputs)?;
            let loss = problem.loss(&outputs, targets)?;
            let sums = problem.sums(&outputs, targets)?;
            return Ok((sums, step(model, self.optimizer.as_mut(), &loss)?));
        };
        let sums = mlp.gradients(inputs, targets, loss_of::<P>())?;
        let mut squares = 0.0;
        for (name, parameter) in model.parameters() {
            let Some(Gradient::Elements(gradient)) = mlp.of(parameter) else {
                return Err(ExperimentError::NoGradient { parameter: name.clone() });
            };
            squares += squared_norm_of(gradient);
        }
        let norm = squares.sqrt();
        if norm.is_finite() {
            self.optimizer.step(mlp)?;
        }
        Ok((sums, norm))
    }

    /// The sums over a batch, as [`Problem::sums`] gives them.
    ///
    /// # Errors
    /// If an operation fails.
    pub fn evaluate<P: Problem>(
        &mut self,
        problem: &P,
        model: &Model,
        batch: &Batch,
    ) -> Result<LossSums, ExperimentError> {
        match &mut self.mlp {
            Some(mlp) => Ok(mlp.evaluate(&batch.inputs, &batch.targets, loss_of::<P>())?),
            None => problem.sums(&model.evaluate(&batch.inputs)?, &batch.targets),
        }
    }
}

/// The loss that a problem's outputs are held against.
const fn loss_of<P: Problem>() -> Loss {
    match P::OUTPUTS {
        Outputs::Logits => Loss::CrossEntropy,
        Outputs::Values => Loss::MeanSquaredError,
    }
}

/// Goes backward from `loss` and takes a step; gives ‖g‖₂ over all parameters.
///
/// If ‖g‖₂ isn't finite, no step is taken: the weights stay as they were before.
///
/// # Errors
/// [`ExperimentError::NoGradient`] if the loss doesn't depend on one of the parameters.
pub fn step(
    model: &Model,
    optimizer: &mut dyn OptimizerState,
    loss: &Tensor,
) -> Result<f64, ExperimentError> {
    let gradients = backward(loss)?;
    let mut all = Vec::with_capacity(model.parameters().len());
    for (name, parameter) in model.parameters() {
        let gradient = gradients.get(parameter);
        all.push(gradient.ok_or_else(|| ExperimentError::NoGradient { parameter: name.clone() })?);
    }
    let norm = squared_norm(all)?.sqrt();
    if norm.is_finite() {
        optimizer.step(&gradients)?;
    }
    Ok(norm)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_parameter_without_a_gradient_is_named() {
        let model = Model::dense_net(1, &[3], 1, 0).unwrap();
        let mut adam = optimizer(&Optimizer::adam(1e-3), model.parameters()).unwrap();
        let unrelated = Var::new(1f32, &Device::Cpu).unwrap();
        let error = step(&model, adam.as_mut(), &unrelated).unwrap_err();
        assert_eq!(error.to_string(), "the parameter `dense0.bias` received no gradient");
    }
}
