//! One step of an optimiser.

use std::collections::BTreeMap;

use basin_domain::optimizer::Optimizer;
use basin_kernels::optimizer::{Adam, Optimizer as OptimizerState, Sgd};
use basin_kernels::{backward, squared_norm};
use candle_core::{Tensor, Var};

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
        let error = step(&model, adam.as_mut(), unrelated.as_tensor()).unwrap_err();
        assert_eq!(error.to_string(), "the parameter `dense0.bias` received no gradient");
    }
}
