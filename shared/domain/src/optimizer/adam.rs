//! Adam and AdamW.

use serde::{Deserialize, Serialize};

/// Adam (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1, with bias correction).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// The step size α, above zero.
    pub learning_rate: f64,
    /// The decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// The decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the second moment, above zero.
    pub epsilon: f64,
    /// λ of λθ added to the gradient (not decoupled), zero or more.
    pub weight_decay: f64,
}

impl Adam {
    /// The defaults of its paper and this step size.
    pub const fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2): Adam with θ ← (1 − αλ)θ before each step in place of λθ in the
/// gradient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// The step size α, above zero.
    pub learning_rate: f64,
    /// The decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// The decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the second moment, above zero.
    pub epsilon: f64,
    /// λ, zero or more.
    pub weight_decay: f64,
}

impl AdamW {
    /// λ where none is given: that of PyTorch.
    pub const WEIGHT_DECAY: f64 = 0.01;
}
