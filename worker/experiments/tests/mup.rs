//! The maximal update parametrisation: by how much some steps change what each layer gives, in networks of growing width (the coordinate
//! check of Yang et al. 2021, arXiv 2203.03466, appendix D.1).
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "tests compare with the system's library")]

use basin_domain::network::{
    Activation, ExampleShape, Family, FamilyNetwork, Initialization, Network, Operation, Parametrization,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_experiments::model::Model;
use basin_experiments::optimizer::optimizer_of;
use basin_experiments::training::Batch;
use basin_experiments::training::step::step;
use basin_kernels::Loss;
use candle_core::{Device, Tensor};

const INPUTS: usize = 8;
const EXAMPLES: usize = 16;
const CLASSES: u32 = 4;
const WIDTHS: [u32; 5] = [64, 128, 256, 512, 1024];
const BASE: u32 = 64;
const STEPS: usize = 3;

/// Two hidden layers between those of the inputs and of the outputs.
fn network(width: u32, parametrization: Parametrization) -> Network {
    let family = Family::Mlp { widths: vec![width; 3], activation: Activation::Tanh };
    Network::Family(FamilyNetwork { family, initialization: Initialization::default(), parametrization })
}

fn batch() -> Batch {
    let mut stream = Stream::new(1, "coordinate check");
    let inputs: Vec<f32> = (0..EXAMPLES * INPUTS).map(|_| stream.normal() as f32).collect();
    let labels: Vec<u32> = (0..EXAMPLES).map(|_| stream.below(u64::from(CLASSES)) as u32).collect();
    Batch {
        inputs: Tensor::from_vec(inputs, (EXAMPLES, INPUTS), &Device::Cpu).unwrap(),
        targets: Tensor::from_vec(labels, EXAMPLES, &Device::Cpu).unwrap(),
    }
}

/// What each dense layer gives for a batch.
fn layer_outputs(model: &Model, inputs: &Tensor) -> Vec<Tensor> {
    let mut all: Vec<Tensor> = Vec::new();
    let mut x = inputs.clone();
    for node in model.graph().nodes() {
        match node.operation {
            Operation::Dense { .. } => {
                let [weight, bias] = &node.parameters[..] else { panic!("{node:?}") };
                let of = |name: &str| model.parameters()[name].as_detached_tensor();
                x = x.matmul(&of(&weight.name).t().unwrap()).unwrap();
                x = x.broadcast_add(&of(&bias.name)).unwrap();
                all.push(x.clone());
            }
            Operation::Activation(_) => x = x.tanh().unwrap(),
            Operation::Scale { factor } => x = (x * factor).unwrap(),
            Operation::Input | Operation::Flatten => {}
            other => panic!("{other:?} isn't expected here"),
        }
    }
    all
}

/// The root mean square, over examples and units, of the change of each layer's outputs by some steps of Adam; of two seeds.
fn changes(width: u32, parametrization: Parametrization) -> Vec<f64> {
    let batch = batch();
    let mut squares = vec![0.0; 4];
    let seeds = 2;
    for seed in 0..seeds {
        let network = network(width, parametrization);
        let input = ExampleShape::Vector { length: INPUTS as u32 };
        let model = Model::new(&network, &input, CLASSES, seed).unwrap();
        let mut state = optimizer_of(&Optimizer::adam(2e-3), &model).unwrap();
        let before = layer_outputs(&model, &batch.inputs);
        let mut program = model.program::<f32>().unwrap();
        for _ in 0..STEPS {
            step(&mut program, &model, state.as_mut(), 1.0, Loss::CrossEntropy, &batch).unwrap();
        }
        let after = layer_outputs(&model, &batch.inputs);
        for (square, (before, after)) in squares.iter_mut().zip(before.iter().zip(&after)) {
            let mean = (after - before).unwrap().sqr().unwrap().mean_all().unwrap();
            *square += f64::from(mean.to_scalar::<f32>().unwrap()) / seeds as f64;
        }
    }
    squares.into_iter().map(f64::sqrt).collect()
}

/// Of each layer the slope of the logarithm of its change over the logarithm of the width, by least squares.
fn slopes(parametrization: Parametrization) -> Vec<f64> {
    let of_widths: Vec<Vec<f64>> = WIDTHS.iter().map(|&width| changes(width, parametrization)).collect();
    let x: Vec<f64> = WIDTHS.iter().map(|&width| f64::from(width).log2()).collect();
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    (0..4)
        .map(|layer| {
            let y: Vec<f64> = of_widths.iter().map(|changes| changes[layer].log2()).collect();
            let (x_mean, y_mean) = (mean(&x), mean(&y));
            let products: f64 = x.iter().zip(&y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
            products / x.iter().map(|x| (x - x_mean) * (x - x_mean)).sum::<f64>()
        })
        .collect()
}

#[test]
fn the_change_of_every_layer_by_some_steps_of_adam_does_not_grow_with_the_width() {
    let slopes = slopes(Parametrization::Mup { base_width: BASE });
    assert!(slopes.iter().all(|slope| slope.abs() < 0.25), "{slopes:?}");
}

#[test]
fn in_the_standard_parametrisation_that_of_the_layers_behind_the_first_grows() {
    let slopes = slopes(Parametrization::Standard);
    assert!(slopes[1..].iter().all(|slope| *slope > 0.5), "{slopes:?}");
}

#[test]
fn at_its_base_width_a_network_is_that_of_the_standard_parametrisation() {
    let bits = |parametrization| {
        let of = |change: f64| change.to_bits();
        changes(BASE, parametrization).into_iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(bits(Parametrization::Mup { base_width: BASE }), bits(Parametrization::Standard));
}
