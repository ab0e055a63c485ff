//! `classify`: a convolutional or dense network classifies images.

use basin_domain::data::{Augmentation, DataUse};
use basin_domain::experiment::{ClassificationLoss, Classify};
use basin_domain::metrics::Metrics;
use basin_domain::task::TaskSpec;
use basin_kernels::Loss;
use candle_core::{DType, Device, Tensor};

use crate::accelerator::{Selection, Targets};
use crate::examples::{UsedExamples, corrupted_labels};
use crate::loss;
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
    let seeds = parameters.seeds;
    let problem = classification(spec, parameters, assets)?;
    let model = problem.examples.network(&parameters.model, seeds.initialization.unwrap_or(spec.seed))?;
    let schedule = Schedule {
        batch_size: parameters.batch_size as usize,
        budget: parameters.budget,
        order_seed: seeds.order,
        settings: parameters.training.clone(),
    };
    Ok(Box::new(Training::start(spec, schedule, problem, model, assets, checkpoint)?))
}

/// The examples that a run of `classify` trains on.
///
/// # Errors
/// As for [`Classification::new`].
pub(crate) fn classification(
    spec: &TaskSpec,
    parameters: &Classify,
    assets: &Assets,
) -> Result<Classification, ExperimentError> {
    let seed = parameters.seeds.augmentation.unwrap_or(spec.seed);
    Ok(Classification::new(spec, &parameters.data, parameters.loss, assets)?
        .augmented(parameters.augmentation, seed))
}

/// Examples with their labels, and a loss.
pub(crate) struct Classification {
    examples: UsedExamples,
    loss: Loss,
    test_loss: Loss,
    /// The labels, corrupted as the data's use says, and those of the test examples.
    train: Vec<u32>,
    test: Vec<u32>,
}

impl Classification {
    /// The examples that a task reads.
    ///
    /// # Errors
    /// If the data set isn't there or is another one, has no classes, or has fewer examples than are asked for, or there is no such
    /// loss.
    pub(crate) fn new(
        spec: &TaskSpec,
        data: &DataUse,
        by: ClassificationLoss,
        assets: &Assets,
    ) -> Result<Self, ExperimentError> {
        let (loss, test_loss) = (loss::of_classes(by)?, loss::of_test_classes(by));
        let examples = UsedExamples::new(spec, data, assets)?;
        let classes = examples.dataset().classes().len();
        if classes == 0 {
            let reason = format!("`{}` has no classes", examples.dataset().name());
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let used = examples.indices(Split::Train);
        // The copies stand behind the examples themselves, and their labels are drawn.
        let clean = &used[..used.len() / (data.label_copies as usize + 1)];
        let labels = examples.all(Split::Train).labels(clean);
        let train = corrupted_labels(data, labels, classes, data.noise_seed.unwrap_or(spec.seed))?;
        let test = examples.all(Split::Test).labels(examples.indices(Split::Test));
        Ok(Self { examples, loss, test_loss, train, test })
    }

    /// The same examples, augmented in training by draws of this seed.
    fn augmented(self, augmentation: Augmentation, seed: u64) -> Self {
        Self { examples: self.examples.augmented(augmentation, seed), ..self }
    }

    /// The examples, without their labels.
    pub(crate) fn used_examples(&self) -> &UsedExamples {
        &self.examples
    }

    /// The labels that are learnt, of some examples of a split by their positions in it.
    pub(crate) fn labels(&self, split: Split, positions: &[u32]) -> Vec<u32> {
        let labels = match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        };
        positions.iter().map(|&at| labels[at as usize]).collect()
    }

    fn gathered(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
        dtype: DType,
    ) -> Result<Batch, ExperimentError> {
        let labels = Tensor::from_vec(self.labels(split, positions), positions.len(), &Device::Cpu)?;
        self.examples.batch(split, positions, epoch, dtype, labels)
    }

    fn selected(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
    ) -> Result<Selection, ExperimentError> {
        let labels = Targets::Labels(self.labels(split, positions));
        self.examples.selection(split, positions, epoch, labels)
    }
}

impl LearningProblem for Classification {
    const TRAINING_LOSS: TrainingLoss = TrainingLoss::RunningMean;
    const HAS_ACCURACY: bool = true;

    fn examples(&self, split: Split) -> usize {
        self.examples.indices(split).len()
    }

    fn batch(&self, split: Split, positions: &[u32], dtype: DType) -> Result<Batch, ExperimentError> {
        self.gathered(split, positions, None, dtype)
    }

    fn training_batch(&self, epoch: u32, positions: &[u32]) -> Result<Batch, ExperimentError> {
        self.gathered(Split::Train, positions, Some(epoch), DType::F32)
    }

    fn selection(&self, split: Split, positions: &[u32]) -> Result<Selection, ExperimentError> {
        self.selected(split, positions, None)
    }

    fn training_selection(&self, epoch: u32, positions: &[u32]) -> Result<Selection, ExperimentError> {
        self.selected(Split::Train, positions, Some(epoch))
    }

    fn outputs(&self) -> Outputs {
        match self.loss {
            Loss::CrossEntropy | Loss::SmoothedCrossEntropy { .. } => Outputs::Logits,
            Loss::OneHotSquaredError | Loss::MeanSquaredError | Loss::Huber { .. } => Outputs::Values,
        }
    }

    fn loss(&self) -> Loss {
        self.loss
    }

    /// Test labels aren't smoothed.
    fn loss_on(&self, split: Split) -> Loss {
        match split {
            Split::Train => self.loss,
            Split::Test => self.test_loss,
        }
    }

    fn conclude(&self, _: &Model, _: &mut Metrics) -> Result<(), ExperimentError> {
        Ok(())
    }
}
