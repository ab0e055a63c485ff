//! Products of Hessians with vectors, against differences of gradients where no kink is near, and where one is crossed.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::Loss;
use basin_kernels::network::operations::Add;
use basin_kernels::network::{Mode, Program, ProgramBuilder, Wanted};
use candle_core::{Device, Tensor, Var};
use common::network::{Layer, chain, conv_relu_pool, dense, hidden, parameter_gradients};
use common::{Numbers, bits_of, doubles, smaller_under_miri};

/// So short a step crosses a kink with a probability of about as much, and leaves some seven digits of a difference of gradients.
const STEP: f64 = 1e-8;

/// A loss of a network's outputs on a batch.
struct Objective {
    program: Program<f64>,
    inputs: Tensor,
    loss: Loss,
    targets: Tensor,
}

impl Objective {
    /// The parts of H·v by the R-operator.
    fn product(&mut self, direction: &[Vec<f64>]) -> Vec<Vec<f64>> {
        self.program.forward(&self.inputs, Mode::Evaluation).unwrap();
        let along =
            |outputs: &[f64], tangent: &[f64]| self.loss.gradient_along(outputs, &self.targets, tangent);
        self.program.hessian_vector(direction, along).unwrap()
    }

    fn gradient(&mut self) -> Vec<Vec<f64>> {
        let outputs = self.program.forward(&self.inputs, Mode::Evaluation).unwrap().to_vec();
        let gradient = self.loss.gradient(&outputs, &self.targets).unwrap();
        self.program.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
        parameter_gradients(&self.program)
    }

    /// The parts of H·v by central differences of gradients.
    fn differences(&mut self, direction: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let variables = self.program.parameters().to_vec();
        let values: Vec<Vec<f64>> = variables.iter().map(|variable| doubles(variable)).collect();
        let mut gradient_at = |factor: f64| {
            for ((variable, values), direction) in variables.iter().zip(&values).zip(direction) {
                let moved = values.iter().zip(direction).map(|(value, along)| value + along * factor);
                set(variable, moved.collect());
            }
            self.gradient()
        };
        let (ahead, behind) = (gradient_at(STEP), gradient_at(-STEP));
        variables.iter().zip(values).for_each(|(variable, values)| set(variable, values));
        let difference = |(ahead, behind): (&f64, &f64)| (ahead - behind) / (2.0 * STEP);
        let part =
            |(ahead, behind): (&Vec<f64>, &Vec<f64>)| ahead.iter().zip(behind).map(difference).collect();
        ahead.iter().zip(&behind).map(part).collect()
    }

    /// Compares them along a direction.
    fn check_along(&mut self, case: &str, direction: &[Vec<f64>]) {
        let (products, differences) = (self.product(direction), self.differences(direction));
        let scale = differences.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
        for (index, (product, difference)) in products.into_iter().zip(differences).enumerate() {
            for (product, difference) in product.into_iter().zip(difference) {
                let error = (product - difference).abs();
                assert!(error < 1e-6 * scale, "{case}, parameter {index}: {product} against {difference}");
            }
        }
    }

    /// Compares them along a random direction.
    fn check(&mut self, case: &str, numbers: &mut Numbers) {
        let direction = random_direction(&self.program, numbers);
        self.check_along(case, &direction);
    }
}

fn random_direction(program: &Program<f64>, numbers: &mut Numbers) -> Vec<Vec<f64>> {
    program.parameters().iter().map(|parameter| numbers.values(parameter.elem_count())).collect()
}

fn set(variable: &Var, values: Vec<f64>) {
    variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn products_of_networks_are_those_of_differences_of_gradients() {
    let mut numbers = Numbers(21);
    let labels = Tensor::new(&[0_u32, 3, 1, 1, 2], &Device::Cpu).unwrap();
    for (channels, side, outputs, kernel) in [(1, 4, 3, 3), (3, 9, 5, 3), (2, 7, 6, 1), (5, 8, 9, 5)] {
        let inputs = numbers.tensor(&[5, channels, side, side]);
        let pooled = outputs * (side / 2) * (side / 2);
        let (weight, bias) = (numbers.var(&[outputs, channels, kernel, kernel]), numbers.var(&[outputs]));
        let layers = [
            conv_relu_pool([channels, side, side], &weight, &bias),
            dense(&numbers.var(&[4, pooled]), &numbers.var(&[4])),
        ];
        let program = chain(channels * side * side, layers);
        let targets = labels.clone();
        Objective { program, inputs, loss: Loss::CrossEntropy, targets }
            .check("one convolution", &mut numbers);
    }
    let images = numbers.tensor(&[5, 2, 8, 8]);
    let shapes: [&[usize]; 8] =
        [&[6, 2, 3, 3], &[6], &[5, 6, 3, 3], &[5], &[7, 5 * 2 * 2], &[7], &[4, 7], &[4]];
    let variables = shapes.map(|shape| numbers.var(shape));
    let [w0, b0, w1, b1, w2, b2, w3, b3] = &variables;
    let layers = || -> Vec<Layer<f64>> {
        let convolutions = [conv_relu_pool([2, 8, 8], w0, b0), conv_relu_pool([6, 4, 4], w1, b1)];
        convolutions.into_iter().chain(hidden(w2, b2)).chain([dense(w3, b3)]).collect()
    };
    let targets = numbers.tensor(&[5, 4]);
    for (case, loss, targets) in [
        ("two convolutions and a hidden layer", Loss::CrossEntropy, &labels),
        ("under squared error", Loss::MeanSquaredError, &targets),
        ("with smoothed labels", Loss::SmoothedCrossEntropy { smoothing: 0.2 }, &labels),
        ("under squared error of one-hot vectors", Loss::OneHotSquaredError, &labels),
        ("under Huber's loss", Loss::Huber { delta: 0.8 }, &targets),
    ] {
        let (program, inputs, targets) = (chain(2 * 8 * 8, layers()), images.clone(), targets.clone());
        Objective { program, inputs, loss, targets }.check(case, &mut numbers);
    }
    let (weight, bias) = (numbers.var(&[2 * 8 * 8, 3]), numbers.var(&[2 * 8 * 8]));
    let program = chain(3, std::iter::once(dense(&weight, &bias)).chain(layers()));
    let inputs = numbers.tensor(&[5, 3]);
    Objective { program, inputs, loss: Loss::CrossEntropy, targets: labels }
        .check("with images that move", &mut numbers);
}

#[test]
fn a_result_that_is_used_twice_and_parameters_that_stand_still_are_no_exceptions() {
    let mut numbers = Numbers(23);
    let mut builder = ProgramBuilder::new(3);
    let mut last = builder.input();
    let mut layer = || (numbers.var(&[3, 3]), numbers.var(&[3]));
    let [(weight, bias), (next_weight, next_bias), (last_weight, last_bias)] = [layer(), layer(), layer()];
    for (operation, parameters) in hidden::<f64>(&weight, &bias) {
        last = builder.add(operation, &[last], parameters, vec![]).unwrap();
    }
    let (operation, parameters) = dense(&next_weight, &next_bias);
    let next = builder.add(operation, &[last], parameters, vec![]).unwrap();
    let sum = builder.add(Box::new(Add::new(3)), &[next, last], vec![], vec![]).unwrap();
    let (operation, parameters) = dense(&last_weight, &last_bias);
    builder.add(operation, &[sum], parameters, vec![]).unwrap();
    let program = builder.build().unwrap();
    let (inputs, targets) = (numbers.tensor(&[4, 3]), numbers.tensor(&[4, 3]));
    let mut objective = Objective { program, inputs, loss: Loss::MeanSquaredError, targets };
    objective.check("twice", &mut numbers);
    let whole = random_direction(&objective.program, &mut numbers);
    for moving in 0..whole.len() {
        let mut direction: Vec<Vec<f64>> = whole.iter().map(|part| vec![0.0; part.len()]).collect();
        direction[moving].clone_from(&whole[moving]);
        objective.check_along(&format!("parameter {moving} alone"), &direction);
    }
}

/// At 0, ReLU's kink: what is dead stays dead, though a step to one side would revive it.
#[test]
fn what_a_pass_decided_stays_decided() {
    let variable = |value: f64, dims: &[usize]| Var::from_vec(vec![value], dims, &Device::Cpu).unwrap();
    let tensor = |values: &[f64]| Tensor::from_slice(values, (1, values.len()), &Device::Cpu).unwrap();
    let loss = Loss::MeanSquaredError;
    let program = chain(1, hidden(&variable(0.0, &[1, 1]), &variable(0.0, &[1])));
    let mut dead = Objective { program, inputs: tensor(&[1.0]), loss, targets: tensor(&[3.0]) };
    assert_eq!(dead.product(&[vec![1.0], vec![1.0]]), [[0.0], [0.0]]);
    // Of equal sums the first counts, whatever the others would do.
    let layer = conv_relu_pool([1, 2, 2], &variable(0.0, &[1, 1, 1, 1]), &variable(1.0, &[1]));
    let (program, inputs) = (chain(4, [layer]), tensor(&[1.0, 2.0, 3.0, 4.0]));
    let mut equal = Objective { program, inputs, loss, targets: tensor(&[0.0]) };
    // (1·w + b)²: the second derivatives by w and by both are 2.
    assert_eq!(equal.product(&[vec![1.0], vec![0.0]]), [[2.0], [2.0]]);
}

#[test]
fn products_do_not_depend_on_threads() {
    let mut numbers = Numbers(24);
    let (count, channels, side, outputs, width) = smaller_under_miri((37, 3, 16, 8, 64), (3, 1, 4, 2, 3));
    let images = numbers.tensor(&[count, channels, side, side]);
    let labels = Tensor::from_iter((0..count as u32).map(|index| index % 10), &Device::Cpu).unwrap();
    let pooled = outputs * (side / 2) * (side / 2);
    let shapes: [&[usize]; 6] =
        [&[outputs, channels, 3, 3], &[outputs], &[width, pooled], &[width], &[10, width], &[10]];
    let variables = shapes.map(|shape| numbers.var(shape));
    let direction: Vec<Vec<f64>> =
        shapes.iter().map(|shape| numbers.values(shape.iter().product())).collect();
    let product = || {
        let [weight, bias, hidden_weight, hidden_bias, last_weight, last_bias] = &variables;
        let first = conv_relu_pool([channels, side, side], weight, bias);
        let layers = std::iter::once(first)
            .chain(hidden(hidden_weight, hidden_bias))
            .chain([dense(last_weight, last_bias)]);
        let program = chain(channels * side * side, layers);
        let (inputs, targets) = (images.clone(), labels.clone());
        let products = Objective { program, inputs, loss: Loss::CrossEntropy, targets }.product(&direction);
        products.iter().map(|product| bits_of(product)).collect::<Vec<_>>()
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(product);
    let alone = on(1);
    for &threads in smaller_under_miri(&[2, 3, 4][..], &[2]) {
        assert!(on(threads) == alone, "{threads} threads gave something else than one");
    }
}

#[test]
fn what_has_no_hessian_here_is_refused() {
    let mut numbers = Numbers(25);
    let (x, targets) = (numbers.tensor(&[3, 2]), numbers.tensor(&[3, 2]));
    let along =
        |outputs: &[f64], tangent: &[f64]| Loss::MeanSquaredError.gradient_along(outputs, &targets, tangent);
    let mut program = chain(2, [dense::<f64>(&numbers.var(&[2, 2]), &numbers.var(&[2]))]);
    let direction = [numbers.values(4), numbers.values(2)];
    let refused = |program: &mut Program<f64>, direction: &[Vec<f64>], why: &str| {
        let error = program.hessian_vector(direction, along).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused(&mut program, &direction, "a Hessian is that of a forward pass in evaluation mode");
    program.forward(&x, Mode::Training { step: 0, updates_statistics: true }).unwrap();
    refused(&mut program, &direction, "a Hessian is that of a forward pass in evaluation mode");
    program.forward(&x, Mode::Evaluation).unwrap();
    assert!(program.hessian_vector(&direction, along).is_ok());
    refused(&mut program, &direction[..1], "a direction has a part for each parameter, of its size");
    let longer = [numbers.values(4), numbers.values(3)];
    refused(&mut program, &longer, "a direction has a part for each parameter, of its size");
    let mut of_no_parameter = chain(2, [common::network::relu::<f64>(2)]);
    of_no_parameter.forward(&x, Mode::Evaluation).unwrap();
    refused(&mut of_no_parameter, &[], "the outputs depend on no parameter");
}
