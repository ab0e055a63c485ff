//! Probes of real networks against independent truths: central differences, and formulas on functions with known answers.

use basin_domain::experiment::{ConvNet, Function, SampledFunction};
use basin_kernels::network::{Mode, Wanted};
use candle_core::{Device, Tensor};

use super::testing::RandomImages;
use super::*;
use crate::fit_function::FunctionFit;

fn network() -> Model {
    let net = ConvNet { conv: vec![3, 4], kernel: 3, dense: vec![5] };
    Model::conv_net(&net, [2, 8, 8], 3, 1).unwrap().with_dtype(DType::F64).unwrap()
}

fn measure<P: LearningProblem>(probe: Probe, problem: &P, model: &Model) -> ProbeResult {
    let mut measurement = Measurement::new(probe, problem, model, 7, None).unwrap();
    loop {
        if let Some(found) = measurement.advance(problem, model).unwrap() {
            return found;
        }
    }
}

fn number(found: &ProbeResult) -> f64 {
    match found {
        ProbeResult::Number(number) => *number,
        ProbeResult::Eigenvalue(largest, _) => largest.value,
        ProbeResult::TopEigenvalues(..)
        | ProbeResult::Trace(_)
        | ProbeResult::OfLayers(_)
        | ProbeResult::DensitiesOfLayers(_)
        | ProbeResult::Density(_) => panic!("a density where a number should be"),
    }
}

/// Softmax probabilities of one image.
fn probabilities(model: &Model, image: &[f64], side: usize) -> Vec<f64> {
    let image = Tensor::from_slice(image, (1, 2, side, side), &Device::Cpu).unwrap();
    let logits = model.evaluate(&image).unwrap().to_vec2::<f64>().unwrap();
    let sum: f64 = logits[0].iter().map(|logit| logit.exp()).sum();
    logits[0].iter().map(|logit| logit.exp() / sum).collect()
}

#[test]
fn the_sensitivity_is_the_norm_of_the_jacobian_by_central_differences() {
    let (problem, model) = (RandomImages::new(3, 8), network());
    let measured = number(&measure(Probe::Sensitivity { examples: None }, &problem, &model));
    let batch = problem.batch(Split::Train, &[0, 1, 2], DType::F64).unwrap();
    let images = batch.inputs.flatten_from(1).unwrap().to_vec2::<f64>().unwrap();
    let step = 1e-5;
    let mut norms = 0.0;
    for image in &images {
        let mut squares = 0.0;
        for pixel in 0..image.len() {
            let at = |shift: f64| {
                let mut moved = image.clone();
                moved[pixel] += shift;
                probabilities(&model, &moved, 8)
            };
            let pairs = at(step).into_iter().zip(at(-step));
            squares += pairs.map(|(a, b)| ((a - b) / (2.0 * step)).powi(2)).sum::<f64>();
        }
        norms += squares.sqrt();
    }
    let expected = norms / 3.0;
    assert!((measured / expected - 1.0).abs() < 1e-6, "{measured} {expected}");
}

#[test]
fn the_input_gradient_is_that_of_each_examples_own_loss() {
    let (problem, model) = (RandomImages::new(4, 8), network());
    let measured = number(&measure(Probe::InputGradient { examples: None }, &problem, &model));
    let step = 1e-5;
    let mut norms = 0.0;
    for example in 0..4 {
        let batch = problem.batch(Split::Train, &[example], DType::F64).unwrap();
        let image = batch.inputs.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let label = problem.labels[example as usize] as usize;
        let mut squares = 0.0;
        for pixel in 0..image.len() {
            let at = |shift: f64| {
                let mut moved = image.clone();
                moved[pixel] += shift;
                -probabilities(&model, &moved, 8)[label].ln()
            };
            squares += ((at(step) - at(-step)) / (2.0 * step)).powi(2);
        }
        norms += squares.sqrt();
    }
    assert!((measured / (norms / 4.0) - 1.0).abs() < 1e-6, "{measured} {}", norms / 4.0);
}

#[test]
fn the_sensitivity_of_a_fitted_function_is_its_slope() {
    let problem = FunctionFit::new(&SampledFunction::line(Function::Sin, (-1.0, 1.0), 5)).unwrap();
    let model = Model::dense_net(1, &[6], 1, 3).unwrap().with_dtype(DType::F64).unwrap();
    let measured = number(&measure(Probe::Sensitivity { examples: None }, &problem, &model));
    let output = |x: f64| {
        let x = Tensor::from_slice(&[x], (1, 1), &Device::Cpu).unwrap();
        model.evaluate(&x).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()[0]
    };
    let slopes: f64 = [-1.0, -0.5, 0.0, 0.5, 1.0]
        .iter()
        .map(|x| ((output(x + 1e-6) - output(x - 1e-6)) / 2e-6).abs())
        .sum();
    assert!((measured - slopes / 5.0).abs() < 1e-6, "{measured} {}", slopes / 5.0);
}

/// The Hessian of the loss over all training examples, column by column from central differences of values alone.
fn hessian(objective: &impl Objective, at: &[f64]) -> Vec<Vec<f64>> {
    let step = 1e-4;
    let value = |changes: &[(usize, f64)]| {
        let mut moved = at.to_vec();
        for &(index, shift) in changes {
            moved[index] += shift;
        }
        objective.gradient(&moved, &mut vec![0.0; at.len()]).unwrap()
    };
    (0..at.len())
        .map(|i| {
            (0..at.len())
                .map(|j| {
                    let (pp, pm) = (value(&[(i, step), (j, step)]), value(&[(i, step), (j, -step)]));
                    let (mp, mm) = (value(&[(i, -step), (j, step)]), value(&[(i, -step), (j, -step)]));
                    (pp - pm - mp + mm) / (4.0 * step * step)
                })
                .collect()
        })
        .collect()
}

#[test]
fn hessian_vector_products_and_the_largest_eigenvalue_are_those_of_the_whole_hessian() {
    let problem = RandomImages::new(6, 4);
    let net = ConvNet { conv: vec![2], kernel: 3, dense: vec![3] };
    let model = Model::conv_net(&net, [2, 4, 4], 3, 5).unwrap().with_dtype(DType::F64).unwrap();
    let objective = TrainingObjective::new(&problem, &model, 6);
    let at = model.flat_parameters().unwrap();
    let matrix = hessian(&objective, &at);
    let direction = random_direction(1, 0, at.len());
    let product = objective.hessian_vector(&at, &direction).unwrap();
    let scale = matrix.iter().flatten().fold(0.0f64, |most, entry| most.max(entry.abs()));
    for (row, product) in matrix.iter().zip(&product) {
        let expected = vector::dot(row, &direction);
        assert!((product - expected).abs() < 1e-4 * scale * (at.len() as f64).sqrt(), "{product} {expected}");
    }
    let dense = nalgebra::DMatrix::from_fn(at.len(), at.len(), |i, j| 0.5 * (matrix[i][j] + matrix[j][i]));
    let largest = dense.symmetric_eigenvalues().max();
    model.set_parameters(&at).unwrap();
    let measured = number(&measure(
        Probe::LargestEigenvalue { examples: 6, steps: 60, warm_start: false },
        &problem,
        &model,
    ));
    assert!((measured / largest - 1.0).abs() < 1e-3, "{measured} {largest}");
    let ProbeResult::Density(density) =
        measure(Probe::Spectrum { examples: 6, steps: 40, vectors: 3 }, &problem, &model)
    else {
        panic!("a number where a density should be")
    };
    let total: f64 = density.windows(2).map(|p| 0.5 * (p[1].0 - p[0].0) * (p[0].1 + p[1].1)).sum();
    assert!((total - 1.0).abs() < 1e-2, "{total}");
    assert!(density.first().unwrap().0 < 0.0 && density.last().unwrap().0 > largest);
}

#[test]
fn a_gradient_over_chunks_is_that_of_all_examples_at_once() {
    let problem = RandomImages::new(1_201, 4);
    let net = ConvNet { conv: vec![2], kernel: 3, dense: vec![] };
    let model = Model::conv_net(&net, [2, 4, 4], 3, 5).unwrap().with_dtype(DType::F64).unwrap();
    let objective = TrainingObjective::new(&problem, &model, u32::MAX);
    let at = model.flat_parameters().unwrap();
    let mut gradient = vec![0.0; at.len()];
    let value = objective.gradient(&at, &mut gradient).unwrap();
    let positions: Vec<u32> = (0..1_201).collect();
    let batch = problem.batch(Split::Train, &positions, DType::F64).unwrap();
    let mut program = model.program::<f64>().unwrap();
    let outputs = program.forward(&batch.inputs, Mode::Evaluation).unwrap();
    let sums = problem.loss().sums(outputs, &batch.targets).unwrap();
    assert!((sums.loss / 1_201.0 - value).abs() < 1e-12);
    let of_outputs = problem.loss().gradient(outputs, &batch.targets).unwrap();
    program.backward(&of_outputs, Wanted { input: false, parameters: true }).unwrap();
    let mut at = 0;
    for parameter in model.parameters().values() {
        for expected in program.parameter_gradient(parameter).unwrap() {
            assert!((gradient[at] - expected).abs() < 1e-12, "{at}");
            at += 1;
        }
    }
}

#[test]
fn sharpness_does_not_move_the_model() {
    let (problem, model) = (RandomImages::new(5, 8), network());
    let before = model.flat_parameters().unwrap();
    let measured =
        number(&measure(Probe::Sharpness { examples: 5, epsilon: 1e-2, steps: 10 }, &problem, &model));
    assert!(measured > 0.0, "{measured}");
    assert_eq!(model.flat_parameters().unwrap(), before);
}
