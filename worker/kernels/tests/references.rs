//! Every code path against plain references, over many shapes.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Mutex;

use basin_kernels::{
    Activation, CodePath, conv_relu_pool, cross_entropy_sums, dense, force_code_path, squared_norm,
};
use candle_core::{DType, Device, Tensor};
use common::{Numbers, doubles, plain_convolution, windows};
use proptest::prelude::*;

/// The code path belongs to the process: tests that force one take turns.
static FORCING: Mutex<()> = Mutex::new(());

fn on_each_path(mut check: impl FnMut(&'static str)) {
    let _turn = FORCING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for path in CodePath::ALL {
        if force_code_path(path) {
            check(basin_kernels::code_path());
        }
    }
    assert!(CodePath::ALL.into_iter().find(|path| path.is_available()).is_some_and(force_code_path));
}

fn single(tensor: &Tensor) -> Tensor {
    tensor.to_dtype(DType::F32).unwrap()
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{what}: element {index}: {found} against {expected}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn convolution_relu_and_pooling_are_what_they_say(
        n in 1_usize..6, c in 1_usize..40, h in 2_usize..20, w in 2_usize..40, o in 1_usize..11, radius in 0_usize..4, seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let k = 2 * radius + 1;
        let [x, weight, bias] = [numbers.tensor(&[n, c, h, w]), numbers.tensor(&[o, c, k, k]), numbers.tensor(&[o])];
        let sums = plain_convolution(&doubles(&x), [n, c, h, w], &doubles(&weight), &doubles(&bias), k);
        let expected: Vec<f64> = windows(&sums, h, w).into_iter().map(|window| window.into_iter().fold(0.0, f64::max)).collect();
        on_each_path(|path| {
            let y = conv_relu_pool(&single(&x), &single(&weight), &single(&bias)).unwrap();
            assert_eq!(y.dims(), [n, o, h / 2, w / 2]);
            assert_close(path, &doubles(&y), &expected, 1e-4);
        });
    }

    #[test]
    fn single_precision_gradients_are_close_to_those_in_double_precision_on_each_path(
        n in 1_usize..20, c in 1_usize..36, h in 2_usize..12, w in 2_usize..20, o in 1_usize..20, radius in 0_usize..4, seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let k = 2 * radius + 1;
        // Multiples of 1/16: sums are exact in both precisions, so that both see the same winners.
        let mut coarse = |dims: &[usize]| {
            let values: Vec<f64> = numbers.values(dims.iter().product()).into_iter().map(|v| (v * 16.0).round() / 16.0).collect();
            Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
        };
        let inputs = [coarse(&[n, c, h, w]), coarse(&[o, c, k, k]), coarse(&[o])];
        let weights = coarse(&[n, o, h / 2, w / 2]);
        let gradients = |dtype: DType| -> Vec<Vec<f64>> {
            let [x, weight, bias] = [0, 1, 2].map(|index: usize| candle_core::Var::from_tensor(&inputs[index].to_dtype(dtype).unwrap()).unwrap());
            let y = conv_relu_pool(&x, &weight, &bias).unwrap();
            let store = (y * weights.to_dtype(dtype).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
            [x, weight, bias].iter().map(|variable| doubles(store.get(variable).unwrap())).collect()
        };
        let expected = gradients(DType::F64);
        on_each_path(|path| {
            for (found, expected) in gradients(DType::F32).iter().zip(&expected) {
                assert_close(path, found, expected, 1e-5);
            }
        });
    }

    #[test]
    fn dense_layers_are_what_they_say(batch in 1_usize..70, inputs in 1_usize..150, outputs in 1_usize..120, relu: bool, seed: u64) {
        let mut numbers = Numbers(seed);
        let [x, weight, bias] = [numbers.tensor(&[batch, inputs]), numbers.tensor(&[outputs, inputs]), numbers.tensor(&[outputs])];
        let sums = x.matmul(&weight.t().unwrap()).unwrap().broadcast_add(&bias).unwrap();
        let expected = doubles(&if relu { sums.relu().unwrap() } else { sums });
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        on_each_path(|path| {
            let y = dense(&single(&x), &single(&weight), &single(&bias), activation).unwrap();
            assert_close(path, &doubles(&y), &expected, 1e-5);
        });
    }
}

#[test]
fn evaluation_sums_losses_and_counts_right_answers() {
    let logits =
        Tensor::new(&[[1.0_f32, 2.0, 0.5], [3.0, 3.0, 0.0], [0.0, 0.0, 1000.0]], &Device::Cpu).unwrap();
    let labels = Tensor::new(&[1_u32, 1, 2], &Device::Cpu).unwrap();
    let sums = cross_entropy_sums(&logits, &labels).unwrap();
    let first = (1.0_f64.exp() + 2.0_f64.exp() + 0.5_f64.exp()).ln() - 2.0;
    let second = (2.0 * 3.0_f64.exp() + 1.0).ln() - 3.0;
    assert!((sums.loss - first - second).abs() < 1e-12, "{sums:?}");
    assert_eq!((sums.correct, sums.count), (2, 3), "of equal logits the first is the answer");
}

#[test]
fn a_label_beyond_the_classes_is_refused() {
    let logits = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
    let error = cross_entropy_sums(&logits, &Tensor::new(&[0_u32, 3], &Device::Cpu).unwrap())
        .unwrap_err()
        .to_string();
    assert!(error.contains("label 3 of row 1 is not below the 3 classes"), "{error}");
}

#[test]
fn the_squared_norm_is_the_sum_of_all_squares() {
    let mut numbers = Numbers(6);
    let tensors = [numbers.tensor(&[7]), numbers.tensor(&[3, 40_001]), numbers.tensor(&[2, 2])];
    let expected: f64 = tensors.iter().flat_map(doubles).map(|value| value * value).sum();
    assert!((squared_norm(&tensors).unwrap() / expected - 1.0).abs() < 1e-12);
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let zeros = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
    for (x, weight, bias) in [
        (&[1, 3, 8, 8][..], &[4, 2, 3, 3][..], &[4][..]),
        (&[1, 3, 8, 8], &[4, 3, 2, 2], &[4]),
        (&[1, 3, 8, 8], &[4, 3, 3, 5], &[4]),
        (&[1, 3, 8, 8], &[4, 3, 3, 3], &[5]),
        (&[1, 3, 1, 8], &[4, 3, 3, 3], &[4]),
        (&[0, 3, 8, 8], &[4, 3, 3, 3], &[4]),
        (&[3, 8, 8], &[4, 3, 3, 3], &[4]),
    ] {
        assert!(
            conv_relu_pool(&zeros(x), &zeros(weight), &zeros(bias)).is_err(),
            "{x:?} {weight:?} {bias:?}"
        );
    }
    for (x, weight, bias) in [
        (&[2, 3][..], &[4, 2][..], &[4][..]),
        (&[2, 3], &[4, 3], &[3]),
        (&[5, 2, 3], &[4, 3], &[4]),
        (&[5, 2, 3], &[6, 4, 3], &[6, 4]),
        (&[2, 3], &[6, 4, 3], &[4]),
    ] {
        let result = dense(&zeros(x), &zeros(weight), &zeros(bias), Activation::Identity);
        assert!(result.is_err(), "{x:?} {weight:?} {bias:?}");
    }
}
