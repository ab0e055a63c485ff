//! The convolutional network of Nakkiran et al. 2020 (arXiv 1912.02292).

use super::blocks;
use crate::network::error::Unbuildable;
use crate::network::layer::{BatchNorm, Convolution, Layer, Output, Pool};

/// Four convolutions of 3×3 with batch norm, ReLU and a max pool each (of side 1, 2, 2 and 8), of width, 2·width, 4·width and
/// 8·width, and the output layer (appendix B.1: 1,558,026 parameters with width 64).
pub(super) fn layers(width: u32) -> Result<Vec<Layer>, Unbuildable> {
    let mut layers = Vec::new();
    for (factor, pool) in [(1, 1), (2, 2), (4, 2), (8, 8)] {
        let outputs = blocks::times(width, factor, "cnn-5")?;
        layers.push(Layer::Conv(Convolution::new(outputs, 3)));
        layers.push(Layer::BatchNorm(BatchNorm::default()));
        layers.push(blocks::relu());
        if pool > 1 {
            layers.push(Layer::MaxPool(Pool::of(pool)));
        }
    }
    layers.push(Layer::Output(Output::default()));
    Ok(layers)
}
