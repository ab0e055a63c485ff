//! Muon: momentum whose direction is orthogonalised.

use candle_core::{Result, Tensor, bail};

use super::number::Real;
use super::rule::{Rule, StepAt};
use crate::matmul::{Matrix, Product};
use crate::norm;

/// The coefficients a, b and c of aX + b(XXᵀ)X + c(XXᵀ)²X.
const COEFFICIENTS: [f64; 3] = [3.4445, -4.7750, 2.0315];
/// Added to the norm that the iteration starts from.
const EPSILON: f64 = 1e-7;
/// The least norm that a device divides weights by: zeros stay zeros.
const LEAST_NORM: f64 = 1e-30;

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks", kellerjordan.github.io/posts/muon) for parameters
/// of two or more dimensions, as matrices `[first, rest]`, and another rule for the others.
///
/// m ← μm + (1 − μ)g; the direction d is m, or (1 − μ)g + μm by Nesterov; O is d / (‖d‖ + 1e-7) after some steps of the Newton–Schulz
/// iteration with the coefficients of the source, which bring all singular values to about one; θ ← (1 − αλ)θ − α √max(1, rows / columns) O.
/// The source iterates in bfloat16; here it is the parameter's own type. If matrices are normalised, θ is √rows θ / ‖θ‖ before its step, so
/// that α is a share of the weights whatever their size, as in the CIFAR-10 speed run that Muon was made for (github.com/KellerJordan/cifar10-airbench).
pub struct MuonRule {
    /// The step size α.
    pub learning_rate: f64,
    /// The share μ of the momentum that is kept.
    pub momentum: f64,
    /// Whether the step looks ahead along the momentum.
    pub nesterov: bool,
    /// The λ of the decoupled weight decay.
    pub weight_decay: f64,
    /// Steps of the iteration.
    pub iterations: u32,
    /// Whether a matrix is brought to the norm √rows before its step.
    pub normalized: bool,
    /// The rule of all other parameters.
    pub others: Box<dyn Rule>,
}

/// The factors of a matrix and of its orthogonalised direction in a step.
struct Factors {
    kept: f64,
    learning_rate: f64,
}

impl MuonRule {
    fn factors(&self, at: StepAt, [rows, columns]: [usize; 2]) -> Factors {
        let learning_rate = self.learning_rate * at.learning_rate_factor;
        let weight_decay = if at.decays { self.weight_decay } else { 0.0 };
        let scale = (rows as f64 / columns.max(1) as f64).max(1.0).sqrt();
        Factors { kept: 1.0 - learning_rate * weight_decay, learning_rate: learning_rate * scale }
    }

    fn step_matrix<T: Real>(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [T],
        gradient: &[T],
        momentum: &mut [T],
    ) {
        let [kept, rest] = [self.momentum, 1.0 - self.momentum].map(T::from_f64);
        let mut direction = Vec::with_capacity(gradient.len());
        for (gradient, momentum) in gradient.iter().zip(momentum) {
            *momentum = kept * *momentum + rest * *gradient;
            direction.push(if self.nesterov { rest * *gradient + kept * *momentum } else { *momentum });
        }
        let (rows, columns) = (dims[0], gradient.len() / dims[0].max(1));
        let orthogonal = orthogonalised(direction, [rows, columns], self.iterations);
        let Factors { kept, learning_rate } = self.factors(at, [rows, columns]);
        let norm = if self.normalized { norm::squares(parameter).sqrt() } else { 0.0 };
        let scaled = if norm > 0.0 { kept * ((rows as f64).sqrt() / norm) } else { kept };
        let [kept, learning_rate] = [scaled, learning_rate].map(T::from_f64);
        for (parameter, direction) in parameter.iter_mut().zip(orthogonal) {
            *parameter = kept * *parameter - learning_rate * direction;
        }
    }
}

/// The matrix `[rows, columns]` after so many steps of the Newton–Schulz iteration from its multiple of norm one.
fn orthogonalised<T: Real>(mut x: Vec<T>, [rows, columns]: [usize; 2], iterations: u32) -> Vec<T> {
    let norm = T::from_f64(norm::squares(&x).sqrt() + EPSILON);
    for element in &mut x {
        *element /= norm;
    }
    // XXᵀ of the smaller side: a matrix with more rows than columns is taken the other way round.
    let is_tall = rows > columns;
    if is_tall {
        x = transposed(&x, [rows, columns]);
    }
    let [side, length] = if is_tall { [columns, rows] } else { [rows, columns] };
    let [a, b, c] = COEFFICIENTS.map(T::from_f64);
    let mut gram = vec![T::default(); side * side];
    let mut square = gram.clone();
    let mut product = x.clone();
    for _ in 0..iterations {
        let of_x = Matrix::new(&x, length);
        Product { sizes: [side, side, length], a: of_x, b: of_x.transposed(), bias: None, relu: false }
            .compute(&mut gram);
        let of_gram = Matrix::new(&gram, side);
        Product { sizes: [side, side, side], a: of_gram, b: of_gram, bias: None, relu: false }
            .compute(&mut square);
        for (square, gram) in square.iter_mut().zip(&gram) {
            *square = b * *gram + c * *square;
        }
        Product {
            sizes: [side, length, side],
            a: Matrix::new(&square, side),
            b: of_x,
            bias: None,
            relu: false,
        }
        .compute(&mut product);
        for (x, product) in x.iter_mut().zip(&product) {
            *x = a * *x + *product;
        }
    }
    if is_tall { transposed(&x, [columns, rows]) } else { x }
}

/// As [`orthogonalised`], on any device: its products are the device's own.
#[expect(
    clippy::disallowed_methods,
    reason = "bytes are promised on processors alone: here a device sums as it likes"
)]
fn orthogonalised_tensor(x: &Tensor, iterations: u32) -> Result<Tensor> {
    let norm = (x.sqr()?.sum_all()?.sqrt()? + EPSILON)?;
    let (rows, columns) = x.dims2()?;
    let is_tall = rows > columns;
    let mut x = x.broadcast_div(&norm)?;
    if is_tall {
        x = x.t()?.contiguous()?;
    }
    let [a, b, c] = COEFFICIENTS;
    for _ in 0..iterations {
        let gram = x.matmul(&x.t()?.contiguous()?)?;
        let square = ((&gram * b)? + (gram.matmul(&gram)? * c)?)?;
        x = ((&x * a)? + square.matmul(&x)?)?;
    }
    if is_tall { x.t()?.contiguous() } else { Ok(x) }
}

/// A tensor on any device brought to the norm √rows; one of zeros stays.
#[expect(
    clippy::disallowed_methods,
    reason = "bytes are promised on processors alone: here a device sums as it likes"
)]
fn normalized_tensor(x: &Tensor, rows: usize) -> Result<Tensor> {
    let norm = x.sqr()?.sum_all()?.sqrt()?.maximum(LEAST_NORM)?;
    x.broadcast_div(&norm)? * (rows as f64).sqrt()
}

fn transposed<T: Real>(x: &[T], [rows, columns]: [usize; 2]) -> Vec<T> {
    let mut turned = Vec::with_capacity(x.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| x[row * columns + column]));
    }
    turned
}

impl Rule for MuonRule {
    fn accumulators(&self, dims: &[usize]) -> &'static [&'static str] {
        if dims.len() > 1 { &["momentum"] } else { self.others.accumulators(dims) }
    }

    fn step_f32(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f32],
        gradient: &[f32],
        accumulators: &mut [Vec<f32>],
    ) {
        match accumulators {
            [momentum] if dims.len() > 1 => self.step_matrix(at, dims, parameter, gradient, momentum),
            _ => self.others.step_f32(at, dims, parameter, gradient, accumulators),
        }
    }

    fn step_f64(
        &self,
        at: StepAt,
        dims: &[usize],
        parameter: &mut [f64],
        gradient: &[f64],
        accumulators: &mut [Vec<f64>],
    ) {
        match accumulators {
            [momentum] if dims.len() > 1 => self.step_matrix(at, dims, parameter, gradient, momentum),
            _ => self.others.step_f64(at, dims, parameter, gradient, accumulators),
        }
    }

    fn step_tensors(
        &self,
        at: &[StepAt],
        parameter: &Tensor,
        gradient: &Tensor,
        accumulators: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let momentum = match accumulators {
            [momentum] if parameter.rank() > 1 => momentum,
            _ => return self.others.step_tensors(at, parameter, gradient, accumulators),
        };
        let [at] = at else { bail!("Muon steps the matrices of one network at a time") };
        let rest = (gradient * (1.0 - self.momentum))?;
        let momentum = ((momentum * self.momentum)? + &rest)?;
        let direction = if self.nesterov { (rest + (&momentum * self.momentum)?)? } else { momentum.clone() };
        let matrix = direction.flatten_from(1)?;
        let (rows, columns) = matrix.dims2()?;
        let orthogonal = orthogonalised_tensor(&matrix, self.iterations)?.reshape(parameter.shape())?;
        let Factors { kept, learning_rate } = self.factors(*at, [rows, columns]);
        let parameter = if self.normalized { normalized_tensor(parameter, rows)? } else { parameter.clone() };
        Ok((((parameter * kept)? - (orthogonal * learning_rate)?)?, vec![momentum]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::sgd::SgdRule;
    use super::*;
    use crate::vector::turn;

    /// All singular values of an orthogonalised matrix lie near one: within the band of the source's coefficients.
    #[test]
    fn the_iteration_brings_singular_values_near_one() {
        let _turn = turn();
        for [rows, columns] in [[3, 7], [7, 3], [5, 5]] {
            let x: Vec<f64> = (0..rows * columns).map(|at| ((at * 37 + 11) % 23) as f64 - 11.0).collect();
            let found = orthogonalised(x, [rows, columns], 5);
            let side = rows.min(columns);
            // ‖O‖² is the sum of the squared singular values.
            let squares: f64 = found.iter().map(|value| value * value).sum();
            assert!((0.4 * side as f64..1.5 * side as f64).contains(&squares), "{rows}×{columns}: {squares}");
        }
    }

    #[test]
    fn a_matrix_turned_round_is_orthogonalised_into_the_turned_matrix() {
        let _turn = turn();
        let x: Vec<f32> = (0..15).map(|at| ((at * 7 + 3) % 13) as f32 - 6.0).collect();
        let turned = transposed(&x, [3, 5]);
        let found = orthogonalised(x, [3, 5], 5);
        let found_turned = orthogonalised(turned, [5, 3], 5);
        for (one, other) in transposed(&found, [3, 5]).iter().zip(&found_turned) {
            assert!((one - other).abs() < 1e-5, "{one} against {other}");
        }
    }

    const AT: StepAt = StepAt { number: 1, learning_rate_factor: 1.0, decays: true };

    fn rule(normalized: bool) -> MuonRule {
        let momentum = 0.6;
        let others =
            SgdRule { learning_rate: 0.5, momentum, dampening: 0.0, nesterov: true, weight_decay: 0.0 };
        let (learning_rate, weight_decay) = (0.24, 0.1);
        let (nesterov, iterations, others) = (true, 3, Box::new(others));
        MuonRule { learning_rate, momentum, nesterov, weight_decay, iterations, normalized, others }
    }

    /// The matrix of 3×4 after a step from this one.
    fn stepped(normalized: bool, start: &[f64]) -> Vec<f64> {
        let gradient: Vec<f64> = (0..12).map(|at| f64::from((at * 7 + 3) % 11) - 5.0).collect();
        let mut parameter = start.to_vec();
        rule(normalized).step_f64(AT, &[3, 2, 2], &mut parameter, &gradient, &mut [vec![0.0; 12]]);
        parameter
    }

    #[test]
    fn a_normalised_step_is_that_from_weights_of_the_norm_of_as_many_rows_of_one() {
        let _turn = turn();
        let start: Vec<f64> = (0..12).map(|at| f64::from((at * 5 + 1) % 7) - 2.5).collect();
        let norm = start.iter().map(|value| value * value).sum::<f64>().sqrt();
        let scaled: Vec<f64> = start.iter().map(|value| value * 3_f64.sqrt() / norm).collect();
        let expected = stepped(false, &scaled);
        for larger in [1.0, 1e-3, 70.0] {
            let start: Vec<f64> = start.iter().map(|value| value * larger).collect();
            for (found, expected) in stepped(true, &start).iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{found} against {expected}");
            }
            assert_ne!(stepped(false, &start), expected);
        }
        assert_eq!(
            stepped(true, &[0.0; 12]),
            stepped(false, &[0.0; 12]),
            "zeros have no norm to be divided by"
        );
    }

    #[test]
    fn a_zero_gradient_has_no_direction() {
        let _turn = turn();
        assert_eq!(orthogonalised(vec![0.0_f32; 6], [2, 3], 5), [0.0; 6]);
    }
}
