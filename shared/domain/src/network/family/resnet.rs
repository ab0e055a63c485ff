//! The residual networks for CIFAR-10 of He et al. 2016 (arXiv 1512.03385, section 4.2).

use serde::{Deserialize, Serialize};

use super::blocks;
use crate::network::error::Unbuildable;
use crate::network::layer::{Layer, Output, Residual, Shortcut};

/// A convolution, three stages of n blocks of two convolutions each, the second and third with twice and four times as many
/// channels and half the side, a global average pool and the output layer: 6n + 2 layers with weights. With width 16 and depth 20,
/// 269,722 parameters without projections and 272,474 with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resnet {
    /// 6n + 2.
    pub depth: u32,
    /// Channels of the first stage; the paper's is 16.
    pub width: u32,
    /// Whether there are skip connections; without them it is the plain network of the paper.
    pub skip: bool,
    /// The way around a block that changes the shape.
    pub shortcut: ResnetShortcut,
}

/// The way around a block that changes the shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResnetShortcut {
    /// The stride and channels of zeros: option A, the paper's for CIFAR-10.
    Pad,
    /// A convolution of 1×1 with batch norm: option B.
    Projection,
}

impl Resnet {
    /// The deepest, more than the paper's 1202.
    const DEEPEST: u32 = 2_000;

    pub(super) fn layers(&self) -> Result<Vec<Layer>, Unbuildable> {
        let Self { depth, width, skip, shortcut } = *self;
        if depth < 8 || depth % 6 != 2 || depth > Self::DEEPEST {
            let must = "must be 6n + 2: 8, 14, 20, 32, 44, 56, 110, …, 2000";
            return Err(Unbuildable::FamilyParameter { family: "resnet", parameter: "depth", must });
        }
        let mut layers: Vec<Layer> = blocks::conv_norm_relu(blocks::times(width, 1, "resnet")?, 1).into();
        for factor in [1, 2, 4] {
            let outputs = blocks::times(width, factor, "resnet")?;
            for block in 0..(depth - 2) / 6 {
                let changes = block == 0 && factor > 1;
                let shortcut = match shortcut {
                    _ if !changes => Shortcut::Identity,
                    ResnetShortcut::Pad => Shortcut::Pad,
                    ResnetShortcut::Projection => blocks::projection(outputs, 2),
                };
                let branch = blocks::basic_block(outputs, if changes { 2 } else { 1 });
                match skip {
                    true => layers.push(Layer::Residual(Residual { layers: branch, shortcut })),
                    false => layers.extend(branch),
                }
                layers.push(blocks::relu());
            }
        }
        layers.extend([Layer::GlobalAveragePool, Layer::Output(Output::default())]);
        Ok(layers)
    }
}
