//! The optimisers and their parameters.

use serde::{Deserialize, Serialize};

/// An optimiser with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1, with bias correction).
    Adam {
        /// The step size α, above zero.
        learning_rate: f64,
        /// The decay of the first moment, in [0, 1).
        beta1: f64,
        /// The decay of the second moment, in [0, 1).
        beta2: f64,
        /// Added to the root of the second moment, above zero.
        epsilon: f64,
        /// λ of λθ added to the gradient (not decoupled), zero or more.
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum, as PyTorch defines it: v ← μv + g, θ ← θ − αv.
    Sgd {
        /// The step size α, above zero.
        learning_rate: f64,
        /// μ, in [0, 1).
        momentum: f64,
        /// λ of λθ added to the gradient, zero or more.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// Adam with the defaults of its paper and this step size.
    pub const fn adam(learning_rate: f64) -> Self {
        Self::Adam { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// The step size.
    pub const fn learning_rate(&self) -> f64 {
        match self {
            Self::Adam { learning_rate, .. } | Self::Sgd { learning_rate, .. } => *learning_rate,
        }
    }
}
