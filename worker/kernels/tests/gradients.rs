//! Every operation's gradients against central differences, in double precision.
//!
//! On the fastest code path: the others have the same bits in double precision too. `references.rs` compares the gradients in single
//! precision, on each path, with those of the definition.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::Loss;
use basin_kernels::network::operations::Add;
use basin_kernels::network::{Mode, Program, ProgramBuilder, Wanted};
use candle_core::{DType, Device, Tensor, Var};
use common::network::{
    alone, chain, conv_relu_pool, dense, hidden, in_double, outputs, parameter_gradients, passes, relu,
};
use common::plain::{convolution, windows};
use common::{Numbers, doubles, on_each_path, smaller_under_miri, turn};

const STEP: f64 = 1e-5;

/// Compares the gradients of Σ weights × outputs in the input and all parameters with central differences: relative error under 1e-6.
fn check(case: &str, numbers: &mut Numbers, x: &Tensor, mut program: Program<f64>) {
    let weights = numbers.values(outputs(&mut program, x).len());
    let found = passes(&mut program, x, |_| weights.clone());
    let input = Var::from_tensor(x).unwrap();
    let variables: Vec<Var> = std::iter::once(input.clone()).chain(program.parameters().to_vec()).collect();
    for (index, (variable, gradient)) in variables.iter().zip(found.gradients()).enumerate() {
        let values = doubles(variable);
        assert_eq!(gradient.len(), values.len(), "{case}: variable {index}");
        for (element, gradient) in gradient.iter().enumerate() {
            let mut at = |shift: f64| -> f64 {
                let mut moved = values.clone();
                moved[element] += shift;
                variable.set(&Tensor::from_vec(moved, variable.shape(), &Device::Cpu).unwrap()).unwrap();
                outputs(&mut program, &input).iter().zip(&weights).map(|(y, weight)| y * weight).sum()
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let error = (gradient - difference).abs();
            assert!(
                error <= 1e-6 * gradient.abs().max(difference.abs()) + 1e-9,
                "{case}: variable {index}, element {element}: {gradient} against {difference}"
            );
        }
        variable.set(&Tensor::from_vec(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
    }
}

/// Convolution, ReLU and pooling of these images.
fn of_images(x: &Tensor, weight: &Var, bias: &Var) -> Program<f64> {
    let (_, channels, height, width) = x.dims4().unwrap();
    alone(conv_relu_pool([channels, height, width], weight, bias))
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
    let _turn = turn();
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
        let [x, weight, bias] = convolution_away_from_kinks(&mut numbers, dims, outputs, k);
        let case = format!("{dims:?}, {outputs} outputs, kernel {k}");
        check(&case, &mut numbers, &x, of_images(&x, &weight, &bias));
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn gradients_pass_through_two_convolutions() {
    let _turn = turn();
    let mut numbers = Numbers(2);
    let [x, weight, bias] = convolution_away_from_kinks(&mut numbers, [2, 3, 9, 8], 4, 3);
    let between = outputs(&mut of_images(&x, &weight, &bias), &x);
    let dims = [2, 4, 4, 4];
    let [next_weight, next_bias] = (0..100)
        .find_map(|_| {
            let (weight, bias) = (numbers.var(&[3, 4, 3, 3]), numbers.var(&[3]));
            let sums = convolution(&between, dims, &doubles(&weight), &doubles(&bias), 3);
            let clear = windows(&sums, dims[2], dims[3]).into_iter().all(|mut window| {
                window.sort_by(f64::total_cmp);
                window[3].abs() > 1e-3 && window[3] - window[2] > 1e-3
            });
            clear.then_some([weight, bias])
        })
        .unwrap();
    let layers =
        [conv_relu_pool([3, 9, 8], &weight, &bias), conv_relu_pool([4, 4, 4], &next_weight, &next_bias)];
    check("two convolutions", &mut numbers, &x, chain(3 * 9 * 8, layers));
}

#[test]
fn the_input_gets_no_gradient_unless_it_is_wanted() {
    let _turn = turn();
    let mut numbers = Numbers(3);
    let (images, weight, bias) =
        (numbers.tensor(&[2, 3, 4, 4]), numbers.var(&[2, 3, 3, 3]), numbers.var(&[2]));
    let mut program = of_images(&images, &weight, &bias);
    let with = passes(&mut program, &images, |y| vec![1.0; y.len()]);
    let mut program = of_images(&images, &weight, &bias);
    let ones = vec![1.0; outputs(&mut program, &images).len()];
    let of_input = program.backward(&ones, Wanted { input: false, parameters: true }).unwrap();
    assert!(of_input.is_none());
    assert_eq!(parameter_gradients(&program), with.parameters);
}

#[test]
fn equal_sums_of_a_window_give_the_gradient_to_the_first() {
    let _turn = turn();
    let x = Tensor::ones((1, 1, 2, 2), DType::F64, &Device::Cpu).unwrap();
    let one = Var::ones((1, 1, 1, 1), DType::F64, &Device::Cpu).unwrap();
    let zero = Var::zeros(1, DType::F64, &Device::Cpu).unwrap();
    let found = passes(&mut of_images(&x, &one, &zero), &x, |_| vec![1.0]);
    assert_eq!(found.input, [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_nan_pixel_is_seen_in_the_result() {
    let one = Var::ones((1, 1, 1, 1), DType::F32, &Device::Cpu).unwrap();
    let zero = Var::zeros(1, DType::F32, &Device::Cpu).unwrap();
    on_each_path(|path| {
        for place in 0..4 {
            let mut pixels = vec![3.0_f32; 4];
            pixels[place] = f32::NAN;
            let x = Tensor::from_vec(pixels, (1, 1, 2, 2), &Device::Cpu).unwrap();
            let y = outputs::<f32>(&mut alone(conv_relu_pool([1, 2, 2], &one, &zero)), &x);
            assert!(y[0].is_nan(), "at {place} on {path}");
        }
    });
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn gradients_of_dense_layers_are_those_of_central_differences() {
    let _turn = turn();
    let mut numbers = Numbers(4);
    for has_relu in [false, true] {
        for (batch, inputs, width) in [(1, 1, 1), (3, 5, 2), (4, 7, 19), (2, 33, 3)] {
            let (x, weight, bias) =
                (numbers.tensor(&[batch, inputs]), numbers.var(&[width, inputs]), numbers.var(&[width]));
            let layer = dense(&weight, &bias);
            let layers = if has_relu { vec![layer, relu(width)] } else { vec![layer] };
            let case = format!("{batch} × {inputs} → {width}, ReLU: {has_relu}");
            check(&case, &mut numbers, &x, chain(inputs, layers));
        }
    }
}

#[test]
fn gradients_of_losses_are_those_of_central_differences() {
    let mut numbers = Numbers(5);
    let labels = Tensor::new(&[0_u32, 3, 1, 1, 2], &Device::Cpu).unwrap();
    let target = numbers.tensor(&[6, 2]);
    let losses = [
        (Loss::CrossEntropy, 20, &labels),
        (Loss::MeanSquaredError, 12, &target),
        (Loss::SmoothedCrossEntropy { smoothing: 0.1 }, 20, &labels),
        (Loss::SmoothedCrossEntropy { smoothing: 0.9 }, 20, &labels),
        (Loss::OneHotSquaredError, 20, &labels),
        (Loss::Huber { delta: 0.7 }, 12, &target),
        (Loss::Huber { delta: 100.0 }, 12, &target),
    ];
    for (loss, count, targets) in losses {
        let values = numbers.values(count);
        let gradient = loss.gradient(&values, targets).unwrap();
        let tangent = numbers.values(count);
        let moved = loss.gradient_along(&values, targets, &tangent).unwrap();
        assert_eq!(moved.gradient.as_ref(), Some(&gradient));
        let gradient_at = |shift: f64| {
            let moved: Vec<f64> = values.iter().zip(&tangent).map(|(at, along)| at + along * shift).collect();
            loss.gradient(&moved, targets).unwrap()
        };
        let (ahead, behind) = (gradient_at(STEP), gradient_at(-STEP));
        for ((ahead, behind), along) in ahead.iter().zip(&behind).zip(moved.tangent.unwrap()) {
            let difference = (ahead - behind) / (2.0 * STEP);
            let error = (along - difference).abs();
            assert!(
                error <= 1e-6 * along.abs().max(difference.abs()) + 1e-9,
                "{loss:?}: {along} against {difference}"
            );
        }
        for (element, gradient) in gradient.into_iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = values.clone();
                moved[element] += shift;
                let sums = loss.sums(&moved, targets).unwrap();
                sums.loss / sums.count as f64
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let error = (gradient - difference).abs();
            assert!(
                error <= 1e-6 * gradient.abs().max(difference.abs()) + 1e-9,
                "{loss:?}, element {element}: {gradient} against {difference}"
            );
        }
    }
}

#[test]
fn an_input_has_the_same_gradient_whether_or_not_those_of_the_parameters_are_wanted() {
    let _turn = turn();
    let mut numbers = Numbers(77);
    let [x, weight, bias] = convolution_away_from_kinks(&mut numbers, [3, 2, 6, 8], 5, 3);
    let with = passes(&mut of_images(&x, &weight, &bias), &x, |y| vec![1.0; y.len()]);
    let mut program = of_images(&x, &weight, &bias);
    let ones = vec![1.0; outputs(&mut program, &x).len()];
    let without = program.backward(&ones, Wanted { input: true, parameters: false }).unwrap().unwrap();
    assert_eq!(without, with.input);
    assert!(parameter_gradients(&program).iter().flatten().all(|value| *value == 0.0), "none was computed");
}

#[test]
fn a_result_that_is_used_twice_gets_the_sum_of_its_gradients() {
    let _turn = turn();
    let mut numbers = Numbers(78);
    let x = numbers.tensor(&[3, 4]);
    let [(weight, bias), (next_weight, next_bias)] =
        std::array::from_fn(|_| (numbers.var(&[4, 4]), numbers.var(&[4])));
    // x + W(h + x) and h itself, with h = ReLU(Vx + b): the input is used twice, and so is a result.
    let mut builder = ProgramBuilder::new(4);
    let input = builder.input();
    let mut last = input;
    for (operation, parameters) in hidden::<f64>(&weight, &bias) {
        last = builder.add(operation, &[last], parameters, vec![]).unwrap();
    }
    let sum = builder.add(Box::new(Add::new(4)), &[last, input], vec![], vec![]).unwrap();
    let (operation, parameters) = dense(&next_weight, &next_bias);
    let product = builder.add(operation, &[sum], parameters, vec![]).unwrap();
    builder.add(Box::new(Add::new(4)), &[product, last], vec![], vec![]).unwrap();
    check("a residual connection", &mut numbers, &x, builder.build().unwrap());
}

#[test]
fn several_vectors_go_back_through_one_forward_pass() {
    let _turn = turn();
    let mut numbers = Numbers(79);
    let (x, weight, bias) = (numbers.tensor(&[2, 2]), numbers.var(&[2, 2]), numbers.var(&[2]));
    let (next_weight, next_bias) = (numbers.var(&[2, 2]), numbers.var(&[2]));
    let build = || {
        let layers = hidden::<f64>(&weight, &bias).into_iter().chain([dense(&next_weight, &next_bias)]);
        chain(2, layers)
    };
    let mut program = build();
    program.forward(&x, Mode::Evaluation).unwrap();
    for vector in [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, -2.0]] {
        let expected = passes(&mut build(), &x, |_| vector.to_vec());
        let input = program.backward(&vector, common::network::ALL).unwrap().unwrap();
        assert_eq!((in_double(&input), parameter_gradients(&program)), (expected.input, expected.parameters));
    }
    assert!(program.backward(&[1.0; 3], common::network::ALL).is_err(), "of another size");
}
