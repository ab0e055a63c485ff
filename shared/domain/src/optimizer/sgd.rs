//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

/// Stochastic gradient descent with momentum, as PyTorch defines it: v ← μv + (1 − τ)g (at the first step v ← g), θ ← θ − αv, or
/// θ ← θ − α(g + μv) by Nesterov (Sutskever et al. 2013).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// The step size α, above zero.
    pub learning_rate: f64,
    /// μ, in [0, 1).
    pub momentum: f64,
    /// λ of λθ added to the gradient, zero or more.
    pub weight_decay: f64,
    /// τ, in [0, 1); zero by Nesterov, and without meaning without momentum.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dampening: f64,
    /// Whether the step looks ahead along the velocity; without meaning without momentum.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nesterov: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Sgd {
    /// Without dampening and without Nesterov's look ahead.
    pub const fn new(learning_rate: f64, momentum: f64, weight_decay: f64) -> Self {
        Self { learning_rate, momentum, weight_decay, dampening: 0.0, nesterov: false }
    }

    /// Without momentum a step is along the gradient alone.
    pub(super) fn make_canonical(&mut self) {
        if self.momentum == 0.0 {
            (self.dampening, self.nesterov) = (0.0, false);
        }
    }
}
