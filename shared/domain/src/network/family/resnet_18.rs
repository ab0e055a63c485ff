//! The residual network of 18 layers, for small images.

use super::blocks;
use crate::network::error::Unbuildable;
use crate::network::layer::{Layer, Output, Residual, Shortcut};

/// He et al. 2016 (arXiv 1512.03385, table 1), with a convolution of 3×3 and stride 1 and no pool at the beginning, as usual for
/// images of 32×32 (for instance `kuangliu/pytorch-cifar`: 11,173,962 parameters with width 64 and ten classes).
pub(super) fn layers(width: u32) -> Result<Vec<Layer>, Unbuildable> {
    let mut layers: Vec<Layer> = blocks::conv_norm_relu(blocks::times(width, 1, "resnet-18")?, 1).into();
    for factor in [1, 2, 4, 8] {
        let outputs = blocks::times(width, factor, "resnet-18")?;
        for block in 0..2 {
            let changes = block == 0 && factor > 1;
            let (stride, shortcut) =
                if changes { (2, blocks::projection(outputs, 2)) } else { (1, Shortcut::Identity) };
            layers.push(Layer::Residual(Residual { layers: blocks::basic_block(outputs, stride), shortcut }));
            layers.push(blocks::relu());
        }
    }
    layers.extend([Layer::GlobalAveragePool, Layer::Output(Output::default())]);
    Ok(layers)
}
