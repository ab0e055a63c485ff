//! Examples on the device: all of a part are kept there, and a step names those that it wants.

use std::fmt;
use std::sync::Arc;

use basin_domain::data::Encoding;
use candle_core::{DType, Device, Result, Tensor};

use super::layout::channels_last;
use crate::dataset::{Dataset, Inputs, gather};
use crate::training::Split;

/// Parts of data sets that are kept on a device; the one that was not used for longest makes room.
const KEPT: usize = 8;

/// The inputs of all examples of a part.
#[derive(Clone)]
pub enum Source {
    /// Those of a data set, standardised channel by channel when they are picked.
    Dataset {
        /// The data set.
        dataset: Arc<Dataset>,
        /// Its digest, by which runs know that they read the same.
        digest: String,
        /// How tokens become numbers.
        encoding: Encoding,
        /// The training or the test examples.
        split: Split,
    },
    /// The numbers of one batch alone, as they are.
    Gathered {
        /// `[channels, height, width]` of an example.
        shape: [usize; 3],
        /// Its examples, one after another.
        numbers: Arc<[f32]>,
    },
    /// Numbers, as they are.
    Numbers {
        /// `[channels, height, width]` of an example.
        shape: [usize; 3],
        /// All examples, one after another.
        numbers: Arc<[f32]>,
    },
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Dataset { digest, split, encoding, dataset: _ },
                Self::Dataset { digest: other, split: other_split, encoding: other_encoding, dataset: _ },
            ) => digest == other && split == other_split && encoding == other_encoding,
            (Self::Numbers { shape, numbers }, Self::Numbers { shape: other_shape, numbers: other }) => {
                shape == other_shape && (Arc::ptr_eq(numbers, other) || numbers == other)
            }
            (Self::Gathered { numbers, .. }, Self::Gathered { numbers: other, .. }) => {
                Arc::ptr_eq(numbers, other)
            }
            (Self::Dataset { .. }, Self::Gathered { .. } | Self::Numbers { .. })
            | (Self::Gathered { .. }, Self::Dataset { .. } | Self::Numbers { .. })
            | (Self::Numbers { .. }, Self::Dataset { .. } | Self::Gathered { .. }) => false,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dataset { digest, split, .. } => write!(f, "Dataset({digest}, {split:?})"),
            Self::Gathered { shape, numbers } => write!(f, "Gathered({shape:?}, {})", numbers.len()),
            Self::Numbers { shape, numbers } => write!(f, "Numbers({shape:?}, {})", numbers.len()),
        }
    }
}

impl Source {
    /// `[channels, height, width]` of an example.
    pub(crate) fn shape(&self) -> [usize; 3] {
        match self {
            Self::Dataset { dataset, encoding, .. } => dataset.shape(*encoding),
            Self::Gathered { shape, .. } | Self::Numbers { shape, .. } => *shape,
        }
    }
}

/// The answers that the network should give to some examples.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// A class each.
    Labels(Vec<u32>),
    /// As many numbers each.
    Numbers(Vec<f32>),
}

/// Some examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Where they are.
    pub source: Source,
    /// Their places in the source.
    pub indices: Vec<u32>,
    /// The answer that the network should give to each.
    pub targets: Targets,
}

/// The sources on a device.
pub(super) struct DeviceDataset {
    device: Device,
    dtype: DType,
    /// The latest used last.
    cache: Vec<(Source, CachedSource)>,
}

#[derive(Clone)]
struct CachedSource {
    /// `[examples, height × width × channels]`, of bytes or numbers.
    inputs: Tensor,
    /// What standardises images.
    standard: Option<Standardisation>,
}

/// What standardises images channel by channel.
#[derive(Clone)]
struct Standardisation {
    /// The mean to subtract from each channel.
    mean: Tensor,
    /// The scale to multiply it with then.
    scale: Tensor,
}

impl DeviceDataset {
    pub(super) fn new(device: Device, dtype: DType) -> Self {
        Self { device, dtype, cache: Vec::new() }
    }

    /// The inputs `[networks, batch, height × width × channels]` of equally many examples for each network.
    pub(super) fn inputs(&mut self, source: &Source, indices: Vec<u32>, networks: usize) -> Result<Tensor> {
        let CachedSource { inputs, standard } = match source {
            // A batch that was put together for one pass makes no room for itself.
            Source::Gathered { .. } => self.load(source)?,
            Source::Dataset { .. } | Source::Numbers { .. } => self.cached(source)?,
        };
        let count = indices.len();
        let indices = Tensor::from_vec(indices, count, &self.device)?;
        let picked = inputs.index_select(&indices, 0)?.to_dtype(self.dtype)?;
        let width = picked.dims2()?.1;
        let picked = match standard {
            None => picked,
            Some(Standardisation { mean, scale }) => {
                let channels = mean.elem_count();
                picked
                    .reshape((count * width / channels, channels))?
                    .broadcast_sub(&mean)?
                    .broadcast_mul(&scale)?
            }
        };
        picked.reshape((networks, count / networks, width))
    }

    /// A source that is kept on the device, loaded if it isn't there yet.
    fn cached(&mut self, source: &Source) -> Result<CachedSource> {
        let place = match self.cache.iter().position(|(known, _)| known == source) {
            Some(place) => place,
            None => {
                if self.cache.len() >= KEPT {
                    self.cache.remove(0);
                }
                self.cache.push((source.clone(), self.load(source)?));
                self.cache.len() - 1
            }
        };
        let cached = self.cache.remove(place);
        let found = cached.1.clone();
        self.cache.push(cached);
        Ok(found)
    }

    fn load(&self, source: &Source) -> Result<CachedSource> {
        match source {
            Source::Gathered { shape: [channels, height, width], numbers }
            | Source::Numbers { shape: [channels, height, width], numbers } => {
                let order = channels_last(*channels, *height, *width);
                let inputs = reordered(numbers, &order);
                let inputs =
                    Tensor::from_vec(inputs, (numbers.len() / order.len(), order.len()), &self.device)?;
                Ok(CachedSource { inputs: inputs.to_dtype(self.dtype)?, standard: None })
            }
            Source::Dataset { dataset, split, encoding, .. } => {
                let examples = match split {
                    Split::Train => dataset.train(),
                    Split::Test => dataset.test(),
                };
                let [channels, height, width] = dataset.shape(*encoding);
                let order = channels_last(channels, height, width);
                let Inputs::Bytes(pixels) = examples.inputs else {
                    let all: Vec<u32> = (0..examples.len() as u32).collect();
                    let numbers =
                        gather(dataset, examples, &all, *encoding)?.flatten_all()?.to_vec1::<f32>()?;
                    let inputs = reordered(&numbers, &order);
                    let inputs = Tensor::from_vec(inputs, (examples.len(), order.len()), &self.device)?;
                    return Ok(CachedSource { inputs: inputs.to_dtype(self.dtype)?, standard: None });
                };
                let pixels = reordered(pixels, &order);
                let inputs = Tensor::from_vec(pixels, (examples.len(), order.len()), &self.device)?;
                // (byte / 255 − mean) / std, as `gather_images` standardises them.
                let mean: Vec<f64> = dataset.mean().iter().map(|&mean| f64::from(mean) * 255.0).collect();
                let scale: Vec<f64> =
                    dataset.std().iter().map(|&std| 1.0 / (255.0 * f64::from(std))).collect();
                let row = |values: Vec<f64>| {
                    Tensor::from_vec(values, channels, &Device::Cpu)?
                        .to_dtype(self.dtype)?
                        .to_device(&self.device)
                };
                Ok(CachedSource {
                    inputs,
                    standard: Some(Standardisation { mean: row(mean)?, scale: row(scale)? }),
                })
            }
        }
    }
}

/// All examples, each with its numbers in this order.
fn reordered<T: Copy>(examples: &[T], order: &[usize]) -> Vec<T> {
    let mut all = Vec::with_capacity(examples.len());
    for example in examples.chunks_exact(order.len()) {
        all.extend(order.iter().map(|&place| example[place]));
    }
    all
}
