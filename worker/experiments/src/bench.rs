//! How fast real models train, on random data: what `basin bench train` measures.
//!
//! A step is all of it: forward, loss, backward, the norm of the gradient, Adam. The figure is the best of several
//! windows: on a shared machine noise only ever slows down, so the best window is what the code can do.

use std::time::{Duration, Instant};

use basin_domain::experiment::{ConvNet, Function, SampledFunction};
use basin_domain::network::{
    ExampleShape, Family, FamilyNetwork, Graph, Initialization, Network, Parametrization, Resnet,
    ResnetShortcut, Vgg, VggDepth,
};
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_kernels::Loss;
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;

use crate::ExperimentError;
use crate::fit_function::FunctionFit;
use crate::model::Model;
use crate::optimizer::optimizer;
use crate::training::{Batch, Stepper, step};

mod arithmetic;
mod concurrency;
mod pace;
mod probes;
mod roof;
mod step_parts;

pub use basin_kernels::{MemoryLevel, peak_gflops_in_double};
pub use concurrency::{CoreDivision, TrainingStep, representative_steps, step_seconds};
pub use pace::measured_pace;
pub use probes::{PROBED, PassRow, RunPass, pass_throughput};
pub use roof::Machine;
pub use step_parts::{StepParts, StepRow, StepWork, measured_steps, step_parts};

/// Classes of the images.
const CLASSES: u32 = 10;
/// The images of experiment G, `[channels, height, width]`.
const IMAGE: [u32; 3] = [3, 32, 32];

/// A convolutional network and the images that it trains on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CnnWork {
    /// Channels of each convolution.
    pub conv: &'static [u32],
    /// Widths of the hidden dense layers.
    pub dense: &'static [u32],
    /// `[channels, height, width]` of an image.
    pub image: [u32; 3],
    /// Side of the convolutions' kernels.
    pub kernel: u32,
    /// Images a step.
    pub batch: usize,
}

impl CnnWork {
    const fn new(
        conv: &'static [u32],
        dense: &'static [u32],
        image: [u32; 3],
        kernel: u32,
        batch: usize,
    ) -> Self {
        Self { conv, dense, image, kernel, batch }
    }
}

/// Other networks that a sweep may ask for: one to three convolutions, larger and smaller kernels, other images (odd sides, one channel),
/// batches and widths that are no multiples of a register's width.
pub const FURTHER: [CnnWork; 12] = [
    CnnWork::new(&[12, 32], &[128, 64], IMAGE, 3, 64),
    CnnWork::new(&[12, 32], &[128, 64], IMAGE, 3, 100),
    CnnWork::new(&[8, 12, 32], &[128, 64], IMAGE, 3, 100),
    CnnWork::new(&[32, 64, 128], &[128], IMAGE, 3, 64),
    CnnWork::new(&[20, 50], &[500], [1, 28, 28], 3, 100),
    CnnWork::new(&[20, 50], &[500], [1, 28, 28], 5, 100),
    CnnWork::new(&[6, 16], &[120, 84], [1, 28, 28], 5, 64),
    CnnWork::new(&[16, 32], &[64], IMAGE, 5, 100),
    CnnWork::new(&[32, 64], &[128], IMAGE, 5, 512),
    CnnWork::new(&[10, 22], &[50], IMAGE, 7, 64),
    CnnWork::new(&[16, 32], &[64], [3, 31, 29], 3, 100),
    CnnWork::new(&[24], &[100], [3, 31, 29], 5, 100),
];

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

/// Networks of the literature on images of 32×32, as they are usually trained: with batches of 128.
pub fn families() -> [FamilyWork; 3] {
    let resnet = Resnet { depth: 20, width: 16, skip: true, shortcut: ResnetShortcut::Pad };
    let vgg = Vgg { depth: VggDepth::Eleven, width: 64, batch_norm: true };
    [
        FamilyWork { name: "resnet-20", family: Family::Resnet(resnet) },
        FamilyWork { name: "vgg-11 with batch norm", family: Family::Vgg(vgg) },
        FamilyWork { name: "resnet-9 of width 16", family: Family::Resnet9 { width: 16 } },
    ]
}

/// Images a step of the families.
const FAMILY_BATCH: usize = 128;

/// A network of the literature.
#[derive(Debug, Clone)]
pub struct FamilyWork {
    name: &'static str,
    family: Family,
}

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
pub enum BenchRow {
    /// A convolutional network.
    Cnn {
        /// Channels of each convolution.
        conv: Vec<u32>,
        /// Widths of the hidden dense layers.
        dense: Vec<u32>,
        /// `[channels, height, width]` of an image.
        image: [u32; 3],
        /// Side of the convolutions' kernels.
        kernel: u32,
        /// Images a step.
        batch: usize,
        /// Images a second.
        images_per_s: u64,
    },
    /// A network of the literature.
    Family {
        /// Its name.
        network: &'static str,
        /// `[channels, height, width]` of an image.
        image: [u32; 3],
        /// Images a step.
        batch: usize,
        /// Images a second.
        images_per_s: u64,
        /// The network.
        #[serde(skip)]
        graph: Graph,
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

/// The work of experiment G: ten architectures at two batch sizes.
pub fn experiment_g() -> impl Iterator<Item = CnnWork> {
    ARCHITECTURES.iter().flat_map(|widths| {
        let (conv, dense) = widths.split_at(2);
        BATCHES.map(|batch| CnnWork::new(conv, dense, IMAGE, 3, batch))
    })
}

/// Measures a convolutional network on random images of 10 classes.
///
/// # Errors
/// If the network can't be made or trained.
pub fn train_throughput(work: CnnWork, windows: Windows) -> Result<BenchRow, ExperimentError> {
    let CnnWork { conv, dense, image, kernel, batch } = work;
    let net = ConvNet { conv: conv.to_vec(), kernel, dense: dense.to_vec() };
    let [channels, height, width] = image.map(|side| side as usize);
    let model = Model::conv_net(&net, [channels, height, width], CLASSES as usize, 0)?;
    let images_per_s = images_per_second(&model, image, batch, windows)?;
    Ok(BenchRow::Cnn { conv: net.conv, dense: net.dense, image, kernel, batch, images_per_s })
}

/// Measures a network of the literature on random images of 10 classes.
///
/// # Errors
/// If the network can't be made or trained.
pub fn family_throughput(work: FamilyWork, windows: Windows) -> Result<BenchRow, ExperimentError> {
    let FamilyWork { name: network, family } = work;
    let (initialization, parametrization) = (Initialization::default(), Parametrization::Standard);
    let family = Network::Family(FamilyNetwork { family, initialization, parametrization });
    let [channels, height, width] = IMAGE;
    let model = Model::new(&family, &ExampleShape::Image { channels, height, width }, CLASSES, 0)?;
    let images_per_s = images_per_second(&model, IMAGE, FAMILY_BATCH, windows)?;
    let graph = model.graph().clone();
    Ok(BenchRow::Family { network, image: IMAGE, batch: FAMILY_BATCH, images_per_s, graph })
}

/// Steps on one random batch, in images a second.
fn images_per_second(
    model: &Model,
    image: [u32; 3],
    batch: usize,
    windows: Windows,
) -> Result<u64, ExperimentError> {
    let examples = random_images(image, batch)?;
    let mut program = model.program()?;
    let mut adam = optimizer(&Optimizer::adam(1e-3), model.parameters())?;
    let steps_per_s = best_rate(windows, || {
        let loss = Loss::CrossEntropy;
        Ok(step::step(&mut program, model, adam.as_mut(), 1.0, loss, &examples)?.gradient_norm)
    })?;
    Ok((steps_per_s * batch as f64).round() as u64)
}

/// Random images with classes.
fn random_images(image: [u32; 3], batch: usize) -> Result<Batch, ExperimentError> {
    let [channels, height, width] = image.map(|side| side as usize);
    let mut stream = Stream::new(0, "bench/images");
    let images: Vec<f32> = (0..batch * channels * height * width).map(|_| stream.normal() as f32).collect();
    let inputs = Tensor::from_vec(images, (batch, channels, height, width), &Device::Cpu)?;
    let labels: Vec<u32> = (0..batch as u32).map(|index| index % CLASSES).collect();
    Ok(Batch { inputs, targets: Tensor::from_vec(labels, batch, &Device::Cpu)? })
}

/// Measures a dense network that is fitted to sin x.
///
/// # Errors
/// If the network can't be made or trained.
pub fn fit_throughput(hidden: &[u32], points: usize, windows: Windows) -> Result<BenchRow, ExperimentError> {
    let mut fit = Fitting::new(hidden, points, 0)?;
    let steps_per_s = best_rate(windows, || fit.step())?;
    Ok(BenchRow::Dense { hidden: hidden.to_vec(), points, runs: 1, steps_per_s: steps_per_s.round() as u64 })
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
) -> Result<BenchRow, ExperimentError> {
    let all: Result<Vec<Fitting>, ExperimentError> =
        (0..lanes as u64).map(|seed| Fitting::new(hidden, points, seed)).collect();
    let mut all = all?;
    let rounds_per_s = best_rate(windows, || {
        all.par_iter_mut()
            .map(|lane| (0..TURN).try_fold(0.0, |_, _| lane.step()))
            .try_reduce(|| 0.0, |one, other| Ok(f64::max(one, other)))
    })?;
    let steps_per_s = (rounds_per_s * (lanes * TURN) as f64).round() as u64;
    Ok(BenchRow::Dense { hidden: hidden.to_vec(), points, runs: lanes, steps_per_s })
}

/// A dense network that is being fitted to sin x on [−3, 3], a step at a time.
struct Fitting {
    problem: FunctionFit,
    model: Model,
    stepper: Stepper,
    order: Vec<u32>,
}

impl Fitting {
    fn new(hidden: &[u32], points: usize, seed: u64) -> Result<Self, ExperimentError> {
        let model = Model::dense_net(1, hidden, 1, seed)?;
        let problem = FunctionFit::new(&SampledFunction::line(Function::Sin, (-3.0, 3.0), points as u32))?;
        Ok(Self {
            stepper: Stepper::new(&Optimizer::adam(1e-3), &model, None)?,
            problem,
            model,
            order: (0..points as u32).collect(),
        })
    }

    fn step(&mut self) -> Result<f64, ExperimentError> {
        Ok(self.stepper.step(&self.problem, &self.model, 1, 1.0, &self.order, &[])?.gradient_norm)
    }
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
    fn experiment_g_is_twenty_rows_and_none_of_them_is_measured_again() {
        let twenty: Vec<CnnWork> = experiment_g().collect();
        assert_eq!(twenty.len(), 20);
        assert_eq!(twenty[3], CnnWork::new(&[8, 16], &[16], IMAGE, 3, 512));
        assert!(FURTHER.iter().all(|work| !twenty.contains(work)));
    }

    #[test]
    fn rows_have_the_keys_of_the_reference_measurement() {
        let windows = Windows { count: 1, length: Duration::from_millis(20) };
        let cnn = serde_json::to_value(
            train_throughput(CnnWork::new(&[4, 4], &[8], [1, 9, 8], 5, 8), windows).unwrap(),
        )
        .unwrap();
        assert_eq!(cnn["work"], "cnn");
        assert_eq!((&cnn["conv"], &cnn["dense"]), (&serde_json::json!([4, 4]), &serde_json::json!([8])));
        assert_eq!((&cnn["image"], &cnn["kernel"]), (&serde_json::json!([1, 9, 8]), &serde_json::json!(5)));
        assert!(cnn["images_per_s"].as_u64().unwrap() > 0);
        let dense = serde_json::to_value(fit_throughput(&[8], 16, windows).unwrap()).unwrap();
        assert_eq!((&dense["work"], &dense["runs"]), (&serde_json::json!("dense"), &serde_json::json!(1)));
        assert!(dense["steps_per_s"].as_u64().unwrap() > 0);
    }
}
