//! What every operation must fulfil: its derivatives are those of its forward pass, by central differences in `f64`.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use candle_core::{Device, Tensor, Var};

use super::backward::Wanted;
use super::builder::ProgramBuilder;
use super::operation::{Dual, Mode, OpShapes, Operation};
use super::program::Program;
use crate::vector::turn;

/// The relative error that derivatives may have against central differences.
const TOLERANCE: f64 = 1e-6;
/// The step of the differences.
const STEP: f64 = 1e-5;

/// Numbers from −1 to 1 that depend on the index and a key alone.
pub(crate) fn numbers(key: u64, count: usize) -> Vec<f64> {
    (0..count as u64)
        .map(|index| {
            let mut bits = (key << 32 | index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            bits = (bits ^ bits >> 31).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// An operation under test: how it is made, and where it is looked at.
pub(crate) struct Case {
    /// Makes the operation.
    pub(crate) make: Box<dyn Fn() -> Box<dyn Operation<f64>>>,
    /// Examples.
    pub(crate) batch: usize,
    /// The first input `[batch, …]`: an operation of several inputs gets functions of it.
    pub(crate) input: Vec<f64>,
    /// The parameters' values.
    pub(crate) parameters: Vec<Vec<f64>>,
    /// The buffers' values.
    pub(crate) buffers: Vec<Vec<f64>>,
    /// Whether inputs have a gradient (numbers of tokens have none).
    pub(crate) has_input_gradient: bool,
}

impl Case {
    /// The operation on random inputs and parameters, its buffers one.
    pub(crate) fn random(batch: usize, make: impl Fn() -> Box<dyn Operation<f64>> + 'static) -> Self {
        let OpShapes { inputs, parameters, buffers, .. } = make().shapes();
        let of = |shapes: Vec<Vec<usize>>, first: u64| -> Vec<Vec<f64>> {
            let count = |shape: &Vec<usize>| shape.iter().product();
            (first..).zip(&shapes).map(|(key, shape)| numbers(key, count(shape))).collect()
        };
        Self {
            input: numbers(1, batch * inputs[0]),
            parameters: of(parameters, 10),
            buffers: of(buffers, 20)
                .into_iter()
                .map(|values| values.iter().map(|v| v.abs() + 0.5).collect())
                .collect(),
            make: Box::new(make),
            batch,
            has_input_gradient: true,
        }
    }

    fn program(&self) -> Program<f64> {
        let operation = (self.make)();
        let shapes = operation.shapes();
        let variables = |shapes: &[Vec<usize>], values: &[Vec<f64>]| -> Vec<Var> {
            let variable = |(shape, values): (&Vec<usize>, &Vec<f64>)| {
                Var::from_tensor(&Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu).unwrap())
                    .unwrap()
            };
            shapes.iter().zip(values).map(variable).collect()
        };
        let mut builder = ProgramBuilder::new(shapes.inputs[0]);
        let mut inputs = vec![builder.input()];
        for (index, size) in shapes.inputs.iter().enumerate().skip(1) {
            // Another function of the input for each further one.
            let weight = numbers(40 + index as u64, size * shapes.inputs[0]);
            let weight = variables(&[vec![*size, shapes.inputs[0]]], &[weight]);
            let dense = super::operations::Dense::new(1, shapes.inputs[0], *size, false);
            inputs.push(builder.add(Box::new(dense), &[builder.input()], weight, vec![]).unwrap());
        }
        let parameters = variables(&shapes.parameters, &self.parameters);
        let buffers = variables(&shapes.buffers, &self.buffers);
        builder.add(operation, &inputs, parameters, buffers).unwrap();
        builder.build().unwrap()
    }

    fn tensor(&self, input: &[f64]) -> Tensor {
        Tensor::from_vec(input.to_vec(), (self.batch, input.len() / self.batch), &Device::Cpu).unwrap()
    }

    /// Σ vector·outputs, with the vector of the checks.
    fn objective(&self, program: &mut Program<f64>, input: &[f64], mode: Mode) -> f64 {
        let outputs = program.forward(&self.tensor(input), mode).unwrap();
        outputs.iter().zip(numbers(3, outputs.len())).map(|(output, factor)| output * factor).sum()
    }

    /// The gradients of the input and of the parameters.
    fn gradients(&self, program: &mut Program<f64>, input: &[f64], mode: Mode) -> (Vec<f64>, Vec<Vec<f64>>) {
        let count = program.forward(&self.tensor(input), mode).unwrap().len();
        let wanted = Wanted { input: true, parameters: true };
        let of_input = program.backward(&numbers(3, count), wanted).unwrap();
        let of_parameters =
            program.parameters.iter().map(|p| program.parameter_gradient(p).unwrap().to_vec()).collect();
        (of_input.unwrap(), of_parameters)
    }

    fn set(program: &Program<f64>, parameter: usize, values: &[f64]) {
        let variable = &program.parameters[parameter];
        variable.set(&Tensor::from_slice(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
    }

    fn values(program: &Program<f64>, parameter: usize) -> Vec<f64> {
        program.parameters[parameter].flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Checks the gradients of input and parameters in this mode.
    pub(crate) fn check_gradients(&self, mode: Mode) {
        let _turn = turn();
        let mut program = self.program();
        let (of_input, of_parameters) = self.gradients(&mut program, &self.input, mode);
        if self.has_input_gradient {
            for index in 0..self.input.len() {
                let mut at = |step: f64| {
                    let mut input = self.input.clone();
                    input[index] += step;
                    self.objective(&mut program, &input, mode)
                };
                close(of_input[index], (at(STEP) - at(-STEP)) / (2.0 * STEP), &format!("input {index}"));
            }
        }
        for (parameter, gradient) in of_parameters.iter().enumerate() {
            let values = Self::values(&program, parameter);
            for index in 0..values.len() {
                let mut at = |step: f64| {
                    let mut moved = values.clone();
                    moved[index] += step;
                    Self::set(&program, parameter, &moved);
                    self.objective(&mut program, &self.input, mode)
                };
                let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                close(gradient[index], difference, &format!("parameter {parameter}, element {index}"));
            }
            Self::set(&program, parameter, &values);
        }
    }

    /// Checks the product of the Hessian of ½ Σ vector·outputs² with a direction, over all parameters, those of a dense layer before
    /// the operation among them.
    pub(crate) fn check_second_derivatives(&self) {
        let shapes = (self.make)().shapes();
        let mut builder = ProgramBuilder::new(3);
        let variable = |key: u64, shape: &[usize]| {
            let count = shape.iter().product();
            Var::from_tensor(&Tensor::from_vec(numbers(key, count), shape, &Device::Cpu).unwrap()).unwrap()
        };
        let mut inputs = Vec::new();
        for (index, &size) in shapes.inputs.iter().enumerate() {
            let key = 60 + 2 * index as u64;
            let dense = super::operations::Dense::new(1, 3, size, true);
            let parameters = vec![variable(key, &[size, 3]), variable(key + 1, &[size])];
            inputs.push(builder.add(Box::new(dense), &[builder.input()], parameters, vec![]).unwrap());
        }
        let own = |values: &[Vec<f64>], shapes: &[Vec<usize>]| -> Vec<Var> {
            let of = |(values, shape): (&Vec<f64>, &Vec<usize>)| {
                Var::from_tensor(&Tensor::from_vec(values.clone(), shape.as_slice(), &Device::Cpu).unwrap())
                    .unwrap()
            };
            values.iter().zip(shapes).map(of).collect()
        };
        let (parameters, buffers) =
            (own(&self.parameters, &shapes.parameters), own(&self.buffers, &shapes.buffers));
        builder.add((self.make)(), &inputs, parameters, buffers).unwrap();
        check_hessian(builder.build().unwrap(), &numbers(80, self.batch * 3), self.batch);
    }

    /// Both, in evaluation mode.
    pub(crate) fn check(&self) {
        self.check_gradients(Mode::Evaluation);
        self.check_second_derivatives();
    }
}

/// Holds the product of the Hessian of ½ Σ vector·outputs² with a direction against differences of the gradient.
pub(crate) fn check_hessian(mut program: Program<f64>, input: &[f64], batch: usize) {
    let _turn = turn();
    let input = Tensor::from_slice(input, (batch, input.len() / batch), &Device::Cpu).unwrap();
    let start: Vec<Vec<f64>> =
        (0..program.parameters.len()).map(|index| Case::values(&program, index)).collect();
    let direction: Vec<Vec<f64>> =
        (90..).zip(&start).map(|(key, values)| numbers(key, values.len())).collect();
    program.forward(&input, Mode::Evaluation).unwrap();
    let product = program
        .hessian_vector(&direction, |outputs, tangent| {
            let factors = numbers(3, outputs.len());
            let times =
                |values: &[f64]| values.iter().zip(&factors).map(|(value, factor)| value * factor).collect();
            Ok(Dual { gradient: Some(times(outputs)), tangent: Some(times(tangent)) })
        })
        .unwrap();
    let mut gradient_at = |step: f64| -> Vec<Vec<f64>> {
        for (index, (values, along)) in start.iter().zip(&direction).enumerate() {
            let moved: Vec<f64> =
                values.iter().zip(along).map(|(value, along)| value + step * along).collect();
            Case::set(&program, index, &moved);
        }
        let outputs = program.forward(&input, Mode::Evaluation).unwrap().to_vec();
        let gradient: Vec<f64> =
            outputs.iter().zip(numbers(3, outputs.len())).map(|(output, factor)| output * factor).collect();
        program.backward(&gradient, Wanted { input: false, parameters: true }).unwrap();
        program.parameters.iter().map(|p| program.parameter_gradient(p).unwrap().to_vec()).collect()
    };
    let (after, before) = (gradient_at(STEP), gradient_at(-STEP));
    let largest = product.iter().flatten().fold(1e-3, |largest: f64, value| largest.max(value.abs()));
    for (parameter, product) in product.iter().enumerate() {
        for (index, found) in product.iter().enumerate() {
            let difference = (after[parameter][index] - before[parameter][index]) / (2.0 * STEP);
            let error = (found - difference).abs() / largest;
            assert!(
                error < TOLERANCE,
                "parameter {parameter}, element {index}: {found} against {difference}"
            );
        }
    }
}

fn close(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1.0);
    assert!(error < TOLERANCE, "{what}: {found} against {expected}");
}
