//! Muon.

use serde::{Deserialize, Serialize};

use super::{AdamW, Sgd};

/// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): parameters of two or more dimensions, as matrices
/// `[first, rest]`, step along their momentum, orthogonalised by the Newton–Schulz iteration; all others by another rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Muon {
    /// The step size α of matrices, above zero.
    pub learning_rate: f64,
    /// μ, in [0, 1).
    pub momentum: f64,
    /// Whether the step looks ahead along the momentum.
    pub nesterov: bool,
    /// λ of matrices (decoupled), zero or more.
    pub weight_decay: f64,
    /// Steps of the Newton–Schulz iteration, at least 1.
    pub iterations: u32,
    /// The rule of the other parameters.
    pub others: OtherRule,
    /// Whether the weights of the output layer are left to that rule too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub output_by_others: bool,
    /// Whether each matrix is brought to the norm √rows before its step.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub normalized: bool,
}

/// The rule of parameters that are no matrices.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum OtherRule {
    /// Adam with decoupled weight decay.
    #[serde(rename = "adamw")]
    AdamW(AdamW),
    /// Stochastic gradient descent.
    Sgd(Sgd),
}
