//! Products of Hessians with vectors, against differences of gradients where no kink is near, and where one is crossed.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used)]

mod common;

use basin_kernels::{
    Activation, backward, conv_relu_pool, cross_entropy, dense, hessian_vector, mean_squared_error,
};
use candle_core::{DType, Device, Result, Tensor, Var};
use common::{Numbers, bits, doubles, smaller_under_miri};

/// So short a step crosses a kink with a probability of about as much, and leaves some seven digits of a difference of gradients.
const STEP: f64 = 1e-8;

/// All variables' parts of H·v by the R-operator and by central differences of gradients.
fn both(
    variables: &[Var],
    directions: &[Tensor],
    loss: &impl Fn() -> Result<Tensor>,
) -> Vec<(Vec<f64>, Vec<f64>)> {
    let pairs = variables.iter().map(Var::as_tensor).zip(directions.iter().cloned());
    let products = hessian_vector(&loss().unwrap(), pairs).unwrap();
    let values: Vec<Tensor> = variables.iter().map(|variable| variable.copy().unwrap().detach()).collect();
    let gradients = |factor: f64| -> Vec<Vec<f64>> {
        for ((variable, value), direction) in variables.iter().zip(&values).zip(directions) {
            variable.set(&(value + (direction * factor).unwrap()).unwrap()).unwrap();
        }
        let gradients = backward(&loss().unwrap()).unwrap();
        variables.iter().map(|variable| doubles(gradients.get(variable).unwrap())).collect()
    };
    let (ahead, behind) = (gradients(STEP), gradients(-STEP));
    variables.iter().zip(&values).for_each(|(variable, value)| variable.set(value).unwrap());
    let differences = ahead.iter().zip(&behind).map(|(ahead, behind)| {
        ahead.iter().zip(behind).map(|(ahead, behind)| (ahead - behind) / (2.0 * STEP)).collect()
    });
    variables.iter().map(|variable| doubles(products.get(variable).unwrap())).zip(differences).collect()
}

fn check(case: &str, numbers: &mut Numbers, variables: &[Var], loss: impl Fn() -> Result<Tensor>) {
    let directions: Vec<Tensor> = variables.iter().map(|variable| numbers.tensor(variable.dims())).collect();
    let all = both(variables, &directions, &loss);
    let scale = all.iter().flat_map(|(_, it)| it).fold(0.0_f64, |most, value| most.max(value.abs()));
    for (index, (product, difference)) in all.into_iter().enumerate() {
        for (product, difference) in product.into_iter().zip(difference) {
            let error = (product - difference).abs();
            assert!(error < 1e-6 * scale, "{case}, variable {index}: {product} against {difference}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "it takes too long in an interpreter")]
fn products_of_networks_are_those_of_differences_of_gradients() {
    let mut numbers = Numbers(21);
    let labels = Tensor::new(&[0_u32, 3, 1, 1, 2], &Device::Cpu).unwrap();
    for (channels, side, outputs, kernel) in [(1, 4, 3, 3), (3, 9, 5, 3), (2, 7, 6, 1), (5, 8, 9, 5)] {
        let images = numbers.tensor(&[5, channels, side, side]);
        let pooled = outputs * (side / 2) * (side / 2);
        let variables = [
            numbers.var(&[outputs, channels, kernel, kernel]),
            numbers.var(&[outputs]),
            numbers.var(&[4, pooled]),
            numbers.var(&[4]),
        ];
        check("one convolution", &mut numbers, &variables, || {
            let [weight, bias, last, last_bias] = &variables;
            let x = conv_relu_pool(&images, weight, bias)?;
            cross_entropy(&dense(&x, last, last_bias, Activation::Identity)?, &labels)
        });
    }
    let images = numbers.tensor(&[5, 2, 8, 8]);
    let shapes: [&[usize]; 8] =
        [&[6, 2, 3, 3], &[6], &[5, 6, 3, 3], &[5], &[7, 5 * 2 * 2], &[7], &[4, 7], &[4]];
    let variables = shapes.map(|shape| numbers.var(shape));
    let network = |images: &Tensor| {
        let x = conv_relu_pool(images, &variables[0], &variables[1])?;
        let x = conv_relu_pool(&x, &variables[2], &variables[3])?;
        let x = dense(&x, &variables[4], &variables[5], Activation::Relu)?;
        dense(&x, &variables[6], &variables[7], Activation::Identity)
    };
    check("two convolutions and a hidden layer", &mut numbers, &variables, || {
        cross_entropy(&network(&images)?, &labels)
    });
    let targets = numbers.tensor(&[5, 4]);
    check("under squared error", &mut numbers, &variables, || {
        mean_squared_error(&network(&images)?, &targets)
    });
    let inputs = Var::from_tensor(&images).unwrap();
    let all = [&[inputs.clone()][..], &variables].concat();
    check("with its images", &mut numbers, &all, || cross_entropy(&network(&inputs)?, &labels));
}

#[test]
fn a_tensor_that_is_used_twice_and_a_direction_that_leaves_variables_out_are_no_exceptions() {
    let mut numbers = Numbers(23);
    let (weight, bias) = (numbers.var(&[3, 3]), numbers.var(&[3]));
    let (x, target) = (numbers.tensor(&[4, 3]), numbers.tensor(&[4, 3]));
    let loss = || {
        let once = dense(&x, &weight, &bias, Activation::Relu)?;
        mean_squared_error(&dense(&once, &weight, &bias, Activation::Identity)?, &target)
    };
    check("twice", &mut numbers, &[weight.clone(), bias.clone()], loss);
    let loss = loss().unwrap();
    let along = numbers.tensor(&[3]);
    let nowhere = Tensor::zeros((3, 3), DType::F64, &Device::Cpu).unwrap();
    let alone = hessian_vector(&loss, [(bias.as_tensor(), along.clone())]).unwrap();
    let both = hessian_vector(&loss, [(bias.as_tensor(), along), (weight.as_tensor(), nowhere)]).unwrap();
    for variable in [&weight, &bias] {
        assert_eq!(doubles(alone.get(variable).unwrap()), doubles(both.get(variable).unwrap()));
    }
}

/// At 0, ReLU's kink: what is dead stays dead, though a step to one side would revive it.
#[test]
fn what_a_pass_decided_stays_decided() {
    let one = |value: f64, dims: &[usize]| Var::from_vec(vec![value], dims, &Device::Cpu).unwrap();
    let (x, target) = (one(1.0, &[1, 1]).as_detached_tensor(), one(3.0, &[1, 1]).as_detached_tensor());
    let (weight, bias) = (one(0.0, &[1, 1]), one(0.0, &[1]));
    let loss = mean_squared_error(&dense(&x, &weight, &bias, Activation::Relu).unwrap(), &target).unwrap();
    let ones = |variable: &Var| variable.ones_like().unwrap();
    let direction = [&weight, &bias].map(|variable| (variable.as_tensor(), ones(variable)));
    let products = hessian_vector(&loss, direction).unwrap();
    assert_eq!(
        (doubles(products.get(&weight).unwrap()), doubles(products.get(&bias).unwrap())),
        (vec![0.0], vec![0.0])
    );
    // Of equal sums the first counts, whatever the others would do.
    let images = Tensor::new(&[1.0_f64, 2.0, 3.0, 4.0], &Device::Cpu).unwrap().reshape((1, 1, 2, 2)).unwrap();
    let (weight, bias) = (one(0.0, &[1, 1, 1, 1]), one(1.0, &[1]));
    let pooled = conv_relu_pool(&images, &weight, &bias).unwrap();
    let target = Tensor::zeros((1, 1, 1, 1), DType::F64, &Device::Cpu).unwrap();
    let loss = mean_squared_error(&pooled, &target).unwrap();
    let products = hessian_vector(&loss, [(weight.as_tensor(), ones(&weight))]).unwrap();
    // (1·w + b)²: the second derivatives by w and by both are 2.
    assert_eq!(
        (doubles(products.get(&weight).unwrap()), doubles(products.get(&bias).unwrap())),
        (vec![2.0], vec![2.0])
    );
}

#[test]
fn products_do_not_depend_on_threads() {
    let mut numbers = Numbers(24);
    let (count, channels, side, outputs, width) = smaller_under_miri((37, 3, 16, 8, 64), (3, 1, 4, 2, 3));
    let images = numbers.tensor(&[count, channels, side, side]);
    let labels = Tensor::from_iter((0..count as u32).map(|index| index % 10), &Device::Cpu).unwrap();
    let pooled = outputs * (side / 2) * (side / 2);
    let shapes: [&[usize]; 6] =
        [&[outputs, channels, 3, 3], &[outputs], &[width, pooled], &[width], &[10, width], &[10]];
    let variables = shapes.map(|shape| numbers.var(shape));
    let directions = shapes.map(|shape| numbers.tensor(shape));
    let product = || {
        let x = conv_relu_pool(&images, &variables[0], &variables[1]).unwrap();
        let x = dense(&x, &variables[2], &variables[3], Activation::Relu).unwrap();
        let x = dense(&x, &variables[4], &variables[5], Activation::Identity).unwrap();
        let loss = cross_entropy(&x, &labels).unwrap();
        let direction = variables.iter().map(Var::as_tensor).zip(directions.iter().cloned());
        let products = hessian_vector(&loss, direction).unwrap();
        variables.iter().map(|variable| bits(products.get(variable).unwrap())).collect::<Vec<_>>()
    };
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(product);
    let alone = on(1);
    for &threads in smaller_under_miri(&[2, 3, 4][..], &[2]) {
        assert!(on(threads) == alone, "{threads} threads gave something else than one");
    }
}

#[test]
fn what_has_no_hessian_here_is_refused() {
    let mut numbers = Numbers(25);
    let weight = numbers.var(&[2, 2]);
    let loss = weight.sqr().unwrap().sum_all().unwrap();
    let direction = numbers.tensor(&[2, 2]);
    assert!(hessian_vector(&loss, [(weight.as_tensor(), direction)]).is_err(), "Candle's own operations");
    let target = numbers.tensor(&[2, 2]);
    let loss = mean_squared_error(&weight, &target).unwrap();
    assert!(hessian_vector(&loss, [(weight.as_tensor(), numbers.tensor(&[4]))]).is_err(), "another shape");
}
