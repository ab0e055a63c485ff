//! RMSprop.

use serde::{Deserialize, Serialize};

/// RMSprop (Hinton 2012, Neural Networks for Machine Learning, lecture 6e), as PyTorch defines it: s ← ρs + (1 − ρ)g², a step along
/// g / (√s + ε), or if centred along g / (√(s − m²) + ε) with the mean m of gradients (Graves 2013, arXiv 1308.0850).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RmsProp {
    /// The step size α, above zero.
    pub learning_rate: f64,
    /// The decay ρ of means, in [0, 1).
    pub rho: f64,
    /// ε, above zero.
    pub epsilon: f64,
    /// The share μ of the velocity that is kept, in [0, 1).
    pub momentum: f64,
    /// Whether the gradient's variance scales the step.
    pub centered: bool,
    /// λ of λθ added to the gradient, zero or more.
    pub weight_decay: f64,
}
