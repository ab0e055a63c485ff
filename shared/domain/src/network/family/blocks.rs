//! Layers that several families are made of.

use crate::network::activation::Activation;
use crate::network::error::Unbuildable;
use crate::network::layer::{BatchNorm, Convolution, Layer, Shortcut};

/// `factor` times a width that must be a layer's.
pub(super) fn times(width: u32, factor: u32, family: &'static str) -> Result<u32, Unbuildable> {
    let wide = width.checked_mul(factor).filter(|wide| (1..=65_536).contains(wide));
    wide.ok_or(Unbuildable::FamilyParameter {
        family,
        parameter: "width",
        must: "must make every layer at least 1 and at most 65536 wide",
    })
}

/// A convolution, batch norm, ReLU.
pub(super) fn conv_norm_relu(outputs: u32, stride: u32) -> [Layer; 3] {
    [convolution(outputs, 3, stride), Layer::BatchNorm(BatchNorm::default()), relu()]
}

/// A convolution without a bias, since batch norm follows it.
pub(super) fn convolution(outputs: u32, kernel: u32, stride: u32) -> Layer {
    Layer::Conv(Convolution { stride, ..Convolution::new(outputs, kernel).without_bias() })
}

pub(super) fn relu() -> Layer {
    Layer::Activation(Activation::Relu)
}

/// The branch of a block: two convolutions, each with batch norm, ReLU between them.
pub(super) fn basic_block(outputs: u32, stride: u32) -> Vec<Layer> {
    let mut layers: Vec<Layer> = conv_norm_relu(outputs, stride).into();
    layers.extend([convolution(outputs, 3, 1), Layer::BatchNorm(BatchNorm::default())]);
    layers
}

/// A convolution of 1×1 with batch norm.
pub(super) fn projection(outputs: u32, stride: u32) -> Shortcut {
    Shortcut::Layers(vec![convolution(outputs, 1, stride), Layer::BatchNorm(BatchNorm::default())])
}
