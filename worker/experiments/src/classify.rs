//! `classify`: a convolutional or dense network classifies images.

use std::sync::Arc;

use basin_domain::data::DataUse;
use basin_domain::experiment::{Classify, ConvNet};
use basin_domain::metrics::Metrics;
use basin_domain::random::Stream;
use basin_domain::task::TaskSpec;
use basin_kernels::{LossSums, cross_entropy, cross_entropy_sums, gather_images};
use candle_core::{DType, Device, Tensor};

use crate::accelerator::{Selection, Source, Targets};
use crate::dataset::{Dataset, LabelledImages};
use crate::model::Model;
use crate::training::{Batch, LearningProblem, Outputs, Schedule, Split, Training, TrainingLoss};
use crate::{Assets, ExperimentError, Run};

/// Starts or resumes a run of `classify`.
pub(crate) fn start(
    spec: &TaskSpec,
    parameters: &Classify,
    assets: &Assets,
    checkpoint: Option<&[u8]>,
) -> Result<Box<dyn Run>, ExperimentError> {
    let problem = ImageClassification::new(spec, parameters.data, assets)?;
    let model = problem.network(&parameters.model, spec.seed)?;
    let schedule = Schedule {
        batch_size: parameters.batch_size as usize,
        epochs: parameters.epochs,
        optimizer: parameters.optimizer,
        recording: parameters.record,
        probes: parameters.probes.clone(),
    };
    Ok(Box::new(Training::start(spec, schedule, problem, model, assets.accelerator.as_ref(), checkpoint)?))
}

/// The examples that a run uses: the first `limit` of an order that depends on the data alone, so that all runs with one
/// limit see the same, and a smaller limit's are among a larger one's.
fn subset(
    count: usize,
    limit: Option<u64>,
    stream: &str,
    parameter: &str,
) -> Result<Vec<u32>, ExperimentError> {
    let Ok(count) = u32::try_from(count) else {
        return Err(ExperimentError::InvalidParameters(format!("{count} examples are too many")));
    };
    let mut indices: Vec<u32> = (0..count).collect();
    if let Some(limit) = limit {
        if limit == 0 || limit > u64::from(count) {
            return Err(ExperimentError::InvalidParameters(format!(
                "`{parameter}` is {limit}, and the data set has {count} such examples"
            )));
        }
        Stream::new(0, stream).shuffle(&mut indices);
        indices.truncate(limit as usize);
    }
    Ok(indices)
}

/// The labels of the chosen examples.
fn labels(images: LabelledImages<'_>, indices: &[u32]) -> Vec<u32> {
    indices.iter().map(|&index| u32::from(images.labels[index as usize])).collect()
}

/// Labels replaced at random: each with probability `share` by one drawn uniformly from all classes, the right one
/// included (Zhang et al. 2017, arXiv 1611.03530, section 2.1: partially corrupted labels).
#[derive(Debug, Clone, Copy)]
struct LabelNoise {
    share: f64,
    seed: u64,
    classes: usize,
}

impl LabelNoise {
    /// Both numbers are drawn for every label: what a smaller share replaces, a larger one replaces too, by the same.
    fn apply(self, mut labels: Vec<u32>) -> Result<Vec<u32>, ExperimentError> {
        if !(0.0..=1.0).contains(&self.share) {
            let reason = format!("`label_noise` is {}, not a share in [0, 1]", self.share);
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let mut stream = Stream::new(self.seed, "label noise");
        for label in &mut labels {
            let (chance, replacement) = (stream.uniform(), stream.below(self.classes as u64));
            if chance < self.share {
                *label = replacement as u32;
            }
        }
        Ok(labels)
    }
}

/// The examples of one split that a run uses.
struct Examples {
    /// Their places in the data set.
    indices: Vec<u32>,
    /// Their labels, noise included.
    labels: Vec<u32>,
}

impl Examples {
    /// Those at these positions.
    fn at(&self, positions: &[u32]) -> Self {
        let pick = |from: &[u32]| positions.iter().map(|&at| from[at as usize]).collect();
        Self { indices: pick(&self.indices), labels: pick(&self.labels) }
    }
}

/// Images with their labels, under cross entropy.
pub(crate) struct ImageClassification {
    dataset: Arc<Dataset>,
    digest: String,
    train: Examples,
    test: Examples,
}

impl ImageClassification {
    /// The images that a task reads.
    ///
    /// # Errors
    /// If the data set isn't there or is another one, or has fewer examples than are asked for.
    pub(crate) fn new(spec: &TaskSpec, data: DataUse, assets: &Assets) -> Result<Self, ExperimentError> {
        let missing = |reason: String| ExperimentError::MissingData(reason);
        let named = spec.data.as_ref().ok_or_else(|| missing("the task names none".to_owned()))?;
        let dataset =
            assets.dataset.clone().ok_or_else(|| missing(format!("`{}` isn't there", named.name)))?;
        if dataset.name() != named.name.as_str() {
            return Err(missing(format!("it is `{}` where the task names `{}`", dataset.name(), named.name)));
        }
        let DataUse { train_limit, test_limit, label_noise } = data;
        let (all_train, all_test) = (dataset.train(), dataset.test());
        let train = subset(all_train.len(), train_limit, &format!("{}/train", named.digest), "train_limit")?;
        let test = subset(all_test.len(), test_limit, &format!("{}/test", named.digest), "test_limit")?;
        let noise = LabelNoise { share: label_noise, seed: spec.seed, classes: dataset.classes().len() };
        let train_labels = noise.apply(labels(all_train, &train))?;
        let test_labels = labels(all_test, &test);
        Ok(Self {
            train: Examples { indices: train, labels: train_labels },
            test: Examples { indices: test, labels: test_labels },
            dataset,
            digest: named.digest.to_string(),
        })
    }

    /// A network for these images.
    ///
    /// # Errors
    /// If it can't be, for images of this size.
    pub(crate) fn network(&self, net: &ConvNet, seed: u64) -> Result<Model, ExperimentError> {
        Model::conv_net(net, self.dataset.shape(), self.dataset.classes().len(), seed)
    }

    fn split(&self, split: Split) -> (&Examples, LabelledImages<'_>) {
        match split {
            Split::Train => (&self.train, self.dataset.train()),
            Split::Test => (&self.test, self.dataset.test()),
        }
    }

    fn gather(&self, images: LabelledImages<'_>, indices: &[u32]) -> Result<Tensor, ExperimentError> {
        let dataset = &self.dataset;
        Ok(gather_images(images.images, dataset.shape(), indices, dataset.mean(), dataset.std())?)
    }
}

impl LearningProblem for ImageClassification {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::RunningMean;
    const HAS_ACCURACY: bool = true;
    const OUTPUTS: Outputs = Outputs::Logits;

    fn examples(&self, split: Split) -> usize {
        self.split(split).0.indices.len()
    }

    fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        let (examples, images) = self.split(split);
        let Examples { indices, labels } = examples.at(positions);
        let targets = Tensor::from_vec(labels, positions.len(), &Device::Cpu)?;
        Ok(Batch { inputs: self.gather(images, &indices)?.to_dtype(dtype)?, targets })
    }

    fn selection(&self, split: Split, positions: &[u32]) -> Selection {
        let Examples { indices, labels } = self.split(split).0.at(positions);
        let source =
            Source::Images { dataset: Arc::clone(&self.dataset), digest: self.digest.clone(), split };
        Selection { source, indices, targets: Targets::Labels(labels) }
    }

    fn loss(&self, outputs: &Tensor, targets: &Tensor) -> Result<Tensor, ExperimentError> {
        Ok(cross_entropy(outputs, targets)?)
    }

    fn sums(&self, outputs: &Tensor, targets: &Tensor) -> Result<LossSums, ExperimentError> {
        Ok(cross_entropy_sums(outputs, targets)?)
    }

    fn conclude(&self, _: &Model, _: &mut Metrics) -> Result<(), ExperimentError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noisy(share: f64, seed: u64) -> Vec<u32> {
        LabelNoise { share, seed, classes: 10 }.apply(vec![10; 10_000]).unwrap()
    }

    #[test]
    fn the_share_of_replaced_labels_is_the_one_asked_for_and_all_classes_are_drawn() {
        assert!(noisy(0.0, 1).iter().all(|&label| label == 10));
        let half = noisy(0.5, 1);
        let replaced = half.iter().filter(|&&label| label != 10).count();
        assert!((4_800..5_200).contains(&replaced), "{replaced}");
        let all = noisy(1.0, 1);
        for class in 0..10 {
            let drawn = all.iter().filter(|&&label| label == class).count();
            assert!((850..1_150).contains(&drawn), "{class}: {drawn}");
        }
        assert_ne!(all, noisy(1.0, 2));
    }

    #[test]
    fn a_larger_share_replaces_what_a_smaller_one_does() {
        let (small, large) = (noisy(0.25, 7), noisy(0.75, 7));
        assert!(small.iter().zip(&large).all(|(small, large)| *small == 10 || small == large));
    }

    #[test]
    fn a_smaller_subset_lies_within_a_larger_one_and_no_seed_enters() {
        let drawn = |limit| subset(1_000, limit, "digest/train", "train_limit").unwrap();
        let (few, many) = (drawn(Some(10)), drawn(Some(100)));
        assert_eq!(few, many[..10]);
        assert_ne!(few, (0..10).collect::<Vec<_>>());
        assert_eq!(drawn(None), (0..1_000).collect::<Vec<_>>());
        assert!(subset(1_000, Some(0), "digest/train", "train_limit").is_err());
        assert!(subset(1_000, Some(1_001), "digest/train", "train_limit").is_err());
    }
}
