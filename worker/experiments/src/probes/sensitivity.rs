//! How a network's answers and losses depend on its inputs.

use basin_kernels::vector_jacobian;
use basin_math::exp;
use candle_core::{DType, Device, Tensor, Var};

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs};

/// Σ over a batch of the Frobenius norms of ∂outputs/∂input, exact: one backward pass an output for the whole batch, since an
/// example's outputs depend on its own input alone. Outputs are class probabilities where the network gives logits.
///
/// # Errors
/// If an operation fails.
pub fn jacobian_norms<P: LearningProblem>(model: &Model, batch: &Batch) -> Result<f64, ExperimentError> {
    let inputs = Var::from_tensor(&batch.inputs)?;
    let outputs = model.evaluate(inputs.as_tensor())?;
    let (examples, width) = outputs.dims2()?;
    let rows = outputs.detach().to_dtype(DType::F64)?.to_vec2::<f64>()?;
    // An example's answers: what the Jacobian is of.
    let answers: Vec<Vec<f64>> = match P::OUTPUTS {
        Outputs::Logits => rows.iter().map(|row| softmax(row)).collect(),
        Outputs::Values => rows,
    };
    let mut squares = vec![0.0; examples];
    for output in 0..width {
        let mut vector = Vec::with_capacity(examples * width);
        for answer in &answers {
            // The gradient of answer `output` with respect to what the network gives.
            vector.extend(answer.iter().enumerate().map(|(other, value)| {
                let same = f64::from(u8::from(other == output));
                match P::OUTPUTS {
                    Outputs::Values => same,
                    Outputs::Logits => answer[output] * (same - value),
                }
            }));
        }
        let vector = Tensor::from_vec(vector, (examples, width), &Device::Cpu)?.to_dtype(outputs.dtype())?;
        add_squares(&inputs, &vector_jacobian(&outputs, &vector)?, &mut squares)?;
    }
    Ok(squares.into_iter().map(f64::sqrt).sum())
}

/// Σ over a batch of ‖∂lossᵢ/∂inputᵢ‖₂, where lossᵢ is example i's own.
///
/// # Errors
/// If an operation fails.
pub fn input_gradient_norms<P: LearningProblem>(
    problem: &P,
    model: &Model,
    batch: &Batch,
) -> Result<f64, ExperimentError> {
    let inputs = Var::from_tensor(&batch.inputs)?;
    let loss = problem.loss(&model.evaluate(inputs.as_tensor())?, &batch.targets)?;
    let examples = batch.inputs.dims()[0];
    let mut squares = vec![0.0; examples];
    add_squares(&inputs, &basin_kernels::backward(&loss)?, &mut squares)?;
    // The batch's loss is the mean: each example's own is as many times greater.
    Ok(squares.into_iter().map(|square| square.sqrt() * examples as f64).sum())
}

/// Adds each example's ‖gradient‖².
fn add_squares(
    inputs: &Var,
    gradients: &candle_core::backprop::GradStore,
    squares: &mut [f64],
) -> Result<(), ExperimentError> {
    let Some(gradient) = gradients.get(inputs) else { return Ok(()) };
    let rows = gradient.flatten_from(1)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
    for (square, row) in squares.iter_mut().zip(rows) {
        *square += super::vector::dot(&row, &row);
    }
    Ok(())
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| exp(logit - largest)).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|exponential| exponential / sum).collect()
}
