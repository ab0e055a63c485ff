//! The same bytes on 1, 2, 3 and 4 threads, on each code path.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use basin_kernels::optimizer::{Adam, Optimizer, Sgd};
use basin_kernels::{Loss, gather_images, squared_norm};
use candle_core::{Device, Tensor};
use common::network::{alone, chain, conv_relu_pool, hidden, in_double, passes};
use common::{Numbers, bits, bits_of, on_each_path, single, smaller_under_miri};

/// Runs `work` in pools of several sizes, on each code path; all of a path must give the same.
fn same_on_any_number_of_threads<R: PartialEq + Send + std::fmt::Debug>(work: impl Fn() -> R + Sync) {
    on_each_path(|path| {
        let on =
            |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(&work);
        let alone = on(1);
        for threads in smaller_under_miri(&[2, 3, 4][..], &[2]) {
            assert!(on(*threads) == alone, "{threads} threads gave something else than one on {path}");
        }
    });
}

/// The gradient of Σ y².
fn doubled(outputs: &[f64]) -> Vec<f64> {
    outputs.iter().map(|y| 2.0 * y).collect()
}

#[test]
fn convolutions_and_their_gradients_do_not_depend_on_threads() {
    let usual = [(37, 3, 32, 13, 3), (16, 20, 9, 24, 5), (100, 1, 28, 8, 3)];
    for &(batch, channels, size, outputs, kernel) in smaller_under_miri(&usual[..], &[(3, 2, 5, 2, 3)]) {
        let mut numbers = Numbers(7);
        let x = single(&numbers.tensor(&[batch, channels, size, size]));
        let weight = single(&numbers.tensor(&[outputs, channels, kernel, kernel]));
        let bias = single(&numbers.tensor(&[outputs]));
        same_on_any_number_of_threads(|| {
            let mut program = alone::<f32>(conv_relu_pool([channels, size, size], &weight, &bias));
            passes(&mut program, &x, doubled).bits()
        });
    }
}

#[test]
fn dense_layers_and_their_gradients_do_not_depend_on_threads() {
    let usual = [(128, 2048, 70), (512, 300, 10), (64, 33, 257)];
    // The smallest that is worth sharing among threads has 2¹⁸ products.
    for &(batch, inputs, outputs) in smaller_under_miri(&usual[..], &[(64, 64, 64), (5, 7, 3)]) {
        let mut numbers = Numbers(8);
        let x = single(&numbers.tensor(&[batch, inputs]));
        let weight = single(&numbers.tensor(&[outputs, inputs]));
        let bias = single(&numbers.tensor(&[outputs]));
        same_on_any_number_of_threads(|| {
            let mut program = chain::<f32>(inputs, hidden(&weight, &bias));
            passes(&mut program, &x, doubled).bits()
        });
    }
}

#[test]
fn losses_norms_and_batches_do_not_depend_on_threads() {
    let mut numbers = Numbers(9);
    let (rows, elements) = smaller_under_miri((512_u32, 70_000), (5, 40));
    let logits = single(&numbers.tensor(&[rows as usize, 10]));
    let labels = Tensor::from_iter((0..rows).map(|index| index % 10), &Device::Cpu).unwrap();
    let (prediction, target) = (single(&numbers.tensor(&[elements])), single(&numbers.tensor(&[elements])));
    let images: Vec<u8> = (0..64 * 3 * 32 * 32).map(|index| (index % 251) as u8).collect();
    let indices: Vec<u32> = (0..smaller_under_miri(200, 9)).map(|index| index * 7 % 64).collect();
    same_on_any_number_of_threads(|| {
        let of = |loss: Loss, outputs: &Tensor, targets: &Tensor| {
            let outputs = outputs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let sums = loss.sums(&outputs, targets).unwrap();
            (sums.loss.to_bits(), bits_of(&in_double(&loss.gradient(&outputs, targets).unwrap())))
        };
        let losses =
            [of(Loss::CrossEntropy, &logits, &labels), of(Loss::MeanSquaredError, &prediction, &target)];
        let norm = squared_norm([prediction.as_tensor(), target.as_tensor(), logits.as_tensor()]).unwrap();
        let batch =
            gather_images(&images, [3, 32, 32], &indices, &[0.5, 0.4, 0.3], &[0.25, 0.2, 0.1]).unwrap();
        (losses, norm.to_bits(), bits(&batch))
    });
}

#[test]
fn steps_of_the_optimisers_do_not_depend_on_threads() {
    same_on_any_number_of_threads(|| {
        let mut numbers = Numbers(10);
        let parameters = BTreeMap::from([
            ("large".to_owned(), single(&numbers.tensor(&[smaller_under_miri(50_001, 16_390)]))),
            ("small".to_owned(), single(&numbers.tensor(&[3]))),
        ]);
        let adam: Box<dyn Optimizer> =
            Box::new(Adam::new(&parameters, 1e-2, (0.9, 0.999), 1e-8, 0.1).unwrap());
        let sgd: Box<dyn Optimizer> = Box::new(Sgd::new(&parameters, 1e-2, 0.9, 0.1).unwrap());
        for mut optimizer in [adam, sgd] {
            for _ in 0..3 {
                let losses =
                    parameters.values().map(|parameter| parameter.powf(3.0).unwrap().sum_all().unwrap());
                let loss = losses.reduce(|a, b| (a + b).unwrap()).unwrap();
                optimizer.step(1.0, &loss.backward().unwrap()).unwrap();
            }
        }
        parameters.values().map(|parameter| bits(parameter)).collect::<Vec<_>>()
    });
}
