//! Loss, gradient and Hessian of small dense networks, against differences and against PyTorch.
#![allow(
    clippy::disallowed_methods,
    reason = "tests compare with the system's library and Candle's operations"
)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::Instant;

use basin_domain::experiment::Activation;
use basin_domain::random::Stream;
use basin_experiments::critical_point::Network;
use candle_core::{Device, Tensor};

/// A network over points of sin x, with a θ whose every element counts.
fn network(hidden: &[u32], activation: Activation, points: u32) -> (Network, Vec<f64>) {
    let inputs: Vec<f64> = (0..points).map(|index| f64::from(index) * 0.37 - 3.0).collect();
    let targets = inputs.iter().map(|x| x.sin()).collect();
    let network = Network::new(hidden, activation, inputs, targets).unwrap();
    let mut stream = Stream::new(5, "theta");
    let theta = (0..network.parameter_count()).map(|_| stream.normal()).collect();
    (network, theta)
}

/// Several depths, uneven widths, more points than the Hessian sums at a time, a linear model.
fn networks() -> Vec<(Network, Vec<f64>)> {
    let shapes: [(&[u32], u32); 5] = [(&[], 5), (&[4], 17), (&[5, 3], 16), (&[3, 4, 2], 23), (&[4], 300)];
    let all = shapes.into_iter().flat_map(|shape| Activation::ALL.map(|activation| (shape, activation)));
    all.map(|((hidden, points), activation)| network(hidden, activation, points)).collect()
}

fn moved(theta: &[f64], direction: &[f64], length: f64) -> Vec<f64> {
    theta.iter().zip(direction).map(|(theta, direction)| theta + length * direction).collect()
}

fn unit(count: usize, at: usize) -> Vec<f64> {
    (0..count).map(|index| f64::from(u8::from(index == at))).collect()
}

#[track_caller]
fn assert_close(a: &[f64], b: &[f64], tolerance: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = b.iter().fold(1f64, |largest, value| largest.max(value.abs()));
    for (index, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < tolerance * scale, "{what} {index}: {a} and {b}");
    }
}

#[test]
fn the_gradient_is_that_of_central_differences() {
    for (network, theta) in networks() {
        let count = network.parameter_count();
        let differences: Vec<f64> = (0..count)
            .map(|at| {
                let along = |length| network.loss(&moved(&theta, &unit(count, at), length));
                (along(1e-5) - along(-1e-5)) / 2e-5
            })
            .collect();
        assert_close(&network.gradient(&theta), &differences, 1e-8, "gradient");
    }
}

#[test]
fn a_hessian_vector_product_is_that_of_central_differences_of_gradients() {
    let mut stream = Stream::new(6, "direction");
    for (network, theta) in networks() {
        let direction: Vec<f64> = theta.iter().map(|_| stream.normal()).collect();
        let along = |length| network.gradient(&moved(&theta, &direction, length));
        let differences: Vec<f64> =
            along(1e-5).iter().zip(along(-1e-5)).map(|(after, before)| (after - before) / 2e-5).collect();
        assert_close(&network.hessian_vector(&theta, &direction), &differences, 1e-7, "product");
    }
}

#[test]
fn every_column_of_the_hessian_is_the_product_with_a_unit_vector_and_it_is_symmetric_to_the_last_bit() {
    for (network, theta) in networks() {
        let (hessian, count) = (network.hessian(&theta), network.parameter_count());
        assert_eq!(hessian, hessian.transpose());
        for (at, column) in hessian.column_iter().enumerate() {
            let product = network.hessian_vector(&theta, &unit(count, at));
            assert_close(column.as_slice(), &product, 1e-13, "column");
        }
    }
}

#[test]
fn a_linear_models_hessian_is_that_of_least_squares() {
    let (network, theta) = network(&[], Activation::Tanh, 9);
    let inputs: Vec<f64> = (0..9).map(|index| f64::from(index) * 0.37 - 3.0).collect();
    let mean = |power: i32| inputs.iter().map(|x| x.powi(power)).sum::<f64>() / 9.0;
    let expected = [2.0 * mean(2), 2.0 * mean(1), 2.0 * mean(1), 2.0];
    assert_close(network.hessian(&theta).as_slice(), &expected, 1e-14, "Hessian");
}

#[test]
fn loss_gradient_hessian_and_eigenvalues_are_those_of_pytorch() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hessian.safetensors");
    let all = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let values = |name: &str| all[name].flatten_all().unwrap().to_vec1::<f64>().unwrap();
    for (activation, word) in [(Activation::Tanh, "tanh"), (Activation::Relu, "relu")] {
        let network = Network::new(&[3, 3], activation, values("inputs"), values("targets")).unwrap();
        let of = |name: &str| values(&format!("{word}.{name}"));
        let theta = of("theta");
        assert_close(&[network.loss(&theta)], &of("loss"), 1e-12, "loss");
        assert_close(&network.gradient(&theta), &of("gradient"), 1e-12, "gradient");
        let product = network.hessian_vector(&theta, &of("direction"));
        assert_close(&product, &of("hessian_vector"), 1e-12, "product");
        let hessian = network.hessian(&theta);
        assert_close(hessian.as_slice(), &of("hessian"), 1e-12, "Hessian");
        let mut eigenvalues = hessian.symmetric_eigenvalues().as_slice().to_vec();
        eigenvalues.sort_by(f64::total_cmp);
        assert_close(&eigenvalues, &of("eigenvalues"), 1e-12, "eigenvalue");
    }
}

#[test]
fn initial_parameters_are_those_of_the_dense_net_before_rounding() {
    let (network, _) = network(&[5, 3], Activation::Tanh, 5);
    let model = basin_experiments::model::Model::dense_net(1, &[5, 3], 1, 8).unwrap();
    let order =
        ["dense0.weight", "dense0.bias", "dense1.weight", "dense1.bias", "output.weight", "output.bias"];
    let flat = order.map(|name| model.parameters()[name].as_detached_tensor().flatten_all().unwrap());
    let expected = Tensor::cat(&flat, 0).unwrap().to_vec1::<f32>().unwrap();
    let initial = network.initial(8);
    assert_eq!(initial.iter().map(|&value| value as f32).collect::<Vec<_>>(), expected);
    assert!(initial.iter().any(|&value| f64::from(value as f32) != value));
}

#[test]
fn networks_without_units_or_points_are_refused() {
    let refused = |hidden: &[u32], inputs: usize, targets: usize| {
        let network = Network::new(hidden, Activation::Tanh, vec![0.0; inputs], vec![0.0; targets]);
        network.unwrap_err().to_string()
    };
    assert_eq!(refused(&[3, 0], 2, 2), "the parameters can't be trained: the layer `dense1` has no units");
    assert_eq!(refused(&[3], 0, 0), "the parameters can't be trained: 0 inputs with 0 targets are no points");
    assert_eq!(refused(&[3], 2, 3), "the parameters can't be trained: 2 inputs with 3 targets are no points");
}

/// `cargo test --release -p basin-experiments --test second_derivatives -- --ignored --nocapture`
#[test]
#[ignore = "measures time, which means something in an optimised build alone"]
fn the_hessian_of_141_parameters_over_64_points_takes_this_long() {
    let (network, theta) = network(&[10, 10], Activation::Tanh, 64);
    let best = |work: &dyn Fn() -> f64| {
        let windows = (0..20).map(|_| {
            let start = Instant::now();
            let total: f64 = (0..50).map(|_| work()).sum();
            assert!(total.is_finite());
            start.elapsed() / 50
        });
        windows.min().unwrap()
    };
    println!("gradient: {:?}", best(&|| network.gradient(&theta)[0]));
    println!("Hessian times a vector: {:?}", best(&|| network.hessian_vector(&theta, &theta)[0]));
    println!("Hessian: {:?}", best(&|| network.hessian(&theta)[0]));
}
