//! Families of networks: a name and a few parameters for a list of layers, one file each.

mod blocks;
mod cnn_5;
mod lenet;
mod mlp;
mod resnet;
mod resnet_18;
mod resnet_9;
mod transformer;
mod vgg;

use serde::{Deserialize, Serialize};

pub use resnet::{Resnet, ResnetShortcut};
pub use transformer::Transformer;
pub use vgg::{Vgg, VggDepth};

use super::activation::Activation;
use super::error::Unbuildable;
use super::layer::Layer;

/// A family with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Family {
    /// Dense layers with an activation after each.
    Mlp {
        /// The widths of the hidden layers.
        widths: Vec<u32>,
        /// What follows each.
        activation: Activation,
    },
    /// The network of LeCun et al. 1998 for digits, with plain average pools.
    #[serde(rename = "lenet-5")]
    Lenet5 {
        /// What follows each hidden layer.
        activation: Activation,
        /// Zeros around the image; 2 for images of 28×28, 0 for those of 32×32.
        padding: u32,
    },
    /// Two hidden dense layers of 300 and 100 with ReLU.
    #[serde(rename = "lenet-300-100")]
    Lenet300,
    /// The networks of Simonyan and Zisserman 2015 for small images.
    Vgg(Vgg),
    /// The residual networks of He et al. 2016 for CIFAR-10.
    Resnet(Resnet),
    /// The residual network of 18 layers for small images.
    #[serde(rename = "resnet-18")]
    Resnet18 {
        /// Channels of the first convolution; the stages have 1, 2, 4 and 8 times as many.
        width: u32,
    },
    /// The residual network of the speed runs on CIFAR-10.
    #[serde(rename = "resnet-9")]
    Resnet9 {
        /// Channels of the first convolution; the others have 2, 4 and 8 times as many.
        width: u32,
    },
    /// The convolutional network of the double descent.
    #[serde(rename = "cnn-5")]
    Cnn5 {
        /// Channels of the first convolution; the others have 2, 4 and 8 times as many.
        width: u32,
    },
    /// A transformer over tokens.
    Transformer(Transformer),
}

impl Family {
    /// The names, as the sweep file spells them.
    pub const NAMES: [&'static str; 9] =
        ["mlp", "lenet-5", "lenet-300-100", "vgg", "resnet", "resnet-18", "resnet-9", "cnn-5", "transformer"];

    /// The name, as the sweep file spells it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Mlp { .. } => "mlp",
            Self::Lenet5 { .. } => "lenet-5",
            Self::Lenet300 => "lenet-300-100",
            Self::Vgg(_) => "vgg",
            Self::Resnet(_) => "resnet",
            Self::Resnet18 { .. } => "resnet-18",
            Self::Resnet9 { .. } => "resnet-9",
            Self::Cnn5 { .. } => "cnn-5",
            Self::Transformer(_) => "transformer",
        }
    }

    /// The layers, input to output.
    ///
    /// # Errors
    /// If the parameters allow no network.
    pub fn layers(&self) -> Result<Vec<Layer>, Unbuildable> {
        match self {
            Self::Mlp { widths, activation } => Ok(mlp::layers(widths, *activation)),
            Self::Lenet5 { activation, padding } => Ok(lenet::lenet_5(*activation, *padding)),
            Self::Lenet300 => Ok(lenet::lenet_300_100()),
            Self::Vgg(vgg) => vgg.layers(),
            Self::Resnet(resnet) => resnet.layers(),
            Self::Resnet18 { width } => resnet_18::layers(*width),
            Self::Resnet9 { width } => resnet_9::layers(*width),
            Self::Cnn5 { width } => cnn_5::layers(*width),
            Self::Transformer(transformer) => transformer.layers(),
        }
    }
}
