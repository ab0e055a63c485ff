//! Each pass against its definition, term by term in the order that the module promises: the same bits on each path.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use super::{Conv2dShape, Correlation, bias_gradient, weight_gradient};
use crate::code_path::CodePath;
use crate::network::testing::numbers;
use crate::partition;
use crate::vector::{Dispatch, on_path};

/// The pixel of output `at` under the kernel's tap, along one side; none if it is padding.
fn pixel(at: usize, tap: usize, shape: &Conv2dShape, side: usize) -> Option<usize> {
    (at * shape.stride + tap).checked_sub(shape.padding).filter(|pixel| *pixel < side)
}

/// An element at (plane, row, column), zero where there is none.
fn element<T: Dispatch>(
    from: &[T],
    plane: usize,
    [y, x]: [Option<usize>; 2],
    [height, width]: [usize; 2],
) -> T {
    match (y, x) {
        (Some(y), Some(x)) => from[(plane * height + y) * width + x],
        _ => T::default(),
    }
}

struct Definition<'a, T> {
    shape: Conv2dShape,
    batch: usize,
    x: &'a [T],
    weight: &'a [T],
    gradient: &'a [T],
}

impl<T: Dispatch> Definition<'_, T> {
    fn weight(&self, output: usize, channel: usize, ky: usize, kx: usize) -> T {
        let s = &self.shape;
        self.weight[((output * s.group_channels() + channel) * s.kernel + ky) * s.kernel + kx]
    }

    fn outputs(&self, bias: &[T]) -> Vec<T> {
        let s = &self.shape;
        let mut outputs = Vec::new();
        for (image, output) in
            (0..self.batch).flat_map(|image| (0..s.outputs).map(move |output| (image, output)))
        {
            let first = image * s.channels + output / s.group_outputs() * s.group_channels();
            for (y, x) in (0..s.out_height()).flat_map(|y| (0..s.out_width()).map(move |x| (y, x))) {
                let mut sum = bias[output];
                for channel in 0..s.group_channels() {
                    for (ky, kx) in (0..s.kernel).flat_map(|ky| (0..s.kernel).map(move |kx| (ky, kx))) {
                        let at = [pixel(y, ky, s, s.height), pixel(x, kx, s, s.width)];
                        let pixel = element(self.x, first + channel, at, [s.height, s.width]);
                        sum = pixel.multiply_add(self.weight(output, channel, ky, kx), sum);
                    }
                }
                outputs.push(sum);
            }
        }
        outputs
    }

    fn input_gradient(&self) -> Vec<T> {
        let s = &self.shape;
        let mut gradients = Vec::new();
        for (image, channel) in
            (0..self.batch).flat_map(|image| (0..s.channels).map(move |channel| (image, channel)))
        {
            let group = channel / s.group_channels();
            for (y, x) in (0..s.height).flat_map(|y| (0..s.width).map(move |x| (y, x))) {
                let mut sum = T::default();
                for output in group * s.group_outputs()..(group + 1) * s.group_outputs() {
                    for ky in (0..s.kernel)
                        .filter(|ky| (y + s.padding + s.stride * s.kernel - ky).is_multiple_of(s.stride))
                    {
                        for kx in (0..s.kernel)
                            .filter(|kx| (x + s.padding + s.stride * s.kernel - kx).is_multiple_of(s.stride))
                        {
                            let of = |at: usize, tap: usize, side: usize| {
                                (at + s.padding)
                                    .checked_sub(tap)
                                    .map(|at| at / s.stride)
                                    .filter(|at| *at < side)
                            };
                            let at = [of(y, ky, s.out_height()), of(x, kx, s.out_width())];
                            let plane = image * s.outputs + output;
                            let gradient = element(self.gradient, plane, at, [s.out_height(), s.out_width()]);
                            let weight = self.weight(output, channel % s.group_channels(), ky, kx);
                            sum = gradient.multiply_add(weight, sum);
                        }
                    }
                }
                gradients.push(sum);
            }
        }
        gradients
    }

    fn weight_gradient(&self) -> Vec<T> {
        let s = &self.shape;
        let pieces = partition::evenly(self.batch, 16);
        let mut gradients = Vec::new();
        for (output, channel) in
            (0..s.outputs).flat_map(|output| (0..s.group_channels()).map(move |channel| (output, channel)))
        {
            let seen = output / s.group_outputs() * s.group_channels() + channel;
            for (ky, kx) in (0..s.kernel).flat_map(|ky| (0..s.kernel).map(move |kx| (ky, kx))) {
                let sums = pieces.iter().map(|images| {
                    let mut sum = T::default();
                    for image in images.clone() {
                        for (y, x) in
                            (0..s.out_height()).flat_map(|y| (0..s.out_width()).map(move |x| (y, x)))
                        {
                            let at = [pixel(y, ky, s, s.height), pixel(x, kx, s, s.width)];
                            let pixel = element(self.x, image * s.channels + seen, at, [s.height, s.width]);
                            let plane = image * s.outputs + output;
                            let gradient = self.gradient[(plane * s.out_height() + y) * s.out_width() + x];
                            sum = gradient.multiply_add(pixel, sum);
                        }
                    }
                    sum
                });
                gradients.push(sums.reduce(|sum, piece| sum + piece).unwrap());
            }
        }
        gradients
    }
}

fn of<T: Dispatch>(key: u64, count: usize) -> Vec<T> {
    numbers(key, count).into_iter().map(T::from_f64).collect()
}

fn same<T: Dispatch>(what: &str, shape: &Conv2dShape, found: &[T], expected: &[T]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(found == expected, "{what} of {shape:?}, element {index}: {found:?} against {expected:?}");
    }
}

fn check<T: Dispatch>(shape: Conv2dShape, batch: usize) {
    let shape = shape.checked().unwrap();
    let (x, weight, gradient) =
        (of::<T>(1, batch * shape.image()), of::<T>(2, shape.weights()), of::<T>(3, batch * shape.result()));
    let bias = of::<T>(4, shape.outputs);
    let definition = Definition { shape, batch, x: &x, weight: &weight, gradient: &gradient };
    let nan = T::from_f64(f64::NAN);
    let mut outputs = vec![nan; batch * shape.result()];
    Correlation::forward(&shape, &weight).run(&x, Some(&bias), false, &mut outputs);
    let expected = definition.outputs(&bias);
    same("outputs", &shape, &outputs, &expected);
    Correlation::forward(&shape, &weight).run(&x, Some(&bias), true, &mut outputs);
    let rectified: Vec<T> =
        expected.into_iter().map(|sum| if sum <= T::default() { T::default() } else { sum }).collect();
    same("rectified outputs", &shape, &outputs, &rectified);
    let mut input = vec![nan; batch * shape.image()];
    Correlation::input_gradient(&shape, &weight).run(&gradient, None, false, &mut input);
    same("gradients of images", &shape, &input, &definition.input_gradient());
    let mut weights = vec![nan; shape.weights()];
    weight_gradient(&shape, &x, &gradient, &mut weights);
    same("gradients of weights", &shape, &weights, &definition.weight_gradient());
    let mut biases = vec![nan; shape.outputs];
    bias_gradient(&shape, &gradient, &mut biases);
    for (output, bias) in biases.iter().enumerate() {
        let of_output = gradient.chunks_exact(shape.out_plane()).skip(output).step_by(shape.outputs);
        let sum: f64 = of_output.flatten().map(|gradient| gradient.to_f64()).sum();
        assert!((bias.to_f64() - sum).abs() < 1e-3, "the bias of {shape:?}: {bias:?} against {sum}");
    }
}

/// Channels, height, width, outputs, kernel, stride, padding, groups; and the batch.
const SHAPES: [([usize; 8], usize); 19] = [
    ([3, 9, 7, 5, 3, 1, 1, 1], 2),
    ([16, 8, 8, 16, 3, 1, 1, 1], 17),
    ([5, 12, 33, 20, 3, 1, 1, 1], 3),
    ([7, 6, 5, 35, 5, 1, 2, 1], 18),
    ([40, 4, 4, 70, 3, 1, 1, 1], 5),
    ([12, 2, 2, 130, 3, 1, 1, 1], 19),
    ([16, 9, 8, 33, 3, 2, 1, 1], 3),
    ([8, 8, 8, 16, 1, 2, 0, 1], 3),
    ([9, 5, 6, 50, 1, 1, 0, 1], 2),
    ([6, 7, 8, 10, 2, 1, 0, 1], 2),
    ([6, 8, 8, 12, 4, 4, 0, 1], 2),
    ([4, 11, 10, 6, 3, 3, 2, 2], 2),
    ([20, 7, 9, 20, 3, 1, 1, 20], 2),
    ([20, 7, 9, 40, 3, 2, 1, 20], 2),
    ([2, 3, 3, 2, 3, 1, 4, 1], 2),
    ([2, 5, 4, 3, 7, 2, 3, 1], 2),
    ([3, 1, 9, 4, 1, 1, 0, 1], 2),
    ([64, 6, 6, 18, 3, 1, 1, 1], 2),
    ([3, 32, 32, 16, 3, 1, 1, 1], 2),
];

fn shape([channels, height, width, outputs, kernel, stride, padding, groups]: [usize; 8]) -> Conv2dShape {
    Conv2dShape { channels, height, width, outputs, kernel, stride, padding, groups }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn every_pass_has_the_bits_of_its_definition_on_each_path() {
    for path in CodePath::ALL {
        on_path(path, || {
            for (sizes, batch) in SHAPES {
                check::<f64>(shape(sizes), batch);
                check::<f32>(shape(sizes), batch);
            }
        });
    }
}

#[test]
fn small_convolutions_have_the_bits_of_their_definition() {
    for sizes in [[2, 3, 4, 3, 3, 1, 1, 1], [2, 5, 4, 2, 2, 2, 1, 2]] {
        on_path(CodePath::Portable, || {
            check::<f64>(shape(sizes), 2);
            check::<f32>(shape(sizes), 2);
        });
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn every_pass_has_the_same_bits_on_any_number_of_threads() {
    for (sizes, batch) in [([16, 16, 16, 24, 3, 1, 1, 1], 37), ([64, 4, 4, 96, 3, 2, 1, 1], 20)] {
        let shape = shape(sizes).checked().unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (x, weight) = (of::<f32>(1, batch * shape.image()), of::<f32>(2, shape.weights()));
                let gradient = of::<f32>(3, batch * shape.result());
                let mut outputs = vec![0.0; batch * shape.result()];
                Correlation::forward(&shape, &weight).run(&x, None, false, &mut outputs);
                let mut input = vec![0.0; batch * shape.image()];
                Correlation::input_gradient(&shape, &weight).run(&gradient, None, false, &mut input);
                let mut weights = vec![0.0; shape.weights()];
                weight_gradient(&shape, &x, &gradient, &mut weights);
                [outputs, input, weights]
            })
        };
        for path in CodePath::ALL {
            on_path(path, || {
                let alone = run(1);
                for threads in [2, 3, 4] {
                    assert!(run(threads) == alone, "{threads} threads, {shape:?}");
                }
            });
        }
    }
}
