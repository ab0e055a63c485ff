//! A function whose probes are known, and a problem whose examples are random.

use basin_domain::metrics::Metrics;
use basin_domain::random::Stream;
use basin_kernels::Loss;
use candle_core::{DType, Device, Tensor};

use super::objective::Objective;
use crate::ExperimentError;
use crate::accelerator::{Selection, Source, Targets};
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Split, TrainingLoss};

/// level + ½ Σ hᵢ(θᵢ − cᵢ)².
pub(crate) struct Quadratic {
    pub(crate) curvatures: Vec<f64>,
    pub(crate) center: Vec<f64>,
    pub(crate) level: f64,
}

impl Objective for Quadratic {
    fn dimension(&self) -> usize {
        self.center.len()
    }

    fn pieces(&self) -> usize {
        1
    }

    fn add_gradient(&self, _: usize, at: &[f64], sum: &mut [f64]) -> Result<f64, ExperimentError> {
        for (((sum, h), c), x) in sum.iter_mut().zip(&self.curvatures).zip(&self.center).zip(at) {
            *sum += h * (x - c);
        }
        Ok(self.value(at))
    }

    fn add_hessian_vector(
        &self,
        _: usize,
        _: &[f64],
        vector: &[f64],
        sum: &mut [f64],
    ) -> Result<(), ExperimentError> {
        for ((sum, h), x) in sum.iter_mut().zip(&self.curvatures).zip(vector) {
            *sum += h * x;
        }
        Ok(())
    }
}

impl Quadratic {
    pub(crate) fn value(&self, at: &[f64]) -> f64 {
        let terms = self.curvatures.iter().zip(&self.center).zip(at);
        self.level + terms.map(|((h, c), x)| 0.5 * h * (x - c).powi(2)).sum::<f64>()
    }
}

/// A problem with random images and labels, all training examples.
pub(crate) struct RandomImages {
    pub(crate) images: Vec<f32>,
    pub(crate) labels: Vec<u32>,
    side: usize,
}

impl RandomImages {
    /// `count` images of two channels and `side`×`side` pixels, of three classes.
    pub(crate) fn new(count: usize, side: usize) -> Self {
        let mut stream = Stream::new(4, "random images");
        let images = (0..count * 2 * side * side).map(|_| stream.normal() as f32).collect();
        let labels = (0..count).map(|_| stream.below(3) as u32).collect();
        Self { images, labels, side }
    }
}

impl LearningProblem for RandomImages {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::RunningMean;
    const HAS_ACCURACY: bool = true;

    fn examples(&self, split: Split) -> usize {
        match split {
            Split::Train => self.labels.len(),
            Split::Test => 0,
        }
    }

    fn batch(&self, _: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        let size = 2 * self.side * self.side;
        let images: Vec<f32> = positions
            .iter()
            .flat_map(|&at| self.images[at as usize * size..][..size].iter().copied())
            .collect();
        let labels: Vec<u32> = positions.iter().map(|&at| self.labels[at as usize]).collect();
        let inputs = Tensor::from_vec(images, (positions.len(), 2, self.side, self.side), &Device::Cpu)?;
        Ok(Batch { inputs: inputs.to_dtype(dtype)?, targets: Tensor::new(labels, &Device::Cpu)? })
    }

    fn selection(&self, _: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
        Ok(Selection {
            source: Source::Numbers {
                shape: [2, self.side, self.side],
                numbers: self.images.as_slice().into(),
            },
            indices: positions.to_vec(),
            targets: Targets::Labels(positions.iter().map(|&at| self.labels[at as usize]).collect()),
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
