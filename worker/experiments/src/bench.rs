//! How fast real models train, on random data: what `basin bench train` measures.
//!
//! A step is all of it: forward, loss, backward, the norm of the gradient, Adam. The figure is the best of several
//! windows: on a shared machine noise only ever slows down, so the best window is what the code can do.

use std::time::{Duration, Instant};

use basin_domain::experiment::{ConvNet, Function};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_kernels::cross_entropy;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;

use crate::ExperimentError;
use crate::fit_function::Fit;
use crate::model::Model;
use crate::training::{Part, Problem, Stepper, step};

/// The (conv1, conv2, hidden) widths of experiment G.
pub const ARCHITECTURES: [[u32; 3]; 10] = [
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
/// The batch sizes at which each architecture is measured.
pub const BATCHES: [usize; 2] = [64, 512];
/// The hidden widths of experiment A.
pub const DENSE: [&[u32]; 2] = [&[32, 64], &[32, 32, 32]];
/// The points of experiment A.
pub const POINTS: usize = 128;
/// The runs of experiment A that train side by side.
pub const LANES: usize = 100;

/// How long is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// How many windows there are; the best counts.
    pub count: u32,
    /// How long each is.
    pub length: Duration,
}

impl Default for Windows {
    fn default() -> Self {
        Self { count: 9, length: Duration::from_millis(700) }
    }
}

/// One measured line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "work", rename_all = "kebab-case")]
pub enum Row {
    /// A convolutional network.
    Cnn {
        /// Channels of each convolution.
        conv: Vec<u32>,
        /// Widths of the hidden dense layers.
        dense: Vec<u32>,
        /// Images a step.
        batch: usize,
        /// Images a second.
        images_per_s: u64,
    },
    /// A dense network.
    Dense {
        /// Widths of the hidden layers.
        hidden: Vec<u32>,
        /// Points a step.
        points: usize,
        /// Networks that train at once.
        runs: usize,
        /// Steps a second.
        steps_per_s: u64,
    },
}

/// Measures a convolutional network on random images of 3×32×32 and 10 classes.
///
/// # Errors
/// If the network can't be made or trained.
pub fn train_throughput(
    conv: &[u32],
    dense: &[u32],
    batch: usize,
    windows: Windows,
) -> Result<Row, ExperimentError> {
    let net = ConvNet { conv: conv.to_vec(), kernel: 3, dense: dense.to_vec() };
    let model = Model::conv_net(&net, [3, 32, 32], 10, 0)?;
    let mut stream = Stream::new(0, "bench/images");
    let images: Vec<f32> = (0..batch * 3 * 32 * 32).map(|_| stream.normal() as f32).collect();
    let images = Tensor::from_vec(images, (batch, 3, 32, 32), &Device::Cpu)?;
    let labels: Vec<u32> = (0..batch as u32).map(|index| index % 10).collect();
    let labels = Tensor::from_vec(labels, batch, &Device::Cpu)?;
    let steps_per_s =
        steps_per_second(&model, windows, || Ok(cross_entropy(&model.forward(&images)?, &labels)?))?;
    let images_per_s = (steps_per_s * batch as f64).round() as u64;
    Ok(Row::Cnn { conv: conv.to_vec(), dense: dense.to_vec(), batch, images_per_s })
}

/// Measures a dense network that is fitted to sin x.
///
/// # Errors
/// If the network can't be made or trained.
pub fn fit_throughput(hidden: &[u32], points: usize, windows: Windows) -> Result<Row, ExperimentError> {
    let mut fit = Fitting::new(hidden, points, 0)?;
    let steps_per_s = best_rate(windows, || fit.step())?;
    Ok(Row::Dense { hidden: hidden.to_vec(), points, runs: 1, steps_per_s: steps_per_s.round() as u64 })
}

/// Steps that a lane takes before the next one's turn. Executors take longer turns: a lane is not left before it ends.
const TURN: usize = 50;

/// Measures as many dense networks as `lanes` that are fitted to sin x side by side, each on a thread of its own at a time,
/// as the lanes of an executor are.
///
/// # Errors
/// If a network can't be made or trained.
pub fn lanes_throughput(
    hidden: &[u32],
    points: usize,
    lanes: usize,
    windows: Windows,
) -> Result<Row, ExperimentError> {
    let all: Result<Vec<Fitting>, ExperimentError> =
        (0..lanes as u64).map(|seed| Fitting::new(hidden, points, seed)).collect();
    let mut all = all?;
    let rounds_per_s = best_rate(windows, || {
        all.par_iter_mut()
            .map(|lane| (0..TURN).try_fold(0.0, |_, _| lane.step()))
            .try_reduce(|| 0.0, |one, other| Ok(f64::max(one, other)))
    })?;
    let steps_per_s = (rounds_per_s * (lanes * TURN) as f64).round() as u64;
    Ok(Row::Dense { hidden: hidden.to_vec(), points, runs: lanes, steps_per_s })
}

/// A dense network that is being fitted to sin x on [−3, 3], a step at a time.
struct Fitting {
    problem: Fit,
    model: Model,
    stepper: Stepper,
    order: Vec<u32>,
}

impl Fitting {
    fn new(hidden: &[u32], points: usize, seed: u64) -> Result<Self, ExperimentError> {
        let model = Model::dense_net(1, hidden, 1, seed)?;
        Ok(Self {
            problem: Fit::new(Function::Sin, (-3.0, 3.0), points as u32)?,
            stepper: Stepper::new(&Optimizer::adam(1e-3), &model)?,
            model,
            order: (0..points as u32).collect(),
        })
    }

    fn step(&mut self) -> Result<f64, ExperimentError> {
        let batch = self.problem.batch(Part::Train, &self.order, DType::F32)?;
        Ok(self.stepper.step(&self.problem, &self.model, &batch)?.1)
    }
}

fn steps_per_second(
    model: &Model,
    windows: Windows,
    loss: impl Fn() -> Result<Tensor, ExperimentError>,
) -> Result<f64, ExperimentError> {
    let mut adam = step::optimizer(&Optimizer::adam(1e-3), model.parameters())?;
    best_rate(windows, || step::step(model, adam.as_mut(), &loss()?))
}

/// Calls a second, in the best window.
fn best_rate(
    windows: Windows,
    mut step: impl FnMut() -> Result<f64, ExperimentError>,
) -> Result<f64, ExperimentError> {
    for _ in 0..2 {
        step()?;
    }
    let mut best = 0f64;
    for _ in 0..windows.count {
        let start = Instant::now();
        let mut steps = 0u32;
        while start.elapsed() < windows.length {
            step()?;
            steps += 1;
        }
        best = best.max(f64::from(steps) / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_the_keys_of_the_reference_measurement() {
        let windows = Windows { count: 1, length: Duration::from_millis(20) };
        let cnn = serde_json::to_value(train_throughput(&[4, 4], &[8], 8, windows).unwrap()).unwrap();
        assert_eq!(cnn["work"], "cnn");
        assert_eq!((&cnn["conv"], &cnn["dense"]), (&serde_json::json!([4, 4]), &serde_json::json!([8])));
        assert!(cnn["images_per_s"].as_u64().unwrap() > 0);
        let dense = serde_json::to_value(fit_throughput(&[8], 16, windows).unwrap()).unwrap();
        assert_eq!((&dense["work"], &dense["runs"]), (&serde_json::json!("dense"), &serde_json::json!(1)));
        assert!(dense["steps_per_s"].as_u64().unwrap() > 0);
    }
}
