//! Whole training steps of the networks of `pytorch_train.py`, timed as it times them: the best of nine windows.
//!
//! `cargo run --release -p basin-kernels --example bench_train -- [images|dense] [seconds a window] [windows] [architecture]`

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::time::Instant;

use basin_kernels::optimizer::{Adam, Optimizer};
use basin_kernels::{Activation, backward, conv_relu_pool, cross_entropy, dense, mean_squared_error};
use candle_core::{DType, Device, Result, Tensor, Var};

const ARCHITECTURES: [[usize; 3]; 10] = [
    [8, 8, 8],
    [8, 16, 16],
    [16, 16, 32],
    [16, 32, 64],
    [32, 32, 64],
    [32, 64, 128],
    [64, 64, 128],
    [64, 96, 128],
    [96, 128, 128],
    [128, 128, 256],
];

/// Parameters in the order of use: weight and bias of each layer.
struct Network {
    convolutions: Vec<(Var, Var)>,
    dense: Vec<(Var, Var)>,
}

impl Network {
    /// `widths` of the dense layers start with the inputs of the first.
    fn new(channels: &[usize], widths: &[usize]) -> Result<Self> {
        let convolutions =
            channels.windows(2).map(|pair| layer(&[pair[1], pair[0], 3, 3])).collect::<Result<_>>()?;
        let dense = widths.windows(2).map(|pair| layer(&[pair[1], pair[0]])).collect::<Result<_>>()?;
        Ok(Self { convolutions, dense })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for (weight, bias) in &self.convolutions {
            x = conv_relu_pool(&x, weight, bias)?;
        }
        for (index, (weight, bias)) in self.dense.iter().enumerate() {
            let last = index + 1 == self.dense.len();
            x = dense(&x, weight, bias, if last { Activation::Identity } else { Activation::Relu })?;
        }
        Ok(x)
    }

    fn optimizer(&self) -> Result<Adam> {
        let mut parameters = BTreeMap::new();
        for (index, (weight, bias)) in self.convolutions.iter().chain(&self.dense).enumerate() {
            parameters.insert(format!("{index}.weight"), weight.clone());
            parameters.insert(format!("{index}.bias"), bias.clone());
        }
        Adam::new(&parameters, 1e-3, (0.9, 0.999), 1e-8, 0.0)
    }
}

/// Uniform within ±1/√fan-in, as PyTorch initialises.
fn layer(dims: &[usize]) -> Result<(Var, Var)> {
    let bound = (dims[1..].iter().product::<usize>() as f64).powf(-0.5);
    let weight = Var::rand_f64(-bound, bound, dims, DType::F32, &Device::Cpu)?;
    Ok((weight, Var::rand_f64(-bound, bound, dims[0], DType::F32, &Device::Cpu)?))
}

fn rate(windows: usize, seconds: f64, count: usize, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    step()?;
    step()?;
    let mut best = 0.0_f64;
    for _ in 0..windows {
        let (mut steps, start) = (0, Instant::now());
        while start.elapsed().as_secs_f64() < seconds {
            step()?;
            steps += 1;
        }
        best = best.max((steps * count) as f64 / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<()> {
    basin_kernels::keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("all", String::as_str);
    let seconds = arguments.get(1).and_then(|text| text.parse().ok()).unwrap_or(0.7);
    let windows = arguments.get(2).and_then(|text| text.parse().ok()).unwrap_or(9);
    let only: Option<usize> = arguments.get(3).and_then(|text| text.parse().ok());
    println!("# {} {} threads", basin_kernels::code_path(), rayon::current_num_threads());
    if what != "dense" {
        for (_, [first, second, hidden]) in
            ARCHITECTURES.into_iter().enumerate().filter(|(index, _)| only.is_none_or(|only| only == *index))
        {
            for batch in [64, 512] {
                let network = Network::new(&[3, first, second], &[second * 64, hidden, 10])?;
                let mut optimizer = network.optimizer()?;
                let x = Tensor::randn(0.0_f32, 1.0, (batch, 3, 32, 32), &Device::Cpu)?;
                let labels: Vec<u32> = (0..batch as u32).map(|index| index % 10).collect();
                let labels = Tensor::new(labels, &Device::Cpu)?;
                let rate = rate(windows, seconds, batch, || {
                    optimizer.step(&backward(&cross_entropy(&network.forward(&x)?, &labels)?)?)
                })?;
                println!(
                    r#"{{"work": "cnn", "conv": [{first}, {second}], "dense": [{hidden}], "batch": {batch}, "images_per_s": {rate:.0}}}"#
                );
            }
        }
    }
    if what != "images" {
        for hidden in [&[32, 64][..], &[32, 32, 32]] {
            let points = 128;
            let network = Network::new(&[], &[&[1], hidden, &[1]].concat())?;
            let mut optimizer = network.optimizer()?;
            let xs: Vec<f32> =
                (0..points).map(|index| index as f32 * 6.0 / (points - 1) as f32 - 3.0).collect();
            let x = Tensor::from_vec(xs, (points, 1), &Device::Cpu)?;
            let y = x.sin()?;
            let rate = rate(windows, seconds, 1, || {
                optimizer.step(&backward(&mean_squared_error(&network.forward(&x)?, &y)?)?)
            })?;
            println!(
                r#"{{"work": "dense", "hidden": {hidden:?}, "points": {points}, "runs": 1, "steps_per_s": {rate:.0}}}"#
            );
        }
    }
    Ok(())
}
