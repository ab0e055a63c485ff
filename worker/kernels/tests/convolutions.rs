//! Convolutions and poolings of compiled networks against PyTorch (`fixtures/make_convolution_fixture.py`) and against Candle.

#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::HashMap;

use basin_kernels::network::operations::{
    AveragePool, Conv2d, Conv2dOptions, GlobalAveragePool, MaxPool, PadChannels,
};
use basin_kernels::network::{Float, Kept, Mode, OfInputs, OpContext, OpGradients, Operation, Pass};
use candle_core::{DType, Device, Tensor};
use common::{Numbers, assert_equal, cases, doubles, on_each_path};
use proptest::prelude::*;

/// The elements of a tensor, as the operation's float.
fn elements<T: Float>(tensor: &Tensor) -> Vec<T> {
    doubles(tensor).into_iter().map(T::from_f64).collect()
}

/// An operation's results, and the gradients of its input and parameters for a gradient of the results; all as doubles.
struct Passes {
    y: Vec<f64>,
    input: Vec<f64>,
    parameters: Vec<Vec<f64>>,
}

fn run<T: Float>(
    operation: &dyn Operation<T>,
    x: &Tensor,
    parameters: &[&Tensor],
    gradient: Option<&Tensor>,
) -> Passes {
    let shapes = operation.shapes();
    let (x, parameters): (Vec<T>, Vec<Vec<T>>) =
        (elements(x), parameters.iter().map(|parameter| elements(parameter)).collect());
    let slices: Vec<&[T]> = parameters.iter().map(Vec::as_slice).collect();
    let pass = Pass { batch: x.len() / shapes.inputs[0], mode: Mode::Evaluation };
    let context = OpContext { pass, inputs: &[&x], parameters: &slices, buffers: &[] };
    let size = operation.kept(pass.batch);
    let mut kept = Kept { floats: vec![T::default(); size.floats], bytes: vec![0; size.bytes] };
    let nan = T::from_f64(f64::NAN);
    let mut y = vec![nan; pass.batch * shapes.output];
    operation.forward(&context, &mut kept, &mut y);
    let mut input = vec![nan; x.len()];
    let mut of_parameters: Vec<Vec<T>> = parameters.iter().map(|values| vec![nan; values.len()]).collect();
    if let Some(gradient) = gradient {
        let into = OpGradients {
            inputs: OfInputs::from_iter([Some(&mut input[..])]),
            parameters: Some(&mut of_parameters),
        };
        operation.vjp(&context, &kept, &y, &mut elements(gradient), into);
    }
    let doubles = |values: &Vec<T>| values.iter().map(|value| value.to_f64()).collect();
    Passes { y: doubles(&y), input: doubles(&input), parameters: of_parameters.iter().map(doubles).collect() }
}

/// The cases of the fixture, by name.
fn fixture() -> HashMap<String, HashMap<String, Tensor>> {
    let bytes = include_bytes!("fixtures/convolutions.safetensors");
    let mut cases: HashMap<String, HashMap<String, Tensor>> = HashMap::new();
    for (name, tensor) in candle_core::safetensors::load_buffer(bytes, &Device::Cpu).unwrap() {
        let split = if name.ends_with(".gradient") {
            name.rmatch_indices('.').nth(1)
        } else {
            name.rmatch_indices('.').next()
        };
        let at = split.unwrap().0;
        cases.entry(name[..at].to_owned()).or_default().insert(name[at + 1..].to_owned(), tensor);
    }
    cases
}

/// Holds the operation of each case against the fixture.
fn check<T: Float>(tolerance: f64, of: impl Fn(&str, [usize; 3]) -> Option<Box<dyn Operation<T>>>) -> usize {
    let mut checked = 0;
    for (name, tensors) in fixture() {
        let dims = tensors["x"].dims();
        let Some(operation) = of(&name, [dims[1], dims[2], dims[3]]) else { continue };
        let kinds: Vec<&str> =
            ["weight", "bias"].into_iter().filter(|kind| tensors.contains_key(*kind)).collect();
        let parameters: Vec<&Tensor> = kinds.iter().map(|kind| &tensors[*kind]).collect();
        let passes = run::<T>(&*operation, &tensors["x"], &parameters, Some(&tensors["g"]));
        let close = |what: &str, found: &[f64]| {
            let expected = doubles(&tensors[what]);
            assert_eq!(found.len(), expected.len(), "{name}: {what}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                let error = (found - expected).abs();
                assert!(error <= tolerance, "{name}: {what}, element {index}: {found} against {expected}");
            }
        };
        close("y", &passes.y);
        close("x.gradient", &passes.input);
        for (kind, gradient) in kinds.iter().zip(&passes.parameters) {
            close(&format!("{kind}.gradient"), gradient);
        }
        checked += 1;
    }
    checked
}

/// Checks cases in double and in single precision on each path.
macro_rules! check_all {
    ($count:expr, |$name:ident, $image:ident| $operation:expr) => {{
        on_each_path(|_| {
            assert_eq!(check::<f64>(1e-13, |$name, $image| $operation), $count);
            assert_eq!(check::<f32>(2e-5, |$name, $image| $operation), $count);
        });
    }};
}

/// The numbers in a case's name.
fn sizes(name: &str) -> Vec<usize> {
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[test]
fn convolutions_are_those_of_pytorch_on_each_path() {
    check_all!(16, |name, image| {
        name.starts_with("conv").then(|| {
            let [_, _, _, outputs, kernel, stride, padding, groups] = sizes(name).try_into().unwrap();
            let has_bias = name.ends_with("bias");
            let options = Conv2dOptions { outputs, kernel, stride, padding, groups, has_bias };
            Box::new(Conv2d::new(image, options).unwrap()) as _
        })
    });
}

#[test]
fn poolings_are_those_of_pytorch_on_each_path() {
    check_all!(4, |name, image| {
        name.starts_with("max").then(|| {
            let [side, stride, padding] = sizes(name).try_into().unwrap();
            Box::new(MaxPool::new(image, side, stride, padding).unwrap()) as _
        })
    });
    check_all!(4, |name, image| {
        name.starts_with("average").then(|| {
            let [side, stride, padding] = sizes(name).try_into().unwrap();
            Box::new(AveragePool::new(image, side, stride, padding).unwrap()) as _
        })
    });
    check_all!(1, |name, image| {
        let [channels, height, width] = image;
        (name == "global").then(|| Box::new(GlobalAveragePool { channels, plane: height * width }) as _)
    });
}

#[test]
fn the_shortcut_of_zeros_is_that_of_pytorch_on_each_path() {
    check_all!(1, |name, image| {
        (name == "pad").then(|| Box::new(PadChannels::new(image, 2, 1, 2).unwrap()) as _)
    });
}

/// A result in double and in single precision on each path; the numbers are coarse, so all must be exactly Candle's.
macro_rules! same_as_candle {
    ($operation:expr, $x:expr, $parameters:expr, $expected:expr) => {{
        let expected = doubles(&$expected.unwrap());
        on_each_path(|path| {
            assert_equal(path, &run::<f64>(&$operation, $x, $parameters, None).y, &expected);
            assert_equal(path, &run::<f32>(&$operation, $x, $parameters, None).y, &expected);
        });
    }};
}

proptest! {
    #![proptest_config(cases(32))]

    #[test]
    fn convolutions_of_any_shape_are_those_of_candle(
        (batch, groups, channels, outputs) in (1..4_usize, 1..4_usize, 1..6_usize, 1..12_usize),
        (height, width, kernel, stride, padding) in (1..12_usize, 1..40_usize, 1..6_usize, 1..4_usize, 0..4_usize),
        seed: u64,
    ) {
        prop_assume!(kernel <= height.min(width) + 2 * padding);
        let mut numbers = Numbers(seed);
        let (channels, outputs) = (channels * groups, outputs * groups);
        let x = numbers.coarse(&[batch, channels, height, width]);
        let weight = numbers.coarse(&[outputs, channels / groups, kernel, kernel]);
        let options = Conv2dOptions { outputs, kernel, stride, padding, groups, has_bias: false };
        let conv = Conv2d::new([channels, height, width], options).unwrap();
        same_as_candle!(conv, &x, &[&weight], x.conv2d(&weight, padding, stride, 1, groups));
    }

    #[test]
    fn poolings_of_any_shape_are_those_of_candle(
        (batch, channels, height, width) in (1..4_usize, 1..6_usize, 1..12_usize, 1..40_usize),
        (side, stride) in (1..5_usize, 1..4_usize), seed: u64,
    ) {
        prop_assume!(side <= height.min(width));
        let x = Numbers(seed).coarse(&[batch, channels, height, width]);
        let image = [channels, height, width];
        let max = MaxPool::new(image, side, stride, 0).unwrap();
        same_as_candle!(max, &x, &[], x.max_pool2d_with_stride(side, stride));
        // Sums that a power of two divides are exact.
        if side.is_power_of_two() {
            let average = AveragePool::new(image, side, stride, 0).unwrap();
            same_as_candle!(average, &x, &[], x.avg_pool2d_with_stride(side, stride));
        }
        if (height * width).is_power_of_two() {
            let global = GlobalAveragePool { channels, plane: height * width };
            same_as_candle!(global, &x, &[], x.mean((2, 3)));
        }
        assert_eq!(x.dtype(), DType::F64);
    }
}
