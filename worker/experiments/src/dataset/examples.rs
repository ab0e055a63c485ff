//! The examples of a split, as they lie in the mapped file.

use super::format::Header;
use super::little_endian::{f32s, u32s};
use basin_domain::data::Element;

/// The inputs of examples, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs<'a> {
    /// Pixels: `[examples, channels, height, width]`.
    Bytes(&'a [u8]),
    /// Numbers, `f32` in four bytes each, the least significant first.
    Floats(&'a [u8]),
    /// Tokens, `u32` in four bytes each, the least significant first.
    Tokens(&'a [u8]),
}

/// The targets of examples, one after another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// Labels of a byte.
    ShortLabels(&'a [u8]),
    /// Labels of four bytes, the least significant first.
    Labels(&'a [u8]),
    /// Values, `f32`, with what standardises them.
    Values {
        /// Four bytes each, the least significant first.
        bytes: &'a [u8],
        /// The mean of each value over the training examples.
        mean: &'a [f32],
        /// The standard deviation of each.
        std: &'a [f32],
    },
}

/// The training or the test examples of a data set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Examples<'a> {
    /// Their inputs.
    pub inputs: Inputs<'a>,
    /// Their targets.
    pub targets: Targets<'a>,
}

impl<'a> Examples<'a> {
    pub(super) fn new(header: &'a Header, inputs: &'a [u8], targets: &'a [u8]) -> Self {
        let inputs = match header.element {
            Element::Byte => Inputs::Bytes(inputs),
            Element::Float => Inputs::Floats(inputs),
            Element::Token => Inputs::Tokens(inputs),
        };
        let targets = match (header.has_short_labels, header.values) {
            (true, _) => Targets::ShortLabels(targets),
            (false, 0) => Targets::Labels(targets),
            (false, _) => {
                Targets::Values { bytes: targets, mean: &header.value_mean, std: &header.value_std }
            }
        };
        Self { inputs, targets }
    }

    /// The number of examples.
    pub fn len(&self) -> usize {
        match self.targets {
            Targets::ShortLabels(labels) => labels.len(),
            Targets::Labels(labels) => labels.len() / 4,
            Targets::Values { bytes, mean, .. } => bytes.len() / (4 * mean.len()),
        }
    }

    /// Whether there are no examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The labels of these examples; none where the targets are values.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn labels(&self, indices: &[u32]) -> Vec<u32> {
        let places = indices.iter().map(|&index| index as usize);
        match self.targets {
            Targets::ShortLabels(labels) => places.map(|at| u32::from(labels[at])).collect(),
            Targets::Labels(labels) => {
                places.filter_map(|at| u32s(&labels[4 * at..4 * at + 4]).next()).collect()
            }
            Targets::Values { .. } => Vec::new(),
        }
    }

    /// The values of an example as the data set has them; none where the targets are classes.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn plain_values(&self, index: u32) -> Vec<f32> {
        let Targets::Values { bytes, mean, .. } = self.targets else { return Vec::new() };
        let size = 4 * mean.len();
        f32s(&bytes[index as usize * size..][..size]).collect()
    }

    /// The values of these examples, `[examples, values]`, standardised by those of the training examples; none where the targets
    /// are classes.
    ///
    /// # Panics
    /// If there is no such example.
    pub fn values(&self, indices: &[u32]) -> Vec<f32> {
        let Targets::Values { bytes, mean, std } = self.targets else { return Vec::new() };
        let size = 4 * mean.len();
        let of_one = |index: &u32| {
            let values = f32s(&bytes[*index as usize * size..][..size]);
            values.zip(mean.iter().zip(std)).map(|(value, (mean, std))| (value - mean) / std)
        };
        indices.iter().flat_map(of_one).collect()
    }
}
