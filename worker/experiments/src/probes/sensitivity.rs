//! How a network's answers and losses depend on its inputs.

use basin_kernels::Loss;
use basin_kernels::network::operations::NetworkFloat;
use basin_kernels::network::{Float, Mode, Wanted};
use basin_math::exp;
use candle_core::DType;
use rayon::prelude::*;

use crate::ExperimentError;
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Split};

/// The gradients of the inputs alone.
const INPUT: Wanted = Wanted { input: true, parameters: false };

/// Σ over a batch of the Frobenius norms of ∂outputs/∂input, exact: one backward pass an output for the whole batch, since an
/// example's outputs depend on its own input alone. Outputs are class probabilities where the network gives logits.
///
/// # Errors
/// If an operation fails.
pub fn jacobian_norms(model: &Model, batch: &Batch, outputs: Outputs) -> Result<f64, ExperimentError> {
    match model.dtype() {
        DType::F64 => jacobian_norms_in::<f64>(model, batch, outputs),
        _ => jacobian_norms_in::<f32>(model, batch, outputs),
    }
}

fn jacobian_norms_in<T: NetworkFloat>(
    model: &Model,
    batch: &Batch,
    meaning: Outputs,
) -> Result<f64, ExperimentError> {
    let mut program = model.program::<T>()?;
    let outputs = program.forward(&batch.inputs, Mode::Evaluation)?;
    let outputs: Vec<f64> = outputs.iter().map(|output| output.to_f64()).collect();
    let width = program.output_size();
    // An example's answers: what the Jacobian is of.
    let answers: Vec<Vec<f64>> = match meaning {
        Outputs::Logits => outputs.chunks(width).map(softmax).collect(),
        Outputs::Values => outputs.chunks(width).map(<[f64]>::to_vec).collect(),
    };
    let mut squares = vec![0.0; answers.len()];
    for output in 0..width {
        let mut vector = Vec::with_capacity(outputs.len());
        for answer in &answers {
            // The gradient of answer `output` with respect to what the network gives.
            vector.extend(answer.iter().enumerate().map(|(other, value)| {
                let same = f64::from(u8::from(other == output));
                T::from_f64(match meaning {
                    Outputs::Values => same,
                    Outputs::Logits => answer[output] * (same - value),
                })
            }));
        }
        add_squares(program.backward(&vector, INPUT)?, &mut squares);
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
    split: Split,
    batch: &Batch,
) -> Result<f64, ExperimentError> {
    let loss = problem.loss_on(split);
    match model.dtype() {
        DType::F64 => input_gradient_norms_in::<f64>(loss, model, batch),
        _ => input_gradient_norms_in::<f32>(loss, model, batch),
    }
}

fn input_gradient_norms_in<T: NetworkFloat>(
    loss: Loss,
    model: &Model,
    batch: &Batch,
) -> Result<f64, ExperimentError> {
    let mut program = model.program::<T>()?;
    let outputs = program.forward(&batch.inputs, Mode::Evaluation)?;
    let gradient = loss.gradient(outputs, &batch.targets)?;
    let examples = batch.inputs.dims()[0];
    let mut squares = vec![0.0; examples];
    add_squares(program.backward(&gradient, INPUT)?, &mut squares);
    // The batch's loss is the mean: each example's own is as many times greater.
    Ok(squares.into_iter().map(|square| square.sqrt() * examples as f64).sum())
}

/// Adds each example's ‖gradient‖²; no sum has terms of two examples, so that threads may share them out.
fn add_squares<T: Float>(gradient: Option<Vec<T>>, squares: &mut [f64]) {
    let Some(gradient) = gradient else { return };
    let width = gradient.len() / squares.len().max(1);
    squares.par_iter_mut().zip(gradient.par_chunks(width.max(1))).for_each(|(square, row)| {
        let row: Vec<f64> = row.iter().map(|value| value.to_f64()).collect();
        *square += super::vector::dot(&row, &row);
    });
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| exp(logit - largest)).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|exponential| exponential / sum).collect()
}
