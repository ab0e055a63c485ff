//! Arguments that don't fit are refused with an error and never a panic, whatever comes from outside.

#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::{
    Activation, conv_relu_pool, cross_entropy, cross_entropy_sums, dense, gather_images, mean_squared_error,
    squared_norm,
};
use candle_core::{DType, Device, Tensor};
use common::cases;
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

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn no_shapes_and_types_make_an_operation_panic(a in tensors(), b in tensors(), c in tensors(), relu: bool) {
        let activation = if relu { Activation::Relu } else { Activation::Identity };
        if let Ok(y) = conv_relu_pool(&a, &b, &c) {
            assert_eq!(y.dims(), [a.dims()[0], b.dims()[0], a.dims()[2] / 2, a.dims()[3] / 2]);
        }
        if let Ok(y) = dense(&a, &b, &c, activation) {
            assert_eq!(y.rank(), b.rank());
        }
        if let Ok(loss) = cross_entropy(&a, &b) {
            assert_eq!(loss.rank(), 0);
        }
        let _ = cross_entropy_sums(&a, &b);
        if let Ok(loss) = mean_squared_error(&a, &b) {
            assert_eq!(loss.rank(), 0);
        }
        let _ = squared_norm([&a, &b, &c]);
    }

    #[test]
    fn no_dense_layer_that_almost_fits_panics(
        batch in 0_usize..3, inputs in 0_usize..3, outputs in 0_usize..3, dtype in dtypes(),
    ) {
        let [x, weight, bias] = [&[batch, inputs][..], &[outputs, inputs], &[outputs]]
            .map(|dims| candle_core::Var::from_tensor(&zeros(dims, dtype)).unwrap());
        if let Ok(y) = dense(&x, &weight, &bias, Activation::Relu) {
            assert_eq!(y.dims(), [batch, outputs]);
            let _ = basin_kernels::vector_jacobian(&y, &y.ones_like().unwrap());
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
        let logits = zeros(&[labels.len(), classes], DType::F32);
        let fits = labels.iter().all(|label| (*label as usize) < classes);
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        assert_eq!(cross_entropy(&logits, &labels).is_ok(), fits);
        assert_eq!(cross_entropy_sums(&logits, &labels).is_ok(), fits);
    }
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
fn shapes_that_do_not_fit_are_refused() {
    let zeros = |dims: &[usize]| zeros(dims, DType::F32);
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
        (&[6, 2, 3], &[6, 4, 3], &[6, 4]),
    ] {
        let result = dense(&zeros(x), &zeros(weight), &zeros(bias), Activation::Identity);
        assert!(result.is_err(), "{x:?} {weight:?} {bias:?}");
    }
}
