//! Initialisations by name.

use serde::{Deserialize, Serialize};

use super::graph::InitialDistribution;

/// How weights are drawn before the first step. `n` stands for the inputs of one output (fan-in), `m` for the outputs of one input
/// (fan-out). Scales of normalisations begin at 1 and biases at 0 where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialization {
    /// Weights and biases uniform within ±gain/√n, as PyTorch initialises its linear and convolutional layers: He et al. 2015
    /// (arXiv 1502.01852), equation 10, with the gain √(1/3) of a = √5 in `torch.nn.init.kaiming_uniform_`. Embeddings are
    /// standard normal.
    Pytorch {
        /// A factor of all of them; 1 is PyTorch's.
        gain: f64,
    },
    /// Normal with variance 2·gain²/n (He et al. 2015, equation 10); biases 0.
    Kaiming {
        /// A factor of the standard deviation.
        gain: f64,
    },
    /// Uniform within ±gain·√(6/(n + m)) (Glorot and Bengio 2010, equation 16); biases 0.
    Xavier {
        /// A factor of the bound.
        gain: f64,
    },
    /// Normal with this standard deviation; biases 0.
    Normal {
        /// The standard deviation.
        deviation: f64,
    },
    /// The matrix of outputs by inputs has orthogonal rows or columns of length gain (Saxe et al. 2014, arXiv 1312.6120); biases 0.
    Orthogonal {
        /// The length of the rows or columns.
        gain: f64,
    },
    /// Zero; the scales of a normalisation too, where it is said of that layer.
    Zero,
    /// As PyTorch's, but that the first outputs pass an input each: output i is input i, by a 1 in the kernel's middle and zeros
    /// elsewhere, as far as there are inputs (`torch.nn.init.dirac_`; Jordan 2024, arXiv 2404.00498); biases 0.
    Dirac,
}

impl Default for Initialization {
    fn default() -> Self {
        Self::Pytorch { gain: 1.0 }
    }
}

impl Initialization {
    /// The names, as the sweep file spells them.
    pub const NAMES: [&'static str; 7] =
        ["pytorch", "kaiming", "xavier", "normal", "orthogonal", "zero", "dirac"];

    /// The name, as the sweep file spells it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pytorch { .. } => "pytorch",
            Self::Kaiming { .. } => "kaiming",
            Self::Xavier { .. } => "xavier",
            Self::Normal { .. } => "normal",
            Self::Orthogonal { .. } => "orthogonal",
            Self::Zero => "zero",
            Self::Dirac => "dirac",
        }
    }

    /// The distribution of the weights of a layer with so many inputs of an output, and outputs of an input, whose groups have so many
    /// outputs each.
    pub(super) fn weight(&self, fan_in: f64, fan_out: f64, outputs: u32) -> InitialDistribution {
        match *self {
            Self::Pytorch { gain } => InitialDistribution::Uniform { bound: gain / fan_in.sqrt() },
            Self::Kaiming { gain } => InitialDistribution::Normal { deviation: gain * (2.0 / fan_in).sqrt() },
            Self::Xavier { gain } => {
                InitialDistribution::Uniform { bound: gain * (6.0 / (fan_in + fan_out)).sqrt() }
            }
            Self::Normal { deviation } => InitialDistribution::Normal { deviation },
            Self::Orthogonal { gain } => InitialDistribution::Orthogonal { gain },
            Self::Zero => InitialDistribution::Constant { value: 0.0 },
            Self::Dirac => InitialDistribution::Dirac { bound: 1.0 / fan_in.sqrt(), outputs },
        }
    }

    /// The distribution of the biases of a layer with so many inputs of an output.
    pub(super) fn bias(&self, fan_in: f64) -> InitialDistribution {
        match *self {
            Self::Pytorch { gain } => InitialDistribution::Uniform { bound: gain / fan_in.sqrt() },
            Self::Kaiming { .. }
            | Self::Xavier { .. }
            | Self::Normal { .. }
            | Self::Orthogonal { .. }
            | Self::Zero
            | Self::Dirac => InitialDistribution::Constant { value: 0.0 },
        }
    }

    /// The distribution of embeddings: one input is 1 and all others are 0, so that n is 1 whatever the vocabulary's size.
    pub(super) fn embedding(&self) -> InitialDistribution {
        match *self {
            Self::Pytorch { gain } | Self::Kaiming { gain } | Self::Xavier { gain } => {
                InitialDistribution::Normal { deviation: gain }
            }
            Self::Normal { deviation } => InitialDistribution::Normal { deviation },
            Self::Orthogonal { gain } => InitialDistribution::Orthogonal { gain },
            Self::Zero => InitialDistribution::Constant { value: 0.0 },
            Self::Dirac => InitialDistribution::Normal { deviation: 1.0 },
        }
    }
}
