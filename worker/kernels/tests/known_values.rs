//! Operations and optimisers where the right numbers are known without any other program.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use basin_kernels::optimizer::{Adam, Optimizer, Sgd};
use basin_kernels::{Loss, gather_images, squared_norm, squared_norm_of};
use candle_core::{DType, Device, Tensor, Var};
use common::network::{Layer, alone, chain, conv_relu_pool, dense, hidden, outputs, passes};
use common::{Numbers, doubles, on_each_path, single};

fn tensor(values: &[f64], dims: &[usize]) -> Tensor {
    Tensor::from_slice(values, dims, &Device::Cpu).unwrap()
}

/// The outputs of one operation.
fn of_one<T: basin_kernels::network::Float>(layer: Layer<T>, x: &Tensor) -> Vec<f64> {
    outputs(&mut alone(layer), x)
}

/// One parameter of these values, and an optimiser over it.
fn one(
    values: &[f64],
    make: impl Fn(&BTreeMap<String, Var>) -> Box<dyn Optimizer>,
) -> (Var, Box<dyn Optimizer>) {
    let parameter = Var::from_tensor(&tensor(values, &[values.len()])).unwrap();
    let optimizer = make(&BTreeMap::from([("parameter".to_owned(), parameter.clone())]));
    (parameter, optimizer)
}

/// A step along a given gradient: that of Σ gᵢθᵢ.
fn step(parameter: &Var, optimizer: &mut dyn Optimizer, gradient: &[f64]) {
    let along = tensor(gradient, &[gradient.len()]).to_dtype(parameter.dtype()).unwrap();
    let loss = (parameter.as_tensor() * along).unwrap().sum_all().unwrap();
    optimizer.step(1.0, &loss.backward().unwrap()).unwrap();
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-14 * (1.0 + expected.abs()), "{found} is not {expected}");
    }
}

#[test]
fn adams_first_step_is_as_long_as_the_rate_in_the_direction_of_each_gradients_sign() {
    let adam = |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> {
        Box::new(Adam::new(p, 0.125, (0.9, 0.999), 0.0, 0.0).unwrap())
    };
    let (parameter, mut optimizer) = one(&[1.0, 2.0, -3.0], adam);
    // m̂ = g and v̂ = g²: the step is α·g/|g|, whatever the gradient's size.
    step(&parameter, optimizer.as_mut(), &[1e-6, -40.0, 0.5]);
    assert_close(&doubles(&parameter), &[0.875, 2.125, -3.125]);
}

#[test]
fn adam_under_a_constant_gradient_takes_equal_steps() {
    let adam = |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> {
        Box::new(Adam::new(p, 0.01, (0.8, 0.95), 0.0, 0.0).unwrap())
    };
    let (parameter, mut optimizer) = one(&[0.0], adam);
    for steps in 1..=50 {
        step(&parameter, optimizer.as_mut(), &[0.3]);
        // Bias correction makes both moments those of the constant itself.
        let expected = -0.01 * f64::from(steps);
        assert!((doubles(&parameter)[0] - expected).abs() < 1e-13, "after {steps} steps");
    }
    assert_eq!(optimizer.steps(), 50);
}

#[test]
fn adams_moments_are_the_weighted_means_of_the_gradients_and_of_their_squares() {
    let adam = |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> {
        Box::new(Adam::new(p, 0.1, (0.5, 0.75), 1e-8, 0.0).unwrap())
    };
    let (parameter, mut optimizer) = one(&[0.0, 0.0], adam);
    step(&parameter, optimizer.as_mut(), &[2.0, -1.0]);
    step(&parameter, optimizer.as_mut(), &[4.0, 3.0]);
    let state = optimizer.state().unwrap();
    // m = ½(½·g₁) + ½·g₂, v = ¾(¼·g₁²) + ¼·g₂².
    assert_close(&doubles(&state["first_moment/parameter"]), &[2.5, 1.25]);
    assert_close(&doubles(&state["second_moment/parameter"]), &[4.75, 2.4375]);
}

#[test]
fn epsilon_bounds_the_step_where_the_gradient_vanishes() {
    let adam = |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> {
        Box::new(Adam::new(p, 1.0, (0.9, 0.999), 1e-3, 0.0).unwrap())
    };
    let (parameter, mut optimizer) = one(&[5.0, 5.0], adam);
    step(&parameter, optimizer.as_mut(), &[0.0, 1e-3]);
    assert_close(&doubles(&parameter), &[5.0, 4.5]);
}

#[test]
fn sgd_without_momentum_goes_down_the_gradient() {
    let sgd =
        |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> { Box::new(Sgd::new(p, 0.5, 0.0, 0.0).unwrap()) };
    let (parameter, mut optimizer) = one(&[1.0, -1.0], sgd);
    step(&parameter, optimizer.as_mut(), &[0.25, 2.0]);
    assert_close(&doubles(&parameter), &[0.875, -2.0]);
}

#[test]
fn momentum_adds_up_to_the_geometric_series() {
    let sgd =
        |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> { Box::new(Sgd::new(p, 1.0, 0.5, 0.0).unwrap()) };
    let (parameter, mut optimizer) = one(&[0.0], sgd);
    let (mut velocity, mut expected) = (0.0, 0.0);
    for _ in 0..30 {
        step(&parameter, optimizer.as_mut(), &[1.0]);
        velocity = 0.5 * velocity + 1.0;
        expected -= velocity;
    }
    assert_close(&doubles(&parameter), &[expected]);
    let velocity = doubles(&optimizer.state().unwrap()["velocity/parameter"]);
    assert!((velocity[0] - 2.0).abs() < 1e-8, "the series 1 + ½ + ¼ + … ends at 2, not at {velocity:?}");
}

#[test]
fn weight_decay_alone_shrinks_the_parameters() {
    let sgd =
        |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> { Box::new(Sgd::new(p, 0.1, 0.0, 0.5).unwrap()) };
    let (parameter, mut optimizer) = one(&[8.0, -4.0], sgd);
    for _ in 0..3 {
        step(&parameter, optimizer.as_mut(), &[0.0, 0.0]);
    }
    assert_close(&doubles(&parameter), &[8.0 * 0.95 * 0.95 * 0.95, -4.0 * 0.95 * 0.95 * 0.95]);
    // Adam divides the decay by its own size: it isn't decoupled.
    let adam = |p: &BTreeMap<String, Var>| -> Box<dyn Optimizer> {
        Box::new(Adam::new(p, 0.1, (0.9, 0.999), 0.0, 0.5).unwrap())
    };
    let (parameter, mut optimizer) = one(&[8.0, -4.0], adam);
    step(&parameter, optimizer.as_mut(), &[0.0, 0.0]);
    assert_close(&doubles(&parameter), &[7.9, -3.9]);
}

#[test]
fn the_cross_entropy_of_equal_logits_is_the_logarithm_of_the_classes() {
    for classes in [1_usize, 2, 10, 1000] {
        let labels = Tensor::zeros(4, DType::U32, &Device::Cpu).unwrap();
        let sums = Loss::CrossEntropy.sums(&vec![3.5_f64; 4 * classes], &labels).unwrap();
        let loss = sums.loss / sums.count as f64;
        assert!((loss - (classes as f64).ln()).abs() < 1e-12, "{classes} classes: {loss}");
    }
}

#[test]
fn logits_may_be_shifted_and_as_large_as_floats_are() {
    let labels = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    let of = |values: [[f32; 3]; 2]| Loss::CrossEntropy.sums(values.as_flattened(), &labels).unwrap();
    let (plain, shifted) =
        (of([[1.0, 2.0, 3.0], [0.0, 0.0, 4.0]]), of([[1001.0, 1002.0, 1003.0], [-64.0, -64.0, -60.0]]));
    assert!((plain.loss - shifted.loss).abs() < 1e-10, "{} {}", plain.loss, shifted.loss);
    let extreme = of([[0.0, 3e38, 0.0], [-1e6, -1e6, -1e6]]);
    assert!((extreme.loss - 3_f64.ln()).abs() < 1e-9, "{}", extreme.loss);
    assert_eq!(extreme.correct, 2, "of equal logits the first is the answer");
    let wrong = of([[3e38, 0.0, 0.0], [0.0, 0.0, 0.0]]);
    assert!((wrong.loss / f64::from(3e38_f32) - 1.0).abs() < 1e-12);
}

#[test]
fn a_logit_that_is_not_a_number_spoils_the_loss_and_is_no_right_answer_by_chance() {
    let labels = Tensor::new(&[1_u32, 0], &Device::Cpu).unwrap();
    let sums = Loss::CrossEntropy.sums(&[0.0_f32, f32::NAN, 1.0, 0.0], &labels).unwrap();
    assert!(sums.loss.is_nan());
    assert_eq!((sums.correct, sums.count), (1, 2));
}

#[test]
fn the_gradient_of_cross_entropy_adds_up_to_nothing_in_each_row() {
    let mut numbers = Numbers(31);
    let labels = Tensor::from_iter((0..9_u32).map(|row| row % 7), &Device::Cpu).unwrap();
    let gradient = Loss::CrossEntropy.gradient(&numbers.values(9 * 7), &labels).unwrap();
    for (row, gradient) in gradient.chunks_exact(7).enumerate() {
        assert!(gradient.iter().sum::<f64>().abs() < 1e-16, "row {row}: {gradient:?}");
        assert!(gradient.iter().enumerate().all(|(class, value)| (*value < 0.0) == (class == row % 7)));
    }
}

#[test]
fn the_squared_error_is_zero_for_the_target_itself_and_its_gradient_points_away_from_it() {
    let prediction = [1.0, 4.0, -2.0, 0.5];
    let target = tensor(&[1.0, 2.0, -2.0, 1.5], &[2, 2]);
    let gradient = Loss::MeanSquaredError.gradient(&prediction, &target).unwrap();
    assert_close(&gradient, &[0.0, 1.0, 0.0, -0.5]);
    let itself = Loss::MeanSquaredError.sums(&prediction, &tensor(&prediction, &[2, 2])).unwrap();
    assert_eq!(itself.loss, 0.0);
    let sums = Loss::MeanSquaredError.sums(&prediction, &target).unwrap();
    assert_eq!((sums.loss, sums.correct, sums.count), (5.0, 0, 4));
}

#[test]
fn the_squared_error_of_one_hot_vectors_is_that_of_the_vectors_as_targets() {
    let outputs = [0.25, 1.5, -1.0, 2.0, 0.0, 0.5];
    let labels = Tensor::new(&[1_u32, 2], &Device::Cpu).unwrap();
    let vectors = tensor(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0], &[2, 3]);
    let (by_label, by_vector) = (
        Loss::OneHotSquaredError.sums(&outputs, &labels).unwrap(),
        Loss::MeanSquaredError.sums(&outputs, &vectors).unwrap(),
    );
    assert_eq!((by_label.correct, by_label.count, by_vector.count), (1, 2, 6));
    let mean = |sums: basin_kernels::LossSums| sums.loss / sums.count as f64;
    assert_close(&[mean(by_label)], &[mean(by_vector)]);
    assert_eq!(
        Loss::OneHotSquaredError.gradient(&outputs, &labels).unwrap(),
        Loss::MeanSquaredError.gradient(&outputs, &vectors).unwrap()
    );
}

#[test]
fn hubers_loss_is_half_a_square_and_then_a_line() {
    let loss = Loss::Huber { delta: 2.0 };
    let target = tensor(&[0.0; 4], &[4, 1]);
    let of = |output: f64| loss.sums(&[output, 0.0, 0.0, 0.0], &target).unwrap();
    for (output, expected) in [(0.0, 0.0), (1.0, 0.5), (-2.0, 2.0), (3.0, 4.0), (-10.0, 18.0)] {
        assert_eq!((of(output).loss, of(output).count), (expected, 4), "{output}");
    }
    assert_eq!(of(f64::INFINITY).loss, f64::INFINITY);
    assert!(of(f64::NAN).loss.is_nan());
    let gradient = loss.gradient(&[1.0, -2.0, 3.0, -10.0], &target).unwrap();
    assert_eq!(gradient, [0.25, -0.5, 0.5, -0.5]);
    let along = loss.gradient_along(&[1.0, -2.0, 3.0, -1.0], &target, &[4.0; 4]).unwrap();
    assert_eq!(along.tangent.unwrap(), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn smoothed_labels_are_those_of_the_mean_over_all_classes() {
    let mut numbers = Numbers(33);
    let logits = numbers.values(5 * 4);
    let labels = Tensor::new(&[3_u32, 0, 1, 1, 2], &Device::Cpu).unwrap();
    let plain = |labels: &Tensor| Loss::CrossEntropy.sums(&logits, labels).unwrap().loss;
    let of_classes: f64 =
        (0..4_u32).map(|class| plain(&Tensor::new(&[class; 5], &Device::Cpu).unwrap())).sum();
    let smoothed = Loss::SmoothedCrossEntropy { smoothing: 0.2 }.sums(&logits, &labels).unwrap();
    let expected = 0.8 * plain(&labels) + 0.2 * of_classes / 4.0;
    assert!((smoothed.loss - expected).abs() < 1e-12, "{} {expected}", smoothed.loss);
    let sharp = Loss::CrossEntropy.sums(&logits, &labels).unwrap();
    assert_eq!((smoothed.correct, smoothed.count), (sharp.correct, sharp.count));
}

#[test]
fn squared_norms_are_exact_where_squares_are() {
    for count in [0_usize, 1, 15, 16, 17, 33, 32_768, 32_769, 100_000] {
        let values: Vec<f32> = (0..count).map(|index| (index % 5) as f32 - 2.0).collect();
        let expected: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        assert_eq!(squared_norm_of(&values), expected, "{count}");
        let tensor = Tensor::from_slice(&values, count, &Device::Cpu).unwrap();
        assert_eq!(squared_norm([&tensor, &tensor]).unwrap(), 2.0 * expected, "{count}");
    }
    assert!(squared_norm_of(&[1.0, f32::INFINITY]).is_infinite());
    assert!(squared_norm_of(&[f32::NAN, f32::INFINITY]).is_nan());
    // No square of a float overflows where it is added.
    assert!(squared_norm_of(&[f32::MAX; 100]).is_finite());
}

#[test]
fn a_kernel_of_one_in_its_middle_copies_the_largest_pixels() {
    on_each_path(|path| {
        let pixels: Vec<f64> = (0..2 * 6 * 8).map(|index| f64::from(index * 37 % 96) - 20.0).collect();
        let images = tensor(&pixels, &[2, 1, 6, 8]).to_dtype(DType::F32).unwrap();
        for kernel in [1_usize, 3, 5, 7] {
            let mut taps = vec![0.0; kernel * kernel];
            taps[kernel * kernel / 2] = 1.0;
            let weight = single(&tensor(&taps, &[1, 1, kernel, kernel]));
            let bias = single(&tensor(&[0.0], &[1]));
            let y = of_one::<f32>(conv_relu_pool([1, 6, 8], &weight, &bias), &images);
            let mut expected = Vec::new();
            for image in pixels.chunks_exact(48) {
                for window in 0..12 {
                    let corner = window / 4 * 16 + window % 4 * 2;
                    let window = [corner, corner + 1, corner + 8, corner + 9].map(|at| image[at]);
                    expected.push(window.into_iter().fold(0.0, f64::max));
                }
            }
            assert_eq!(y, expected, "kernel {kernel} on {path}");
        }
    });
}

#[test]
fn a_kernel_off_its_middle_shifts_the_image_and_zeros_come_in_at_the_border() {
    on_each_path(|path| {
        let pixels: Vec<f64> = (1..=16).map(f64::from).collect();
        let image = tensor(&pixels, &[1, 1, 4, 4]).to_dtype(DType::F32).unwrap();
        let bias = single(&tensor(&[0.0], &[1]));
        let shifted = |tap: usize| {
            let mut taps = [0.0; 9];
            taps[tap] = 1.0;
            let weight = single(&tensor(&taps, &[1, 1, 3, 3]));
            of_one::<f32>(conv_relu_pool([1, 4, 4], &weight, &bias), &image)
        };
        // Of each window of a shifted image the last pixel is the largest, but where zeros came in.
        assert_eq!(shifted(0), [1.0, 3.0, 9.0, 11.0], "down and right, on {path}");
        assert_eq!(shifted(8), [11.0, 12.0, 15.0, 16.0], "up and left, on {path}");
    });
}

#[test]
fn a_large_negative_bias_leaves_nothing_and_nothing_goes_back() {
    let mut numbers = Numbers(32);
    let (x, weight) = (single(&numbers.tensor(&[3, 2, 6, 6])), single(&numbers.tensor(&[4, 2, 3, 3])));
    let bias = single(&Tensor::full(-100.0, 4, &Device::Cpu).unwrap());
    on_each_path(|path| {
        let mut program = alone::<f32>(conv_relu_pool([2, 6, 6], &weight, &bias));
        let found = passes(&mut program, &x, |y| vec![1.0; y.len()]);
        let zeros = |values: &Vec<f64>| values.iter().all(|value| *value == 0.0);
        assert!(zeros(&found.outputs) && found.gradients().all(zeros), "{path}");
    });
}

#[test]
fn the_biases_gradient_counts_the_windows_that_are_alive() {
    let x = single(&Tensor::ones((5, 1, 8, 6), DType::F64, &Device::Cpu).unwrap());
    let weight = single(&tensor(&[1.0, -1.0], &[2, 1, 1, 1]));
    let bias = single(&tensor(&[0.0, 0.5], &[2]));
    on_each_path(|path| {
        let mut program = alone::<f32>(conv_relu_pool([1, 8, 6], &weight, &bias));
        let found = passes(&mut program, &x, |y| vec![1.0; y.len()]);
        // Five images of 4 × 3 windows; the second output is −½ everywhere.
        assert_eq!(found.parameters, [[60.0, 0.0], [60.0, 0.0]], "weight and bias on {path}");
    });
}

#[test]
fn a_dense_layer_of_the_identity_matrix_gives_its_input() {
    on_each_path(|path| {
        for width in [1_usize, 3, 8, 17, 40] {
            let values: Vec<f64> = (0..5 * width).map(|index| index as f64 - 2.0 * width as f64).collect();
            let x = tensor(&values, &[5, width]).to_dtype(DType::F32).unwrap();
            let identity: Vec<f64> =
                (0..width * width).map(|at| f64::from(u8::from(at / width == at % width))).collect();
            let weight = single(&tensor(&identity, &[width, width]));
            let bias = single(&tensor(&vec![0.0; width], &[width]));
            assert_eq!(of_one::<f32>(dense(&weight, &bias), &x), values, "{path}");
            let positive: Vec<f64> = values.iter().map(|value| value.max(0.0)).collect();
            let y = outputs::<f32>(&mut chain(width, hidden(&weight, &bias)), &x);
            assert_eq!(y, positive, "{path}");
        }
    });
}

#[test]
fn a_number_that_is_none_passes_through_a_dense_layer_and_its_activation() {
    on_each_path(|path| {
        for (rows, columns) in [(1_usize, 1_usize), (3, 5), (7, 33)] {
            let mut values = vec![1.0_f32; rows * 4];
            values[4 * (rows - 1)] = f32::NAN;
            let x = Tensor::from_vec(values, (rows, 4), &Device::Cpu).unwrap();
            let weight = single(&Tensor::ones((columns, 4), DType::F32, &Device::Cpu).unwrap());
            let bias = single(&tensor(&vec![0.0; columns], &[columns]));
            let y = outputs::<f32>(&mut chain(4, hidden(&weight, &bias)), &x);
            let (numbers, spoilt) = y.split_at((rows - 1) * columns);
            assert!(spoilt.iter().all(|value| value.is_nan()), "{rows} × {columns} on {path}");
            assert!(numbers.iter().all(|value| *value == 4.0), "{rows} × {columns} on {path}");
        }
    });
}

#[test]
fn every_byte_of_an_image_is_standardised() {
    let images: Vec<u8> = (0..=255).collect();
    let batch = gather_images(&images, [1, 16, 16], &[0], &[0.5], &[0.25]).unwrap();
    for (byte, value) in doubles(&batch).into_iter().enumerate() {
        let expected = (byte as f64 / 255.0 - 0.5) / 0.25;
        assert!((value - expected).abs() < 1e-6, "{byte}: {value}");
    }
    let none = gather_images(&images, [1, 16, 16], &[], &[0.5], &[0.25]).unwrap();
    assert_eq!(none.dims(), [0, 1, 16, 16]);
}
