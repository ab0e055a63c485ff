//! Functions of each number.

use serde::{Deserialize, Serialize};

/// A function of each number, between layers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// x. A network with it is the same as one without.
    Identity,
    /// max(0, x) (Nair and Hinton 2010). Its derivative at 0 counts as 0.
    Relu,
    /// x above 0, slope·x below (Maas et al. 2013).
    LeakyRelu {
        /// The slope below 0.
        slope: f64,
    },
    /// x above 0, alpha·(eˣ − 1) below (Clevert et al. 2016, arXiv 1511.07289).
    Elu {
        /// Minus the limit at −∞.
        alpha: f64,
    },
    /// x·Φ(x) with the normal distribution's Φ, exact (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// x·σ(x), also called swish (Elfwing et al. 2018, arXiv 1702.03118; Ramachandran et al. 2017, arXiv 1710.05941).
    Silu,
    /// tanh x.
    Tanh,
    /// σ(x) = 1/(1 + e⁻ˣ).
    Sigmoid,
    /// ln(1 + eˣ) (Dugas et al. 2001).
    Softplus,
    /// x within [−1, 1], and the nearer end outside (Collobert 2004).
    Hardtanh,
    /// sin(frequency·x) (Sitzmann et al. 2020, arXiv 2006.09661, with ω₀ for the frequency).
    Sine {
        /// The factor of x.
        frequency: f64,
    },
}

impl Activation {
    /// Every activation, with the settings that it has where none are given.
    pub const ALL: [Self; 11] = [
        Self::Identity,
        Self::Relu,
        Self::LeakyRelu { slope: 0.01 },
        Self::Elu { alpha: 1.0 },
        Self::Gelu,
        Self::Silu,
        Self::Tanh,
        Self::Sigmoid,
        Self::Softplus,
        Self::Hardtanh,
        Self::Sine { frequency: 1.0 },
    ];

    /// The activation as a word, as the sweep file spells it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Elu { .. } => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Hardtanh => "hardtanh",
            Self::Sine { .. } => "sine",
        }
    }
}
