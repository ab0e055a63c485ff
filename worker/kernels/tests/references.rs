//! Every code path against plain references in double precision, over random shapes.
//!
//! Where numbers are coarse ([`Numbers::coarse`]) all sums are exact, so single precision must give what the definition gives.
//! Where they aren't, results must be within the rounding that any order of summation may have ([`gamma`]).
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use basin_kernels::optimizer::{Adam, Optimizer, Sgd};
use basin_kernels::{Loss, gather_images, squared_norm};
use candle_core::{DType, Device, Tensor, Var};
use common::network::{alone, chain, conv_relu_pool, dense, hidden, in_double, outputs, passes, relu};
use common::plain::{convolution, convolution_gradients, dense_gradients, pooled, softmax, windows};
use common::{
    Numbers, ROUNDOFF, assert_equal, assert_within, bits_of, cases, doubles, gamma, on_each_path, plain,
    single, smaller_under_miri,
};
use proptest::prelude::*;

/// Batch, channels, height, width, outputs and the kernel's radius: a few large images, or many small ones.
fn convolutions() -> impl Strategy<Value = (usize, usize, usize, usize, usize, usize)> {
    if cfg!(miri) {
        return (1..3_usize, 1..4_usize, 2..5_usize, 2..5_usize, 1..3_usize, 0..2_usize).boxed();
    }
    prop_oneof![
        (1..6_usize, 1..40_usize, 2..20_usize, 2..40_usize, 1..11_usize, 0..4_usize),
        (1..40_usize, 1..6_usize, 2..9_usize, 2..9_usize, 1..20_usize, 0..4_usize),
    ]
    .boxed()
}

/// The operation and its gradients on each path, against the definition; all numbers are coarse.
fn check_convolution((n, c, h, w, o, radius): (usize, usize, usize, usize, usize, usize), seed: u64) {
    let mut numbers = Numbers(seed);
    let k = 2 * radius + 1;
    let dims = [n, c, h, w];
    let inputs = [numbers.coarse(&dims), numbers.coarse(&[o, c, k, k]), numbers.coarse(&[o])];
    let vector = numbers.coarse(&[n, o, h / 2, w / 2]);
    let [x, weight, bias] = inputs.each_ref().map(doubles);
    let expected = pooled(&windows(&convolution(&x, dims, &weight, &bias, k), h, w));
    let expected_gradients = convolution_gradients(&x, dims, &weight, &bias, k, &doubles(&vector));
    on_each_path(|path| {
        let [x, weight, bias] = inputs.each_ref().map(single);
        let mut program = alone::<f32>(conv_relu_pool([c, h, w], &weight, &bias));
        assert_eq!(program.output_size(), o * (h / 2) * (w / 2));
        let found = passes(&mut program, &x, |_| doubles(&vector));
        assert_equal(path, &found.outputs, &expected);
        for (index, (found, expected)) in found.gradients().zip(&expected_gradients).enumerate() {
            assert_equal(&format!("{path}, gradient of operand {index}"), found, expected);
        }
    });
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn convolutions_and_their_gradients_are_exactly_those_of_the_definition_where_sums_are_exact(
        sizes in convolutions(), seed: u64,
    ) {
        check_convolution(sizes, seed);
    }

    #[test]
    fn convolution_relu_and_pooling_are_what_they_say(
        (n, c, h, w, o, radius) in convolutions(), seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let k = 2 * radius + 1;
        let variables = [&[n, c, h, w][..], &[o, c, k, k], &[o]].map(|dims| single(&numbers.tensor(dims)));
        let [x, weight, bias] = variables.each_ref().map(|variable| doubles(variable));
        let expected = pooled(&windows(&convolution(&x, [n, c, h, w], &weight, &bias, k), h, w));
        // ReLU and the maximum move no further than the sums that go in.
        let absolute = [&x, &weight, &bias].map(|values| values.iter().map(|v| v.abs()).collect::<Vec<_>>());
        let absolute = convolution(&absolute[0], [n, c, h, w], &absolute[1], &absolute[2], k);
        let bounds: Vec<f64> = pooled(&windows(&absolute, h, w)).into_iter().map(|sum| gamma(c * k * k + 1) * sum).collect();
        on_each_path(|path| {
            let [images, weight, bias] = &variables;
            let y = outputs::<f32>(&mut alone(conv_relu_pool([c, h, w], weight, bias)), images);
            assert_within(path, &y, &expected, &bounds);
        });
    }

    #[test]
    fn dense_layers_and_their_gradients_are_exactly_those_of_the_definition_where_sums_are_exact(
        (batch, inputs, outputs) in (1..smaller_under_miri(70_usize, 5), 1..smaller_under_miri(150_usize, 9), 1..smaller_under_miri(120_usize, 9)),
        has_relu: bool,
        seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let tensors = [numbers.coarse(&[batch, inputs]), numbers.coarse(&[outputs, inputs]), numbers.coarse(&[outputs])];
        let vector = numbers.coarse(&[batch, outputs]);
        let [x, weight, bias] = tensors.each_ref().map(doubles);
        let sums = plain::dense(&x, inputs, &weight, &bias);
        let through: Vec<f64> = sums.iter().zip(doubles(&vector))
            .map(|(sum, gradient)| if has_relu && *sum <= 0.0 { 0.0 } else { gradient }).collect();
        let expected_gradients = dense_gradients(&x, inputs, &weight, outputs, &through);
        let expected: Vec<f64> = sums.into_iter().map(|sum| if has_relu { sum.max(0.0) } else { sum }).collect();
        on_each_path(|path| {
            let [x, weight, bias] = tensors.each_ref().map(single);
            let layer = dense(&weight, &bias);
            let layers = if has_relu { vec![layer, relu(outputs)] } else { vec![layer] };
            let found = passes(&mut chain::<f32>(inputs, layers), &x, |_| doubles(&vector));
            assert_equal(path, &found.outputs, &expected);
            for (index, (found, expected)) in found.gradients().zip(&expected_gradients).enumerate() {
                assert_equal(&format!("{path}, gradient of operand {index}"), found, expected);
            }
        });
    }

    #[test]
    fn dense_layers_are_what_they_say(
        (batch, inputs, outputs) in (1..smaller_under_miri(70_usize, 5), 1..smaller_under_miri(400_usize, 9), 1..smaller_under_miri(120_usize, 9)),
        seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let variables = [&[batch, inputs][..], &[outputs, inputs], &[outputs]].map(|dims| single(&numbers.tensor(dims)));
        let [x, weight, bias] = variables.each_ref().map(|variable| doubles(variable));
        let expected = plain::dense(&x, inputs, &weight, &bias);
        let [x, weight, bias] = [x, weight, bias].map(|values| values.into_iter().map(f64::abs).collect::<Vec<_>>());
        let bounds: Vec<f64> = plain::dense(&x, inputs, &weight, &bias).into_iter().map(|sum| gamma(inputs + 1) * sum).collect();
        on_each_path(|path| {
            let [x, weight, bias] = &variables;
            assert_within(path, &common::network::outputs::<f32>(&mut alone(dense(weight, bias)), x), &expected, &bounds);
        });
    }

    #[test]
    fn cross_entropy_and_its_gradient_are_those_of_the_definition(
        rows in 1_usize..40, classes in 1_usize..20, scale in 0.1_f64..40.0, seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let logits = single(&(numbers.tensor(&[rows, classes]) * scale).unwrap());
        let labels: Vec<u32> = (0..rows).map(|_| (numbers.next_bits() % classes as u64) as u32).collect();
        let (mut loss, mut correct, mut gradient) = (0.0, 0, Vec::new());
        for (row, label) in doubles(&logits).chunks_exact(classes).zip(&labels) {
            let label = *label as usize;
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            loss += row.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln() + largest - row[label];
            correct += u64::from(row.iter().position(|logit| *logit == largest) == Some(label));
            let probabilities = softmax(row).into_iter().enumerate();
            gradient.extend(probabilities.map(|(class, p)| (p - f64::from(u8::from(class == label))) / rows as f64));
        }
        let labels = Tensor::new(labels, &Device::Cpu).unwrap();
        let logits = logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let sums = Loss::CrossEntropy.sums(&logits, &labels).unwrap();
        assert!((sums.loss - loss).abs() <= 1e-12 * (1.0 + loss), "{} against {loss}", sums.loss);
        assert_eq!((sums.correct, sums.count), (correct, rows as u64));
        let found = Loss::CrossEntropy.gradient(&logits, &labels).unwrap();
        // Probabilities are computed in double precision; one minus them may cancel.
        let bounds: Vec<f64> = gradient.iter().map(|gradient| 2.0 * ROUNDOFF * gradient.abs() + 1e-13).collect();
        assert_within("the gradient", &in_double(&found), &gradient, &bounds);
    }

    #[test]
    fn squared_errors_their_gradient_and_squared_norms_are_those_of_the_definition(
        count in 1_usize..smaller_under_miri(90_000, 60), seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let (prediction, target) = (single(&numbers.tensor(&[count])), single(&numbers.tensor(&[count])));
        let differences: Vec<f64> = doubles(&prediction).iter().zip(doubles(&target)).map(|(p, t)| p - t).collect();
        let expected = differences.iter().map(|d| d * d).sum::<f64>();
        let elements = prediction.to_vec1::<f32>().unwrap();
        let sums = Loss::MeanSquaredError.sums(&elements, &target).unwrap();
        assert_within("the sum", &[sums.loss], &[expected], &[1e-12 * expected]);
        assert_eq!((sums.correct, sums.count), (0, count as u64));
        let gradient: Vec<f64> = differences.iter().map(|d| 2.0 * d / count as f64).collect();
        let bounds: Vec<f64> = gradient.iter().map(|gradient| 2.0 * ROUNDOFF * gradient.abs()).collect();
        let found = Loss::MeanSquaredError.gradient(&elements, &target).unwrap();
        assert_within("the gradient", &in_double(&found), &gradient, &bounds);
        let squares: f64 = doubles(&prediction).iter().chain(&doubles(&target)).map(|value| value * value).sum();
        let norm = squared_norm([prediction.as_tensor(), target.as_tensor()]).unwrap();
        assert!((norm - squares).abs() <= 1e-12 * squares, "{norm} against {squares}");
    }

    #[test]
    fn gathered_images_are_those_named_standardised(
        count in 1_usize..9, channels in 1_usize..5, height in 1_usize..12, width in 1_usize..12,
        picks in proptest::collection::vec(any::<prop::sample::Index>(), 0..40), seed: u64,
    ) {
        let mut numbers = Numbers(seed);
        let each = channels * height * width;
        let images: Vec<u8> = (0..count * each).map(|_| numbers.next_bits() as u8).collect();
        let indices: Vec<u32> = picks.iter().map(|pick| pick.index(count) as u32).collect();
        let mean: Vec<f32> = (0..channels).map(|_| numbers.value() as f32).collect();
        let std: Vec<f32> = (0..channels).map(|_| 1.0 + 0.9 * numbers.value() as f32).collect();
        let batch = gather_images(&images, [channels, height, width], &indices, &mean, &std).unwrap();
        assert_eq!(batch.dims(), [indices.len(), channels, height, width]);
        let (mut expected, mut bounds) = (Vec::new(), Vec::new());
        for index in &indices {
            for (at, byte) in images[*index as usize * each..][..each].iter().enumerate() {
                let (mean, std) = (f64::from(mean[at / (height * width)]), f64::from(std[at / (height * width)]));
                let share = f64::from(*byte) / 255.0;
                expected.push((share - mean) / std);
                // A division, a difference and a division.
                bounds.push(4.0 * ROUNDOFF * (share + mean.abs()) / std);
            }
        }
        assert_within("the batch", &doubles(&batch), &expected, &bounds);
    }

    #[test]
    fn steps_of_the_optimisers_are_those_of_the_definition(
        sizes in proptest::collection::vec(1_usize..smaller_under_miri(40_000, 20), 1..4), steps in 1_u32..6,
        decay in prop_oneof![Just(0.0), 0.0_f64..0.2], double: bool, seed: u64,
    ) {
        check_optimizers(&sizes, steps, decay, if double { DType::F64 } else { DType::F32 }, seed);
    }
}

/// Adam (Kingma and Ba 2015, algorithm 1) and SGD with momentum, number by number.
fn check_optimizers(sizes: &[usize], steps: u32, decay: f64, dtype: DType, seed: u64) {
    const RATE: f64 = 0.02;
    let (beta1, beta2, epsilon, momentum) = (0.9, 0.99, 1e-8, 0.8);
    let rounded = |value: f64| if dtype == DType::F64 { value } else { f64::from(value as f32) };
    for adam in [true, false] {
        let mut numbers = Numbers(seed);
        let parameters: BTreeMap<String, Var> = sizes
            .iter()
            .enumerate()
            .map(|(index, &size)| {
                let values = numbers.tensor(&[size]).to_dtype(dtype).unwrap();
                (format!("p{index}"), Var::from_tensor(&values).unwrap())
            })
            .collect();
        let mut moments: Vec<Vec<[f64; 2]>> =
            parameters.values().map(|p| vec![[0.0, 0.0]; p.elem_count()]).collect();
        let mut optimizer: Box<dyn Optimizer> = if adam {
            Box::new(Adam::new(&parameters, RATE, (beta1, beta2), epsilon, decay).unwrap())
        } else {
            Box::new(Sgd::new(&parameters, RATE, momentum, decay).unwrap())
        };
        for step in 1..=steps {
            // The gradient of Σ gᵢθᵢ is g.
            let (mut losses, mut expected) = (Vec::new(), Vec::new());
            for (parameter, moments) in parameters.values().zip(&mut moments) {
                let gradient = numbers.tensor(parameter.dims()).to_dtype(dtype).unwrap();
                losses.push((parameter.as_tensor() * &gradient).unwrap().sum_all().unwrap());
                let moved = doubles(parameter).into_iter().zip(doubles(&gradient)).zip(moments);
                let moved = moved.map(|((theta, gradient), [first, second])| {
                    // Gradient and decay may cancel but for their rounding, which Adam then scales up to a whole step: it is
                    // part of what the step is given.
                    let gradient = rounded(gradient + rounded(rounded(decay) * theta));
                    if adam {
                        *first = beta1 * *first + (1.0 - beta1) * gradient;
                        *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
                        let first = *first / (1.0 - beta1.powf(f64::from(step)));
                        let second = *second / (1.0 - beta2.powf(f64::from(step)));
                        theta - RATE * first / (second.sqrt() + epsilon)
                    } else {
                        *first = momentum * *first + gradient;
                        theta - RATE * *first
                    }
                });
                expected.push(moved.collect::<Vec<f64>>());
            }
            let loss = losses.into_iter().reduce(|a, b| (a + b).unwrap()).unwrap();
            optimizer.step(1.0, &loss.backward().unwrap()).unwrap();
            let unit = if dtype == DType::F64 { f64::EPSILON / 2.0 } else { ROUNDOFF };
            for (parameter, values) in parameters.values().zip(&expected) {
                // A step moves a parameter by a few times the rate at most, and rounds a few times.
                let bound = |value: &f64| unit * (value.abs() + 1.0 + 100.0 * RATE);
                let bounds: Vec<f64> = values.iter().map(bound).collect();
                assert_within(if adam { "Adam" } else { "SGD" }, &doubles(parameter), values, &bounds);
            }
        }
    }
}

#[test]
fn convolutions_of_the_smallest_images_are_exactly_those_of_the_definition() {
    let mut seed = 0;
    for radius in 0..smaller_under_miri(4, 2) {
        for (h, w) in
            [(2, 2), (2, 3), (3, 2), (3, 3), (4, 5), (5, 4)].into_iter().take(smaller_under_miri(6, 2))
        {
            for channels in smaller_under_miri(&[1, 3, 4, 5, 8, 15, 16, 17, 33][..], &[3, 5]) {
                for (batch, outputs) in [(1, 1), (17, 5)].into_iter().take(smaller_under_miri(2, 1)) {
                    seed += 1;
                    check_convolution((batch, *channels, h, w, outputs, radius), seed);
                }
            }
        }
    }
}

#[test]
fn a_batch_that_is_a_part_of_another_tensor_gives_the_same_bytes() {
    let mut numbers = Numbers(21);
    let whole = numbers.tensor(&[6, 3, 4, 5]).to_dtype(DType::F32).unwrap();
    let [weight, bias] = [&[2, 3, 3, 3][..], &[2]].map(|dims| single(&numbers.tensor(dims)));
    let part = whole.narrow(0, 2, 3).unwrap();
    let copy = part.force_contiguous().unwrap();
    on_each_path(|path| {
        let of = |x: &Tensor| {
            let mut program = alone::<f32>(conv_relu_pool([3, 4, 5], &weight, &bias));
            passes(&mut program, x, |y| y.to_vec()).bits()
        };
        assert_eq!(of(&part), of(&copy), "{path}");
    });
}

#[test]
fn a_relu_that_a_layer_takes_in_gives_the_bytes_of_one_after_the_other() {
    let mut numbers = Numbers(22);
    let [x, weight, bias] = [&[9, 13][..], &[21, 13], &[21]].map(|dims| single(&numbers.tensor(dims)));
    on_each_path(|path| {
        let fused = passes(&mut chain::<f32>(13, hidden(&weight, &bias)), &x, |y| y.to_vec());
        let (mut before, mut after) = (alone::<f32>(dense(&weight, &bias)), alone::<f32>(relu(21)));
        let sums = Tensor::new(outputs(&mut before, &x), &Device::Cpu).unwrap();
        let behind = passes(&mut after, &sums.to_dtype(DType::F32).unwrap(), |y| y.to_vec());
        let ahead = passes(&mut before, &x, |_| behind.input.clone());
        assert_eq!(bits_of(&fused.outputs), bits_of(&behind.outputs), "{path}");
        assert_eq!(fused.bits()[1..], ahead.bits()[1..], "{path}");
    });
}

#[test]
fn evaluation_sums_losses_and_counts_right_answers() {
    let logits = [1.0_f32, 2.0, 0.5, 3.0, 3.0, 0.0, 0.0, 0.0, 1000.0];
    let labels = Tensor::new(&[1_u32, 1, 2], &Device::Cpu).unwrap();
    let sums = Loss::CrossEntropy.sums(&logits, &labels).unwrap();
    let first = (1.0_f64.exp() + 2.0_f64.exp() + 0.5_f64.exp()).ln() - 2.0;
    let second = (2.0 * 3.0_f64.exp() + 1.0).ln() - 3.0;
    assert!((sums.loss - first - second).abs() < 1e-12, "{sums:?}");
    assert_eq!((sums.correct, sums.count), (2, 3), "of equal logits the first is the answer");
}

#[test]
fn the_squared_norm_is_the_sum_of_all_squares() {
    let mut numbers = Numbers(6);
    let tensors = [numbers.tensor(&[7]), numbers.tensor(&[3, 40_001]), numbers.tensor(&[2, 2])];
    let expected: f64 = tensors.iter().flat_map(doubles).map(|value| value * value).sum();
    assert!((squared_norm(&tensors).unwrap() / expected - 1.0).abs() < 1e-12);
}
