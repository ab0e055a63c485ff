//! `classify`: a convolutional or dense network classifies images (experiments B to H).

use serde::{Deserialize, Serialize};

use super::fit_function::dense_products;
use super::probe::ProbeSchedule;
use super::recording::Recording;
use super::series::{names, training};
use crate::data::DataUse;
use crate::optimizer::Optimizer;

/// A network of convolutions and dense layers: for each entry of `conv` a same-padded convolution, ReLU and a 2×2 max
/// pool (a side halves, rounding down); then a dense layer with ReLU for each entry of `dense`; then the classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvNet {
    /// Output channels of each convolution; none makes a dense network.
    pub conv: Vec<u32>,
    /// The side of every convolution's kernel; odd.
    pub kernel: u32,
    /// Widths of the hidden dense layers.
    pub dense: Vec<u32>,
}

impl ConvNet {
    /// The side of the kernels where none is given.
    pub const KERNEL: u32 = 3;

    /// The products of each layer's sums for one image of `[channels, height, width]`, the first layer first: a convolution with
    /// same padding has height × width × outputs × channels × kernel², zeros around the image included, a dense layer inputs ×
    /// outputs. Numbers beyond `u64` are its largest.
    pub fn products(&self, image: [u32; 3], classes: u32) -> Vec<u64> {
        let [mut channels, mut height, mut width] = image.map(u64::from);
        let mut layers = Vec::with_capacity(self.conv.len() + self.dense.len() + 1);
        for outputs in self.conv.iter().copied().map(u64::from) {
            let kernel = u64::from(self.kernel);
            let factors = [height, width, outputs, channels, kernel, kernel];
            layers.push(factors.into_iter().fold(1, u64::saturating_mul));
            (channels, height, width) = (outputs, height / 2, width / 2);
        }
        layers.extend(dense_products(channels.saturating_mul(height * width), &self.dense, classes));
        layers
    }

    /// The number of trainable parameters for images of `[channels, side, side]` and this many classes.
    pub fn parameter_count(&self, channels: u32, side: u32, classes: u32) -> u64 {
        let (mut channels, mut side) = (u64::from(channels), u64::from(side));
        let mut count = 0;
        for &out in &self.conv {
            count += (channels * u64::from(self.kernel).pow(2) + 1) * u64::from(out);
            channels = u64::from(out);
            side /= 2;
        }
        let mut width = channels * side * side;
        for &next in self.dense.iter().chain([&classes]) {
            count += (width + 1) * u64::from(next);
            width = u64::from(next);
        }
        count
    }
}

/// The parameters of `classify`: cross entropy over an image data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classify {
    /// The network.
    pub model: ConvNet,
    /// The part of the data set, and how its labels are treated.
    pub data: DataUse,
    /// Examples a batch; the last batch of an epoch may be smaller.
    pub batch_size: u32,
    /// Passes over the training data.
    pub epochs: u32,
    /// The optimiser.
    pub optimizer: Optimizer,
    /// The recording.
    pub record: Recording,
    /// The probes.
    #[serde(default, skip_serializing_if = "ProbeSchedule::is_empty")]
    pub probes: ProbeSchedule,
}

impl Classify {
    /// The kind's name.
    pub const KIND: &'static str = "classify";
    /// The kind's version.
    pub const VERSION: u32 = 3;

    /// The names of the series that a run records.
    pub fn series(&self) -> Vec<&'static str> {
        let always = names(&training::LOSSES_AND_ACCURACIES).into_iter();
        always.chain(self.record.series()).chain(self.probes.series()).collect()
    }

    /// The names of the single numbers that a run records.
    pub fn numbers(&self) -> Vec<&'static str> {
        names(&[training::PARAMETERS, training::FINAL_TRAIN_LOSS, training::FINAL_TRAIN_ACCURACY])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_as_the_layers_have_them() {
        let net = ConvNet { conv: vec![8, 16], kernel: 3, dense: vec![32] };
        let convolutions = (3 * 9 + 1) * 8 + (8 * 9 + 1) * 16;
        let dense = (16 * 8 * 8 + 1) * 32 + 33 * 10;
        assert_eq!(net.parameter_count(3, 32, 10), convolutions + dense);
    }
}
