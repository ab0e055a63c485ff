//! The residual network of the speed runs on CIFAR-10.

use super::blocks;
use crate::network::error::Unbuildable;
use crate::network::layer::{Layer, Output, Pool, Residual, Scale};

/// The network of Page 2018 ("How to train your ResNet", part 4; the DAWNBench entry of 79 seconds): a convolution, three stages of
/// a convolution and a max pool of which the first and the third end with a residual block of two more, a max pool of 4×4, and an
/// output layer without a bias whose outputs are divided by 8. With width 64, three channels and ten classes, 6,573,120 parameters.
pub(super) fn layers(width: u32) -> Result<Vec<Layer>, Unbuildable> {
    let mut layers: Vec<Layer> = blocks::conv_norm_relu(blocks::times(width, 1, "resnet-9")?, 1).into();
    for (factor, residual) in [(2, true), (4, false), (8, true)] {
        let outputs = blocks::times(width, factor, "resnet-9")?;
        layers.extend(blocks::conv_norm_relu(outputs, 1));
        layers.push(Layer::MaxPool(Pool::of(2)));
        if residual {
            let block = [blocks::conv_norm_relu(outputs, 1), blocks::conv_norm_relu(outputs, 1)].concat();
            layers.push(Layer::Residual(Residual::around(block)));
        }
    }
    layers.push(Layer::MaxPool(Pool::of(4)));
    layers.push(Layer::Output(Output { bias: false, initialization: None }));
    layers.push(Layer::Scale(Scale { factor: 0.125 }));
    Ok(layers)
}
