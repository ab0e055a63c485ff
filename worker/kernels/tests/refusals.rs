//! Arguments that don't fit are refused with an error and never a panic, whatever comes from outside.

#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::network::operations::{Add, ConvReluPool, Dense, Relu};
use basin_kernels::network::{Float, Mode, Operation, Program, ProgramBuilder};
use basin_kernels::{Loss, gather_images, squared_norm};
use candle_core::{DType, Device, Result, Tensor, Var};
use common::cases;
use common::network::{ALL, alone, conv_relu_pool, dense};
use proptest::prelude::*;

fn zeros(dims: &[usize], dtype: DType) -> Tensor {
    Tensor::zeros(dims, dtype, &Device::Cpu).unwrap()
}

/// Sides that may or may not fit together, empty ones among them.
fn dims() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(prop_oneof![4 => 1_usize..4, 1 => Just(0), 1 => Just(5)], 0..5)
}

/// Types that operations take, and types that they don't.
fn dtypes() -> impl Strategy<Value = DType> {
    prop_oneof![
        4 => Just(DType::F32),
        2 => Just(DType::F64),
        1 => Just(DType::U32),
        1 => Just(DType::U8),
        1 => Just(DType::I64),
        1 => Just(DType::BF16),
    ]
}

/// A tensor that may or may not fit.
fn tensors() -> impl Strategy<Value = Tensor> {
    (dims(), dtypes()).prop_map(|(dims, dtype)| zeros(&dims, dtype))
}

/// An operation that is still to be made, of any sizes.
#[derive(Debug, Clone, Copy)]
enum AnyOperation {
    ConvReluPool { image: [usize; 3], outputs: usize, kernel: usize },
    Dense { rows: usize, inputs: usize, outputs: usize, has_bias: bool },
    Relu { size: usize },
}

impl AnyOperation {
    fn make<T: Float>(self) -> Result<Box<dyn Operation<T>>> {
        Ok(match self {
            Self::ConvReluPool { image, outputs, kernel } => {
                Box::new(ConvReluPool::new(image, outputs, kernel)?)
            }
            Self::Dense { rows, inputs, outputs, has_bias } => {
                Box::new(Dense::new(rows, inputs, outputs, has_bias))
            }
            Self::Relu { size } => Box::new(Relu { size }),
        })
    }
}

fn operations() -> impl Strategy<Value = AnyOperation> {
    prop_oneof![
        (proptest::array::uniform3(0_usize..6), 0_usize..4, 0_usize..6)
            .prop_map(|(image, outputs, kernel)| AnyOperation::ConvReluPool { image, outputs, kernel }),
        (0_usize..3, 0_usize..4, 0_usize..4, any::<bool>()).prop_map(|(rows, inputs, outputs, has_bias)| {
            AnyOperation::Dense { rows, inputs, outputs, has_bias }
        }),
        (0_usize..9).prop_map(|size| AnyOperation::Relu { size }),
    ]
}

/// A program of one operation with these parameters, if they fit.
fn build<T: Float>(operation: AnyOperation, parameters: Vec<Var>) -> Result<Program<T>> {
    let operation = operation.make::<T>()?;
    let mut builder = ProgramBuilder::new(operation.shapes().inputs[0]);
    let input = builder.input();
    builder.add(operation, &[input], parameters, vec![])?;
    builder.build()
}

/// All passes over a batch, if it fits.
fn run<T: Float>(program: &mut Program<T>, x: &Tensor) {
    let Ok(outputs) = program.forward(x, Mode::Evaluation).map(<[T]>::to_vec) else {
        assert!(program.outputs().is_none());
        return;
    };
    let of_input = program.backward(&outputs, ALL).unwrap().unwrap();
    assert_eq!(of_input.len(), x.elem_count());
    let direction: Vec<Vec<T>> =
        program.parameters().iter().map(|parameter| vec![T::default(); parameter.elem_count()]).collect();
    let targets = Tensor::from_slice(&outputs, outputs.len(), &Device::Cpu).unwrap();
    let along =
        |outputs: &[T], tangent: &[T]| Loss::MeanSquaredError.gradient_along(outputs, &targets, tangent);
    let _ = program.hessian_vector(&direction, along);
}

fn never_panics<T: Float>(operation: AnyOperation, x: &Tensor, parameters: [&Tensor; 2]) {
    let parameters = parameters.map(|tensor| Var::from_tensor(tensor).unwrap());
    for count in 0..=2 {
        if let Ok(mut program) = build::<T>(operation, parameters[..count].to_vec()) {
            run(&mut program, x);
        }
    }
}

fn never_panics_on_rows<T: Float>(operation: AnyOperation, rows: usize, dtype: DType) {
    let Ok(shapes) = operation.make::<T>().map(|operation| operation.shapes()) else { return };
    let parameters = shapes.parameters.iter().map(|dims| Var::from_tensor(&zeros(dims, dtype)).unwrap());
    if let Ok(mut program) = build::<T>(operation, parameters.collect()) {
        run(&mut program, &zeros(&[rows, shapes.inputs[0]], dtype));
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_shapes_and_types_make_an_operation_panic(
        operation in operations(), x in tensors(), a in tensors(), b in tensors(), double: bool,
    ) {
        if double {
            never_panics::<f64>(operation, &x, [&a, &b]);
        } else {
            never_panics::<f32>(operation, &x, [&a, &b]);
        }
        let _ = squared_norm([&x, &a, &b]);
    }

    #[test]
    fn no_operation_whose_parameters_fit_panics(
        operation in operations(), rows in 0_usize..4, dtype in dtypes(), double: bool,
    ) {
        if double {
            never_panics_on_rows::<f64>(operation, rows, dtype);
        } else {
            never_panics_on_rows::<f32>(operation, rows, dtype);
        }
    }

    #[test]
    fn no_outputs_and_targets_make_a_loss_panic(outputs in 0_usize..7, tangent in 0_usize..7, targets in tensors()) {
        for loss in [
            Loss::CrossEntropy,
            Loss::MeanSquaredError,
            Loss::SmoothedCrossEntropy { smoothing: 0.2 },
            Loss::OneHotSquaredError,
            Loss::Huber { delta: 0.3 },
        ] {
            let outputs = vec![0.5_f32; outputs];
            let of = loss.gradient(&outputs, &targets);
            if let Ok(gradient) = of {
                assert_eq!(gradient.len(), outputs.len());
            }
            let _ = loss.sums(&outputs, &targets);
            let _ = loss.gradient_along(&outputs, &targets, &vec![1.0; tangent]);
        }
    }

    #[test]
    fn no_images_and_indices_make_gathering_panic(
        bytes in 0_usize..60,
        dims in proptest::array::uniform3(prop_oneof![0_usize..5, Just(1 << 32), Just(usize::MAX)]),
        indices in proptest::collection::vec(prop_oneof![0_u32..8, any::<u32>()], 0..5),
        means in 0_usize..5, deviations in 0_usize..5,
    ) {
        let batch = gather_images(&vec![0; bytes], dims, &indices, &vec![0.5; means], &vec![0.5; deviations]);
        if let Ok(batch) = batch {
            assert_eq!(batch.dims(), [indices.len(), dims[0], dims[1], dims[2]]);
        }
    }

    #[test]
    fn a_label_is_refused_if_and_only_if_it_is_not_below_the_classes(
        classes in 1_usize..6, labels in proptest::collection::vec(prop_oneof![9 => 0_u32..6, 1 => any::<u32>()], 1..6),
    ) {
        let logits = vec![0.0_f32; labels.len() * classes];
        let fits = labels.iter().all(|label| (*label as usize) < classes);
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        for loss in
            [Loss::CrossEntropy, Loss::SmoothedCrossEntropy { smoothing: 0.2 }, Loss::OneHotSquaredError]
        {
            assert_eq!(loss.sums(&logits, &labels).is_ok(), fits, "{loss:?}");
        }
    }
}

#[test]
fn a_label_beyond_the_classes_is_refused() {
    let labels = Tensor::new(&[0_u32, 3], &Device::Cpu).unwrap();
    let error = Loss::CrossEntropy.sums(&[0.0_f32; 6], &labels).unwrap_err().to_string();
    assert!(error.contains("label 3 of row 1 is not below the 3 classes"), "{error}");
}

#[test]
fn images_and_kernels_without_a_convolution_are_refused() {
    for (image, outputs, kernel) in
        [([3, 8, 8], 4, 2), ([3, 8, 8], 0, 3), ([0, 8, 8], 4, 3), ([3, 1, 8], 4, 3), ([3, 8, 1], 4, 3)]
    {
        assert!(ConvReluPool::new(image, outputs, kernel).is_err(), "{image:?} {outputs} {kernel}");
    }
    assert!(ConvReluPool::new([1, 1 << 16, 1 << 16], 1, 3).is_err(), "positions beyond 32 bits");
}

#[test]
fn parameters_and_inputs_that_do_not_fit_are_refused() {
    let add = |size: usize, operation: Box<dyn Operation<f32>>, shapes: &[&[usize]]| {
        let mut builder = ProgramBuilder::new(size);
        let parameters = shapes.iter().map(|dims| Var::from_tensor(&zeros(dims, DType::F32)).unwrap());
        let input = builder.input();
        builder.add(operation, &[input], parameters.collect(), vec![]).map(|_| ())
    };
    let convolution = || Box::new(ConvReluPool::new([3, 8, 8], 4, 3).unwrap());
    assert!(add(192, convolution(), &[&[4, 3, 3, 3], &[4]]).is_ok());
    for (size, shapes) in [
        (192, &[&[4, 2, 3, 3][..], &[4]][..]),
        (192, &[&[4, 3, 2, 2], &[4]]),
        (192, &[&[4, 3, 3, 5], &[4]]),
        (192, &[&[4, 3, 3, 3], &[5]]),
        (192, &[&[4, 3, 3, 3]]),
        (192, &[]),
        (24, &[&[4, 3, 3, 3], &[4]]),
    ] {
        assert!(add(size, convolution(), shapes).is_err(), "{size} {shapes:?}");
    }
    let dense = || Box::new(Dense::new(1, 3, 4, true));
    assert!(add(3, dense(), &[&[4, 3], &[4]]).is_ok());
    for (size, shapes) in [
        (3, &[&[4, 2][..], &[4]][..]),
        (3, &[&[4, 3], &[3]]),
        (3, &[&[12], &[4]]),
        (3, &[&[1, 4, 3], &[4]]),
        (3, &[&[4, 3], &[4], &[4]]),
        (3, &[&[4, 3]]),
        (6, &[&[4, 3], &[4]]),
    ] {
        assert!(add(size, dense(), shapes).is_err(), "{size} {shapes:?}");
    }
    assert!(add(3, Box::new(Dense::new(1, 3, 4, false)), &[&[4, 3], &[4]]).is_err(), "it has no bias");
    assert!(add(3, Box::new(Add::new(3)), &[]).is_err(), "a sum of one");
}

#[test]
fn a_parameter_that_two_operations_share_is_refused() {
    let [weight, bias] = [&[3, 3][..], &[3]].map(|dims| Var::from_tensor(&zeros(dims, DType::F32)).unwrap());
    let mut builder = ProgramBuilder::<f32>::new(3);
    let (operation, parameters) = dense(&weight, &bias);
    let first = builder.add(operation, &[builder.input()], parameters, vec![]).unwrap();
    let (operation, parameters) = dense(&weight, &bias);
    let error = builder.add(operation, &[first], parameters, vec![]).unwrap_err().to_string();
    assert!(error.contains("a parameter belongs to one operation"), "{error}");
}

#[test]
fn a_batch_that_is_not_of_whole_examples_or_does_not_lie_in_one_piece_is_refused() {
    let [weight, bias] =
        [&[4, 3, 3, 3][..], &[4]].map(|dims| Var::from_tensor(&zeros(dims, DType::F32)).unwrap());
    let fresh = || alone::<f32>(conv_relu_pool([3, 8, 6], &weight, &bias));
    let is_refused = |x: &Tensor| {
        let mut program = fresh();
        let refused = program.evaluate(x).is_err();
        assert_eq!(program.forward(x, Mode::Evaluation).is_err(), refused);
        assert_eq!(program.outputs().is_none(), refused);
        // There is nothing to go back through.
        assert_eq!(program.backward(&[0.0; 2 * 48], ALL).is_err(), refused);
        refused
    };
    assert!(!is_refused(&zeros(&[2, 3, 8, 6], DType::F32)));
    assert!(is_refused(&zeros(&[0, 3, 8, 6], DType::F32)), "no example");
    assert!(is_refused(&zeros(&[143], DType::F32)), "less than one");
    assert!(is_refused(&zeros(&[1, 3, 8, 6], DType::F64)), "of another type");
    assert!(is_refused(&zeros(&[1, 3, 6, 8], DType::F32).t().unwrap()), "the other way round");
}

#[test]
fn a_network_without_operations_or_inputs_is_refused() {
    assert!(ProgramBuilder::<f32>::new(3).build().is_err());
    let mut builder = ProgramBuilder::<f32>::new(0);
    let input = builder.input();
    builder.add(Box::new(Relu { size: 0 }), &[input], vec![], vec![]).unwrap();
    assert!(builder.build().is_err());
}
