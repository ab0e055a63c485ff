//! How fast evaluations and probes are, against training steps of the same network: what `basin bench probes` measures.

use basin_domain::experiment::{ConvNet, Probe};
use basin_domain::metrics::Metrics;
use basin_domain::network::Graph;
use basin_domain::optimizer::Optimizer;
use basin_domain::random::Stream;
use basin_kernels::Loss;
use candle_core::{DType, Device, Tensor};
use serde::Serialize;

use super::{CLASSES, IMAGE, Windows, best_rate};
use crate::ExperimentError;
use crate::accelerator::{Selection, Source, Targets};
use crate::model::Model;
use crate::probes::Measurement;
use crate::training::{Batch, LearningProblem, Outputs, Split, Stepper, TrainingLoss};

/// The (conv1, conv2, hidden) widths of the networks that are measured: that of experiment H, and a larger one.
pub const PROBED: [[u32; 3]; 2] = [[16, 32, 64], [32, 64, 128]];
/// Images that there are.
const IMAGES: usize = 512;
/// The radius of the box of a sharpness that is measured.
const EPSILON: f64 = 1e-3;

/// A piece of a run's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPass {
    /// A step of Adam.
    TrainingStep,
    /// The loss over a piece of a split.
    Evaluation,
    /// The Jacobian of the outputs in the inputs.
    Sensitivity,
    /// The gradient of the loss in the inputs.
    InputGradient,
    /// Two gradients of the loss, in double precision.
    Sharpness,
    /// A product of the Hessian with a vector, in double precision.
    Trace,
    /// Two steps of Lanczos iteration: such products, and what is orthogonalised around them.
    Spectrum,
}

/// The rate of a piece of work on a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassRow {
    /// Channels of both convolutions, and the width of the hidden layer.
    pub widths: [u32; 3],
    /// What is measured.
    pub pass: &'static str,
    /// `f32` or `f64`.
    pub precision: &'static str,
    /// Examples at a time.
    pub examples: usize,
    /// Examples a second.
    pub examples_per_s: f64,
    /// 10⁹ operations a second, by the definition of the layers.
    pub gflops: f64,
}

impl RunPass {
    /// All of them, steps first.
    pub const ALL: [Self; 7] = [
        Self::TrainingStep,
        Self::Evaluation,
        Self::Sensitivity,
        Self::InputGradient,
        Self::Sharpness,
        Self::Trace,
        Self::Spectrum,
    ];

    /// The name: a probe's is that of the sweep file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrainingStep => "training step",
            Self::Evaluation => "evaluation",
            Self::Sensitivity => "sensitivity",
            Self::InputGradient => "input_gradient",
            Self::Sharpness => "sharpness",
            Self::Trace => "trace",
            Self::Spectrum => "spectrum",
        }
    }

    /// Whether it computes in double precision.
    pub const fn is_double(self) -> bool {
        match self {
            Self::TrainingStep | Self::Evaluation | Self::Sensitivity | Self::InputGradient => false,
            Self::Sharpness | Self::Trace | Self::Spectrum => true,
        }
    }

    /// Examples at a time: as many as runs take.
    const fn examples(self) -> u32 {
        match self {
            Self::TrainingStep => 64,
            Self::Evaluation => IMAGES as u32,
            Self::Sensitivity | Self::InputGradient => 100,
            Self::Sharpness | Self::Trace | Self::Spectrum => 250,
        }
    }

    /// The probe, if it is one.
    const fn probe(self) -> Option<Probe> {
        let examples = self.examples();
        Some(match self {
            Self::TrainingStep | Self::Evaluation => return None,
            Self::Sensitivity => Probe::Sensitivity { examples: Some(examples) },
            Self::InputGradient => Probe::InputGradient { examples: Some(examples) },
            Self::Sharpness => Probe::Sharpness { examples, epsilon: EPSILON, steps: 1 },
            Self::Trace => Probe::Trace { examples, vectors: 1 },
            Self::Spectrum => Probe::Spectrum { examples, steps: 2, vectors: 1 },
        })
    }

    /// Operations of an example, two a product. With products pᵢ in the layers, Σ of them and the first p₁: a gradient of the parameters takes
    /// 3Σ − p₁ with its forward pass, since no gradient goes on to the inputs. A product with the Hessian takes Σ forward, 2Σ − p₁ along
    /// the direction, Σ − p₁ for the gradient of the results, 2(Σ − p₁) for its derivative, and Σ and Σ − p₁ for that of the weights' gradient.
    fn operations(self, graph: &Graph) -> f64 {
        let products = graph.layer_products();
        let all: f64 = products.iter().map(|products| *products as f64).sum();
        let first = products.first().map_or(0.0, |first| *first as f64);
        let (gradient, hessian) = (3.0 * all - first, 8.0 * all - 5.0 * first);
        2.0 * match self {
            Self::TrainingStep => gradient,
            Self::Evaluation => all,
            Self::Sensitivity => (1.0 + graph.output().elements() as f64) * all,
            Self::InputGradient => 2.0 * all,
            Self::Sharpness => 2.0 * gradient,
            Self::Trace => hessian,
            Self::Spectrum => 2.0 * hessian,
        }
    }
}

/// Measures a piece of a run's work on a network of these widths, as runs do it.
///
/// # Errors
/// If the network can't be made, trained or probed.
pub fn pass_throughput(
    widths: [u32; 3],
    pass: RunPass,
    windows: Windows,
) -> Result<PassRow, ExperimentError> {
    let [first, second, hidden] = widths;
    let net = ConvNet { conv: vec![first, second], kernel: 3, dense: vec![hidden] };
    let model = Model::conv_net(&net, IMAGE.map(|side| side as usize), CLASSES as usize, 0)?;
    let images = RandomImages::new();
    let mut stepper = Stepper::new(&Optimizer::adam(1e-3), &model, None)?;
    let positions: Vec<u32> = (0..pass.examples()).collect();
    // The next examples are these: they are gathered ahead, as a run's are.
    let once = || -> Result<f64, ExperimentError> {
        match (pass, pass.probe()) {
            (_, Some(probe)) => {
                let mut measurement = Measurement::new(probe, &images, &model, 0, None)?;
                while measurement.advance(&images, &model)?.is_none() {}
                Ok(0.0)
            }
            (RunPass::TrainingStep, None) => {
                Ok(stepper.step(&images, &model, 1, 1.0, &positions, &positions)?.gradient_norm)
            }
            (_, None) => Ok(stepper.evaluate(&images, &model, Split::Test, &positions, &positions)?.loss),
        }
    };
    let examples_per_s = best_rate(windows, once)? * f64::from(pass.examples());
    Ok(PassRow {
        widths,
        pass: pass.name(),
        precision: if pass.is_double() { "f64" } else { "f32" },
        examples: pass.examples() as usize,
        examples_per_s,
        gflops: examples_per_s * pass.operations(model.graph()) / 1e9,
    })
}

/// Random images with classes, to learn and to be tested on.
struct RandomImages {
    /// `[image, channel, y, x]`.
    pixels: Vec<f32>,
}

impl RandomImages {
    fn new() -> Self {
        let mut stream = Stream::new(0, "bench/probed");
        Self { pixels: (0..IMAGES * Self::size()).map(|_| stream.normal() as f32).collect() }
    }

    /// Numbers of an image.
    fn size() -> usize {
        IMAGE.iter().product::<u32>() as usize
    }

    fn labels(positions: &[u32]) -> Vec<u32> {
        positions.iter().map(|position| position % CLASSES).collect()
    }
}

impl LearningProblem for RandomImages {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::RunningMean;
    const HAS_ACCURACY: bool = true;

    fn examples(&self, _: Split) -> usize {
        IMAGES
    }

    fn batch(&self, _: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        let mut images = Vec::with_capacity(positions.len() * Self::size());
        for position in positions {
            images.extend_from_slice(&self.pixels[*position as usize * Self::size()..][..Self::size()]);
        }
        let [channels, height, width] = IMAGE.map(|side| side as usize);
        let images = Tensor::from_vec(images, (positions.len(), channels, height, width), &Device::Cpu)?;
        let targets = Tensor::from_vec(Self::labels(positions), positions.len(), &Device::Cpu)?;
        Ok(Batch { inputs: images.to_dtype(dtype)?, targets })
    }

    fn selection(&self, _: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
        let shape = IMAGE.map(|side| side as usize);
        Ok(Selection {
            source: Source::Numbers { shape, numbers: self.pixels.as_slice().into() },
            indices: positions.to_vec(),
            targets: Targets::Labels(Self::labels(positions)),
        })
    }

    fn outputs(&self) -> Outputs {
        Outputs::Logits
    }

    fn loss(&self) -> Loss {
        Loss::CrossEntropy
    }

    fn conclude(&self, _: &Model, _: &mut Metrics) -> Result<(), ExperimentError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_pass_is_measured_with_the_operations_of_its_definition() {
        let windows = Windows { count: 1, length: Duration::from_millis(1) };
        for pass in RunPass::ALL {
            let row = pass_throughput([2, 2, 4], pass, windows).unwrap();
            assert!(row.examples_per_s > 0.0 && row.gflops > 0.0, "{row:?}");
            assert_eq!(row.precision, if pass.is_double() { "f64" } else { "f32" });
        }
        // 2 channels over 32×32 pixels, then over 16×16, then 128 numbers to 4 and 4 to the classes.
        let net = ConvNet { conv: vec![2, 2], kernel: 3, dense: vec![4] };
        let model = Model::conv_net(&net, [3, 32, 32], 10, 0).unwrap();
        let first = 1024.0 * 2.0 * 27.0;
        let all = first + 256.0 * 2.0 * 18.0 + 128.0 * 4.0 + 40.0;
        let operations = |pass: RunPass| pass.operations(model.graph()) / 2.0;
        assert_eq!(operations(RunPass::Evaluation), all);
        assert_eq!(operations(RunPass::TrainingStep), 3.0 * all - first);
        assert_eq!(operations(RunPass::Sensitivity), 11.0 * all);
        assert_eq!(operations(RunPass::Spectrum), 2.0 * operations(RunPass::Trace));
        assert_eq!(operations(RunPass::Trace), 3.0 * all + 5.0 * (all - first));
    }
}
