//! The networks of Simonyan and Zisserman 2015 (arXiv 1409.1556).

use serde::{Deserialize, Serialize};

use super::blocks;
use crate::network::error::Unbuildable;
use crate::network::layer::{BatchNorm, Convolution, Layer, Output, Pool};

/// Convolutions of 3×3 in five stages, each ended by a max pool (table 1, columns A and D), and one dense layer in place of three,
/// as usual for images of 32×32, of which the pools leave one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vgg {
    /// Layers with weights, as the paper counts them (with three dense layers).
    pub depth: VggDepth,
    /// Channels of the first stage; the others have 2, 4, 8 and 8 times as many. The paper's is 64.
    pub width: u32,
    /// Whether batch norm follows each convolution.
    pub batch_norm: bool,
}

/// The depths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum VggDepth {
    /// Column A.
    #[serde(rename = "11")]
    Eleven,
    /// Column D.
    #[serde(rename = "16")]
    Sixteen,
}

impl VggDepth {
    /// The depth with this number, if there is one.
    pub const fn of(number: u32) -> Option<Self> {
        match number {
            11 => Some(Self::Eleven),
            16 => Some(Self::Sixteen),
            _ => None,
        }
    }

    /// Convolutions of each stage.
    const fn convolutions(self) -> [u32; 5] {
        match self {
            Self::Eleven => [1, 1, 2, 2, 2],
            Self::Sixteen => [2, 2, 3, 3, 3],
        }
    }
}

impl Vgg {
    pub(super) fn layers(&self) -> Result<Vec<Layer>, Unbuildable> {
        let mut layers = Vec::new();
        for (convolutions, factor) in self.depth.convolutions().into_iter().zip([1, 2, 4, 8, 8]) {
            let outputs = blocks::times(self.width, factor, "vgg")?;
            for _ in 0..convolutions {
                layers.push(Layer::Conv(Convolution::new(outputs, 3)));
                if self.batch_norm {
                    layers.push(Layer::BatchNorm(BatchNorm::default()));
                }
                layers.push(blocks::relu());
            }
            layers.push(Layer::MaxPool(Pool::of(2)));
        }
        layers.push(Layer::Output(Output::default()));
        Ok(layers)
    }
}
