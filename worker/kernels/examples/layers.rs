//! How long forward and backward passes of layers between products take, in rows that `docs/bench/pytorch_layers.py` prints too.
//!
//! `cargo run --release -p basin-kernels --example layers -- [--code-path avx2] [--threads 2]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program of a person who measures")]

use std::time::Instant;

use basin_kernels::network::operations::activation::{Gelu, Silu, Tanh};
use basin_kernels::network::operations::{
    BatchNorm, Dropout, Elementwise, Embedding, GroupNorm, LayerNorm, Relu, SelfAttention,
};
use basin_kernels::network::{GradientFlow, Kept, Mode, OpContext, OpGradients, Operation, Pass};

/// The shortest and the longest time that one figure is measured for, in seconds.
const WINDOW: (f64, f64) = (0.15, 1.0);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut threads = 2;
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        match name.as_str() {
            "--code-path" => assert!(basin_kernels::force_code_path(value.parse().unwrap())),
            "--threads" => threads = value.parse().unwrap(),
            _ => panic!("unknown option {name}"),
        }
    }
    basin_kernels::keep_freed_memory();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    println!("layer forward_ms backward_ms");
    for (channels, side) in [(16, 32), (32, 16), (64, 8)] {
        let norm = BatchNorm::of_maps(channels, side * side);
        let norm = Operation::<f32>::with_relu(&norm).unwrap();
        measure(&format!("batch_norm_relu_{channels}x{side}"), norm, 128);
    }
    let size = 16 * 32 * 32;
    measure("relu", Box::new(Relu { size }), 128);
    measure("gelu", Box::new(Elementwise { size, function: Gelu }), 128);
    measure("silu", Box::new(Elementwise { size, function: Silu }), 128);
    measure("tanh", Box::new(Elementwise { size, function: Tanh }), 128);
    measure("dropout", Box::new(Dropout { size, probability: 0.1, key: 1 }), 128);
    measure(
        "group_norm_16x32",
        Box::new(GroupNorm { groups: 4, channels: 16, area: 1024, epsilon: 1e-5 }),
        128,
    );
    for positions in [5, 17, 64] {
        let width = 128;
        let norm = LayerNorm { rows: positions, shape: vec![width], epsilon: 1e-5 };
        measure(&format!("layer_norm_{positions}x128"), Box::new(norm), 512);
        let attention =
            SelfAttention { positions, width, heads: 4, is_causal: false, scale: 1.0 / 32.0_f64.sqrt() };
        measure(&format!("attention_{positions}x128"), Box::new(attention), 512);
        let embedding = Embedding { positions, vocabulary: 97, width, has_positions: true };
        measure(&format!("embedding_{positions}x128"), Box::new(embedding), 512);
    }
}

fn measure(name: &str, operation: Box<dyn Operation<f32>>, batch: usize) {
    let shapes = operation.shapes();
    let numbers = |count: usize| -> Vec<f32> {
        (0..count as u32)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0)
            .collect()
    };
    let of = |shapes: &[Vec<usize>]| -> Vec<Vec<f32>> {
        shapes.iter().map(|shape| numbers(shape.iter().product())).collect()
    };
    let mut inputs: Vec<Vec<f32>> = shapes.inputs.iter().map(|size| numbers(batch * size)).collect();
    if name.starts_with("embedding") {
        inputs[0].iter_mut().for_each(|token| *token = ((*token + 1.0) * 48.0).floor());
    }
    let (parameters, buffers) = (of(&shapes.parameters), of(&shapes.buffers));
    let [of_inputs, of_parameters, of_buffers] =
        [&inputs, &parameters, &buffers].map(|all| all.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let pass = Pass { batch, mode: Mode::Training { step: 0, updates_statistics: true } };
    let context = OpContext { pass, inputs: &of_inputs, parameters: &of_parameters, buffers: &of_buffers };
    let size = operation.kept(batch);
    let mut kept = Kept { floats: vec![0.0; size.floats], bytes: vec![0; size.bytes] };
    let mut y = vec![0.0_f32; batch * shapes.output];
    let forward = best(|| operation.forward(&context, &mut kept, &mut y));
    let mut gradient = numbers(y.len());
    let (mut input_gradients, mut parameter_gradients) = (inputs.clone(), parameters.clone());
    if operation.gradient_flow() == GradientFlow::InPlace {
        input_gradients.clear();
    }
    let backward = best(|| {
        let into = OpGradients {
            inputs: input_gradients.iter_mut().map(|input| Some(input.as_mut_slice())).collect(),
            parameters: Some(&mut parameter_gradients),
        };
        operation.vjp(&context, &kept, &y, &mut gradient, into);
    });
    println!("{name} {:.3} {:.3}", forward * 1e3, backward * 1e3);
}

/// The best time of a call, in seconds: noise only ever slows down.
fn best(mut work: impl FnMut()) -> f64 {
    work();
    let (mut best, start, mut calls) = (f64::INFINITY, Instant::now(), 0);
    while calls < 5 && start.elapsed().as_secs_f64() < WINDOW.1 || start.elapsed().as_secs_f64() < WINDOW.0 {
        let call = Instant::now();
        work();
        best = best.min(call.elapsed().as_secs_f64());
        calls += 1;
    }
    best
}
