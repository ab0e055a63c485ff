//! What every operation must fulfil in single precision: the same bytes on each code path and any number of threads, and with a
//! ReLU taken in as with one behind it.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use candle_core::{Device, Tensor, Var};

use super::backward::Wanted;
use super::builder::ProgramBuilder;
use super::operation::{Mode, Operation};
use super::testing::numbers;
use crate::code_path::CodePath;
use crate::vector::on_path;

/// A step of training.
pub(crate) const TRAINING: Mode = Mode::Training { step: 3, updates_statistics: true };

/// Numbers of single precision from −1 to 1.
pub(crate) fn singles(key: u64, count: usize) -> Vec<f32> {
    numbers(key, count).into_iter().map(|number| number as f32).collect()
}

/// All that passes of an operation give: outputs, gradients of input and parameters, buffers.
fn passes(
    operation: Box<dyn Operation<f32>>,
    input: &[f32],
    mode: Mode,
    gradient: impl Fn(&[f32]) -> Vec<f32>,
) -> Vec<Vec<f32>> {
    let shapes = operation.shapes();
    let variables = |first: u64, shapes: &[Vec<usize>], least: f32| -> Vec<Var> {
        let variable = |(key, shape): (u64, &Vec<usize>)| {
            let values = singles(key, shape.iter().product()).into_iter().map(|value| value.abs().max(least));
            Var::from_tensor(&Tensor::from_vec(values.collect(), shape.as_slice(), &Device::Cpu).unwrap())
                .unwrap()
        };
        (first..).zip(shapes).map(variable).collect()
    };
    let (parameters, buffers) = (variables(10, &shapes.parameters, 0.0), variables(20, &shapes.buffers, 0.1));
    let mut builder = ProgramBuilder::new(shapes.inputs[0]);
    builder
        .add(operation, &vec![builder.input(); shapes.inputs.len()], parameters.clone(), buffers.clone())
        .unwrap();
    let mut program = builder.build().unwrap();
    let tensor =
        Tensor::from_slice(input, (input.len() / shapes.inputs[0], shapes.inputs[0]), &Device::Cpu).unwrap();
    let outputs = program.forward(&tensor, mode).unwrap().to_vec();
    let of_input = program.backward(&gradient(&outputs), Wanted { input: true, parameters: true }).unwrap();
    let mut all = vec![outputs, of_input.unwrap_or_default()];
    all.extend(parameters.iter().map(|parameter| program.parameter_gradient(parameter).unwrap().to_vec()));
    all.extend(buffers.iter().map(|buffer| buffer.flatten_all().unwrap().to_vec1().unwrap()));
    all
}

fn bits(all: &[Vec<f32>]) -> Vec<Vec<u32>> {
    all.iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
}

/// Checks that paths and threads change no byte of any pass.
pub(crate) fn check_same_bytes(input: &[f32], mode: Mode, make: impl Fn() -> Box<dyn Operation<f32>> + Sync) {
    let run = || bits(&passes(make(), input, mode, |outputs| singles(3, outputs.len())));
    let mut expected: Option<Vec<Vec<u32>>> = None;
    for path in CodePath::ALL {
        on_path(path, || {
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let found = pool.install(run);
                let expected = expected.get_or_insert_with(|| found.clone());
                assert!(found == *expected, "{} with {threads} threads", path.name());
            }
        });
    }
}

/// Checks that an operation with ReLU taken in gives the bytes of the two one after the other.
pub(crate) fn check_fused_relu(input: &[f32], mode: Mode, make: impl Fn() -> Box<dyn Operation<f32>>) {
    let fused = passes(make().with_relu().unwrap(), input, mode, |outputs| singles(3, outputs.len()));
    let mut apart = passes(make(), input, mode, |outputs| {
        let gradient = singles(3, outputs.len()).into_iter().zip(outputs);
        gradient.map(|(gradient, output)| if *output <= 0.0 { 0.0 } else { gradient }).collect()
    });
    for output in &mut apart[0] {
        *output = if *output <= 0.0 { 0.0 } else { *output };
    }
    assert!(bits(&fused) == bits(&apart));
}
