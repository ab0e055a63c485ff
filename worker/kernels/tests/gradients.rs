//! Every operation's gradients against central differences, in double precision.
//!
//! In double precision every code path runs the portable registers; `references.rs` compares the gradients in single precision,
//! on each path, with those of the definition.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::{Activation, conv_relu_pool, cross_entropy, dense, mean_squared_error};
use candle_core::{Device, Result, Tensor, Var};
use common::plain::{convolution, windows};
use common::{Numbers, doubles, on_each_path, smaller_under_miri};

const STEP: f64 = 1e-5;

/// Compares all gradients of Σ weights × operation(variables) with central differences: relative error under 1e-6.
fn check(
    case: &str,
    numbers: &mut Numbers,
    variables: &[Var],
    operation: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let tensors: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
    let result = operation(&tensors).unwrap();
    let weights = numbers.tensor(result.dims());
    let scalar = |tensors: &[Tensor]| (operation(tensors)? * &weights)?.sum_all();
    let gradients = scalar(&tensors).unwrap().backward().unwrap();
    for (index, variable) in variables.iter().enumerate() {
        let gradient = doubles(
            gradients.get(variable).unwrap_or_else(|| panic!("{case}: variable {index} has no gradient")),
        );
        let values = doubles(variable);
        for (element, gradient) in gradient.into_iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = values.clone();
                moved[element] += shift;
                let mut tensors: Vec<Tensor> = variables.iter().map(Var::as_detached_tensor).collect();
                tensors[index] = Tensor::from_vec(moved, variable.shape(), &Device::Cpu).unwrap();
                scalar(&tensors).unwrap().to_scalar::<f64>().unwrap()
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let error = (gradient - difference).abs();
            assert!(
                error <= 1e-6 * gradient.abs().max(difference.abs()) + 1e-9,
                "{case}: variable {index}, element {element}: {gradient} against {difference}"
            );
        }
    }
}

/// Variables whose sums keep away from the kinks of ReLU and of the maximum.
fn convolution_away_from_kinks(
    numbers: &mut Numbers,
    dims: [usize; 4],
    outputs: usize,
    k: usize,
) -> [Var; 3] {
    let [_, c, h, w] = dims;
    for _ in 0..100 {
        let (x, weight, bias) =
            (numbers.var(&dims), numbers.var(&[outputs, c, k, k]), numbers.var(&[outputs]));
        let sums = convolution(&doubles(&x), dims, &doubles(&weight), &doubles(&bias), k);
        let clear = windows(&sums, h, w).into_iter().all(|mut window| {
            window.sort_by(f64::total_cmp);
            window[3].abs() > 5.0 * STEP && window[3] - window[2] > 5.0 * STEP
        });
        if clear {
            return [x, weight, bias];
        }
    }
    panic!("no inputs away from kinks were found for {dims:?}");
}

#[test]
fn gradients_of_convolution_relu_and_pooling_are_those_of_central_differences() {
    let mut numbers = Numbers(1);
    let shapes = [
        ([1, 1, 2, 2], 1, 1),
        ([1, 1, 2, 2], 1, 3),
        ([2, 3, 7, 5], 4, 3),
        ([1, 1, 7, 5], 5, 5),
        ([3, 2, 4, 6], 3, 1),
        ([1, 4, 3, 9], 2, 3),
        ([2, 5, 6, 6], 9, 3),
        ([1, 2, 5, 5], 2, 7),
        ([1, 17, 4, 4], 3, 3),
        ([1, 3, 2, 3], 6, 5),
    ];
    for (dims, outputs, k) in shapes.into_iter().take(smaller_under_miri(shapes.len(), 2)) {
        let variables = convolution_away_from_kinks(&mut numbers, dims, outputs, k);
        let case = format!("{dims:?}, {outputs} outputs, kernel {k}");
        check(&case, &mut numbers, &variables, |t| conv_relu_pool(&t[0], &t[1], &t[2]));
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn gradients_pass_through_two_convolutions() {
    let mut numbers = Numbers(2);
    let first = convolution_away_from_kinks(&mut numbers, [2, 3, 9, 8], 4, 3);
    let between = conv_relu_pool(&first[0], &first[1], &first[2]).unwrap();
    let dims: [usize; 4] = between.dims().try_into().unwrap();
    let second = (0..100)
        .find_map(|_| {
            let (weight, bias) = (numbers.var(&[3, 4, 3, 3]), numbers.var(&[3]));
            let sums = convolution(&doubles(&between), dims, &doubles(&weight), &doubles(&bias), 3);
            let clear = windows(&sums, dims[2], dims[3]).into_iter().all(|mut window| {
                window.sort_by(f64::total_cmp);
                window[3].abs() > 1e-3 && window[3] - window[2] > 1e-3
            });
            clear.then_some([weight, bias])
        })
        .unwrap();
    let variables = [first.as_slice(), second.as_slice()].concat();
    check("two convolutions", &mut numbers, &variables, |t| {
        conv_relu_pool(&conv_relu_pool(&t[0], &t[1], &t[2])?, &t[3], &t[4])
    });
}

#[test]
fn images_get_no_gradient_unless_they_depend_on_a_variable() {
    let mut numbers = Numbers(3);
    let (images, weight, bias) =
        (numbers.tensor(&[2, 3, 4, 4]), numbers.var(&[2, 3, 3, 3]), numbers.var(&[2]));
    let loss = conv_relu_pool(&images, &weight, &bias).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    assert!(gradients.get(&images).is_none());
    assert!(gradients.get(&weight).is_some() && gradients.get(&bias).is_some());
}

#[test]
fn equal_sums_of_a_window_give_the_gradient_to_the_first() {
    let x = Var::from_vec(vec![1.0_f64, 1.0, 1.0, 1.0], (1, 1, 2, 2), &Device::Cpu).unwrap();
    let one = Tensor::ones((1, 1, 1, 1), candle_core::DType::F64, &Device::Cpu).unwrap();
    let zero = Tensor::zeros(1, candle_core::DType::F64, &Device::Cpu).unwrap();
    let gradients = conv_relu_pool(&x, &one, &zero).unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(doubles(gradients.get(&x).unwrap()), [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_nan_pixel_is_seen_in_the_result() {
    let one = Tensor::ones((1, 1, 1, 1), candle_core::DType::F32, &Device::Cpu).unwrap();
    let zero = Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu).unwrap();
    on_each_path(|path| {
        for place in 0..4 {
            let mut pixels = vec![3.0_f32; 4];
            pixels[place] = f32::NAN;
            let x = Tensor::from_vec(pixels, (1, 1, 2, 2), &Device::Cpu).unwrap();
            let y = conv_relu_pool(&x, &one, &zero).unwrap();
            assert!(doubles(&y)[0].is_nan(), "at {place} on {path}");
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn gradients_of_dense_layers_are_those_of_central_differences() {
    let mut numbers = Numbers(4);
    for activation in [Activation::Identity, Activation::Relu] {
        for (batch, inputs, outputs) in [(1, 1, 1), (3, 5, 2), (4, 7, 19), (2, 33, 3)] {
            let variables =
                [numbers.var(&[batch, inputs]), numbers.var(&[outputs, inputs]), numbers.var(&[outputs])];
            let case = format!("{batch} × {inputs} → {outputs}, {activation:?}");
            check(&case, &mut numbers, &variables, |t| dense(&t[0], &t[1], &t[2], activation));
        }
    }
}

#[test]
fn gradients_of_losses_are_those_of_central_differences() {
    let mut numbers = Numbers(5);
    let labels = Tensor::new(&[0_u32, 3, 1, 1, 2], &Device::Cpu).unwrap();
    let logits = numbers.var(&[5, 4]);
    check("cross entropy", &mut numbers, &[logits], |t| cross_entropy(&t[0], &labels));
    let (prediction, target) = (numbers.var(&[6, 2]), numbers.tensor(&[6, 2]));
    check("mean squared error", &mut numbers, &[prediction], |t| mean_squared_error(&t[0], &target));
}

#[test]
fn an_input_has_the_same_gradient_whether_or_not_the_parameters_want_one() {
    let mut numbers = Numbers(77);
    let [x, weight, bias] = convolution_away_from_kinks(&mut numbers, [3, 2, 6, 8], 5, 3);
    let (constant_weight, constant_bias) = (weight.as_detached_tensor(), bias.as_detached_tensor());
    let with = conv_relu_pool(&x, &weight, &bias).unwrap().sum_all().unwrap().backward().unwrap();
    let without = conv_relu_pool(&x, &constant_weight, &constant_bias).unwrap();
    let without = without.sum_all().unwrap().backward().unwrap();
    assert_eq!(doubles(with.get(&x).unwrap()), doubles(without.get(&x).unwrap()));
    assert!(without.get(&constant_weight).is_none() && without.get(&constant_bias).is_none());
}
