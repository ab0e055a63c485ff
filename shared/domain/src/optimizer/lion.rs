//! Lion.

use serde::{Deserialize, Serialize};

/// Lion (Chen et al. 2023, arXiv 2302.06675, algorithm 2): a step along the sign of β₁m + (1 − β₁)g, with decoupled weight decay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Lion {
    /// The step size α, above zero.
    pub learning_rate: f64,
    /// The momentum's share in the direction, in [0, 1).
    pub beta1: f64,
    /// The decay of the momentum, in [0, 1).
    pub beta2: f64,
    /// λ, zero or more.
    pub weight_decay: f64,
}
