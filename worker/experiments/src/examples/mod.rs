//! The examples of a data set that a run uses: which, with which corruptions, and how training augments them.

use std::sync::Arc;

use basin_domain::data::{Augmentation, DataUse, Encoding, Pixels};
use basin_domain::network::Network;
use basin_domain::task::TaskSpec;
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;

use crate::accelerator::{Selection, Source, Targets};
use crate::dataset::{Dataset, Examples, gather};
use crate::model::Model;
use crate::training::{Batch, Split};
use crate::whitening::{self, Zca};
use crate::{Assets, ExperimentError};

mod augmentation;
mod labels;
mod pixels;
mod reflection;
mod subset;

pub(crate) use labels::corrupted_labels;
use pixels::Corruption;
pub(crate) use reflection::reflected;

/// The examples that a run uses.
pub(crate) struct UsedExamples {
    dataset: Arc<Dataset>,
    digest: String,
    encoding: Encoding,
    /// Their places in the data set.
    train: Vec<u32>,
    test: Vec<u32>,
    /// What is done to their pixels.
    corruption: Option<Corruption>,
    /// What whitens them after that.
    whitening: Option<Arc<Zca>>,
    augmentation: Augmentation,
    augmentation_seed: u64,
}

impl UsedExamples {
    /// The examples that a task reads.
    ///
    /// # Errors
    /// If the data set isn't there or is another one, or has fewer examples than are asked for.
    pub(crate) fn new(spec: &TaskSpec, data: &DataUse, assets: &Assets) -> Result<Self, ExperimentError> {
        let missing = |reason: String| ExperimentError::MissingData(reason);
        let named = spec.data.as_ref().ok_or_else(|| missing("the task names none".to_owned()))?;
        let dataset =
            assets.dataset.clone().ok_or_else(|| missing(format!("`{}` isn't there", named.name)))?;
        if dataset.name() != named.name.as_str() {
            return Err(missing(format!("it is `{}` where the task names `{}`", dataset.name(), named.name)));
        }
        data.check(&dataset.contents())
            .map_err(|misfit| ExperimentError::InvalidParameters(misfit.to_string()))?;
        let chosen = |count, limit, split: &str| {
            let stream = format!("{}/{split}", named.digest);
            subset::draw(count, limit, &stream, &format!("{split}_limit"))
        };
        let mut train = chosen(dataset.train().len(), data.train_limit, "train")?;
        let test = chosen(dataset.test().len(), data.test_limit, "test")?;
        let examples = train.len();
        for _ in 0..data.label_copies {
            train.extend_from_within(..examples);
        }
        if u32::try_from(train.len()).is_err() {
            let reason = format!("{} examples are too many", train.len());
            return Err(ExperimentError::InvalidParameters(reason));
        }
        let shape = dataset.shape(data.encoding);
        let seed = data.noise_seed.unwrap_or(spec.seed);
        let corruption = match data.pixels {
            Pixels::AsTheyAre => None,
            Pixels::Shuffled | Pixels::ShuffledEach | Pixels::Gaussian => {
                Some(Corruption::new(data.pixels, shape, seed))
            }
        };
        let plain = Self {
            digest: named.digest.to_string(),
            encoding: data.encoding,
            train,
            test,
            corruption,
            whitening: None,
            augmentation: Augmentation::default(),
            augmentation_seed: spec.seed,
            dataset,
        };
        let Some(epsilon) = data.whitening else { return Ok(plain) };
        // The copies of examples that labels are drawn for say nothing new.
        let positions: Vec<u32> = (0..examples as u32).collect();
        let inputs = plain.inputs(Split::Train, &positions, None)?.flatten_all()?.to_vec1::<f32>()?;
        let whitening = Zca::of(&inputs, shape.into_iter().product(), epsilon);
        Ok(Self { whitening: Some(Arc::new(whitening)), ..plain })
    }

    /// The same examples, augmented in training by draws of this seed.
    pub(crate) fn augmented(self, augmentation: Augmentation, augmentation_seed: u64) -> Self {
        Self { augmentation, augmentation_seed, ..self }
    }

    /// A network for these examples, with the filters that are made of them.
    ///
    /// # Errors
    /// If it can't be, for examples of this shape.
    pub(crate) fn network(&self, network: &Network, seed: u64) -> Result<Model, ExperimentError> {
        let contents = self.dataset.contents();
        let model = Model::new(network, &contents.network_input(self.encoding), contents.outputs(), seed)?;
        whitening::set_filters(&model, self)?;
        Ok(model)
    }

    /// The data set.
    pub(crate) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// `[channels, height, width]` of an example.
    pub(crate) fn shape(&self) -> [usize; 3] {
        self.dataset.shape(self.encoding)
    }

    /// The places in the data set of a split's examples.
    pub(crate) fn indices(&self, split: Split) -> &[u32] {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// All examples of the data set's split.
    pub(crate) fn all(&self, split: Split) -> Examples<'_> {
        match split {
            Split::Train => self.dataset.train(),
            Split::Test => self.dataset.test(),
        }
    }

    /// The inputs of some examples of a split, by their positions in it: `[batch, channels, height, width]`; as an epoch (from 1) sees
    /// them, if one is given.
    ///
    /// # Errors
    /// If an operation fails.
    pub(crate) fn inputs(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
    ) -> Result<Tensor, ExperimentError> {
        let used = self.indices(split);
        let indices: Vec<u32> = positions.iter().map(|&at| used[at as usize]).collect();
        let plain = gather(&self.dataset, self.all(split), &indices, self.encoding)?;
        let epoch = epoch.filter(|_| !self.augmentation.is_none());
        if !self.changes_inputs() && epoch.is_none() {
            return Ok(plain);
        }
        let shape @ [channels, height, width] = self.shape();
        let size = channels * height * width;
        let mut batch = plain.flatten_all()?.to_vec1::<f32>()?;
        if let Some(corruption) = &self.corruption {
            let rows = batch.par_chunks_mut(size).with_min_len(4).zip(&indices);
            rows.for_each(|(image, &index)| corruption.apply(split, index, image));
        }
        if let Some(whitening) = &self.whitening {
            batch = whitening.apply(&batch);
        }
        if let Some(epoch) = epoch {
            let black = self.black();
            let rows = batch.par_chunks_mut(size).with_min_len(4).zip(positions);
            rows.for_each(|(image, &position)| {
                let key = augmentation::Key { seed: self.augmentation_seed, epoch, position };
                augmentation::apply(&self.augmentation, key, shape, &black, image);
            });
        }
        Ok(Tensor::from_vec(batch, (indices.len(), channels, height, width), &Device::Cpu)?)
    }

    /// The same inputs as floats of type `dtype`, with their targets.
    ///
    /// # Errors
    /// If an operation fails.
    pub(crate) fn batch(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
        dtype: DType,
        targets: Tensor,
    ) -> Result<Batch, ExperimentError> {
        Ok(Batch { inputs: self.inputs(split, positions, epoch)?.to_dtype(dtype)?, targets })
    }

    /// Whether inputs are others than the data set's, whatever epoch sees them.
    fn changes_inputs(&self) -> bool {
        self.corruption.is_some() || self.whitening.is_some()
    }

    /// The standardised value of a black pixel in each channel, or the mean 0 where pixels are whitened.
    fn black(&self) -> Vec<f32> {
        if self.whitening.is_some() {
            return Vec::new();
        }
        let (mean, std) = (self.dataset.mean(), self.dataset.std());
        mean.iter().zip(std).map(|(mean, std)| -mean / std).collect()
    }

    /// Where a device finds the same inputs, with their targets.
    ///
    /// # Errors
    /// If an operation fails.
    pub(crate) fn selection(
        &self,
        split: Split,
        positions: &[u32],
        epoch: Option<u32>,
        targets: Targets,
    ) -> Result<Selection, ExperimentError> {
        if self.changes_inputs() || epoch.is_some() && !self.augmentation.is_none() {
            let numbers = self.inputs(split, positions, epoch)?.flatten_all()?.to_dtype(DType::F32)?;
            let source = Source::Gathered { shape: self.shape(), numbers: numbers.to_vec1::<f32>()?.into() };
            return Ok(Selection { source, indices: (0..positions.len() as u32).collect(), targets });
        }
        let used = self.indices(split);
        let source = Source::Dataset {
            dataset: Arc::clone(&self.dataset),
            digest: self.digest.clone(),
            encoding: self.encoding,
            split,
        };
        let indices = positions.iter().map(|&at| used[at as usize]).collect();
        Ok(Selection { source, indices, targets })
    }
}
